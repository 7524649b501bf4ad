/**
 * A model hub on loopback, and the file store it redirects to: the routes, headers and refusals of the real one that a
 * pull meets, and what can go wrong with them. On node:http, because it can cut a connection in the middle of a body.
 */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

export interface FakeFile {
  bytes: Uint8Array
  /** In large-file storage: the hub says its SHA-256. Others have git's hash. */
  lfs: boolean
  gated: boolean
}

export interface Seen {
  at: 'hub' | 'store'
  path: string
  range: string | null
  authorization: string | null
}

export interface FakeHub {
  url: string
  storeUrl: string
  /** By `OWNER/REPO/PATH`. */
  files: Map<string, FakeFile>
  put(path: string, bytes: Uint8Array, options?: Partial<FakeFile>): void
  seen: Seen[]
  /** Bytes of bodies sent, by both hosts. */
  sent(): number
  behaviour: Behaviour
  stop(): void
}

export interface Behaviour {
  /** Large files come from the other host. */
  redirect: boolean
  /** Where that points instead of the file store. */
  redirectTo: string | null
  ranges: boolean
  /** So many bodies are cut. */
  breaks: number
  /** After so many bytes. */
  breakAfter: number
  /** So many requests are answered 503 first. */
  busy: number
  bytesPerSecond: number
  /** Bodies stop after the first bytes, for ever. */
  hang: boolean
  /** Another SHA-256 than the file's is told. */
  claim: string | null
  /** Another hash of git's than a small file's is told. */
  gitClaim: string | null
  /** The hub's own headers are kept back, as by a mirror. */
  bareMirror: boolean
  /** Length that both hosts tell instead of the file's. */
  length: number | null
  /** Length that the hub alone tells. */
  linkedLength: number | null
}

const commit = 'c0ffee'.repeat(7).slice(0, 40)

export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

const gitHash = (bytes: Uint8Array) =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')

export async function openFakeHub(): Promise<FakeHub> {
  const files = new Map<string, FakeFile>()
  const seen: Seen[] = []
  const behaviour: Behaviour = {
    redirect: true,
    redirectTo: null,
    ranges: true,
    breaks: 0,
    breakAfter: 1000,
    busy: 0,
    bytesPerSecond: Number.POSITIVE_INFINITY,
    hang: false,
    claim: null,
    gitClaim: null,
    linkedLength: null,
    bareMirror: false,
    length: null,
  }
  let sent = 0
  const count = (bytes: number) => {
    sent += bytes
  }
  const look = (at: Seen['at'], { url = '', headers }: IncomingMessage) =>
    seen.push({ at, path: url, range: headers.range ?? null, authorization: headers.authorization ?? null })

  const store = createServer((request, response) => {
    look('store', request)
    const file = files.get(decodeURIComponent((request.url ?? '').slice(1).replace(/\?.*/, '')))
    if (file === undefined) return refuse(response, 404)
    void serve(request, response, file, behaviour, count, {})
  })
  const storeUrl = await listen(store)

  const hub = createServer((request, response) => {
    look('hub', request)
    const { pathname } = new URL(request.url ?? '/', 'http://hub')
    const tree = /^\/api\/models\/([^/]+\/[^/]+)\/tree\/[^/]+(?:\/(.+))?$/.exec(pathname)
    if (tree !== null)
      return list(response, files, `${tree[1]}/${tree[2] === undefined ? '' : `${tree[2]}/`}`)
    const [, repo, revision, path] = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(pathname) ?? []
    if (behaviour.busy > 0) {
      behaviour.busy--
      return refuse(response, 503, { 'retry-after': '0' })
    }
    const name = `${repo}/${decodeURIComponent(path ?? '')}`
    const file = files.get(name)
    if (file === undefined) {
      const known = [...files.keys()].some((key) => key.startsWith(`${repo}/`))
      return refuse(response, 404, { 'x-error-code': known ? 'EntryNotFound' : 'RepoNotFound' })
    }
    if (revision !== 'main' && revision !== commit)
      return refuse(response, 404, { 'x-error-code': 'RevisionNotFound' })
    if (file.gated && request.headers.authorization !== 'Bearer good-token')
      return refuse(response, request.headers.authorization === undefined ? 401 : 403, {
        'x-error-code': 'GatedRepo',
      })
    const told: Record<string, string> = {}
    if (!behaviour.bareMirror) {
      told['x-repo-commit'] = commit
      if (file.lfs) {
        told['x-linked-etag'] = `"${behaviour.claim ?? sha256(file.bytes)}"`
        told['x-linked-size'] = String(behaviour.linkedLength ?? behaviour.length ?? file.bytes.length)
      } else {
        told.etag = `"${behaviour.gitClaim ?? gitHash(file.bytes)}"`
      }
    }
    if (file.lfs && behaviour.redirect) {
      const to = behaviour.redirectTo ?? `${storeUrl}/${name}?X-Signature=secret`
      response.writeHead(302, { ...told, location: to })
      return response.end()
    }
    void serve(request, response, file, behaviour, count, told)
  })
  const url = await listen(hub)
  return {
    url,
    storeUrl,
    files,
    put: (path, bytes, options = {}) => files.set(path, { bytes, lfs: true, gated: false, ...options }),
    seen,
    sent: () => sent,
    behaviour,
    stop() {
      for (const server of [hub, store]) {
        server.closeAllConnections()
        server.close()
      }
    },
  }
}

function listen(server: ReturnType<typeof createServer>): Promise<string> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      if (address === null || typeof address === 'string') throw new Error('no port')
      resolve(`http://127.0.0.1:${address.port}`)
    })
  })
}

function refuse(response: ServerResponse, status: number, headers: Record<string, string> = {}) {
  response.writeHead(status, headers)
  response.end('no')
}

function list(response: ServerResponse, files: Map<string, FakeFile>, below: string) {
  const entries = [...files].flatMap(([name, { bytes, lfs }]) => {
    const path = name.split('/').slice(2).join('/')
    if (!name.startsWith(below)) return []
    return [
      {
        type: 'file',
        path,
        size: bytes.length,
        ...(lfs ? { lfs: { oid: sha256(bytes), size: bytes.length } } : {}),
      },
    ]
  })
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify(entries))
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  { bytes }: FakeFile,
  behaviour: Behaviour,
  count: (bytes: number) => void,
  headers: Record<string, string>,
): Promise<void> {
  const total = behaviour.length ?? bytes.length
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
  const ranged = behaviour.ranges && from !== undefined
  const start = ranged ? Number(from) : 0
  const end = ranged ? Math.min(Number(to) + 1, total) : total
  response.writeHead(ranged ? 206 : 200, {
    etag: '"of-the-store"',
    'content-length': String(end - start),
    ...(ranged ? { 'content-range': `bytes ${start}-${end - 1}/${total}` } : {}),
    ...headers,
  })
  const probe = end - start === 1
  const cut = !probe && behaviour.breaks > 0
  if (cut) behaviour.breaks--
  const last = cut || (behaviour.hang && !probe) ? Math.min(start + behaviour.breakAfter, end) : end
  for (let at = start; at < last; ) {
    const step = Math.min(Math.max(1, Math.floor(behaviour.bytesPerSecond / 20)), last - at, 2 ** 16)
    if (response.destroyed) return
    response.write(bytes.subarray(at, at + step))
    count(Math.min(step, bytes.length - at))
    at += step
    if (Number.isFinite(behaviour.bytesPerSecond)) await Bun.sleep(50)
  }
  if (cut) {
    await Bun.sleep(20) // so that what was written is on its way
    response.socket?.destroy()
  } else if (last === end) response.end()
}
