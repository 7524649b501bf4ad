/** The official `openai` client, unchanged, against the model service's HTTP layer. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import OpenAI, {
  APIError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  RateLimitError,
} from 'openai'
import { openEmbedder } from '../../embedding/embedder.ts'
import { EngineError, type GenerateRequest } from '../../llm-service/types.ts'
import { allMiniLM } from '../../models/bundled.ts'
import { openScriptedService, type ScriptedService, type Step } from '../http/scripted-service.ts'
import { failureOf, type Opened, openAiSuite } from './openai-suite.ts'

const chat = {
  messages: [{ role: 'user' as const, content: 'Who kept the lamp?' }],
  answer: 'It was Ilse Brandt.',
}
const schema = {
  type: 'object',
  properties: { name: { type: 'string' } },
  required: ['name'],
  additionalProperties: false,
}

/** Answers by what is asked, as a model would. */
function script(request: GenerateRequest): Step[] | EngineError {
  const { prompt, format, adapters } = request
  if (prompt.kind === 'text') return [' upon', ' a time.']
  const last = prompt.messages.at(-1)?.content ?? ''
  if (format !== null) return ['{"name":', ' "Ilse"}']
  if (last.length > 4_096) return new EngineError('context_length_exceeded', 'The prompt is too long.')
  if (last === 'Go on.')
    return Array.from({ length: 2_000 }, (_, i): Step => (i % 2 ? { pauseMs: 10 } : 'a '))
  if (prompt.thinking) return ['<think>', '\nWho', ' was it?\n', '</think>\n\n', 'Ilse.']
  if (adapters.length > 0) return ['Arr, ', 'Ilse.']
  return ['It ', 'was ', 'Ilse ', 'Brandt.']
}

async function openService(): Promise<Opened> {
  const embed = openEmbedder({ model: allMiniLM, workers: 1 })
  const service = await openScriptedService({ embed })
  service.script = script
  service.adapters = [{ name: 'pirate', file: '/a/pirate.gguf', loaded: true, scale: 0, problem: null }]
  return {
    url: service.url,
    async close() {
      await service.close()
      await embed.close()
    },
  }
}

describe('what it gets', () => {
  openAiSuite(openService, {
    model: 'scripted',
    chat,
    stop: 'Brandt',
    long: [{ role: 'user', content: 'Go on.' }],
    json: {
      messages: chat.messages,
      schema,
      check: (value) => expect(value).toEqual({ name: 'Ilse' }),
    },
    tooLong: [{ role: 'user', content: 'a '.repeat(5_000) }],
    completion: { prompt: 'Once', answer: ' upon a time.' },
    adapter: { name: 'pirate', answer: 'Arr, Ilse.' },
    thinking: { messages: chat.messages, reasoning: 'Who was it?', answer: 'Ilse.' },
    embedding: { model: 'all-MiniLM-L6-v2', dimensions: 384 },
  })
})

describe('when it goes wrong', () => {
  const ask = { model: 'scripted', messages: chat.messages }
  let service: ScriptedService

  beforeAll(async () => {
    service = await openScriptedService({ settings: { apiKey: 'right' } })
  })

  afterAll(async () => {
    await service.close()
  })

  beforeEach(() => {
    service.script = () => ['So.']
    service.requests.length = 0
  })

  const client = (maxRetries = 0, apiKey = 'right') =>
    new OpenAI({ baseURL: `${service.url}/v1`, apiKey, maxRetries })
  const failure = (stream: boolean, from = client()) =>
    failureOf(from.chat.completions.create({ ...ask, stream }))

  test.each<[EngineError, new (...args: never[]) => Error, object]>([
    [
      new EngineError('overloaded', 'The queue is full.', 3),
      RateLimitError,
      { status: 429, code: 'overloaded', type: 'rate_limit_error' },
    ],
    [
      new EngineError('context_length_exceeded', 'Too long.'),
      BadRequestError,
      { status: 400, code: 'context_length_exceeded' },
    ],
    [new EngineError('bad_request', 'That is no schema.'), BadRequestError, { status: 400 }],
    [new EngineError('unknown_adapter', 'No such adapter.'), NotFoundError, { status: 404 }],
    [
      new EngineError('failed', 'No worker.'),
      InternalServerError,
      { status: 503, code: 'generation_failed', type: 'server_error' },
    ],
  ])('%s', async (error, kind, fields) => {
    service.script = () => error
    for (const stream of [false, true]) {
      const got = await failure(stream)
      expect(got).toBeInstanceOf(kind)
      expect(got).toMatchObject(fields)
      expect(String(got)).toContain(error.message)
    }
  })

  test('a wrong key is an AuthenticationError', async () => {
    const error = await failure(false, client(0, 'wrong'))
    expect(error).toBeInstanceOf(AuthenticationError)
    expect(error).toMatchObject({ status: 401, code: 'invalid_api_key' })
  })

  test('it waits as long as Retry-After says, then tries again by itself', async () => {
    const times: number[] = []
    service.script = () => {
      times.push(performance.now())
      return times.length < 2 ? new EngineError('overloaded', 'The queue is full.', 1) : ['So.']
    }
    const answer = await client(2).chat.completions.create(ask)
    expect(answer.choices[0]?.message.content).toBe('So.')
    expect(times).toHaveLength(2)
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(990)
  })

  test('a failed try is made again, a wrong request is not', async () => {
    let tries = 0
    service.script = () => (++tries < 2 ? new EngineError('failed', 'The worker died.') : ['So.'])
    expect((await client(2).chat.completions.create(ask)).choices[0]?.message.content).toBe('So.')
    expect(tries).toBe(2)
    tries = 0
    service.script = () => {
      tries++
      return new EngineError('bad_request', 'Never.')
    }
    expect(await failure(false, client(2))).toBeInstanceOf(BadRequestError)
    expect(tries).toBe(1)
  })

  test('a stream that dies throws what happened, after the text that came', async () => {
    service.script = () => ['It ', 'was ', { failed: 'The worker died.' }]
    const stream = await client().chat.completions.create({ ...ask, stream: true })
    let text = ''
    const read = async () => {
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
    }
    const error = await failureOf(read())
    expect(text).toBe('It was ')
    expect(error).toBeInstanceOf(APIError)
    expect(error).toMatchObject({ code: 'generation_failed', type: 'server_error' })
  })

  test('waiting in the queue is no part of what it reads', async () => {
    service.script = () => [{ queued: 4 }, { queued: 1 }, 'So.']
    const stream = await client().chat.completions.create({ ...ask, stream: true })
    const texts: string[] = []
    for await (const chunk of stream) texts.push(chunk.choices[0]?.delta.content ?? '')
    expect(texts).toEqual(['', 'So.', ''])
  })
})
