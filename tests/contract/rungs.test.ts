/** What every rung must do, and what the ladder makes of a model server that does it badly. */
import { afterEach, describe, expect, test } from 'bun:test'
import { llmService } from '../../backend/answer/1-llm-service.ts'
import { openLocalModel } from '../../backend/answer/2-local-model.ts'
import { contextOnly } from '../../backend/answer/3-context-only.ts'
import { AnswerBrokeOff, RungFailed } from '../../backend/answer/failures.ts'
import { type Ladder, type LadderSettings, openLadder } from '../../backend/answer/ladder.ts'
import { serverAt } from '../../backend/answer/model-server.ts'
import { fixedPlace } from '../../backend/answer/service-health.ts'
import { openTokenCounter } from '../../backend/answer/token-counts.ts'
import { type LadderStep, type Rung, type RungChunk, RungUnavailable } from '../../backend/answer/types.ts'
import {
  type Behaviour,
  type ChatServer,
  delta,
  endless,
  inTokens,
  listOf,
  type Part,
  serveAndDie,
  serveChat,
  streamed,
} from './chat-server.ts'
import { climb, passage, request, settings } from './questions.ts'

const open: { stop(): unknown }[] = []
afterEach(async () => {
  for (const part of open.splice(0)) await part.stop()
})

function start(behaviour: Behaviour): ChatServer {
  const server = serveChat(behaviour)
  open.push(server)
  return server
}

function ladderOver(
  serviceUrl: string | null,
  changes: Partial<LadderSettings> = {},
): Ladder & { log: string[] } {
  const log: string[] = []
  const ladder = openLadder({ ...settings, serviceUrl, ...changes }, (line) => log.push(line))
  open.push({ stop: () => ladder.close() })
  return Object.assign(ladder, { log })
}

/** The first rung by itself, over a server that stays where it is. */
function serviceRung(url: string, model: string | null): Rung {
  return llmService(fixedPlace(serverAt(url, null), model), () => model, openTokenCounter())
}

async function collect(chunks: AsyncIterable<RungChunk>): Promise<RungChunk[]> {
  const all: RungChunk[] = []
  for await (const chunk of chunks) all.push(chunk)
  return all
}

describe('every rung', () => {
  const service = () => start({ chat: () => streamed(inTokens('It opens at nine [1].')) })
  const rungs: [string, () => Rung, 'answers' | 'unavailable'][] = [
    ['llm-service', () => serviceRung(service().url, 'test-model'), 'answers'],
    ['local-model', () => openLocalModel(null, () => {}).run, 'unavailable'],
    ['context-only', () => contextOnly, 'answers'],
  ]
  for (const [name, make, outcome] of rungs) {
    test(`${name} says something or that it cannot, before its first piece`, async () => {
      const chunks = collect(make()({ ...request, signal: new AbortController().signal }))
      if (outcome === 'unavailable') return expect(chunks).rejects.toBeInstanceOf(RungUnavailable)
      const said = (await chunks).map((chunk) => chunk.text ?? chunk.quote?.text ?? '').join('')
      expect(said).toContain('opens at nine')
    })

    test(`${name} leaves the request as it is`, async () => {
      const before = JSON.stringify(request)
      await collect(make()({ ...request, signal: new AbortController().signal })).catch(() => undefined)
      expect(JSON.stringify(request)).toBe(before)
    })

    test(`${name} can be left after its first piece`, async () => {
      const chunks = make()({ ...request, signal: new AbortController().signal })[Symbol.asyncIterator]()
      await chunks.next().catch(() => undefined)
      expect(await chunks.return?.()).toMatchObject({ done: true })
    })

    test(`${name} does nothing for a client that is gone`, async () => {
      const signal = AbortSignal.abort(new Error('gone'))
      const chunks = collect(make()({ ...request, signal }))
      if (name === 'context-only') await chunks
      else await expect(chunks).rejects.toBeInstanceOf(Error)
    })
  }
})

describe('the llm-service is asked', () => {
  test('with the model that it lists first, the passages fenced, and the settings of the request', async () => {
    const server = start({ models: listOf('first', 'second'), chat: () => streamed(['Nine [1].']) })
    const climbed = await climb(ladderOver(server.url))
    expect(climbed).toMatchObject({ rung: 'llm-service', text: 'Nine [1].', error: null })
    expect(climbed.steps).toEqual([
      {
        rung: 'llm-service',
        outcome: 'answered',
        reason: null,
        ms: expect.any(Number),
        prompt: expect.objectContaining({ passages: 1, of: 1, counted: 'estimated', note: null }),
      },
    ])
    const [{ body, authorization }] = server.requests as [ChatServer['requests'][number]]
    expect(body).toMatchObject({
      model: 'first',
      max_tokens: 64,
      temperature: 0.35,
      top_p: 0.9,
      stream: true,
    })
    expect(body.messages.at(-1)?.content).toContain(passage.text)
    expect(authorization).toBeNull()
  })

  test.each(['', '/', '/v1', '/v1/'])('under its URL with %p at the end', async (end) => {
    const server = start({ chat: () => streamed(['Nine [1].']) })
    expect(await climb(ladderOver(server.url + end))).toMatchObject({ rung: 'llm-service' })
  })

  test('with the API key and the model of the settings', async () => {
    const server = start({
      models: () => new Response('no', { status: 404 }),
      chat: () => streamed(['Nine [1].']),
    })
    await climb(ladderOver(server.url, { serviceApiKey: 'secret', model: 'mine' }))
    expect(server.requests[0]).toMatchObject({ authorization: 'Bearer secret', body: { model: 'mine' } })
  })

  test('and a whole answer instead of a stream is taken, with its usage', async () => {
    const server = start({
      chat: () =>
        Response.json({
          model: 'whole',
          choices: [{ message: { role: 'assistant', content: 'Nine [1].' }, finish_reason: 'stop' }],
          usage: { prompt_tokens: 10, completion_tokens: 3 },
        }),
    })
    const rung = serviceRung(server.url, null)
    const chunks = await collect(rung({ ...request, signal: new AbortController().signal }))
    expect(chunks).toContainEqual({
      text: 'Nine [1].',
      model: 'whole',
      usage: { promptTokens: 10, completionTokens: 3 },
    })
  })

  test('and what a reasoning model thinks aloud is left out, however it is cut', async () => {
    const text = '<think>\nHmm, [1] says nine.\n</think>\n\nAt nine [1].'
    for (const parts of [[text], inTokens(text), [...text]]) {
      const server = start({ chat: () => streamed(parts) })
      expect((await climb(ladderOver(server.url))).text).toBe('At nine [1].')
    }
  })

  test('and comments, unknown fields, CRLF and events cut anywhere do no harm', async () => {
    const raw = `: hello\r\n\r\nid: 7\r\n${delta('At ni').replaceAll('\n', '\r\n')}event: x\n${delta('ne [1].')}`
    const server = start({ chat: () => streamed([...raw].map((character) => ({ raw: character }))) })
    expect((await climb(ladderOver(server.url))).text).toBe('At nine [1].')
  })
})

describe('a model server that does not answer well', () => {
  const stuck = () => new Promise<Response>(() => undefined)
  const cases: [string, Behaviour, LadderStep['outcome'], RegExp][] = [
    [
      'is slow to begin',
      { chat: () => streamed([{ pauseMs: 2_000 }, 'late']) },
      'timeout',
      /no text within 0\.3 s/,
    ],
    ['never answers', { chat: stuck }, 'timeout', /no text within 0\.3 s/],
    ['sends comments for ever', { chat: () => endless(': still here\n\n') }, 'timeout', /no text within/],
    ['ends the stream without a word', { chat: () => streamed([{ end: true }]) }, 'failed', /in the middle/],
    ['answers 500', { chat: () => new Response('boom', { status: 500 }) }, 'failed', /answered 500/],
    [
      'answers 401',
      { chat: () => new Response('no', { status: 401 }) },
      'unavailable',
      /refused the API key/,
    ],
    [
      'answers 404',
      { chat: () => new Response('no', { status: 404 }) },
      'unavailable',
      /knows no such model/,
    ],
    [
      'is overwhelmed',
      { chat: () => new Response('no', { status: 503 }) },
      'unavailable',
      /cannot answer now/,
    ],
    [
      'answers with a page',
      { chat: () => new Response('<html>', { headers: { 'content-type': 'text/html' } }) },
      'failed',
      /text\/html/,
    ],
    [
      'streams no JSON',
      { chat: () => streamed([{ raw: 'data: {"choices": [{"del\n\n' }]) },
      'failed',
      /no JSON/,
    ],
    [
      'streams other JSON',
      { chat: () => streamed([{ raw: 'data: [1, 2]\n\n' }]) },
      'failed',
      /no chat completion/,
    ],
    [
      'reports an error in the stream',
      {
        chat: () =>
          streamed([
            { raw: 'data: {"error": {"message": "key sk-1 used up", "code": "insufficient_quota"}}\n\n' },
          ]),
      },
      'failed',
      /^reported an error \(insufficient_quota\)$/,
    ],
    ['sends bytes that mean nothing', { chat: () => endless('x'.repeat(65_536)) }, 'failed', /1 MB/],
    [
      'sends an endless whole answer',
      { chat: () => endless('x'.repeat(1_048_576), 'application/json') },
      'failed',
      /8 MB/,
    ],
    [
      'redirects elsewhere',
      { chat: () => Response.redirect('http://127.0.0.1:1/steal', 307) },
      'unavailable',
      /redirects elsewhere/,
    ],
    ['lists no model', { models: listOf(), chat: stuck }, 'unavailable', /lists no model/],
    [
      'speaks another protocol',
      { models: () => new Response('SSH-2.0'), chat: stuck },
      'unavailable',
      /does not speak the OpenAI protocol/,
    ],
    [
      'wants a key for its list',
      { models: () => new Response('', { status: 403 }), chat: stuck },
      'unavailable',
      /API key/,
    ],
  ]
  for (const [name, behaviour, outcome, reason] of cases) {
    test(`${name}: the documents answer, and the ladder says why`, async () => {
      const climbed = await climb(ladderOver(start(behaviour).url))
      expect(climbed.error).toBeNull()
      expect(climbed.rung).toBe('context-only')
      expect(climbed.text).toStartWith('The garden opens at nine.')
      expect(climbed.steps.map((step) => [step.rung, step.outcome])).toEqual([
        ['llm-service', outcome],
        ['local-model', 'unavailable'],
        ['context-only', 'answered'],
      ])
      expect(climbed.steps[0]?.reason).toMatch(reason)
      expect(climbed.steps[1]?.reason).toBe('no model is installed')
    })
  }

  test('is not there: the documents answer at once', async () => {
    const server = serveChat({ chat: stuck })
    await server.stop()
    const ladder = ladderOver(server.url)
    await ladder.check()
    const climbed = await climb(ladder)
    expect(climbed.steps[0]).toMatchObject({
      outcome: 'unavailable',
      reason: expect.stringMatching(/nothing listens|cannot be reached/),
    })
    expect(climbed.rung).toBe('context-only')
    expect(ladder.health()[0]).toMatchObject({ rung: 'llm-service', state: 'unavailable' })
    expect(ladder.log.join()).toContain('from the documents alone')
  })

  test('takes longer than 2 s over its list: given up once, then not waited for', async () => {
    const ladder = ladderOver(start({ models: stuck, chat: stuck }).url)
    const first = await climb(ladder)
    expect(first.steps[0]).toMatchObject({
      outcome: 'unavailable',
      reason: expect.stringMatching(/within 2 s/),
    })
    const second = await climb(ladder)
    expect(second.rung).toBe('context-only')
    expect(second.steps[0]?.ms).toBeLessThan(1_000)
  })

  test('dies before its first text: the documents answer', async () => {
    const server = await serveAndDie([])
    open.push(server)
    const climbed = await climb(ladderOver(server.url))
    expect(climbed.steps[0]).toMatchObject({ outcome: 'failed' })
    expect(climbed.rung).toBe('context-only')
  })

  const endings: [string, Part[] | 'die', AnswerBrokeOff['code']][] = [
    ['dies', 'die', 'model_failed'],
    ['ends without being done', ['It opens ', { end: true }], 'model_failed'],
    ['falls silent', ['It opens ', { pauseMs: 3_000 }, 'late'], 'model_timeout'],
    ['turns to garbage', ['It opens ', { raw: 'data: }{\n\n' }], 'model_failed'],
    ['reports an error', ['It opens ', { raw: 'data: {"error":"gpu lost"}\n\n' }], 'model_failed'],
  ]
  test.each(endings)('%s after its first text: nobody goes on with its answer', async (_, parts, code) => {
    const server =
      parts === 'die' ? await serveAndDie(['It opens ']) : serveChat({ chat: () => streamed(parts) })
    open.push(server)
    const climbed = await climb(ladderOver(server.url))
    expect(climbed.error).toBeInstanceOf(AnswerBrokeOff)
    expect((climbed.error as AnswerBrokeOff).code).toBe(code)
    expect(climbed.text).toBe('It opens ')
    expect(climbed.steps.map((step) => step.rung)).toEqual(['llm-service'])
  })

  test('never stops talking: cut off at what was asked for', async () => {
    const server = start({ chat: () => endless(delta('and so on ')) })
    const climbed = await climb(ladderOver(server.url))
    expect(climbed).toMatchObject({ rung: 'llm-service', error: null })
    expect(climbed.text.length).toBeLessThan(64 * 32 + 100)
  })

  test('drips for ever: the total deadline ends it', async () => {
    const drip = () => streamed(Array.from({ length: 100 }, () => [{ pauseMs: 100 }, 'x']).flat())
    const climbed = await climb(ladderOver(start({ chat: drip }).url, { serviceTimeoutMs: 600 }))
    expect(climbed.error).toMatchObject({
      code: 'model_timeout',
      reason: expect.stringMatching(/not done within 0\.6 s/),
    })
  })

  test('used up the time: what is kept for the documents is still theirs', async () => {
    const ladder = ladderOver(start({ chat: stuck }).url, {
      totalMs: 700,
      reserveMs: 500,
      firstTextMs: 10_000,
    })
    const climbed = await climb(ladder)
    expect(climbed.steps[0]).toMatchObject({ outcome: 'timeout' })
    expect(climbed.rung).toBe('context-only')
  })
})

describe('a rung that is named', () => {
  test('runs alone', async () => {
    const server = start({ chat: () => streamed(['Nine [1].']) })
    const climbed = await climb(ladderOver(server.url), 'context-only')
    expect(climbed.steps.map((step) => step.rung)).toEqual(['context-only'])
    expect(server.requests).toHaveLength(0)
  })

  test.each(['llm-service', 'local-model'] as const)(
    '%s cannot: RungUnavailable with the reason',
    async (rung) => {
      const ladder = ladderOver(null)
      expect(ladder.require(rung)).rejects.toBeInstanceOf(RungUnavailable)
      const climbed = await climb(ladder, rung)
      expect(climbed.error).toBeInstanceOf(RungUnavailable)
      expect(climbed.text).toBe('')
    },
  )

  test('fails before its first text: RungUnavailable, and nobody stands in', async () => {
    const climbed = await climb(
      ladderOver(start({ chat: () => new Response('', { status: 500 }) }).url),
      'llm-service',
    )
    expect(climbed.error).toMatchObject({ name: 'RungUnavailable', reason: expect.stringContaining('500') })
    expect(climbed.steps).toHaveLength(1)
  })
})

describe('the service comes and goes', () => {
  test('switched off: skipped, never asked', async () => {
    const server = start({ chat: () => streamed(['Nine [1].']) })
    const ladder = ladderOver(server.url, { serviceEnabled: false })
    expect((await climb(ladder)).steps[0]).toMatchObject({
      outcome: 'skipped',
      reason: expect.stringContaining('switched off'),
    })
    expect(server.requests).toHaveLength(0)
  })

  test('after three failures it is left alone', async () => {
    const server = start({ chat: () => new Response('', { status: 500 }) })
    const ladder = ladderOver(server.url)
    for (let i = 0; i < 3; i++) await climb(ladder)
    const fourth = await climb(ladder)
    expect(fourth.steps[0]).toMatchObject({
      outcome: 'unavailable',
      reason: expect.stringMatching(/failed 3 times in a row/),
    })
    expect(server.requests).toHaveLength(3)
    expect(ladder.health()[0]).toMatchObject({ state: 'unavailable', reason: expect.stringContaining('500') })
  })

  test('one that comes back is found by the next check, and the log says so', async () => {
    let up = false
    const server = start({
      models: () => (up ? listOf('back')() : new Response('', { status: 503 })),
      chat: () => streamed(['Nine [1].']),
    })
    const ladder = ladderOver(server.url)
    expect((await climb(ladder)).rung).toBe('context-only')
    up = true
    await ladder.check()
    expect(await climb(ladder)).toMatchObject({ rung: 'llm-service' })
    expect(ladder.health()[0]).toEqual({ rung: 'llm-service', state: 'ready', reason: null, model: 'back' })
    expect(ladder.log.at(-1)).toBe('Answers come from the llm-service (back).')
  })

  test('a client that goes away stops the model within a second', async () => {
    const server = start({
      chat: (_, gone) => streamed(Array.from({ length: 200 }, () => ['x ', { pauseMs: 50 }]).flat(), gone),
    })
    const gone = new AbortController()
    setTimeout(() => gone.abort(new Error('gone')), 200)
    const climbed = await climb(ladderOver(server.url), 'auto', gone.signal)
    expect(climbed.error).toMatchObject({ message: 'gone' })
    const since = performance.now()
    while (server.aborted() === 0 && performance.now() - since < 1_000) await Bun.sleep(10)
    expect(server.aborted()).toBe(1)
  })

  test('a reader that stops reading stops the model too', async () => {
    const server = start({
      chat: (_, gone) => streamed(Array.from({ length: 200 }, () => ['x ', { pauseMs: 50 }]).flat(), gone),
    })
    const steps: LadderStep[] = []
    const signal = new AbortController().signal
    const events = ladderOver(server.url).climb(
      { rung: 'auto', request, began: performance.now(), signal, steps },
      async function* (_, chunks) {
        for await (const chunk of chunks) yield chunk.text
      },
    )
    for await (const text of events) if (text) break
    const since = performance.now()
    while (server.aborted() === 0 && performance.now() - since < 1_000) await Bun.sleep(10)
    expect(server.aborted()).toBe(1)
  })

  test('a failed stream is a RungFailed for whoever uses the rung without the ladder', async () => {
    const server = start({ chat: () => streamed([{ raw: 'data: nonsense\n\n' }]) })
    const rung = serviceRung(server.url, 'm')
    await expect(collect(rung({ ...request, signal: new AbortController().signal }))).rejects.toBeInstanceOf(
      RungFailed,
    )
  })
})
