/** The wire contracts of earlier systems, each field of them, on a backend with a database and a port. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { ChatShape, FourBitShape, ModelsShape, StatsShape } from '../../backend/routes/earlier/shapes.ts'
import { readAnswerHours } from '../../db/answer-hours.ts'
import { addTurn, recentMessages } from '../../db/conversations.ts'
import { type Listening, serve } from '../../http/serve.ts'
import { body } from '../http/shaped-body.ts'
import { ingest, openTestBackend, postJson, type TestBackend } from '../http/test-backend.ts'

const harbour = `# The harbour

Ilse Brandt kept the lamp of the harbour for thirty years. The lamp burned whale oil until 1871.
The ferry to Amrum leaves at seven in the morning.
`
const question = 'Who kept the lamp of the harbour?'

let backend: TestBackend
let server: Listening

beforeAll(async () => {
  backend = await openTestBackend()
  server = await serve(backend.app, { host: '127.0.0.1', port: 0 })
  await ingest(backend.app, { 'harbour.md': harbour })
}, 60_000)

afterAll(async () => {
  await server.stop()
  await backend.close()
})

const get = (path: string, headers: Record<string, string> = {}) => fetch(`${server.url}${path}`, { headers })
const post = (path: string, value: unknown) => fetch(`${server.url}${path}`, postJson(value))

/** The JSON values of an event stream, and whether it was ended as it should. */
async function eventsOf(response: Response): Promise<{ events: Record<string, unknown>[]; done: boolean }> {
  const data = (await response.text())
    .split('\n')
    .flatMap((line) => (line.startsWith('data: ') ? [line.slice(6)] : []))
  return {
    events: data.filter((one) => one !== '[DONE]').map((one) => JSON.parse(one)),
    done: data.at(-1) === '[DONE]',
  }
}

test('GET / for a client that does not accept text/html', async () => {
  const found = await (await get('/', { accept: 'application/json' })).json()
  expect(found).toMatchObject({ version: '0.0.0-test', vllm_status: 'unavailable' })
  expect(found.message).toBeString()
})

test.each(['/health', '/api/health'])('GET %s', async (path) => {
  const found = await (await get(path)).json()
  expect(found).toMatchObject({ backend: 'ok', vllm: 'unavailable' })
  expect(['healthy', 'degraded', 'starting']).toContain(found.status)
  expect(new Date(found.timestamp).toISOString()).toBe(found.timestamp)
})

test.each(['/models', '/api/models'])('GET %s', async (path) => {
  const found = await body(await get(path), ModelsShape)
  expect(found).toEqual({ models: ['context-only'], active_model: 'context-only' })
})

describe.each(['/chat', '/api/chat'])('POST %s', (path) => {
  test('answers with all fields of the contract, and nothing besides', async () => {
    const found = await body<{ response: string; timestamp: string; citations: { quote: string }[] }>(
      await post(path, {
        message: question,
        conversation_history: [],
        max_tokens: 500,
        temperature: 0.7,
        stream: false,
      }),
      ChatShape,
    )
    expect(found).toMatchObject({ model: 'context-only', session_id: null, tokens_used: 0 })
    expect(found.response).toContain('Ilse Brandt')
    expect(found.citations[0]?.quote).toContain('Ilse Brandt')
    expect(new Date(found.timestamp).toISOString()).toBe(found.timestamp)
  })

  test('streams the same answer, token by token', async () => {
    const response = await post(path, { message: question, stream: true })
    expect(response.headers.get('content-type')).toStartWith('text/event-stream')
    const { events, done } = await eventsOf(response)
    expect(done).toBe(true)
    const text = events.flatMap((one) => (one.type === 'token' ? [String(one.text)] : [])).join('')
    const last = events.at(-1)
    expect(last).toMatchObject({ type: 'done', model: 'context-only', response: text })
    expect(text).toContain('Ilse Brandt')
  })
})

test('a session is gone on with, also by a client that sends no history', async () => {
  const session = 'a-session'
  await post('/chat', { message: 'When does the ferry to Amrum leave?', session_id: session })
  const said = await recentMessages(backend.db, session, 20)
  expect(said.map(({ role }) => role)).toEqual(['user', 'assistant'])
  expect(said[1]?.content).toContain('seven in the morning')
  await (await post('/chat', { message: 'And to where?', session_id: session, stream: true })).text()
  expect(await recentMessages(backend.db, session, 20)).toHaveLength(4)
  expect(await recentMessages(backend.db, 'another', 20)).toEqual([])
  await body(await post('/chat', { message: question, session_id: null }), ChatShape)
})

test('of a session the newest 20 messages count, oldest first, and 100 are kept', async () => {
  const session = 'long'
  for (let n = 0; n < 60; n++) await addTurn(backend.db, session, { question: `q${n}`, answer: `a${n}` })
  const newest = await recentMessages(backend.db, session, 20)
  expect(newest).toHaveLength(20)
  expect(newest[0]).toEqual({ role: 'user', content: 'q50' })
  expect(newest.at(-1)).toEqual({ role: 'assistant', content: 'a59' })
  expect(await recentMessages(backend.db, session, 1_000)).toHaveLength(100)
})

test('a conversation that nobody came back to for 30 days is removed', async () => {
  await addTurn(backend.db, 'old', { question: 'q', answer: 'a' })
  await backend.db
    .sql`update conversation_messages set created_at = now() - interval '31 days' where session = 'old'`
  await addTurn(backend.db, 'new', { question: 'q', answer: 'a' })
  expect(await recentMessages(backend.db, 'old', 20)).toEqual([])
  expect(await recentMessages(backend.db, 'new', 20)).toHaveLength(2)
})

describe('POST /api/chat/4bit', () => {
  test('answers with all fields of the contract, and nothing besides', async () => {
    const found = await body<{ message: string }>(
      await post('/api/chat/4bit', {
        message: question,
        context: 'I ask about the coast.',
        model: 'an-earlier-model-4bit',
        max_tokens: 500,
        temperature: 0.7,
      }),
      FourBitShape,
    )
    expect(found).toMatchObject({ model: 'context-only', tokens: 0 })
    expect(found.message).toContain('Ilse Brandt')
  })

  test('a model of ours chooses; a rung that cannot answer is 503 with Retry-After', async () => {
    const response = await post('/api/chat/4bit', { message: question, model: 'mentor:llm-service' })
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toMatch(/^\d+$/)
    const absent = await post('/api/chat/4bit', { message: question, model: 'mentor/nowhere' })
    expect(absent.status).toBe(404)
  })
})

test('POST /api/lora/generate says that it is not built and what to do', async () => {
  const response = await post('/api/lora/generate', {
    conversation: [{ role: 'user', content: 'a' }],
    domain: 'law',
  })
  expect(response.status).toBe(501)
  expect((await response.json()).error).toMatchObject({
    code: 'not_implemented',
    hint: expect.stringContaining('./mentor models add'),
  })
})

test.each(['/stats', '/api/stats'])('GET %s', async (path) => {
  type Stats = {
    totals: { requests: number; by_rung: Record<string, { requests: number }> }
    hours: unknown[]
  }
  const before = await body<Stats>(await get(path), StatsShape)
  await (await post('/chat', { message: question })).text()
  await (await post('/api/ask', { question })).text()
  const after = await body<Stats>(await get(path), StatsShape)
  expect(after.totals.requests).toBe(before.totals.requests + 2)
  expect(after.totals.by_rung['context-only']?.requests).toBe(
    (before.totals.by_rung['context-only']?.requests ?? 0) + 2,
  )
  expect(after.hours.length).toBeGreaterThan(0)
  // In the database, where a restart finds them.
  const rows = await readAnswerHours(backend.db, 0)
  expect(rows.reduce((sum, { requests }) => sum + requests, 0)).toBe(after.totals.requests)
})

test('errors are counted as such', async () => {
  type Stats = { totals: { errors: number } }
  const before = await body<Stats>(await get('/stats'), StatsShape)
  await (await post('/api/chat/4bit', { message: question, model: 'mentor:llm-service' })).text()
  const after = await body<Stats>(await get('/stats'), StatsShape)
  expect(after.totals.errors).toBe(before.totals.errors + 1)
})

test('the OpenAPI document names every route, with its answer', async () => {
  const { paths } = await (await get('/openapi.json')).json()
  for (const [path, method] of [
    ['/chat', 'post'],
    ['/models', 'get'],
    ['/stats', 'get'],
    ['/api/chat/4bit', 'post'],
    ['/api/lora/generate', 'post'],
    ['/ws/chat/{session_id}', 'get'],
  ] as const) {
    expect(Object.keys(paths[path]?.[method]?.responses ?? {})).toContain('422')
  }
})
