/** Every bad request that a route of the model service can get: refused in JSON, nothing echoed, nothing generated. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type Embedder, openEmbedder } from '../../embedding/embedder.ts'
import { allMiniLM } from '../../models/bundled.ts'
import { sendRaw } from './raw-socket.ts'
import { openScriptedService, type ScriptedService } from './scripted-service.ts'

/** Stands in values that are sent: must never come back, nor be logged. */
const canary = 'c4n4ry'

let embed: Embedder
let service: ScriptedService

beforeAll(async () => {
  embed = openEmbedder({ model: allMiniLM, workers: 1 })
  service = await openScriptedService({ embed })
})

afterAll(async () => {
  // No request of this file may have come as far as the model.
  expect(service.requests).toEqual([])
  await service.close()
  await embed.close()
})

interface Refusal {
  code: string
  message: string
  type?: string
  param?: string | null
  details?: { path: string; problem: string }[]
}

/** In the shape of its side: OpenAI's under /v1, the project's elsewhere. */
async function expectRefusal(
  path: string,
  response: Response,
  status: number,
  paths: string[] | null = null,
): Promise<Refusal> {
  const text = await response.text()
  expect({ status: response.status, text }).toEqual({ status, text })
  expect(response.headers.get('content-type')).toStartWith('application/json')
  expect(text).not.toContain(canary)
  expect(text).not.toMatch(/\bat .+:\d+:\d+|node_modules|\.ts\b/)
  const { error } = JSON.parse(text) as { error: Refusal }
  expect(error.code).toMatch(/^[a-z_]+$/)
  expect(error.message.length).toBeGreaterThan(5)
  if (path.startsWith('/v1')) {
    expect(error.type).toMatch(/_error$/)
    expect(error).toHaveProperty('param')
  } else expect(error).not.toHaveProperty('type')
  if (paths !== null) expect(error.details?.map((one) => one.path).sort()).toEqual([...paths].sort())
  return error
}

const send = (path: string, init?: RequestInit) => fetch(`${service.url}${path}`, init)
const json = { 'content-type': 'application/json' }
const bytes = (...parts: (string | number[])[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))))

function streamOf(text: string): ReadableStream<Uint8Array> {
  let at = 0
  return new ReadableStream({
    pull(controller) {
      if (at >= text.length) return controller.close()
      controller.enqueue(Buffer.from(text.slice(at, at + 200_000)))
      at += 200_000
    },
  })
}

interface JsonRoute {
  path: string
  /** A body that would be taken. */
  good: Record<string, unknown>
  /** A field that must be a text or hold texts. */
  field: string
  /** Where a NUL in its text is reported. */
  place: string
  withText: (text: string) => unknown
  /** More than the route reads. */
  tooManyBytes: number
}

const asMessages = (content: string) => [{ role: 'user', content }]
const routes: JsonRoute[] = [
  {
    path: '/api/llm/generate',
    good: { messages: asMessages(canary) },
    field: 'messages',
    place: 'messages/0/content',
    withText: asMessages,
    tooManyBytes: 2_100_000,
  },
  {
    path: '/v1/chat/completions',
    good: { messages: asMessages(canary) },
    field: 'messages',
    place: 'messages/0/content',
    withText: asMessages,
    tooManyBytes: 2_100_000,
  },
  {
    path: '/v1/completions',
    good: { prompt: canary },
    field: 'prompt',
    place: 'prompt',
    withText: (text) => text,
    tooManyBytes: 2_100_000,
  },
  {
    path: '/api/llm/embed',
    good: { texts: [canary] },
    field: 'texts',
    place: 'texts/0',
    withText: (text) => [text],
    tooManyBytes: 8_400_000,
  },
  {
    path: '/v1/embeddings',
    good: { input: [canary] },
    field: 'input',
    place: 'input/0',
    withText: (text) => [text],
    tooManyBytes: 8_400_000,
  },
  {
    path: '/api/llm/count',
    good: { texts: [canary] },
    field: 'texts',
    place: 'texts/0',
    withText: (text) => [text],
    tooManyBytes: 8_400_000,
  },
  {
    path: '/api/llm/adapters',
    good: { name: canary, scale: 1 },
    field: 'name',
    place: 'name',
    withText: (text) => text,
    tooManyBytes: 1_100_000,
  },
]

describe.each(routes)('$path', ({ path, good, field, place, withText, tooManyBytes }) => {
  const post = (body: BodyInit | null, headers: Record<string, string> = json) =>
    send(path, { method: 'POST', body, headers })
  const text = JSON.stringify(good)

  test.each<[string, BodyInit | null]>([
    ['no body', null],
    ['an empty body', ''],
    ['cut JSON', text.slice(0, -3)],
    ['200,000 opening brackets', '['.repeat(200_000)],
    ['200,000 opening braces', '{"a":'.repeat(200_000)],
    ['invalid UTF-8', bytes('{"', field, '":"', [0xc3, 0x28], '"}')],
    ['an overlong encoding', bytes('{"', field, '":"', [0xc0, 0xaf], '"}')],
    ['a surrogate in UTF-8', bytes('{"', field, '":"', [0xed, 0xa0, 0x80], '"}')],
    ['bytes after the JSON', `${text} ${text}`],
    ['a NUL after the JSON', `${text}\0`],
    ['NaN', `{"${field}":NaN}`],
    ['UTF-16', Buffer.from(text, 'utf16le')],
  ])('400 for %s', async (_, body) => {
    await expectRefusal(path, await post(body), 400)
  })

  test.each<[string, unknown, string[] | null]>([
    ['an unknown field', { ...good, field_x: canary }, ['field_x']],
    ['null', { ...good, [field]: null }, [field]],
    ['a list of lists', { ...good, [field]: [[canary]] }, null],
    ['an object', { ...good, [field]: { toString: canary } }, [field]],
    ['a number', { ...good, [field]: 1 }, [field]],
    ['an empty list', { ...good, [field]: [] }, [field]],
    ['a NUL in the text', { ...good, [field]: withText(`${canary}\0`) }, [place]],
    ['half a surrogate pair', { ...good, [field]: withText(`${canary}\ud83d`) }, [place]],
    ['a list', [good], ['']],
    ['null for all', null, ['']],
    ['a text for all', canary, ['']],
    ['a chat template of the client', { ...good, chat_template: canary }, ['chat_template']],
    ['n', { ...good, n: 1_000_000 }, ['n']],
  ])('422 for %s', async (_, body, paths) => {
    const response = await post(JSON.stringify(body))
    await expectRefusal(path, response, 422, paths)
  })

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    '422 for a field named %s',
    async (name) => {
      for (const value of ['{}', '1', `{"${canary}":1}`]) {
        await expectRefusal(path, await post(`${text.slice(0, -1)},"${name}":${value}}`), 422, [name])
      }
      expect(({} as Record<string, unknown>)[canary]).toBeUndefined()
    },
  )

  test('422 for an odd field name, without repeating it', async () => {
    const name = `<img src=x onerror=${canary}>`
    await expectRefusal(path, await post(JSON.stringify({ ...good, [name]: 1 })), 422, ['(unnamed)'])
  })

  test('422 without the field, and for a parameter in the address', async () => {
    const response = await post('{}')
    const error = await expectRefusal(path, response, 422)
    expect(error.details?.map((one) => one.path)).toContain(field)
    const withQuery = await send(`${path}?debug=${canary}`, { method: 'POST', body: text, headers: json })
    await expectRefusal(path, withQuery, 422, ['debug'])
  })

  test.each<[string, Record<string, string>]>([
    ['no type', {}],
    ['text', { 'content-type': 'text/plain' }],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['an upload', { 'content-type': 'multipart/form-data' }],
    ['JSON in Latin-1', { 'content-type': 'application/json; charset=iso-8859-1' }],
    ['a type that begins like JSON', { 'content-type': 'application/jsonp' }],
  ])('415 for %s', async (_, headers) => {
    await expectRefusal(path, await post(Buffer.from(text), headers), 415)
  })

  test('413 for a body over the limit, announced or not', async () => {
    const big = JSON.stringify({ ...good, [field]: withText('a'.repeat(tooManyBytes)) })
    await expectRefusal(path, await post(big), 413)
    await expectRefusal(path, await post(streamOf(big)), 413)
  })

  test.each(['PUT', 'PATCH', 'DELETE'])('405 for %s, and Allow', async (method) => {
    const response = await send(path, { method, body: text, headers: json })
    expect(response.headers.get('allow')).toContain('POST')
    await expectRefusal(path, response, 405)
  })

  test('OPTIONS says what is allowed, and nothing to other sites', async () => {
    const response = await send(path, { method: 'OPTIONS' })
    expect(response.status).toBe(204)
    expect(response.headers.get('allow')).toContain('POST')
    expect([...response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
  })

  test('a page of another site is refused', async () => {
    for (const origin of ['http://evil.example', 'null', 'http://localhost.evil.example']) {
      await expectRefusal(path, await post(text, { ...json, origin }), 403)
    }
    await expectRefusal(path, await post(text, { ...json, host: 'evil.example' }), 403)
  })
})

const manyMessages = (count: number) => JSON.stringify(Array(count).fill({ role: 'user', content: 'a' }))
const message = (role: unknown, content: unknown) => JSON.stringify([{ role, content }])

/** Field, value as JSON, the path that is named. */
const sampling: [string, string, string][] = [
  ['temperature', '-0.1', 'temperature'],
  ['temperature', '2.1', 'temperature'],
  ['temperature', '"1"', 'temperature'],
  ['temperature', '1e400', 'temperature'],
  ['top_p', '0', 'top_p'],
  ['top_p', '1.01', 'top_p'],
  ['top_p', '-1', 'top_p'],
  ['top_k', '-1', 'top_k'],
  ['top_k', '1000000000', 'top_k'],
  ['min_p', '1.5', 'min_p'],
  ['seed', '1.5', 'seed'],
  ['seed', '"7"', 'seed'],
  ['seed', '1e30', 'seed'],
  ['stop', '""', 'stop'],
  ['stop', '[""]', 'stop'],
  ['stop', '5', 'stop'],
  ['stop', JSON.stringify(Array(17).fill('a')), 'stop'],
  ['stop', `"${'a'.repeat(257)}"`, 'stop'],
  ['stream', '"true"', 'stream'],
  ['stream', '1', 'stream'],
  ['adapters', '"pirate"', 'adapters'],
]

const conversation: [string, string, string][] = [
  ['messages', manyMessages(257), 'messages'],
  ['messages', manyMessages(1_000), 'messages'],
  ['messages', message('tool', canary), 'messages/0/role'],
  ['messages', message('SYSTEM', canary), 'messages/0/role'],
  ['messages', message('user', 5), 'messages/0/content'],
  ['messages', message('user', null), 'messages/0/content'],
  ['messages', message('user', ' \n '), 'messages'],
  ['messages', '[null]', 'messages/0'],
  ['messages', '{"0":{}}', 'messages'],
]

const generateOnly: [string, string, string][] = [
  ['max_new_tokens', '0', 'max_new_tokens'],
  ['max_new_tokens', '1000000000', 'max_new_tokens'],
  ['max_new_tokens', '-1', 'max_new_tokens'],
  ['max_new_tokens', '1.5', 'max_new_tokens'],
  ['max_new_tokens', 'null', 'max_new_tokens'],
  ['temperature', 'null', 'temperature'],
  ['prompt', '"both"', 'messages'],
  ['messages', message('developer', canary), 'messages/0/role'],
  ['messages', '[{"role":"user","content":"a","name":"b"}]', 'messages/0/name'],
  ['adapters', '[{"name":"../x"}]', 'adapters/0/name'],
  ['adapters', '[{"name":"a","scale":1e9}]', 'adapters/0/scale'],
  ['adapters', JSON.stringify(Array(9).fill({ name: 'a' })), 'adapters'],
  ['adapters', '[{"name":"a"},{"name":"a"}]', 'adapters'],
  ['thinking', '"yes"', 'thinking'],
  ['tools', '[]', 'tools'],
]

const chatOnly: [string, string, string][] = [
  ['max_tokens', '0', 'max_tokens'],
  ['max_tokens', '1000000000', 'max_tokens'],
  ['max_completion_tokens', '0', 'max_completion_tokens'],
  ['presence_penalty', '2.5', 'presence_penalty'],
  ['frequency_penalty', '-3', 'frequency_penalty'],
  ['n', '2', 'n'],
  ['n', '0', 'n'],
  ['model', '5', 'model'],
  ['model', '""', 'model'],
  ['tools', `[{"type":"function","function":{"name":"${canary}"}}]`, 'tools'],
  ['tool_choice', '"required"', 'tool_choice'],
  ['functions', `[{"name":"${canary}"}]`, 'functions'],
  ['function_call', `{"name":"${canary}"}`, 'function_call'],
  ['logprobs', 'true', 'logprobs'],
  ['top_logprobs', '5', 'top_logprobs'],
  ['logit_bias', '{"50256":-100}', 'logit_bias'],
  ['modalities', '["text","audio"]', 'modalities'],
  ['audio', '{"voice":"alloy"}', 'audio'],
  ['web_search_options', '{}', 'web_search_options'],
  ['reasoning_effort', '"extreme"', 'reasoning_effort'],
  ['chat_template_kwargs', `{"template":"${canary}"}`, 'chat_template_kwargs'],
  ['chat_template_kwargs', '{"enable_thinking":"yes"}', 'chat_template_kwargs'],
  ['stream_options', '{"include_usage":"yes"}', 'stream_options'],
  ['response_format', '"json"', 'response_format'],
  ['response_format', `{"type":"${canary}"}`, 'response_format'],
  ['response_format', '{"type":"json_schema"}', 'response_format'],
  ['response_format', '{"type":"json_schema","json_schema":{"name":"a","schema":[]}}', 'response_format'],
  ['messages', '[{"role":"assistant","content":"a","tool_calls":[{"id":"1"}]}]', 'messages/0/tool_calls'],
  ['messages', '[{"role":"user","content":"a","x":1}]', 'messages/0/x'],
  [
    'messages',
    `[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"${canary}"}}]}]`,
    'messages/0/content/1',
  ],
  ['messages', '[{"role":"user","content":[{"type":"input_audio"}]}]', 'messages/0/content/0'],
  ['messages', '[{"role":"user","content":[{"type":"text"}]}]', 'messages/0/content/0'],
  ['messages', '[{"role":"user","content":[{"type":"text","text":"a","x":1}]}]', 'messages/0/content/0'],
  ['messages', '[{"role":"user","content":["a"]}]', 'messages/0/content'],
]

const values = [
  ...[...sampling, ...conversation, ...generateOnly].map((one) => ['/api/llm/generate', ...one] as const),
  ...[...sampling, ...conversation, ...chatOnly].map((one) => ['/v1/chat/completions', ...one] as const),
]

describe('fields of requests to generate', () => {
  test.each(values)('%s: 422 for %s: %.60s', async (path, name, value, named) => {
    const others = { messages: asMessages(canary) }
    const rest = JSON.stringify(name in others ? {} : others).slice(1, -1)
    const body = `{${[rest, `"${name}":${value}`].filter((one) => one !== '').join(',')}}`
    const response = await send(path, { method: 'POST', body, headers: json })
    const error = await expectRefusal(path, response, 422, [named])
    if (path.startsWith('/v1')) {
      expect(error.param).toBe(named.replace(/\/(\d+)/g, '[$1]').replaceAll('/', '.'))
    }
  })

  test('neither messages nor a prompt, a blank prompt', async () => {
    for (const [body, field] of [
      ['{}', 'messages'],
      ['{"prompt":" \\n"}', 'prompt'],
    ] as const) {
      const response = await send('/api/llm/generate', { method: 'POST', body, headers: json })
      await expectRefusal('/api/llm/generate', response, 422, [field])
    }
  })

  test('what is refused by name says what to do', async () => {
    const refusal = async (more: object) => {
      const body = JSON.stringify({ messages: asMessages('a'), ...more })
      const response = await send('/v1/chat/completions', { method: 'POST', body, headers: json })
      return (await expectRefusal('/v1', response, 422)).message
    }
    expect(await refusal({ tools: [{}] })).toContain('calls no tools')
    expect(await refusal({ n: 2 })).toContain('send the request several times')
    expect(await refusal({ chat_template: 'x' })).toContain("model's own template")
    expect(await refusal({ messages: [{ role: 'user', content: [{ type: 'image_url' }] }] })).toContain(
      'images',
    )
  })
})

describe('fields of the other routes', () => {
  const texts = (count: number) => JSON.stringify(Array(count).fill('a'))
  test.each<[string, string, string]>([
    ['/api/llm/embed', '{"texts":["a"],"text":"b"}', 'texts'],
    ['/api/llm/embed', '{"text":""}', 'text'],
    ['/api/llm/embed', '{"texts":[""]}', 'texts/0'],
    ['/api/llm/embed', `{"texts":${texts(2_049)}}`, 'texts'],
    ['/api/llm/embed', `{"text":"${'a'.repeat(100_001)}"}`, 'text'],
    ['/v1/embeddings', '{"input":""}', 'input'],
    ['/v1/embeddings', '{"input":[1,2]}', 'input'],
    ['/v1/embeddings', `{"input":${texts(2_049)}}`, 'input'],
    ['/v1/embeddings', '{"input":"a","encoding_format":"hex"}', 'encoding_format'],
    ['/v1/embeddings', '{"input":"a","dimensions":0}', 'dimensions'],
    ['/v1/embeddings', '{"input":"a","dimensions":1536}', 'dimensions'],
    ['/api/llm/count', `{"texts":${texts(2_049)}}`, 'texts'],
    ['/api/llm/adapters', '{"name":"../../etc/passwd"}', 'name'],
    ['/api/llm/adapters', '{"name":""}', 'name'],
    ['/api/llm/adapters', '{"name":"a","scale":"1"}', 'scale'],
    ['/api/llm/adapters', '{"name":"a","scale":1000}', 'scale'],
    ['/v1/completions', '{"prompt":["a","b"]}', 'prompt'],
    ['/v1/completions', '{"prompt":[1,2]}', 'prompt'],
    ['/v1/completions', '{"prompt":"a","echo":true}', 'echo'],
    ['/v1/completions', '{"prompt":"a","suffix":"b"}', 'suffix'],
    ['/v1/completions', '{"prompt":"a","logprobs":5}', 'logprobs'],
    ['/v1/completions', '{"prompt":"a","best_of":2}', 'best_of'],
    ['/v1/completions', '{"prompt":"a","max_tokens":0}', 'max_tokens'],
  ])('%s: 422 for %.60s', async (path, body, field) => {
    const response = await send(path, { method: 'POST', body, headers: json })
    await expectRefusal(path, response, 422, [field])
  })
})

describe('addresses', () => {
  test.each<[string, number]>([
    ['/v1/models/nowhere', 404],
    [`/v1/models/${canary}`, 404],
    ['/v1/models/%2e%2e%2f%2e%2e%2fetc%2fpasswd', 404],
    ['/v1/models/%00', 422],
    ['/v1/models?limit=1', 422],
    ['/v1/models/', 404],
    ['/v1', 404],
    ['/v1/', 404],
    ['/v1/responses', 404],
    ['/v1/%zz', 400],
    ['/api/llm', 404],
    ['/api/llm/adapters?x=1', 422],
    [`/${canary}`, 404],
    ['/..%2fpackage.json', 404],
    ['/%2e%2e%2f%2e%2e%2fetc%2fpasswd', 404],
    ['/.env', 404],
    ['//evil.example/', 404],
  ])('GET %s: %d', async (path, status) => {
    await expectRefusal(path, await send(path), status)
  })

  test.each(['/', '/api/llm/health', '/v1/models', '/v1/models/scripted', '/docs'])(
    '405 for POST to what is only read: %s',
    async (path) => {
      const response = await send(path, { method: 'POST', body: '{}', headers: json })
      expect(response.headers.get('allow')).toContain('GET')
      await expectRefusal(path, response, 405)
    },
  )
})

describe('bytes that no client sends', () => {
  const head = (first: string, ...headers: string[]) =>
    `${[first, 'Host: localhost', ...headers].join('\r\n')}\r\n\r\n`
  const chat = 'POST /v1/chat/completions HTTP/1.1'
  test.each<[string, string, number]>([
    ['a header of 64 kB', head('GET /v1/models HTTP/1.1', `X: ${'a'.repeat(65_536)}`), 431],
    ['no Host', 'GET /v1/models HTTP/1.1\r\n\r\n', 400],
    ['two Hosts', head('GET /v1/models HTTP/1.1', 'Host: evil.example'), 403],
    [
      'a broken chunk',
      `${head(chat, 'Content-Type: application/json', 'Transfer-Encoding: chunked')}zz\r\n`,
      400,
    ],
    [
      'an announced length over the limit',
      `${head(chat, 'Content-Type: application/json', 'Content-Length: 99999999')}{`,
      413,
    ],
  ])('%s', async (_, sent, status) => {
    const reply = await sendRaw(Number(new URL(service.url).port), [sent])
    expect(reply.status).toBe(status)
  })
})

test('the log has no word of what was sent, and no defect', () => {
  const lines = service.log.join('\n')
  expect(lines).not.toContain(canary)
  expect(service.log.filter((line) => line.startsWith('500'))).toEqual([])
})
