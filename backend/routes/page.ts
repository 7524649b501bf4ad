/** The page: static files of one folder, and at `/` a few words for a client that is no browser. */
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants } from 'node:zlib'
import { Elysia } from 'elysia'
import { notFound } from '../../http/refusal.ts'
import type { Backend } from './backend.ts'

const compress = promisify(brotliCompress)
const compressible = /^(text\/|application\/(javascript|json)|image\/svg)/
/** Plain names only, none hidden: nothing that could leave the folder. */
const fileName = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/
/** A file with a hash in its name never changes. */
const hashed = /-[a-z0-9]{8}\.[a-z0-9]+$/

export function pageRoutes(backend: Backend, pageDir: string | null) {
  const files = openFiles(pageDir)
  const hidden = { detail: { hide: true } }
  return new Elysia()
    .get(
      '/',
      async ({ request }) => {
        if (!accepts(request, 'accept', 'text/html') || pageDir === null) return greeting(backend)
        return files('index.html', request)
      },
      hidden,
    )
    .get('/*', ({ params, request }) => files(params['*'], request), hidden)
}

async function greeting({ health, version }: Backend) {
  const { vllm, strategy } = await health.read()
  return {
    message: 'Mentor answers questions from your documents.',
    version,
    vllm_status: vllm,
    strategy,
    docs: '/docs',
  }
}

/** Reads, and compresses once, the files of a folder. A rebuilt page is noticed by its time. */
function openFiles(dir: string | null): (name: string, request: Request) => Promise<Response> {
  const packed = new Map<string, { modified: number; bytes: Uint8Array<ArrayBuffer> }>()
  return async (name, request) => {
    const absent = notFound('address', 'GET /docs lists every address.')
    if (dir === null || !fileName.test(name)) throw absent
    const file = Bun.file(join(dir, name))
    if (!(await file.exists())) throw absent
    const headers = new Headers({
      'content-type': file.type,
      'cache-control': hashed.test(name) ? 'public, max-age=31536000, immutable' : 'no-cache',
      vary: name === 'index.html' ? 'accept, accept-encoding' : 'accept-encoding',
    })
    if (!compressible.test(file.type) || !accepts(request, 'accept-encoding', 'br')) {
      return new Response(await file.bytes(), { headers })
    }
    let one = packed.get(name)
    if (one?.modified !== file.lastModified) {
      const params = { [constants.BROTLI_PARAM_QUALITY]: 9 }
      const bytes = new Uint8Array(await compress(await file.bytes(), { params }))
      one = { modified: file.lastModified, bytes }
      packed.set(name, one)
    }
    headers.set('content-encoding', 'br')
    return new Response(one.bytes, { headers })
  }
}

/** Whether a list header names a value without `;q=0`. */
function accepts(request: Request, header: string, value: string): boolean {
  const entries = (request.headers.get(header) ?? '').toLowerCase().split(',')
  return entries.some((entry) => {
    const [name = '', ...parameters] = entry.split(';').map((part) => part.trim())
    return name === value && !parameters.some((one) => /^q=0(\.0*)?$/.test(one))
  })
}
