/** The HTTP API over real parts: what goes in, what comes out, exactly. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'
import type { TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import type { Answer } from '../../backend/answer/types.ts'
import { openHealth } from '../../backend/health.ts'
import {
  AnswerShape,
  CollectionList,
  DocumentPage,
  DocumentShape,
  HealthShape,
  JobShape,
  SearchResult,
  TextWindow,
} from '../../backend/http/shapes.ts'
import { appendJobLine, claimJob, createJob, finishJob, type IngestLine, setJobTotal } from '../../db/jobs.ts'
import { OpenAiErrorShape } from '../../http/openai/errors.ts'
import { type Listening, serve } from '../../http/serve.ts'
import { ErrorShape } from '../../http/shapes.ts'
import { openScriptedModel, type ScriptedModel } from './scripted-model.ts'
import { body, withoutExtras } from './shaped-body.ts'
import { call as callApp, ingest, openTestBackend, postJson, type TestBackend } from './test-backend.ts'

const lighthouse = `# Lighthouse 🗼

The lamp of the lighthouse is lit at dusk. 🌊 It turns once in nine seconds.

## Keeper

The keeper's name was Ilse Brandt. She kept the lamp for forty years. 🕯️
`
const orchard = 'The orchard has two hundred apple trees.\r\nThe cider press was built in 1911.\r\n'

let model: ScriptedModel
let backend: TestBackend
let pageDir: string

beforeAll(async () => {
  pageDir = await mkdtemp(join(tmpdir(), 'mentor-page-'))
  await Bun.write(join(pageDir, 'index.html'), '<!doctype html><script src="/index-ab12cd34.js"></script>')
  await Bun.write(join(pageDir, 'index-ab12cd34.js'), `console.log(${JSON.stringify('x'.repeat(5_000))})`)
  await Bun.write(join(pageDir, '.built-from'), 'hidden')
  model = openScriptedModel()
  backend = await openTestBackend({ pageDir, ladder: { serviceUrl: model.url, serviceEnabled: true } })
  await ingest(backend.app, { 'coast/lighthouse.md': lighthouse, 'orchard.txt': orchard })
}, 120_000)

afterAll(async () => {
  await backend.close()
  await model.stop()
  await rm(pageDir, { recursive: true, force: true })
})

const call = (path: string, init?: RequestInit) => callApp(backend.app, path, init)

async function refusal(
  response: Response,
  status: number,
  shape: TSchema = ErrorShape,
): Promise<{ code: string; message: string }> {
  const { error } = await body<{ error: { code: string; message: string } }>(response, shape, status)
  return error
}

interface Listed {
  documents: { id: string; source: string; version: number; length: number; collection: string }[]
  next: string | null
}

const listed = async (query = '') => body<Listed>(await call(`/api/documents${query}`), DocumentPage)

async function documentNamed(source: string) {
  const found = (await listed()).documents.find((one) => one.source === source)
  if (found === undefined) throw new Error(`no document ${source}`)
  return found
}

const textOf = async (id: string, query = '') =>
  body<{ text: string; start: number; end: number; length: number; version: number }>(
    await call(`/api/documents/${id}/text${query}`),
    TextWindow,
  )

describe('search', () => {
  test('finds the passage, with scores, ranks and offsets that hold', async () => {
    const found = await body<{ passages: Answer['passages'] }>(
      await call('/api/search', postJson({ query: 'Who kept the lamp?', k: 3 })),
      SearchResult,
    )
    expect(found.passages.length).toBeGreaterThan(0)
    expect(found.passages.length).toBeLessThanOrEqual(3)
    const best = found.passages[0]
    expect(best?.document.source).toBe('coast/lighthouse.md')
    for (const one of found.passages) {
      const { text } = await textOf(one.document.id)
      expect(text.slice(one.start, one.end)).toBe(one.text)
    }
  })

  test.each(['hybrid', 'dense', 'lexical'])('takes the mode %s', async (mode) => {
    const found = await body<{ passages: Answer['passages'] }>(
      await call('/api/search', postJson({ query: 'cider press', mode })),
      SearchResult,
    )
    expect(found.passages[0]?.document.source).toBe('orchard.txt')
    if (mode === 'lexical') expect(found.passages[0]?.scores.dense).toBeNull()
    if (mode === 'dense') expect(found.passages[0]?.scores.lexical).toBeNull()
  })

  test('of a collection that is not there: 404; SQL in a query is text', async () => {
    const error = await refusal(
      await call('/api/search', postJson({ query: 'a', collection: 'nowhere' })),
      404,
    )
    expect(error.code).toBe('not_found')
    const query = "'; drop table documents; --"
    await body(await call('/api/search', postJson({ query })), SearchResult)
    expect((await listed()).documents.length).toBe(2)
  })

  test('the longest query there may be is answered', async () => {
    await body(await call('/api/search', postJson({ query: 'lamp '.repeat(800) })), SearchResult)
  })
})

describe('ask', () => {
  const question = 'Who was the keeper of the lighthouse?'

  test('quotes the documents, and every citation holds to the character', async () => {
    const answer = await body<Answer>(
      await call('/api/ask', postJson({ question, rung: 'context-only', passages: 2 })),
      AnswerShape,
    )
    expect(answer).toMatchObject({ rung: 'context-only', model: null, abstained: false })
    expect(answer.answer).toContain('Ilse Brandt')
    expect(answer.passages.length).toBeLessThanOrEqual(2)
    expect(answer.citations.length).toBeGreaterThan(0)
    for (const one of answer.citations) {
      const { text } = await textOf(one.document.id, `?version=${one.document.version}`)
      expect(text.slice(one.start, one.end)).toBe(one.quote)
      const window = await textOf(one.document.id, `?start=${one.start}&end=${one.end}`)
      expect(window.text).toBe(one.quote)
    }
  })

  test('streams the same: sources, sentences, then the whole answer', async () => {
    const response = await call('/api/ask', postJson({ question, rung: 'context-only', stream: true }))
    expect(response.headers.get('content-type')).toStartWith('text/event-stream')
    const parts = partsOf(await response.text())
    const types = parts.map((part) => part.type)
    expect(types.indexOf('source-document')).toBe(1)
    expect(types.lastIndexOf('source-document')).toBeLessThan(types.indexOf('text-start'))
    expect(types.slice(-2)).toEqual(['data-answer', 'finish'])
    const answer = parts.find((part) => part.type === 'data-answer')?.data as Answer
    expect([...Value.Errors(withoutExtras(AnswerShape), answer)]).toEqual([])
    const said = parts.flatMap((part) => (part.type === 'text-delta' ? [part.delta] : [])).join('')
    expect(said).toBe(answer.answer)
  })

  test('a rung by name answers alone, or is refused before anything is sent', async () => {
    for (const stream of [false, true]) {
      const response = await call('/api/ask', postJson({ question, rung: 'local-model', stream }))
      expect(response.headers.get('retry-after')).toMatch(/^\d+$/)
      expect((await refusal(response, 503)).code).toBe('rung_unavailable')
    }
  })

  test('an unknown collection is 404, also for a stream', async () => {
    for (const stream of [false, true]) {
      const response = await call('/api/ask', postJson({ question, collection: 'nowhere', stream }))
      expect((await refusal(response, 404)).code).toBe('not_found')
    }
  })

  test('a conversation of the most messages of the most characters is taken', async () => {
    const history = Array.from({ length: 20 }, (_, n) => ({
      role: n % 2 === 0 ? 'user' : 'assistant',
      content: '灯'.repeat(8_000),
    }))
    await body(await call('/api/ask', postJson({ question, rung: 'context-only', history })), AnswerShape)
  })
})

describe('documents', () => {
  test('are listed newest first, page by page, and shown one by one', async () => {
    const all = await listed()
    expect(all.documents.map((one) => one.source).sort()).toEqual(['coast/lighthouse.md', 'orchard.txt'])
    expect(all.next).toBeNull()
    const first = await listed('?limit=1')
    const second = await listed(`?limit=1&cursor=${first.next}`)
    expect([...first.documents, ...second.documents]).toEqual(all.documents)
    expect(second.next).toBeNull()
    const id = all.documents[0]?.id
    expect(await body<unknown>(await call(`/api/documents/${id}`), DocumentShape)).toEqual(all.documents[0])
  })

  test('have the text as it was sent, line ends and all', async () => {
    const { id } = await documentNamed('orchard.txt')
    expect(await textOf(id)).toMatchObject({
      text: orchard,
      start: 0,
      end: orchard.length,
      length: orchard.length,
    })
  })

  test('give windows of it that never cut a surrogate pair', async () => {
    const { id } = await documentNamed('coast/lighthouse.md')
    const tower = lighthouse.indexOf('🗼')
    const cases: [string, number, number][] = [
      [`?start=0&end=${tower + 1}`, 0, tower + 2],
      [`?start=${tower + 1}&end=${tower + 5}`, tower, tower + 5],
      [`?start=${tower + 1}&end=${tower + 1}`, tower, tower + 2],
      ['?end=5', 0, 5],
      ['?start=5', 5, lighthouse.length],
      ['?start=10&end=2000000000', 10, lighthouse.length],
      [`?start=${lighthouse.length}`, lighthouse.length, lighthouse.length],
    ]
    for (const [query, start, end] of cases) {
      const window = await textOf(id, query)
      expect({ query, ...window }).toMatchObject({ query, start, end, text: lighthouse.slice(start, end) })
      expect(window.text.isWellFormed()).toBe(true)
    }
    expect((await refusal(await call(`/api/documents/${id}/text?start=99999`), 416)).code).toBe(
      'past_the_end',
    )
  })

  test('replaced: the old version is 410; deleted: 404 everywhere', async () => {
    await ingest(backend.app, { 'note.md': 'The ferry leaves at seven.' }, 'ferry')
    const before = await documentNamed('note.md')
    const { lines } = await ingest(backend.app, { 'note.md': 'The ferry leaves at eight.' }, 'ferry')
    expect(lines).toMatchObject([{ file: 'note.md', status: 'replaced', document: before.id }])
    const after = await documentNamed('note.md')
    expect(after.id).toBe(before.id)
    const gone = await call(`/api/documents/${before.id}/text?version=${before.version}`)
    expect((await refusal(gone, 410)).code).toBe('version_gone')
    expect((await textOf(before.id, `?version=${after.version}`)).text).toBe('The ferry leaves at eight.')

    const deleted = await call(`/api/documents/${before.id}`, { method: 'DELETE' })
    expect([deleted.status, await deleted.text()]).toEqual([204, ''])
    for (const path of ['', '/text']) await refusal(await call(`/api/documents/${before.id}${path}`), 404)
    await refusal(await call(`/api/documents/${before.id}`, { method: 'DELETE' }), 404)
    const found = await call('/api/search', postJson({ query: 'ferry', collection: 'ferry' }))
    expect(await found.json()).toMatchObject({ passages: [] })
  }, 60_000)
})

describe('uploads', () => {
  const form = (files: [string, string | Uint8Array<ArrayBuffer>][], collection = 'uploads') => {
    const data = new FormData()
    data.append('collection', collection)
    for (const [name, content] of files) data.append('files', new File([content], name))
    return { method: 'POST', body: data }
  }

  test('are a job whose lines tell of each file; a bad one does not stop the others', async () => {
    const files: [string, string][] = [
      ['good.md', '# Good\n\nA good file about beekeeping.'],
      ['empty.txt', ''],
      ['folder/deeper/also good.txt', 'Another good file about tea.'],
    ]
    const accepted = await call('/api/documents', form(files))
    expect(accepted.status).toBe(202)
    const { job } = (await accepted.json()) as { job: string }
    const done = await body<{ state: string; done: number; total: number; lines: object[]; totals: object }>(
      await call(`/api/jobs/${job}?wait=true`),
      JobShape,
    )
    expect(done).toMatchObject({ state: 'done', done: 3, total: 3 })
    expect(done.lines).toHaveLength(3)
    const lines = done.lines as { file: string; status: string }[]
    expect(Object.fromEntries(lines.map((line) => [line.file, line.status]))).toEqual({
      'good.md': 'added',
      'empty.txt': 'failed',
      'folder/deeper/also good.txt': 'added',
    })
    expect(done.totals).toMatchObject({ files: 3, added: 2, failed: 1 })

    const ndjson = await call(`/api/jobs/${job}`, { headers: { accept: 'application/x-ndjson' } })
    expect(ndjson.headers.get('content-type')).toBe('application/x-ndjson')
    const printed = (await ndjson.text())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(printed.slice(0, -1)).toEqual(done.lines)
    expect(printed.at(-1)).toEqual({ totals: done.totals })
    // What was uploaded is in the database now; the files are gone.
    await until(async () => (await readdir(join(backend.dataDir, 'uploads'))).length === 0)
  }, 60_000)

  test('names are data: shown as sent, never a path', async () => {
    const names = [
      "a'b.txt",
      'C:\\Users\\me\\notes.txt',
      './x/./y.txt',
      '/etc/passwd.txt',
      'ünï 😀.txt',
      'CON.txt',
    ]
    const response = await call(
      '/api/documents?wait=true',
      form(
        names.map((name) => [name, `text of ${name}`]),
        'names',
      ),
    )
    const { lines } = await body<{ lines: { file: string; status: string }[] }>(response, JobShape)
    expect(lines.map((line) => line.file).sort()).toEqual(
      ["a'b.txt", 'Users/me/notes.txt', 'x/y.txt', 'etc/passwd.txt', 'ünï 😀.txt', 'CON.txt'].sort(),
    )
    expect(lines.every((line) => line.status === 'added')).toBe(true)
  }, 60_000)

  test('wait=true on the upload answers with the finished job', async () => {
    const response = await call('/api/documents?wait=true', form([['one.txt', 'About wool.']]))
    expect(await body<object>(response, JobShape)).toMatchObject({ state: 'done', collection: 'uploads' })
  }, 60_000)
})

describe('collections', () => {
  test('are made once, listed and deleted with their documents', async () => {
    const made = await call('/api/collections', postJson({ name: 'winter' }))
    expect([made.status, await made.json()]).toEqual([201, { name: 'winter' }])
    expect((await call('/api/collections', postJson({ name: 'winter' }))).status).toBe(200)
    await ingest(backend.app, { 'snow.txt': 'Snow fell on the pass.' }, 'winter')
    const { collections } = await body<{ collections: object[] }>(
      await call('/api/collections'),
      CollectionList,
    )
    expect(collections).toContainEqual(expect.objectContaining({ name: 'winter', documents: 1, passages: 1 }))
    expect((await listed('?collection=winter')).documents.map((one) => one.collection)).toEqual(['winter'])
    expect((await call('/api/collections/winter', { method: 'DELETE' })).status).toBe(204)
    await refusal(await call('/api/documents?collection=winter'), 404)
    expect((await listed()).documents.some((one) => one.source === 'snow.txt')).toBe(false)
  }, 60_000)
})

describe('health', () => {
  test('has the fields of old and ours', async () => {
    const health = await body<object>(await call('/health'), HealthShape)
    expect(health).toMatchObject({
      backend: 'ok',
      version: '0.0.0-test',
      database: { kind: 'embedded', state: 'ready' },
      embedding: { model: 'all-MiniLM-L6-v2', dimensions: 384 },
      ingesting: null,
    })
    expect(Object.keys(health).slice(0, 4)).toEqual(['status', 'backend', 'vllm', 'timestamp'])
    expect(await (await call('/api/health')).json()).toMatchObject({ backend: 'ok' })
  })

  test('follows the job of the start, also when its worker begins anew', async () => {
    const { db } = backend
    const job = await createJob(db, { kind: 'paths', collection: 'default', inputs: [] })
    const watch = openHealth({ services: backend.services, version: '1', startJob: job, log: () => {} })
    const ingesting = async () => (await watch.read()).ingesting
    const line: IngestLine = {
      file: 'a.md',
      status: 'added',
      reason: null,
      warnings: [],
      document: null,
      passages: 1,
      ms: 1,
    }
    expect(await ingesting()).toEqual({ done: 0, total: 0 })
    await setJobTotal(db, job, 3)
    expect(await ingesting()).toEqual({ done: 0, total: 3 })
    for (const done of [1, 2]) {
      await appendJobLine(db, job, line)
      expect(await ingesting()).toEqual({ done, total: 3 })
    }
    expect((await claimJob(db, 'a worker'))?.job).toBe(job)
    expect(await ingesting()).toEqual({ done: 0, total: 0 })
    await setJobTotal(db, job, 3)
    await appendJobLine(db, job, line)
    expect(await ingesting()).toEqual({ done: 1, total: 3 })
    await finishJob(db, job, 'enough')
    expect(await ingesting()).toBeNull()
  })
})

describe('the page', () => {
  const page = (path: string, headers: Record<string, string> = {}) => call(path, { headers })

  test('is for browsers; others get a few words', async () => {
    const html = await page('/', { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' })
    expect(html.headers.get('content-type')).toStartWith('text/html')
    expect(html.headers.get('cache-control')).toBe('no-cache')
    const words = await page('/', { accept: 'application/json' })
    expect(await words.json()).toMatchObject({ message: expect.any(String), version: '0.0.0-test' })
    expect(Object.keys(await (await page('/')).json())).toContain('vllm_status')
  })

  test('names with a hash are kept for good, and packed for who can unpack', async () => {
    const plain = await page('/index-ab12cd34.js')
    expect(plain.headers.get('cache-control')).toContain('immutable')
    const packed = await page('/index-ab12cd34.js', { 'accept-encoding': 'gzip, br' })
    expect(packed.headers.get('content-encoding')).toBe('br')
    const bytes = await packed.bytes()
    expect(bytes.length).toBeLessThan(500)
    expect(brotliDecompressSync(bytes).toString()).toBe(await plain.text())
    const refused = await page('/index-ab12cd34.js', { 'accept-encoding': 'br;q=0' })
    expect(refused.headers.get('content-encoding')).toBeNull()
  })

  test('hides hidden files', async () => {
    await refusal(await page('/.built-from'), 404)
    await refusal(await page('/%2ebuilt-from'), 404)
  })
})

describe('every route', () => {
  const routes = () =>
    backend.app.routes.map(({ method, path }) => ({
      method,
      path: path
        .replace(':id', '00000000-0000-4000-8000-000000000000')
        .replace(':name', 'x')
        .replace(':collection', 'x')
        .replace(':session_id', 'x')
        .replace('*', 'index.html'),
    }))

  test.each<[string, Record<string, string>]>([
    ['a foreign Host', { host: 'evil.example' }],
    ['a foreign Host with our port', { host: 'evil.example:8000' }],
    ['a foreign Origin', { origin: 'http://evil.example' }],
    ['an Origin of another port', { origin: 'http://localhost:3000' }],
    ['no origin to speak of', { origin: 'null' }],
    ['an Origin of a file', { origin: 'file://' }],
  ])('is closed to %s', async (_, headers) => {
    expect(routes().length).toBeGreaterThan(15)
    for (const { method, path } of routes()) {
      const response = await call(path, { method, headers })
      const shape = path.startsWith('/v1/') ? OpenAiErrorShape : ErrorShape
      const { code } = await refusal(response, 403, shape)
      expect(code).toStartWith('foreign_')
      expect([...response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
    }
  })

  test.each<[string, Record<string, string>]>([
    ['the loopback name', { host: 'localhost:8000', origin: 'http://localhost:8000' }],
    ['the loopback address', { host: '127.0.0.1:9', origin: 'http://127.0.0.1:9' }],
    ['the other loopback address', { host: '[::1]:8000', origin: 'http://[::1]:8000' }],
    ['a proxy that adds TLS', { host: 'localhost', origin: 'https://localhost' }],
  ])('is open to %s', async (_, headers) => {
    expect((await call('/health', { headers })).status).toBe(200)
  })

  test('sends headers that keep the page to itself', async () => {
    for (const { method, path } of routes()) {
      if (method !== 'GET') continue
      const { headers } = await call(path, { headers: { accept: 'text/html' } })
      expect({ path, policy: headers.get('content-security-policy') }).toEqual({
        path,
        policy: expect.stringContaining("default-src 'self'"),
      })
      expect(headers.get('content-security-policy')).not.toContain('unsafe')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('referrer-policy')).toBe('no-referrer')
    }
  })

  test('is in the OpenAPI document, and readable without a network', async () => {
    const document = (await (await call('/openapi.json')).json()) as {
      openapi: string
      paths: Record<string, Record<string, { responses: object; summary: string }>>
    }
    expect(document.openapi).toBe('3.1.0')
    const page = await (await call('/docs')).text()
    expect(page.match(/(?:src|href)="(?!\/|#)[^"]*"/g)).toBeNull()
    expect(page).not.toContain('<script')
    expect(page).not.toContain('style=')
    const shown = ['/', '/*', '/openapi.json', '/docs', '/docs/style.css']
    for (const { method, path } of backend.app.routes) {
      if (shown.includes(path)) continue
      const operation = document.paths[path.replace(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()]
      expect({ method, path, summary: operation?.summary }).toEqual({
        method,
        path,
        summary: expect.any(String),
      })
      expect(Object.keys(operation?.responses ?? {})).toContain('422')
      expect(page).toContain(`<code>${path.replace(/:(\w+)/g, '{$1}')}</code>`)
    }
    expect((await call('/docs/style.css')).headers.get('content-type')).toStartWith('text/css')
  })
})

/** Late: a server that stops ends the ingest worker for good. */
describe('a client that hangs up', () => {
  let server: Listening
  beforeAll(async () => {
    server = await serve(backend.app, { host: '127.0.0.1', port: 0 })
  })
  afterAll(() => server.stop())

  test.each([
    [true, ['It turns once in nine seconds. [1] And']],
    [true, []],
    [false, []],
  ])('stream %p, after %p: the model is told within a second', async (stream, pieces) => {
    Object.assign(model.script, { pieces, hang: true })
    const hungUp = model.hungUp()
    const client = new AbortController()
    const asked = fetch(`${server.url}/api/ask`, {
      ...postJson({
        question: 'How often does the lamp of the lighthouse turn?',
        rung: 'llm-service',
        stream,
      }),
      signal: client.signal,
    }).then((response) => response.text())
    const outcome = asked.catch((error: Error) => error.name)
    while (model.active() === 0) await Bun.sleep(10)
    await Bun.sleep(100)
    const began = performance.now()
    client.abort()
    expect((await hungUp) - began).toBeLessThan(1_000)
    expect(await outcome).toBe('AbortError')
    expect(model.active()).toBe(0)
  })

  test('a hundred who hang up leave no question behind', async () => {
    Object.assign(model.script, { pieces: ['It turns once in nine seconds. [1] And'], hang: true })
    const hangUp = async (stream: boolean) => {
      const client = new AbortController()
      const asked = fetch(`${server.url}/api/ask`, {
        ...postJson({ question: 'How often does the lamp of the lighthouse turn?', stream }),
        signal: client.signal,
      }).then((response) => response.text())
      setTimeout(() => client.abort(), Math.random() * 200)
      await asked.catch((error: Error) => error.name)
    }
    // More in all than may be under way at once, so that one that stays shows.
    for (let round = 0; round < 4; round++) {
      await Promise.all(Array.from({ length: 25 }, (_, n) => hangUp(n % 2 === 0)))
    }
    await until(async () => model.active() === 0)
    const ask = () =>
      call('/api/ask', postJson({ question: 'How often does the lamp turn?', rung: 'context-only' }))
    // As many as may be under way at once: one place that stays taken refuses one of them for ever.
    await until(async () => {
      const answers = await Promise.all(Array.from({ length: 64 }, ask))
      return answers.every((response) => response.status === 200)
    })
  }, 30_000)

  test('nothing of that was a defect', () => {
    expect(backend.log.filter((line) => line.startsWith('500'))).toEqual([])
  })
})

/** Last: it takes the database away. */
describe('without the database', () => {
  beforeAll(() => backend.db.sql.end({ timeout: 1 }))

  test('every route that needs it is 503 with Retry-After, within 2 s', async () => {
    const id = '00000000-0000-4000-8000-000000000000'
    const requests: [string, RequestInit?][] = [
      ['/api/search', postJson({ query: 'lamp' })],
      ['/api/ask', postJson({ question: 'lamp?' })],
      ['/api/ask', postJson({ question: 'lamp?', stream: true })],
      ['/api/documents'],
      [`/api/documents/${id}`],
      [`/api/documents/${id}/text`],
      [`/api/documents/${id}`, { method: 'DELETE' }],
      [`/api/jobs/${id}`],
      ['/api/collections'],
      ['/api/collections', postJson({ name: 'x' })],
    ]
    for (const [path, init] of requests) {
      const began = performance.now()
      const response = await call(path, init)
      expect({ path, code: (await refusal(response, 503)).code }).toEqual({
        path,
        code: 'database_unavailable',
      })
      expect(response.headers.get('retry-after')).toBe('2')
      expect(performance.now() - began).toBeLessThan(2_000)
    }
  })

  test('an upload is refused and leaves nothing', async () => {
    const data = new FormData()
    data.append('files', new File(['text'], 'a.txt'))
    const before = await readdir(join(backend.dataDir, 'uploads'))
    const response = await call('/api/documents', { method: 'POST', body: data })
    expect((await refusal(response, 503)).code).toBe('database_unavailable')
    expect(await readdir(join(backend.dataDir, 'uploads'))).toEqual(before)
  })

  test('health still answers: degraded, with the counts it knew', async () => {
    const health = await body<{ status: string; counts: { documents: number } }>(
      await call('/health'),
      HealthShape,
    )
    expect(health).toMatchObject({ status: 'degraded', database: { state: 'unavailable' } })
    expect(health.counts.documents).toBeGreaterThan(0)
  })
})

interface Part {
  type: string
  delta?: string
  data?: unknown
}

function partsOf(stream: string): Part[] {
  return stream
    .split('\n\n')
    .filter((line) => line.startsWith('data: {'))
    .map((line) => JSON.parse(line.slice(6)))
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error('It did not come to hold within 10 s.')
    await Bun.sleep(20)
  }
}
