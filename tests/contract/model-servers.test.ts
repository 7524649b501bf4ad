/** The same ladder over each make of model server: how its tokens are counted, and what its refusals mean. */
import { afterEach, describe, expect, test } from 'bun:test'
import { type Ladder, openLadder } from '../../backend/answer/ladder.ts'
import { serverAt } from '../../backend/answer/model-server.ts'
import { openTokenCounter } from '../../backend/answer/token-counts.ts'
import type { RetrievedPassage } from '../../backend/answer/types.ts'
import { llamaServer, type Make, type MakeState, mentor, model, ollama, plain, vllm } from './makes.ts'
import { climb, passage, request, settings } from './questions.ts'

/** Patience enough for a machine that is busy with other tests. */
const patient = { loopbackMs: 5_000, otherMs: 5_000 }

const open: { stop(): unknown }[] = []
afterEach(async () => {
  for (const part of open.splice(0)) await part.stop()
})

function over(server: Make): Ladder & { log: string[] } {
  const log: string[] = []
  const ladder = openLadder({ ...settings, serviceUrl: server.url }, (line) => log.push(line), {
    counting: patient,
  })
  open.push({ stop: () => ladder.close() }, server)
  return Object.assign(ladder, { log })
}

const makes: [string, (changes?: Partial<MakeState>) => Make, 'exact' | 'estimated', number][] = [
  ['our own service', mentor, 'exact', 6_000],
  ['llama-server', llamaServer, 'exact', 6_000],
  ['vLLM', vllm, 'exact', 6_000],
  ['Ollama', ollama, 'estimated', 6_000],
  ['any other', plain, 'estimated', 8_192],
]

const never = new AbortController().signal

describe.each(makes)('%s', (_name, make, counted, context) => {
  test('answers, and the trace says what it was given', async () => {
    const server = make()
    const climbed = await climb(over(server), 'llm-service')
    expect(climbed).toMatchObject({ rung: 'llm-service', text: 'Nine [1].' })
    expect(climbed.steps[0]?.prompt).toMatchObject({ passages: 1, of: 1, note: null })
    expect(server.chats[0]?.model).toBe(model)
  })

  test('counts tokens as far as it can', async () => {
    const server = make()
    open.push(server)
    const counts = await openTokenCounter(patient).count(
      serverAt(`${server.url}/v1`, null),
      model,
      ['花园', 'The garden opens at nine.'],
      never,
    )
    expect(counts).toMatchObject({ counted, context })
    if (counted === 'exact') expect(counts.of('The garden opens at nine.')).toBe(25)
  })

  test('that is overloaded (429) is passed over, not held against it', async () => {
    const refuses = Response.json(
      { error: { message: 'queue full' } },
      { status: 429, headers: { 'retry-after': '7' } },
    )
    const server = make({ refuses })
    const ladder = over(server)
    for (let i = 0; i < 5; i++) {
      const { rung, steps } = await climb(ladder)
      expect(rung).toBe('context-only')
      expect(steps[0]).toMatchObject({
        outcome: 'unavailable',
        reason: expect.stringMatching(/busy \(429\); it asks to wait 7 s$/),
      })
    }
    expect(ladder.health()[0]).toMatchObject({ state: 'ready' })
    server.state.refuses = null
    expect((await climb(ladder)).rung).toBe('llm-service')
  })

  test('that fails is left alone after three times, and tried again', async () => {
    const server = make({ refuses: new Response('{"error":{"message":"CUDA error"}}', { status: 500 }) })
    const ladder = over(server)
    for (let i = 0; i < 3; i++) expect((await climb(ladder)).steps[0]).toMatchObject({ outcome: 'failed' })
    const asked = server.asked.length
    const began = performance.now()
    expect((await climb(ladder)).steps[0]).toMatchObject({ outcome: 'unavailable', ms: expect.any(Number) })
    // The bar is 20 ms; the machine may be busy.
    expect(performance.now() - began).toBeLessThan(200)
    expect(server.asked.filter((path) => path.includes('chat'))).toHaveLength(3)
    expect(server.asked.length).toBe(asked)
    expect(ladder.log.at(-1)).toMatch(
      /^Answers come from the documents alone, quoted: the llm-service is not available, it failed again and again: .* answered 500;/,
    )
  })
})

describe('a server that lists its model while it loads it', () => {
  test.each([
    ['our own service', mentor],
    ['llama-server', llamaServer],
  ] as const)('%s is not asked, and found when it is ready', async (_name, make) => {
    const server = make({ loading: true })
    const ladder = over(server)
    const { rung, steps } = await climb(ladder)
    expect(rung).toBe('context-only')
    expect(steps[0]).toMatchObject({
      outcome: 'unavailable',
      reason: expect.stringContaining('is loading its model'),
    })
    expect(ladder.health()[0]).toMatchObject({ state: 'checking' })
    expect(server.chats).toHaveLength(0)
    server.state.loading = false
    // It is looked at each second while it loads: nobody need ask for it.
    const began = performance.now()
    while (ladder.health()[0]?.state !== 'ready' && performance.now() - began < 5_000) await Bun.sleep(20)
    expect((await climb(ladder)).rung).toBe('llm-service')
    expect(ladder.log).toEqual([`Answers come from the llm-service (${model}).`])
  })

  test('one whose workers are all away says why, and is found again', async () => {
    const server = mentor({ unwell: 'no worker is ready: killed by the system' })
    const ladder = over(server)
    expect((await climb(ladder)).steps[0]).toMatchObject({
      outcome: 'unavailable',
      reason: expect.stringContaining('no worker is ready: killed by the system'),
    })
    delete server.state.unwell
    const began = performance.now()
    while (ladder.health()[0]?.state !== 'ready' && performance.now() - began < 5_000) await Bun.sleep(20)
    expect((await climb(ladder)).rung).toBe('llm-service')
  })

  test('a vLLM whose engine died lists its model all the same', async () => {
    const server = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      fetch: (request) =>
        new URL(request.url).pathname === '/health'
          ? new Response(null, { status: 503 })
          : Response.json({ data: [{ id: model }] }),
    })
    open.push({ stop: () => server.stop(true) })
    const ladder = openLadder({ ...settings, serviceUrl: `http://127.0.0.1:${server.port}` }, () => {})
    open.push({ stop: () => ladder.close() })
    expect((await climb(ladder)).steps[0]?.reason).toMatch(/says at \/health that it is not well \(503\)$/)
  })

  test('loading told by a chat alone is no failure either', async () => {
    const refuses = Response.json({ error: { message: 'Loading model' } }, { status: 503 })
    const server = plain({ refuses })
    const ladder = over(server)
    for (let i = 0; i < 4; i++)
      expect((await climb(ladder)).steps[0]).toMatchObject({
        outcome: 'unavailable',
        reason: expect.stringContaining('is loading its model (503)'),
      })
  })
})

test.each([
  ['our own', { error: { code: 'context_length_exceeded', message: 'The prompt is too long.' } }],
  [
    'vLLM',
    {
      object: 'error',
      message: "This model's maximum context length is 4096 tokens. However, you requested 5000",
      code: 400,
    },
  ],
  [
    'llama-server',
    {
      error: {
        code: 400,
        type: 'exceed_context_size_error',
        message: 'the request exceeds the available context size',
      },
    },
  ],
])('a prompt too long for %s costs this question the rung, and no other', async (_name, body) => {
  const server = plain({ refuses: Response.json(body, { status: 400 }) })
  const ladder = over(server)
  for (let i = 0; i < 4; i++)
    expect((await climb(ladder)).steps[0]).toMatchObject({
      outcome: 'unavailable',
      reason: expect.stringContaining('does not fit the context'),
    })
  expect(ladder.health()[0]?.state).toBe('ready')
})

test('an Ollama without a model says null where others say []', async () => {
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: () => Response.json({ object: 'list', data: null }),
  })
  open.push(server)
  const ladder = openLadder({ ...settings, serviceUrl: `http://127.0.0.1:${server.port}` }, () => {})
  open.push({ stop: () => ladder.close() })
  expect((await climb(ladder)).steps[0]?.reason).toMatch(/lists no model$/)
})

describe('counting', () => {
  const texts = ['one', 'two', 'three']

  test('asks our service once a question, and nothing for what is known already', async () => {
    const server = mentor()
    open.push(server)
    const counter = openTokenCounter(patient)
    const at = serverAt(server.url, null)
    const asks = () => server.asked.filter((path) => path === '/api/llm/count').length
    await counter.count(at, model, texts, never)
    const first = asks()
    expect((await counter.count(at, model, [...texts, 'four'], never)).of('four')).toBe(4)
    expect(asks()).toBe(first + 1)
    await counter.count(at, model, texts, never)
    expect(asks()).toBe(first + 1)
    counter.forget()
    server.state.context = 512
    expect((await counter.count(at, model, texts, never)).context).toBe(512)
  })

  test('that takes too long is not waited for: it is estimated, with the context that is known', async () => {
    const server = mentor()
    open.push(server)
    const counter = openTokenCounter({ loopbackMs: 1_000, otherMs: 1_000 })
    const at = serverAt(server.url, null)
    await counter.count(at, model, texts, never)
    server.state.countMs = 10_000
    const began = performance.now()
    const counts = await counter.count(at, model, ['another'], never)
    expect(performance.now() - began).toBeLessThan(5_000)
    expect(counts).toMatchObject({ counted: 'estimated', context: 6_000 })
    expect(counts.of('another')).toBeGreaterThan(0)
  })

  test('nonsense counts are not believed', async () => {
    const nonsense = [{ counts: ['x'] }, { counts: [1] }, { counts: [-1, 1, 1] }, { counts: null }, 7]
    for (const body of nonsense) {
      const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => Response.json(body) })
      open.push(server)
      const counts = await openTokenCounter(patient).count(
        serverAt(`http://127.0.0.1:${server.port}`, null),
        model,
        texts,
        never,
      )
      expect(counts.counted).toBe('estimated')
      expect(counts.of('one')).toBe(1)
    }
  })

  test('ends with the client', async () => {
    const server = mentor({ countMs: 10_000 })
    open.push(server)
    const gone = new AbortController()
    setTimeout(() => gone.abort(new Error('gone')), 50)
    const counting = openTokenCounter(patient).count(serverAt(server.url, null), model, texts, gone.signal)
    await expect(counting).rejects.toThrow('gone')
  })

  test('decides how many passages the model is given, and the answer says so', async () => {
    const server = mentor({ context: 1_900 })
    const passages: RetrievedPassage[] = [1, 2, 3].map((id) => ({
      ...passage,
      id,
      text: `${passage.text} ${'x'.repeat(400)}`,
    }))
    const ladder = over(server)
    await ladder.check()
    const { steps } = await climb(ladder, 'llm-service', never, { ...request, passages })
    expect(steps[0]?.prompt).toMatchObject({ of: 3, context: 1_900, counted: 'exact' })
    const given = steps[0]?.prompt?.passages ?? 0
    expect(given).toBeGreaterThan(0)
    expect(given).toBeLessThan(3)
    expect(steps[0]?.prompt?.note).toBe(`${given} of 3 passages fit the model's context of 1,900 tokens.`)
    const content = server.chats.at(-1)?.messages.at(-1)?.content ?? ''
    expect(content.match(/passage \[\d\]/g)).toHaveLength(given)
    const characters =
      server.chats.at(-1)?.messages.reduce((sum, { content }) => sum + content.length, 0) ?? 0
    expect(characters).toBeLessThanOrEqual(1_900 - 64)
  })
})

test('a server that falls silent before its first text costs 2 s, not the deadline for the first text', async () => {
  let hung = false
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    fetch: (request) =>
      hung
        ? new Promise<Response>(() => undefined)
        : new URL(request.url).pathname === '/v1/models'
          ? Response.json({ data: [{ id: model }] })
          : new Response('', { status: 404 }),
  })
  open.push({ stop: () => server.stop(true) })
  const changes = { serviceUrl: `http://127.0.0.1:${server.port}`, firstTextMs: 60_000, totalMs: 90_000 }
  const ladder = openLadder({ ...settings, ...changes }, () => {})
  open.push({ stop: () => ladder.close() })
  await ladder.check()
  hung = true
  const first = await climb(ladder)
  expect(first).toMatchObject({ rung: 'context-only', error: null })
  expect(first.steps[0]).toMatchObject({
    outcome: 'unavailable',
    reason: expect.stringContaining('did not answer within'),
  })
  // 2 s, and as much again for a busy machine.
  expect(first.ms).toBeLessThan(4_000)
  const second = await climb(ladder)
  expect(second.steps[0]?.ms).toBeLessThan(200)
}, 15_000)
