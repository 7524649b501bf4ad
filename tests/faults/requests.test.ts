/** Every bad request that a route with a body can get: refused in JSON, nothing echoed, nothing left behind. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Listening, serve } from '../../http/serve.ts'
import { openTestBackend, type TestBackend } from '../http/test-backend.ts'

/** Stands in values that are sent: must never come back, nor be logged. */
const canary = 'c4n4ry'
const maxUploadBytes = 300_000

let backend: TestBackend
let server: Listening

beforeAll(async () => {
  backend = await openTestBackend({ maxUploadBytes })
  server = await serve(backend.app, { host: '127.0.0.1', port: 0 })
}, 60_000)

afterAll(async () => {
  await server.stop()
  await backend.close()
})

interface Refusal {
  error: {
    code: string
    message: string
    hint?: string
    details?: { path: string; problem: string }[]
    id?: string
  }
}

async function expectRefusal(
  response: Response,
  status: number,
  paths: string[] | null = null,
): Promise<Refusal['error']> {
  const text = await response.text()
  expect({ status: response.status, text }).toEqual({ status, text })
  expect(response.headers.get('content-type')).toStartWith('application/json')
  expect(text).not.toContain(canary)
  expect(text).not.toMatch(/\bat .+:\d+:\d+|node_modules|\.ts\b/)
  const { error } = JSON.parse(text) as Refusal
  expect(error.code).toMatch(/^[a-z_]+$/)
  expect(error.message.length).toBeGreaterThan(5)
  expect(error.id).toBeUndefined()
  if (paths !== null) expect(error.details?.map((one) => one.path).sort()).toEqual([...paths].sort())
  return error
}

const send = (path: string, init?: RequestInit) => fetch(`${server.url}${path}`, init)

/** A body of unknown length: sent in chunks. */
function streamOf(chunks: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const next = await chunks.next()
      if (next.done) controller.close()
      else controller.enqueue(next.value)
    },
  })
}

interface JsonRoute {
  path: string
  /** A body that would be taken. */
  good: Record<string, unknown>
  /** Its field of text. */
  field: string
  tooLong: number
}

const jsonRoutes: JsonRoute[] = [
  { path: '/api/ask', good: { question: canary }, field: 'question', tooLong: 4_001 },
  { path: '/api/search', good: { query: canary }, field: 'query', tooLong: 4_001 },
  { path: '/v1/search', good: { query: canary }, field: 'query', tooLong: 4_001 },
  { path: '/chat', good: { message: canary }, field: 'message', tooLong: 4_001 },
  { path: '/api/chat', good: { message: canary }, field: 'message', tooLong: 4_001 },
  { path: '/api/chat/4bit', good: { message: canary }, field: 'message', tooLong: 4_001 },
  { path: '/api/collections', good: { name: canary }, field: 'name', tooLong: 65 },
]

const json = { 'content-type': 'application/json' }
const bytes = (...parts: (string | number[])[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))))

describe.each(jsonRoutes)('$path', ({ path, good, field, tooLong }) => {
  const post = (body: BodyInit | null, headers: Record<string, string> = json) =>
    send(path, { method: 'POST', body, headers })
  const text = JSON.stringify(good)

  test.each<[string, BodyInit | null]>([
    ['no body', null],
    ['an empty body', ''],
    ['cut JSON', text.slice(0, -3)],
    ['200,000 opening brackets', '['.repeat(200_000)],
    ['200,000 opening braces', '{"a":'.repeat(200_000)],
    ['invalid UTF-8', bytes('{"', field.slice(0), '":"', [0xc3, 0x28], '"}')],
    ['an overlong encoding', bytes('{"', field, '":"', [0xc0, 0xaf], '"}')],
    ['a surrogate in UTF-8', bytes('{"', field, '":"', [0xed, 0xa0, 0x80], '"}')],
    ['bytes after the JSON', `${text} ${text}`],
    ['a NUL after the JSON', `${text}\0`],
    ['NaN', `{"${field}":NaN}`],
    ['UTF-16', Buffer.from(text, 'utf16le')],
  ])('400 for %s', async (_, body) => {
    await expectRefusal(await post(body), 400)
  })

  test.each<[string, unknown, string[]]>([
    ['an unknown field', { ...good, [canary]: 1 }, [canary]],
    ['null for the text', { ...good, [field]: null }, [field]],
    ['a list for the text', { ...good, [field]: [canary] }, [field]],
    ['an object for the text', { ...good, [field]: { toString: canary } }, [field]],
    ['a number for the text', { ...good, [field]: 1 }, [field]],
    ['an empty text', { ...good, [field]: '' }, [field]],
    ['a blank text', { ...good, [field]: ' \n\t\u00a0\u3000' }, [field]],
    ['a text too long', { ...good, [field]: 'a'.repeat(tooLong) }, [field]],
    ['a NUL in the text', { ...good, [field]: `${canary}\0` }, [field]],
    ['half a surrogate pair', { ...good, [field]: `${canary}\ud83d` }, [field]],
    ['the field missing', {}, [field]],
    ['a list', [good], ['']],
    ['null', null, ['']],
    ['a text', canary, ['']],
    ['a chat template of the client', { ...good, chat_template: canary }, ['chat_template']],
    ['n', { ...good, n: 1_000_000 }, ['n']],
  ])('422 for %s', async (name, body, paths) => {
    const response = await post(JSON.stringify(body))
    if (name === 'an unknown field') {
      // The name of a field is no value: naming it is the help.
      expect(response.status).toBe(422)
      const { error } = (await response.json()) as Refusal
      expect(error.details).toEqual([{ path: canary, problem: 'is not a known field' }])
    } else await expectRefusal(response, 422, paths)
  })

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    '422 for a field named %s',
    async (name) => {
      for (const value of ['{}', '1', `{"${canary}":1}`]) {
        await expectRefusal(await post(`${text.slice(0, -1)},"${name}":${value}}`), 422, [name])
      }
      expect(({} as Record<string, unknown>)[canary]).toBeUndefined()
    },
  )

  test('422 for an odd field name, without repeating it', async () => {
    const name = `<img src=x onerror=${canary}>`
    await expectRefusal(await post(JSON.stringify({ ...good, [name]: 1 })), 422, ['(unnamed)'])
  })

  test('422 for a parameter in the address', async () => {
    await expectRefusal(
      await send(`${path}?debug=${canary}`, { method: 'POST', body: text, headers: json }),
      422,
      ['debug'],
    )
  })

  test.each<[string, Record<string, string>]>([
    ['no type', {}],
    ['text', { 'content-type': 'text/plain' }],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['JSON in Latin-1', { 'content-type': 'application/json; charset=iso-8859-1' }],
    ['a type that begins like JSON', { 'content-type': 'application/jsonp' }],
  ])('415 for %s', async (_, headers) => {
    await expectRefusal(await post(Buffer.from(text), headers), 415)
  })

  test('JSON with a charset of UTF-8 is taken', async () => {
    const headers = { 'content-type': 'application/json; charset=UTF-8' }
    await expectRefusal(await post(JSON.stringify({ ...good, [field]: '' }), headers), 422, [field])
  })

  test('413 for a body over the limit, announced or not', async () => {
    const big = JSON.stringify({ ...good, [field]: canary.repeat(200_000) })
    await expectRefusal(await post(big), 413)
    const chunks = async function* () {
      for (let at = 0; at < big.length; at += 60_000) yield Buffer.from(big.slice(at, at + 60_000))
    }
    await expectRefusal(await post(streamOf(chunks())), 413)
  })

  test.each(['PUT', 'PATCH'])('405 for %s, and Allow', async (method) => {
    const response = await send(path, { method, body: text, headers: json })
    expect(response.headers.get('allow')).toContain('POST')
    await expectRefusal(response, 405)
  })

  test('OPTIONS says what is allowed, and nothing to other sites', async () => {
    const response = await send(path, { method: 'OPTIONS' })
    expect(response.status).toBe(204)
    expect(response.headers.get('allow')).toContain('POST')
    expect([...response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
  })
})

describe('numbers and words of /api/search', () => {
  test.each<[string, string]>([
    ['k', '0'],
    ['k', '-1'],
    ['k', '1000000000'],
    ['k', '1.5'],
    ['k', '"5"'],
    ['k', 'null'],
    ['k', 'true'],
    ['k', '[5]'],
    ['k', '1e400'],
    ['mode', '"magic"'],
    ['mode', '["hybrid"]'],
    ['mode', '"HYBRID"'],
    ['collection', '"UPPER"'],
    ['collection', '"../x"'],
    ['collection', `"${'a'.repeat(65)}"`],
    ['collection', '""'],
    ['collection', '"a\\n"'],
  ])('422 for %s: %s', async (name, value) => {
    const body = `{"query":"${canary}","${name}":${value}}`
    await expectRefusal(await send('/api/search', { method: 'POST', body, headers: json }), 422, [name])
  })
})

/** Bodies whose text is no field of its own: what concerns the body as a whole. */
const messages = [{ role: 'user', content: canary }]
describe.each([
  { path: '/v1/chat/completions', good: { model: 'mentor', messages }, limit: 2 * 1024 * 1024 },
  { path: '/v1/embeddings', good: { input: canary }, limit: 8 * 1024 * 1024 },
  { path: '/api/lora/generate', good: { conversation: messages }, limit: 8 * 1024 * 1024 },
])('$path', ({ path, good, limit }) => {
  const text = JSON.stringify(good)
  const post = (body: BodyInit | null, headers: Record<string, string> = json) =>
    send(path, { method: 'POST', body, headers })

  test.each<[string, BodyInit | null]>([
    ['no body', null],
    ['cut JSON', text.slice(0, -3)],
    ['200,000 opening brackets', '['.repeat(200_000)],
    ['invalid UTF-8', bytes(text.slice(0, -4), [0xc3, 0x28], '"}')],
    ['bytes after the JSON', `${text} ${text}`],
    ['UTF-16', Buffer.from(text, 'utf16le')],
  ])('400 for %s', async (_, body) => {
    await expectRefusal(await post(body), 400)
  })

  test.each<[string, string, string[]]>([
    ['a list', `[${text}]`, ['']],
    ['null', 'null', ['']],
    ['a chat template of the client', `${text.slice(0, -1)},"chat_template":"${canary}"}`, ['chat_template']],
    ['n of 10^6', `${text.slice(0, -1)},"n":1000000}`, ['n']],
    ['a field named __proto__', `${text.slice(0, -1)},"__proto__":{"${canary}":1}}`, ['__proto__']],
    ['a field named constructor', `${text.slice(0, -1)},"constructor":1}`, ['constructor']],
    ['an odd field name', `${text.slice(0, -1)},"<img ${canary}>":1}`, ['(unnamed)']],
  ])('422 for %s', async (_, body, paths) => {
    await expectRefusal(await post(body), 422, paths)
  })

  test('413 for a body over the limit', async () => {
    await expectRefusal(await post(`${text.slice(0, -1)},"a":"${'b'.repeat(limit)}"}`), 413)
  })

  test('415, 405 and 422 for another type, another method and a parameter in the address', async () => {
    await expectRefusal(await post(text, { 'content-type': 'text/plain' }), 415)
    const response = await send(path, { method: 'PUT', body: text, headers: json })
    expect(response.headers.get('allow')).toContain('POST')
    await expectRefusal(response, 405)
    await expectRefusal(await send(`${path}?debug=1`, { method: 'POST', body: text, headers: json }), 422, [
      'debug',
    ])
  })
})

describe('numbers and words of /chat', () => {
  test.each<[string, string, string]>([
    ['max_tokens', '0', 'max_tokens'],
    ['max_tokens', '1000000', 'max_tokens'],
    ['temperature', '-0.1', 'temperature'],
    ['temperature', '"1"', 'temperature'],
    ['stream', '"true"', 'stream'],
    ['session_id', '"../x"', 'session_id'],
    ['session_id', `"${'a'.repeat(129)}"`, 'session_id'],
    ['conversation_history', JSON.stringify(Array(1_000).fill(messages[0])), 'conversation_history'],
    ['conversation_history', `[{"role":"tool","content":"${canary}"}]`, 'conversation_history/0/role'],
    ['conversation_history', `[{"role":"user","content":"a","name":"b"}]`, 'conversation_history/0/name'],
  ])('422 for %s: %.60s', async (name, value, path) => {
    const body = `{"message":"${canary}","${name}":${value}}`
    await expectRefusal(await send('/chat', { method: 'POST', body, headers: json }), 422, [path])
  })
})

describe('numbers and words of /api/ask', () => {
  const message = (role: unknown, content: unknown) => JSON.stringify([{ role, content }])
  test.each<[string, string, string]>([
    ['passages', '0', 'passages'],
    ['passages', '21', 'passages'],
    ['passages', '"5"', 'passages'],
    ['max_tokens', '0', 'max_tokens'],
    ['max_tokens', '1000000', 'max_tokens'],
    ['max_tokens', '1.5', 'max_tokens'],
    ['temperature', '-0.1', 'temperature'],
    ['temperature', '2.1', 'temperature'],
    ['temperature', '"1"', 'temperature'],
    ['temperature', '1e400', 'temperature'],
    ['stream', '"true"', 'stream'],
    ['stream', '1', 'stream'],
    ['rung', '"gpu"', 'rung'],
    ['rung', 'null', 'rung'],
    ['history', '{"0":{}}', 'history'],
    ['history', '"[]"', 'history'],
    ['history', JSON.stringify(Array(21).fill({ role: 'user', content: 'a' })), 'history'],
    ['history', JSON.stringify(Array(1_000).fill({ role: 'user', content: 'a' })), 'history'],
    ['history', message('system', canary), 'history/0/role'],
    ['history', message('tool', canary), 'history/0/role'],
    ['history', message('user', 5), 'history/0/content'],
    ['history', message('user', 'a'.repeat(8_001)), 'history/0/content'],
    ['history', message('user', `${canary}\0`), 'history/0/content'],
    ['history', '[{"role":"user","content":"a","name":"b"}]', 'history/0/name'],
    ['history', '[null]', 'history/0'],
  ])('422 for %s: %.60s', async (name, value, path) => {
    const body = `{"question":"${canary}","${name}":${value}}`
    await expectRefusal(await send('/api/ask', { method: 'POST', body, headers: json }), 422, [path])
  })
})

describe('addresses', () => {
  const id = '00000000-0000-4000-8000-000000000000'
  test.each<[string, number]>([
    ['/api/documents?limit=0', 422],
    ['/api/documents?limit=201', 422],
    ['/api/documents?limit=1.5', 422],
    ['/api/documents?limit=1e1', 422],
    ['/api/documents?limit=0x10', 422],
    ['/api/documents?limit=%205', 422],
    ['/api/documents?limit=', 422],
    ['/api/documents?limit=5&limit=6', 422],
    [`/api/documents?${canary}=1`, 422],
    ['/api/documents?__proto__=1', 422],
    ['/api/documents?collection=A', 422],
    ['/api/documents?collection=%00', 422],
    ['/api/documents?collection=nowhere', 404],
    [`/api/documents?cursor=${canary}`, 422],
    ['/api/documents?cursor=%ff', 400],
    [`/api/documents/${canary}`, 422],
    ['/api/documents/%00', 422],
    [`/api/documents/${id}`, 404],
    [`/api/documents/${id}?x=1`, 422],
    [`/api/documents/${id}'%20or%201=1--`, 422],
    [`/api/documents/${id}/text`, 404],
    [`/api/documents/${id}/text?start=-1`, 422],
    [`/api/documents/${id}/text?start=5&end=2`, 422],
    [`/api/documents/${id}/text?start=99999999999`, 422],
    [`/api/documents/${id}/text?version=0`, 422],
    [`/api/documents/${id}/text?version=one`, 422],
    [`/api/jobs/${canary}`, 422],
    [`/api/jobs/${id}`, 404],
    [`/api/jobs/${id}?wait=maybe`, 422],
    [`/api/jobs/${id}?wait=true`, 404],
    ['/api/%zz', 400],
    ['/api/search%', 400],
    ['/..%2fpackage.json', 404],
    ['/..%5cpackage.json', 404],
    ['/%2e%2e%2f%2e%2e%2fetc%2fpasswd', 404],
    ['/.env', 404],
    ['/index.html/../../package.json', 404],
    ['/api', 404],
    ['/api/documents/', 404],
    ['//evil.example/', 404],
    [`/${canary}`, 404],
    ['/chat', 405],
    ['/stats?since=1', 422],
    ['/models?all=1', 422],
    ['/v1/models/mentor%00', 422],
    ['/ws/chat/a%00', 422],
    ['/ws/chat/..%2fx', 422],
    ['/ws/chat/a', 426],
    ['/mcp', 405],
  ])('GET %s: %d', async (path, status) => {
    const response = await send(path)
    const text = await response.clone().text()
    // The name of an unknown parameter is told, as that of a field is.
    if (path.includes(`?${canary}=`)) expect(text).toContain('is not a known field')
    else await expectRefusal(response, status)
    expect(response.status).toBe(status)
  })

  test.each(['/health', '/api/documents', '/openapi.json', '/docs', `/api/jobs/${id}`])(
    '405 for DELETE of what cannot be deleted: %s',
    async (path) => {
      const response = await send(path, { method: 'DELETE' })
      expect(response.headers.get('allow')).toContain('GET')
      await expectRefusal(response, 405)
    },
  )

  test('DELETE of what is not there: 404; of nothing in particular: 422', async () => {
    await expectRefusal(await send(`/api/documents/${id}`, { method: 'DELETE' }), 404)
    await expectRefusal(await send('/api/collections/nowhere', { method: 'DELETE' }), 404)
    await expectRefusal(await send('/api/collections?name=nowhere', { method: 'DELETE' }), 404)
    await expectRefusal(await send('/api/collections', { method: 'DELETE' }), 422, ['name'])
    await expectRefusal(await send('/api/collections/..%2fx', { method: 'DELETE' }), 422)
  })

  test('a page past the end is empty', async () => {
    expect(await (await send('/api/documents')).json()).toEqual({ documents: [], next: null })
  })
})

describe('POST /api/documents', () => {
  const form = (...parts: string[]) =>
    `${parts.map((part) => `--b\r\nContent-Disposition: form-data; ${part}\r\n`).join('')}--b--\r\n`
  const filePart = (name: string, content = 'text') => `name="files"; filename="${name}"\r\n\r\n${content}`
  const upload = (body: BodyInit, type = 'multipart/form-data; boundary=b', path = '/api/documents') =>
    send(path, { method: 'POST', body, headers: { 'content-type': type } })

  afterAll(async () => {
    // Whatever was refused has left nothing on the disk, and no job.
    expect(await readdir(join(backend.dataDir, 'uploads')).catch(() => [])).toEqual([])
  })

  test.each<[string, BodyInit, string, number, string[] | null]>([
    ['JSON', '{"files":[]}', 'application/json', 415, null],
    ['no boundary', form(filePart('a.txt')), 'multipart/form-data', 415, null],
    ['an empty boundary', form(filePart('a.txt')), 'multipart/form-data; boundary=', 400, null],
    ['another boundary', form(filePart('a.txt')), 'multipart/form-data; boundary=other', 400, null],
    [
      'a body that ends too early',
      form(filePart('a.txt')).slice(0, -8),
      'multipart/form-data; boundary=b',
      400,
      null,
    ],
    ['an empty body', '', 'multipart/form-data; boundary=b', 400, null],
    ['no file', form('name="collection"\r\n\r\ndefault'), 'multipart/form-data; boundary=b', 422, ['files']],
    ['no part', '--b--\r\n', 'multipart/form-data; boundary=b', 422, ['files']],
    [
      'an unknown field',
      form(filePart('a.txt'), 'name="admin"\r\n\r\ntrue'),
      'multipart/form-data; boundary=b',
      422,
      ['admin'],
    ],
    [
      'a file in another field',
      form('name="file"; filename="a.txt"\r\n\r\nx'),
      'multipart/form-data; boundary=b',
      422,
      ['file'],
    ],
    ['a name with ..', form(filePart('../a.txt')), 'multipart/form-data; boundary=b', 422, ['files']],
    [
      'a name with .. inside',
      form(filePart('a/../../b.txt')),
      'multipart/form-data; boundary=b',
      422,
      ['files'],
    ],
    ['a name with ..\\', form(filePart('..\\\\a.txt')), 'multipart/form-data; boundary=b', 422, ['files']],
    ['a name of a slash', form(filePart('/')), 'multipart/form-data; boundary=b', 422, ['files']],
    ['a control character', form(filePart('a\u0007.txt')), 'multipart/form-data; boundary=b', 422, ['files']],
    ['a name too long', form(filePart('a'.repeat(1_025))), 'multipart/form-data; boundary=b', 422, ['files']],
    [
      'a bad collection',
      form(filePart('a.txt'), `name="collection"\r\n\r\n${canary.toUpperCase()}`),
      'multipart/form-data; boundary=b',
      422,
      ['collection'],
    ],
    [
      'two collections',
      form(filePart('a.txt'), 'name="collection"\r\n\r\na', 'name="collection"\r\n\r\nb'),
      'multipart/form-data; boundary=b',
      422,
      ['collection'],
    ],
    [
      'more than 1,000 files',
      form(...Array.from({ length: 1_001 }, (_, n) => filePart(`${n}.txt`, ''))),
      'multipart/form-data; boundary=b',
      413,
      null,
    ],
    [
      'a body over the limit',
      form(filePart('a.txt', canary.repeat(maxUploadBytes / 5))),
      'multipart/form-data; boundary=b',
      413,
      null,
    ],
    [
      'a header of a part without end',
      `--b\r\nX: ${'a'.repeat(100_000)}`,
      'multipart/form-data; boundary=b',
      400,
      null,
    ],
  ])('refused: %s', async (_, body, type, status, paths) => {
    await expectRefusal(await upload(body, type), status, paths)
  })

  test('413 for 100,000 parts, without reading them all', async () => {
    const part = Buffer.from('--b\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n\r\n')
    const parts = async function* () {
      for (let n = 0; n < 1_000; n++) yield Buffer.concat(Array(100).fill(part))
    }
    await expectRefusal(await upload(streamOf(parts())), 413)
  })

  test('413 for a chunked body over the limit', async () => {
    const chunks = async function* () {
      yield Buffer.from(`--b\r\nContent-Disposition: form-data; ${filePart('a.txt', '')}`)
      for (let n = 0; n < 20; n++) yield Buffer.alloc(maxUploadBytes / 10, 97)
    }
    await expectRefusal(await upload(streamOf(chunks())), 413)
  })

  test('422 for an unknown parameter', async () => {
    const response = await upload(form(filePart('a.txt')), undefined, '/api/documents?overwrite=1')
    await expectRefusal(response, 422, ['overwrite'])
  })
})

test('the log has no word of what was sent, and no defect', () => {
  const lines = backend.log.join('\n')
  expect(lines).not.toContain(canary)
  expect(lines).not.toContain('internal_error')
  expect(backend.log.filter((line) => line.startsWith('500'))).toEqual([])
  expect(lines).toMatch(/POST \/api\/search 422 \d+ ms/)
})

test('the backend answers as before', async () => {
  const response = await send('/health')
  expect(response.status).toBe(200)
  expect(await response.json()).toMatchObject({ backend: 'ok', counts: { documents: 0 } })
})
