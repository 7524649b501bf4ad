/** The official `openai` client, unchanged but for its base URL, against the backend: answers from the documents. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import OpenAI, { InternalServerError, NotFoundError, UnprocessableEntityError } from 'openai'
import { ChatShape } from '../../backend/http/openai-shapes.ts'
import { EmbeddingShape } from '../../http/openai/embeddings.ts'
import { OpenAiErrorShape } from '../../http/openai/errors.ts'
import { type Listening, serve } from '../../http/serve.ts'
import { body } from '../http/shaped-body.ts'
import { ingest, openTestBackend, postJson, type TestBackend } from '../http/test-backend.ts'

const harbour = `# The harbour

Ilse Brandt kept the lamp of the harbour for thirty years. The lamp burned whale oil until 1871.
The ferry to Amrum leaves at seven in the morning.
`
const messages = [{ role: 'user' as const, content: 'Who kept the lamp of the harbour?' }]

let backend: TestBackend
let server: Listening
let client: OpenAI

beforeAll(async () => {
  backend = await openTestBackend()
  server = await serve(backend.app, { host: '127.0.0.1', port: 0 })
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 })
  await ingest(backend.app, { 'harbour.md': harbour }, 'coast')
  await ingest(
    backend.app,
    { 'mountain.md': '# The mountain\n\nThe hut on the pass was built in 1902.\n' },
    'alps',
  )
}, 60_000)

afterAll(async () => {
  await server.stop()
  await backend.close()
})

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: unknown) => error,
  )

/** What is Mentor's own stands beside what the client's types know. */
const additions = (value: object) =>
  value as { mentor: { notes: string[]; usage_counted_by: string }; citations: { quote: string }[] }

describe('chat completions', () => {
  test('are answered from the documents, with citations beside the text', async () => {
    const answer = await client.chat.completions.create({ model: 'mentor', messages })
    const choice = answer.choices[0]
    expect(choice?.finish_reason).toBe('stop')
    expect(choice?.message.content).toContain('Ilse Brandt kept the lamp')
    expect(additions(choice?.message ?? {}).citations[0]?.quote).toContain('Ilse Brandt')
    expect(answer.usage?.prompt_tokens).toBeGreaterThan(0)
    expect(answer.usage?.completion_tokens).toBeGreaterThan(0)
    expect(answer.usage?.total_tokens).toBe(
      (answer.usage?.prompt_tokens ?? 0) + (answer.usage?.completion_tokens ?? 0),
    )
    expect(additions(answer).mentor).toMatchObject({
      rung: 'context-only',
      usage_counted_by: 'embedding-model',
    })
  })

  test('are of the shape that the OpenAPI document promises, with nothing besides', async () => {
    const response = await fetch(`${server.url}/v1/chat/completions`, postJson({ model: 'mentor', messages }))
    await body(response, ChatShape)
  })

  test('stream the same text in whole sentences, and end as OpenAI ends', async () => {
    const whole = await client.chat.completions.create({ model: 'mentor', messages })
    const stream = await client.chat.completions.create({
      model: 'mentor',
      messages,
      stream: true,
      stream_options: { include_usage: true },
    })
    const chunks = await Array.fromAsync(stream)
    const texts = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '')
    expect(texts.join('')).toBe(whole.choices[0]?.message.content ?? '')
    for (const text of texts.filter((one) => one !== '')) expect(text).toMatch(/\[\d+\]$/)
    expect(chunks[0]?.choices[0]?.delta.role).toBe('assistant')
    const last = chunks.at(-2)
    expect(last?.choices[0]?.finish_reason).toBe('stop')
    expect(additions(last?.choices[0]?.delta ?? {}).citations.length).toBeGreaterThan(0)
    expect(chunks.at(-1)?.choices).toEqual([])
    expect(chunks.at(-1)?.usage).toEqual(whole.usage)
    const raw = await fetch(
      `${server.url}/v1/chat/completions`,
      postJson({ model: 'mentor', messages, stream: true }),
    )
    expect((await raw.text()).endsWith('data: [DONE]\n\n')).toBe(true)
  })

  test.each([false, true])('have footnotes for who asks for them (stream: %p)', async (stream) => {
    const response = await fetch(
      `${server.url}/v1/chat/completions`,
      postJson({ model: 'mentor', messages, stream, mentor: { footnotes: true } }),
    )
    const text = stream
      ? (await response.text())
          .split('\n')
          .filter((line) => line.startsWith('data: {'))
          .map((line) => JSON.parse(line.slice(6)).choices[0]?.delta.content ?? '')
          .join('')
      : (await response.json()).choices[0].message.content
    expect(text).toContain('thirty years. [^1]')
    expect(text).toContain('\n\n[^1]: The harbour: “Ilse Brandt kept the lamp')
    expect(text).not.toMatch(/\[\d/)
  })

  test('look in the collection that the model names', async () => {
    const inAlps = await client.chat.completions.create({ model: 'mentor/alps', messages })
    expect(additions(inAlps).mentor).toMatchObject({ abstained: true })
    const inCoast = await client.chat.completions.create({ model: 'mentor/coast:context-only', messages })
    expect(inCoast.choices[0]?.message.content).toContain('Ilse Brandt')
    expect(inCoast.model).toBe('mentor/coast:context-only')
  })

  test('take the conversation before the question, and say that system messages were not used', async () => {
    const answer = await client.chat.completions.create({
      model: 'mentor',
      messages: [
        { role: 'system', content: 'Answer like a pirate.' },
        { role: 'user', content: 'When does the ferry to Amrum leave?' },
        { role: 'assistant', content: 'At seven in the morning. [1]' },
        { role: 'user', content: [{ type: 'text', text: 'Who kept the lamp of the harbour?' }] },
      ],
    })
    expect(answer.choices[0]?.message.content).toContain('Ilse Brandt')
    expect(additions(answer).mentor.notes.join(' ')).toContain('were not used')
  })

  test('ignore what changes nothing and take what asks for nothing', async () => {
    const answer = await client.chat.completions.create({
      model: 'mentor',
      messages,
      n: 1,
      seed: 7,
      user: 'somebody',
      store: false,
      metadata: { a: 'b' },
      presence_penalty: 0,
      tools: [],
      tool_choice: 'auto',
      response_format: { type: 'text' },
      logprobs: false,
    })
    expect(answer.choices[0]?.message.content).toContain('Ilse Brandt')
  })

  test.each<[string, object, string]>([
    ['n', { n: 1_000_000 }, 'n'],
    ['tools', { tools: [{ type: 'function', function: { name: 'a' } }] }, 'tools'],
    ['JSON', { response_format: { type: 'json_object' } }, 'response_format'],
    ['stop', { stop: ['a'] }, 'stop'],
    ['logprobs', { logprobs: true }, 'logprobs'],
    ['a chat template', { chat_template: '{{ c4n4ry }}' }, 'chat_template'],
    ['audio', { modalities: ['text', 'audio'] }, 'modalities'],
    ['an unknown field', { best: 1 }, 'best'],
    ['a huge max_tokens', { max_tokens: 1_000_000 }, 'max_tokens'],
    ['a negative temperature', { temperature: -1 }, 'temperature'],
    ['a word for stream', { stream: 'yes' }, 'stream'],
    ['passages', { mentor: { passages: 21 } }, 'mentor.passages'],
    ['an unknown field of ours', { mentor: { foot: true } }, 'mentor.foot'],
    ['no messages', { messages: [] }, 'messages'],
    ['1,000 messages', { messages: Array(1_000).fill(messages[0]) }, 'messages'],
    ['a wrong role', { messages: [{ role: 'tool', content: 'c4n4ry' }] }, 'messages[0].role'],
    [
      'an answer as the last message',
      { messages: [...messages, { role: 'assistant', content: 'c4n4ry' }] },
      'messages[1].role',
    ],
    ['a blank question', { messages: [{ role: 'user', content: ' \n' }] }, 'messages[0].content'],
    [
      'a long question',
      { messages: [{ role: 'user', content: 'c4n4ry'.repeat(700) }] },
      'messages[0].content',
    ],
    ['a NUL', { messages: [{ role: 'user', content: 'c4n4ry\0' }] }, 'messages[0].content'],
    [
      'an image',
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'c4n4ry' } }] }] },
      'messages[0].content[0]',
    ],
  ])('refuse %s, and name the field', async (_, fields, param) => {
    const error = await failure(
      client.chat.completions.create({ model: 'mentor', messages, ...fields } as never),
    )
    expect(error).toBeInstanceOf(UnprocessableEntityError)
    expect(error).toMatchObject({
      status: 422,
      type: 'invalid_request_error',
      code: 'invalid_request',
      param,
    })
    expect(String(error)).not.toContain('c4n4ry')
  })

  test.each(['gpt-4o', 'mentor/nowhere', 'mentor/../x', 'mentor:gpu', 'mentor:auto:auto', 'mentor/', ''])(
    'of the model %p are refused',
    async (model) => {
      for (const stream of [false, true]) {
        const error = await failure(client.chat.completions.create({ model, messages, stream }))
        if (model === '') expect(error).toBeInstanceOf(UnprocessableEntityError)
        else {
          expect(error).toBeInstanceOf(NotFoundError)
          expect(error).toMatchObject({ code: 'model_not_found', param: 'model' })
        }
      }
    },
  )

  test('of a rung that cannot answer are a 503 with Retry-After', async () => {
    const error = await failure(client.chat.completions.create({ model: 'mentor:llm-service', messages }))
    expect(error).toBeInstanceOf(InternalServerError)
    expect(error).toMatchObject({ status: 503, code: 'rung_unavailable', type: 'server_error' })
  })

  test('of a body that is no JSON are a 400 of OpenAI’s shape', async () => {
    const response = await fetch(`${server.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"model":',
    })
    await body(response, OpenAiErrorShape, 400)
  })

  test('of a client that goes away leave nothing behind', async () => {
    // More than there are places for answers.
    for (let i = 0; i < 80; i++) {
      const stop = new AbortController()
      const asked = failure(
        client.chat.completions
          .create({ model: 'mentor', messages, stream: i % 2 === 0 }, { signal: stop.signal })
          .then(async (stream) => ('choices' in stream ? null : await Array.fromAsync(stream))),
      )
      await Bun.sleep(i % 20)
      stop.abort()
      await asked
    }
    const answer = await client.chat.completions.create({ model: 'mentor', messages })
    expect(answer.choices[0]?.message.content).toContain('Ilse Brandt')
  }, 30_000)
})

describe('embeddings', () => {
  test('are 384 numbers of length 1, the same as floats and as base64', async () => {
    const input = ['The lamp of the harbour', 'The hut on the pass']
    const floats = await client.embeddings.create({
      model: 'all-MiniLM-L6-v2',
      input,
      encoding_format: 'float',
    })
    // The client asks for base64 by itself and decodes it.
    const packed = await client.embeddings.create({ model: 'all-MiniLM-L6-v2', input })
    expect(floats.data.map(({ embedding }) => embedding.length)).toEqual([384, 384])
    const [first = []] = floats.data.map(({ embedding }) => embedding)
    expect(Math.hypot(...first)).toBeCloseTo(1, 4)
    for (const [i, number] of (packed.data[0]?.embedding ?? []).entries()) {
      expect(number).toBeCloseTo(first[i] ?? Number.NaN, 6)
    }
    expect(floats.usage.total_tokens).toBeGreaterThan(8)
    const raw = await fetch(`${server.url}/v1/embeddings`, postJson({ input, encoding_format: 'base64' }))
    const { data } = await body<{ data: { embedding: string }[] }>(raw, EmbeddingShape)
    expect(Buffer.from(data[0]?.embedding ?? '', 'base64')).toHaveLength(384 * 4)
  })

  test.each<[string, object, new (...args: never[]) => Error]>([
    ['another model', { model: 'text-embedding-3-small' }, NotFoundError],
    ['another dimension', { dimensions: 1_536 }, UnprocessableEntityError],
    ['token numbers', { input: [1, 2, 3] }, UnprocessableEntityError],
    ['nothing', { input: [] }, UnprocessableEntityError],
    ['a NUL', { input: 'c4n4ry\0' }, UnprocessableEntityError],
  ])('of %s are refused', async (_, fields, kind) => {
    const asked = { model: 'all-MiniLM-L6-v2', input: 'a', ...fields }
    const error = await failure(client.embeddings.create(asked as never))
    expect(error).toBeInstanceOf(kind)
    expect(String(error)).not.toContain('c4n4ry')
  })
})

test('models are Mentor, each collection and the embedding model', async () => {
  const { data } = await client.models.list()
  expect(data.map(({ id }) => id)).toEqual(['mentor', 'mentor/alps', 'mentor/coast', 'all-MiniLM-L6-v2'])
  for (const { id } of data) expect((await client.models.retrieve(id)).id).toBe(id)
  expect((await client.models.retrieve('mentor/coast:context-only')).id).toBe('mentor/coast:context-only')
  expect((await fetch(`${server.url}/v1/models/mentor/coast`)).status).toBe(200)
  for (const id of ['gpt-4o', 'mentor/nowhere', 'mentor:gpu']) {
    expect(await failure(client.models.retrieve(id))).toBeInstanceOf(NotFoundError)
  }
})

test('/v1/search finds what /api/search finds, and refuses in OpenAI’s shape', async () => {
  const query = { query: 'lamp', k: 2 }
  const both = await Promise.all(
    ['/v1/search', '/api/search'].map(async (path) =>
      (await fetch(`${server.url}${path}`, postJson(query))).json(),
    ),
  )
  expect(both[0].passages).toEqual(both[1].passages)
  expect(both[0].passages.length).toBeGreaterThan(0)
  await body(await fetch(`${server.url}/v1/search`, postJson({ query: '' })), OpenAiErrorShape, 422)
  await body(await fetch(`${server.url}/v1/nowhere`), OpenAiErrorShape, 404)
})
