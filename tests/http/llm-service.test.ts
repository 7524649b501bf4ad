/** The model service's routes: what goes in, what comes out, exactly. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Embedder, openEmbedder } from '../../embedding/embedder.ts'
import { EmbeddingShape } from '../../http/openai/embeddings.ts'
import { OpenAiErrorShape } from '../../http/openai/errors.ts'
import { ModelList, ModelShape } from '../../http/openai/models.ts'
import { ErrorShape } from '../../http/shapes.ts'
import { ChatShape, CompletionShape } from '../../llm-service/http/openai-shapes.ts'
import {
  AboutShape,
  AdapterList,
  AdapterShape,
  CountShape,
  EmbedShape,
  GenerateShape,
  HealthShape,
} from '../../llm-service/http/shapes.ts'
import { type Piece, splitThoughts } from '../../llm-service/http/thoughts.ts'
import { type AdapterInfo, EngineError } from '../../llm-service/types.ts'
import { allMiniLM } from '../../models/bundled.ts'
import {
  openScriptedService,
  readEvents,
  readyHealth,
  type ScriptedService,
  type Step,
  until,
} from './scripted-service.ts'
import { body } from './shaped-body.ts'
import { postJson } from './test-backend.ts'

let embed: Embedder
let service: ScriptedService

const pirate: AdapterInfo = {
  name: 'pirate',
  file: '/models/adapters/pirate.gguf',
  loaded: false,
  scale: 0,
  problem: null,
}
const foreign = { ...pirate, name: 'foreign', problem: 'it was made for another base model' }

beforeAll(async () => {
  embed = openEmbedder({ model: allMiniLM, workers: 1 })
  service = await openScriptedService({ embed })
})

afterAll(async () => {
  await service.close()
  await embed.close()
})

beforeEach(() => {
  service.script = () => ['It ', 'is ', 'so.']
  service.adapters = [{ ...pirate }, { ...foreign }]
  service.health = readyHealth
  service.requests.length = 0
})

const send = (path: string, value?: unknown, init: RequestInit = {}) =>
  fetch(`${service.url}${path}`, { ...(value === undefined ? {} : postJson(value)), ...init })
const ask = { messages: [{ role: 'user' as const, content: 'Is it so?' }] }
const lastRequest = () => {
  const last = service.requests.at(-1)
  if (last === undefined) throw new Error('Nothing was asked of the service.')
  return last
}

describe('what it is', () => {
  test('GET / names it and leads on', async () => {
    const about = await body<{ links: Record<string, string> }>(await send('/'), AboutShape)
    expect(about).toMatchObject({
      version: '0.0.0-test',
      model: 'scripted',
      embedding_model: 'all-MiniLM-L6-v2',
    })
    for (const link of Object.values(about.links)) expect((await send(link)).status).toBe(200)
  })

  test('/docs shows every route, without anything from elsewhere', async () => {
    const page = await (await send('/docs')).text()
    const { paths } = (await (await send('/openapi.json')).json()) as { paths: Record<string, object> }
    expect(Object.keys(paths).sort()).toEqual([
      '/',
      '/api/llm/adapters',
      '/api/llm/count',
      '/api/llm/embed',
      '/api/llm/generate',
      '/api/llm/health',
      '/v1/chat/completions',
      '/v1/completions',
      '/v1/embeddings',
      '/v1/models',
      '/v1/models/{id}',
    ])
    for (const path of Object.keys(paths)) expect(page).toContain(`<code>${path}</code>`)
    expect(page).not.toMatch(/(?:src|href)="(?:https?:)?\/\//)
    expect(page).not.toContain('<script')
    expect(page).toContain('this model calls no tools')
  })

  test('health begins with the fields of the contract', async () => {
    await send('/api/llm/embed', { text: 'wake up' })
    const health = await body<Record<string, unknown>>(await send('/api/llm/health'), HealthShape)
    expect(Object.keys(health).slice(0, 6)).toEqual([
      'status',
      'model',
      'model_loaded',
      'embedding_model',
      'embedding_loaded',
      'device',
    ])
    expect(health).toMatchObject({
      status: 'healthy',
      model: 'scripted',
      model_loaded: true,
      embedding_loaded: true,
      device: 'cpu',
      context_tokens: 4_096,
      layers: { gpu: 0, total: 28 },
      memory: { ram_bytes: 1_500_000_000, vram_bytes: 0 },
      queue: { active: 0, waiting: 0, waiting_tokens: 0, capacity: 64 },
      tokens_per_second: { prompt: 120.5, generation: 30.25 },
      totals: { requests: 7, prompt_tokens: 700, cached_tokens: 300, completion_tokens: 70 },
      adapters: 1,
      workers: [{ pid: 4_711, state: 'ready', rss_bytes: 1_600_000_000, threads: 2 }],
    })
  })

  test('health while the model is loading', async () => {
    service.health = {
      state: 'loading',
      reason: 'the model is being loaded',
      workers: [
        {
          pid: 1,
          state: 'loading',
          reason: null,
          loaded: 0.4,
          restarts: 0,
          rssBytes: 0,
          info: null,
          stats: null,
        },
      ],
      queue: { waiting: 0, capacity: 64, waitingTokens: 0, active: 0 },
    }
    const health = await body(await send('/api/llm/health'), HealthShape)
    expect(health).toMatchObject({
      status: 'loading',
      model_loaded: false,
      device: null,
      layers: null,
      context_tokens: null,
      workers: [{ state: 'loading', loaded: 0.4 }],
    })
  })
})

describe('POST /api/llm/generate', () => {
  test('the response of the contract, and its defaults', async () => {
    const answer = await body<Record<string, unknown>>(await send('/api/llm/generate', ask), GenerateShape)
    expect(answer).toMatchObject({
      text: 'It is so.',
      model: 'scripted',
      prompt_tokens: 21,
      completion_tokens: 3,
      finish_reason: 'stop',
      cached_tokens: 16,
    })
    expect(answer.latency_seconds).toBeNumber()
    expect(lastRequest()).toEqual({
      prompt: { kind: 'chat', messages: ask.messages, thinking: false },
      maxTokens: 256,
      sampling: {
        temperature: 0.35,
        topP: 0.9,
        topK: 40,
        minP: 0,
        presencePenalty: 0,
        frequencyPenalty: 0,
        seed: null,
      },
      stop: [],
      format: null,
      adapters: [],
    })
  })

  test('all that can be asked reaches the service', async () => {
    await send('/api/llm/generate', {
      prompt: 'Once',
      max_new_tokens: 2,
      temperature: 0,
      top_p: 1,
      top_k: 0,
      min_p: 0.1,
      seed: 7,
      stop: 'END',
      adapters: [{ name: 'pirate', scale: 0.5 }],
    })
    expect(lastRequest()).toEqual({
      prompt: { kind: 'text', text: 'Once' },
      maxTokens: 2,
      sampling: {
        temperature: 0,
        topP: 1,
        topK: 0,
        minP: 0.1,
        presencePenalty: 0,
        frequencyPenalty: 0,
        seed: 7,
      },
      stop: ['END'],
      format: null,
      adapters: [{ name: 'pirate', scale: 0.5 }],
    })
  })

  test('as a stream: the place in the queue, texts, the response', async () => {
    service.script = () => [{ queued: 3 }, { queued: 1 }, 'It ', 'is.']
    const response = await send('/api/llm/generate', { ...ask, stream: true })
    expect(response.headers.get('content-type')).toStartWith('text/event-stream')
    const { data } = await readEvents(response)
    expect(data.slice(0, 4)).toEqual([{ queued: 3 }, { queued: 1 }, { text: 'It ' }, { text: 'is.' }])
    expect(data).toHaveLength(5)
    expect(data[4]).toMatchObject({ text: 'It is.', model: 'scripted', finish_reason: 'stop' })
  })

  test('length, stop and a text that is continued', async () => {
    const cut = await send('/api/llm/generate', { ...ask, max_new_tokens: 2 })
    expect(await cut.json()).toMatchObject({ text: 'It is ', finish_reason: 'length', completion_tokens: 2 })
    const stopped = await send('/api/llm/generate', { ...ask, stop: ['is'] })
    expect(await stopped.json()).toMatchObject({ text: 'It ', finish_reason: 'stop' })
    service.script = () => ['<think>', 'as it stands']
    const raw = await send('/api/llm/generate', { prompt: 'Once' })
    expect(await raw.json()).toMatchObject({ text: '<think>as it stands' })
  })

  test('thoughts are told apart', async () => {
    service.script = () => ['<think>\nhm', 'm\n</think>', '\n\nYes.']
    const whole = await send('/api/llm/generate', { ...ask, thinking: true })
    expect(await whole.json()).toMatchObject({ text: 'Yes.', reasoning: 'hmm' })
    expect(lastRequest().prompt).toMatchObject({ thinking: true })
  })

  test('a failure in the middle is an event, and nothing follows', async () => {
    service.script = () => ['It ', { failed: 'The worker died.' }]
    const { data } = await readEvents(await send('/api/llm/generate', { ...ask, stream: true }))
    expect(data).toEqual([
      { text: 'It ' },
      { error: { code: 'generation_failed', message: 'The worker died.' } },
    ])
    const whole = await send('/api/llm/generate', ask)
    await body(whole, ErrorShape, 503)
    expect(whole.headers.get('retry-after')).toBe('1')
  })

  test.each<[EngineError, number, string, string | null]>([
    [new EngineError('overloaded', 'The queue is full.', 7), 429, 'overloaded', '7'],
    [new EngineError('context_length_exceeded', 'Too long.'), 400, 'context_length_exceeded', null],
    [new EngineError('bad_request', 'No such schema.'), 400, 'bad_request', null],
    [new EngineError('unknown_adapter', 'No such adapter.'), 404, 'unknown_adapter', null],
    [new EngineError('failed', 'No worker.'), 503, 'generation_failed', '1'],
  ])('a refusal has its own status, streamed or not: %s', async (error, status, code, retryAfter) => {
    service.script = () => error
    for (const stream of [false, true]) {
      const response = await send('/api/llm/generate', { ...ask, stream })
      expect(response.headers.get('retry-after')).toBe(retryAfter)
      const refusal = await body<{ error: object }>(response, ErrorShape, status)
      expect(refusal.error).toMatchObject({ code, message: error.message })
    }
  })

  test('an error that nobody foresaw is shown as an id, and logged beside it', async () => {
    service.script = () => {
      throw new Error('a secret of the inside')
    }
    const { error } = await body<{ error: { id: string; message: string } }>(
      await send('/api/llm/generate', ask),
      ErrorShape,
      500,
    )
    expect(JSON.stringify(error)).not.toContain('secret')
    expect(service.log.find((line) => line.includes(error.id))).toContain('a secret of the inside')
  })
})

describe('clients that go away', () => {
  const hanging: [string, object, Step[]][] = [
    ['unstreamed', {}, [{ hang: true }]],
    ['unstreamed, in the queue', {}, [{ queued: 2 }, { hang: true }]],
    ['streamed, before the first event', { stream: true }, [{ hang: true }]],
    ['streamed, in the queue', { stream: true }, [{ queued: 2 }, { hang: true }]],
    ['streamed, while it writes', { stream: true }, ['It ', { hang: true }]],
  ]
  const paths = ['/api/llm/generate', '/v1/chat/completions']
  test.each(hanging.flatMap((one) => paths.map((path) => [...one, path] as const)))(
    'abort what they asked for: %s',
    async (_, more, steps, path) => {
      service.script = () => steps
      const before = service.aborted.length
      const client = new AbortController()
      const gone = send(path, { ...ask, ...more }, { signal: client.signal })
        .then((response) => response.text())
        .catch((error: Error) => error.name)
      await until(() => service.active() === 1)
      await Bun.sleep(50)
      const left = performance.now()
      client.abort()
      expect(await gone).toBe('AbortError')
      await until(() => service.active() === 0 && service.aborted.length === before + 1)
      expect((service.aborted.at(-1) ?? Number.POSITIVE_INFINITY) - left).toBeLessThan(1_000)
    },
  )

  test('a silent stream says that it is still there', async () => {
    service.script = () => [{ queued: 1 }, { pauseMs: 6_000 }, 'at last']
    const { comments, data } = await readEvents(await send('/v1/chat/completions', { ...ask, stream: true }))
    expect(comments).toEqual([': queue 1', ': still here'])
    expect(data.at(-1)).toBe('[DONE]')
  }, 15_000)
})

describe('POST /v1/chat/completions', () => {
  test('the whole answer', async () => {
    const response = await send('/v1/chat/completions', { model: 'scripted', ...ask })
    const answer = await body<Record<string, unknown>>(response, ChatShape)
    expect(answer).toMatchObject({
      object: 'chat.completion',
      model: 'scripted',
      choices: [{ index: 0, message: { role: 'assistant', content: 'It is so.' }, finish_reason: 'stop' }],
      usage: {
        prompt_tokens: 21,
        completion_tokens: 3,
        total_tokens: 24,
        prompt_tokens_details: { cached_tokens: 16 },
      },
    })
    expect(answer.id).toMatch(/^chatcmpl-[0-9a-f]{32}$/)
    expect(Math.abs(Number(answer.created) - Date.now() / 1000)).toBeLessThan(60)
  })

  test('the stream, chunk by chunk', async () => {
    service.script = () => [{ queued: 2 }, 'It ', 'is.']
    const { data, comments } = await readEvents(
      await send('/v1/chat/completions', { ...ask, stream: true, stream_options: { include_usage: true } }),
    )
    expect(comments).toEqual([': queue 2'])
    const choices = data.map((one) => (one === '[DONE]' ? one : one.choices))
    const choice = (delta: object, finish: string | null = null) => [
      { index: 0, delta, logprobs: null, finish_reason: finish },
    ]
    expect(choices).toEqual([
      choice({ role: 'assistant', content: '' }),
      choice({ content: 'It ' }),
      choice({ content: 'is.' }),
      choice({}, 'stop'),
      [],
      '[DONE]',
    ])
    const usages = data.map((one) => (one === '[DONE]' ? one : one.usage))
    expect(usages.slice(0, 4)).toEqual([null, null, null, null])
    expect(usages[4]).toMatchObject({ prompt_tokens: 21, completion_tokens: 2, total_tokens: 23 })
    const heads = data.flatMap((one) => (one === '[DONE]' ? [] : [`${one.id} ${one.model} ${one.object}`]))
    expect(new Set(heads).size).toBe(1)
  })

  test('no usage unless it is asked for', async () => {
    const { data } = await readEvents(await send('/v1/chat/completions', { ...ask, stream: true }))
    expect(JSON.stringify(data)).not.toContain('usage')
  })

  test('thoughts go to reasoning_content, streamed or not', async () => {
    service.script = () => ['<th', 'ink>', '\nLet me ', 'see.\n', '</thi', 'nk>\n', '\nYes', ', so.']
    const thinking = { ...ask, chat_template_kwargs: { enable_thinking: true } }
    const whole = await body<{ choices: { message: object }[] }>(
      await send('/v1/chat/completions', thinking),
      ChatShape,
    )
    expect(whole.choices[0]?.message).toMatchObject({ content: 'Yes, so.', reasoning_content: 'Let me see.' })
    const { data } = await readEvents(await send('/v1/chat/completions', { ...thinking, stream: true }))
    const joined = (field: string) =>
      data
        .flatMap((one) => (one === '[DONE]' ? [] : (one.choices as { delta: Record<string, string> }[])))
        .map(({ delta }) => delta[field] ?? '')
        .join('')
    expect(joined('reasoning_content')).toBe('Let me see.')
    expect(joined('content')).toBe('Yes, so.')
  })

  test.each<[object, boolean]>([
    [{}, false],
    [{ reasoning_effort: 'none' }, false],
    [{ reasoning_effort: 'minimal' }, false],
    [{ reasoning_effort: 'low' }, true],
    [{ reasoning_effort: 'high' }, true],
    [{ chat_template_kwargs: { enable_thinking: true } }, true],
    [{ chat_template_kwargs: { enable_thinking: false }, reasoning_effort: 'high' }, false],
    [{ reasoning_effort: 'high', response_format: { type: 'json_object' } }, false],
  ])('whether it thinks: %j', async (more, thinking) => {
    await send('/v1/chat/completions', { ...ask, ...more })
    expect(lastRequest().prompt).toMatchObject({ kind: 'chat', thinking })
  })

  test('messages of every role and of parts', async () => {
    await send('/v1/chat/completions', {
      messages: [
        { role: 'developer', content: 'Be brief.' },
        {
          role: 'user',
          name: 'Ann',
          content: [
            { type: 'text', text: 'Is it' },
            { type: 'text', text: 'so?' },
          ],
        },
        // As an answer comes back from a client's own history.
        {
          role: 'assistant',
          content: 'Yes.',
          refusal: null,
          reasoning_content: 'hm',
          annotations: [],
          tool_calls: [],
        },
        { role: 'user', content: 'Why?' },
      ],
    })
    expect(lastRequest().prompt).toMatchObject({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Is it\nso?' },
        { role: 'assistant', content: 'Yes.' },
        { role: 'user', content: 'Why?' },
      ],
    })
  })

  test('what the clients of OpenAI send beside it is ignored, null is not sent', async () => {
    const response = await send('/v1/chat/completions', {
      ...ask,
      user: 'u',
      metadata: { a: 'b' },
      store: true,
      service_tier: 'auto',
      parallel_tool_calls: false,
      prompt_cache_key: 'k',
      safety_identifier: 's',
      verbosity: 'low',
      n: 1,
      tools: [],
      tool_choice: 'none',
      logprobs: false,
      modalities: ['text'],
      logit_bias: {},
      temperature: null,
      top_p: null,
      stop: null,
      seed: null,
      max_tokens: null,
      stream: null,
      response_format: null,
      stream_options: null,
      audio: null,
    })
    expect(response.status).toBe(200)
    expect(lastRequest()).toMatchObject({ maxTokens: 256, stop: [], format: null })
  })

  test('limits, seeds, penalties and formats', async () => {
    const schema = { type: 'object', properties: { a: { type: 'integer' } } }
    await send('/v1/chat/completions', {
      ...ask,
      max_tokens: 9,
      max_completion_tokens: 8,
      presence_penalty: -2,
      frequency_penalty: 2,
      seed: -5,
      stop: ['a', 'b'],
      response_format: { type: 'json_schema', json_schema: { name: 'A', strict: true, schema } },
    })
    expect(lastRequest()).toMatchObject({
      maxTokens: 8,
      stop: ['a', 'b'],
      format: { kind: 'json-schema', schema },
      sampling: { presencePenalty: -2, frequencyPenalty: 2, seed: 2 ** 32 - 6 },
    })
    for (const [seed, given] of [
      [-1, null],
      [0, 0],
      [2 ** 32 - 2, 2 ** 32 - 2],
      [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER % (2 ** 32 - 1)],
    ]) {
      await send('/v1/chat/completions', { ...ask, seed })
      expect(lastRequest().sampling.seed).toBe(given ?? null)
    }
    await send('/v1/chat/completions', { ...ask, response_format: { type: 'json_object' } })
    expect(lastRequest().format).toEqual({ kind: 'json' })
  })

  test('an adapter by the name of the model, and by field', async () => {
    const response = await send('/v1/chat/completions', { ...ask, model: 'scripted:pirate' })
    expect(await response.json()).toMatchObject({ model: 'scripted:pirate' })
    expect(lastRequest().adapters).toEqual([{ name: 'pirate', scale: 1 }])
    service.adapters = [{ ...pirate, scale: 0.25 }]
    await send('/v1/chat/completions', { ...ask, adapters: [{ name: 'pirate' }] })
    expect(lastRequest().adapters).toEqual([{ name: 'pirate', scale: 0.25 }])
    const twice = await send('/v1/chat/completions', {
      ...ask,
      model: 'scripted:pirate',
      adapters: [{ name: 'pirate' }],
    })
    await body(twice, OpenAiErrorShape, 422)
  })

  test.each(['gpt-4o', 'scripted:nobody', 'scripted:', 'SCRIPTED'])(
    'another model is refused: %s',
    async (model) => {
      const response = await send('/v1/chat/completions', { ...ask, model })
      const { error } = await body<{ error: object }>(response, OpenAiErrorShape, 404)
      expect(error).toMatchObject({ code: 'model_not_found', param: 'model', type: 'invalid_request_error' })
      expect(JSON.stringify(error)).toContain('scripted')
    },
  )

  test('a failure in mid-stream is an event of its own, without [DONE]', async () => {
    service.script = () => ['It ', { failed: 'The worker died.' }]
    const { data } = await readEvents(await send('/v1/chat/completions', { ...ask, stream: true }))
    expect(data.at(-1)).toEqual({
      error: { message: 'The worker died.', type: 'server_error', param: null, code: 'generation_failed' },
    })
    expect(data).not.toContain('[DONE]')
  })
})

describe('POST /v1/completions', () => {
  test('whole and streamed', async () => {
    const whole = await body(await send('/v1/completions', { prompt: 'Once' }), CompletionShape)
    expect(whole).toMatchObject({
      object: 'text_completion',
      choices: [{ index: 0, text: 'It is so.', finish_reason: 'stop' }],
      usage: { total_tokens: 24 },
    })
    expect(lastRequest().prompt).toEqual({ kind: 'text', text: 'Once' })
    const { data } = await readEvents(
      await send('/v1/completions', {
        prompt: ['Once'],
        stream: true,
        stream_options: { include_usage: true },
      }),
    )
    const texts = data.flatMap((one) => (one === '[DONE]' ? [] : (one.choices as { text: string }[])))
    expect(texts.map(({ text }) => text).join('')).toBe('It is so.')
    expect(data.at(-2)).toMatchObject({ choices: [], usage: { completion_tokens: 3 } })
    expect(data.at(-1)).toBe('[DONE]')
  })
})

describe('embeddings', () => {
  const texts = ['the lamp of the lighthouse', 'apple trees']

  test('POST /api/llm/embed', async () => {
    const [expected] = await embed.embed([texts[0] ?? ''])
    const many = await body<{ embeddings: number[][]; dimension: number }>(
      await send('/api/llm/embed', { texts }),
      EmbedShape,
    )
    expect(many.dimension).toBe(384)
    expect(many.embeddings.map((one) => one.length)).toEqual([384, 384])
    expect(many.embeddings[0]).toEqual(Array.from(expected ?? []))
    const single = await body<typeof many>(await send('/api/llm/embed', { text: texts[0] }), EmbedShape)
    expect(single.embeddings).toEqual(many.embeddings.slice(0, 1))
  })

  test('POST /v1/embeddings, as numbers and as base64', async () => {
    const numbers = await body<{ data: { embedding: number[] }[]; usage: object }>(
      await send('/v1/embeddings', { input: texts, model: 'sentence-transformers/all-MiniLM-L6-v2' }),
      EmbeddingShape,
    )
    // Five and two words, and the two tokens around each text.
    expect(numbers.usage).toEqual({ prompt_tokens: 11, total_tokens: 11 })
    const packed = await body<{ data: { embedding: string }[] }>(
      await send('/v1/embeddings', { input: texts[1], encoding_format: 'base64', dimensions: 384 }),
      EmbeddingShape,
    )
    const bytes = Buffer.from(packed.data[0]?.embedding ?? '', 'base64')
    const floats = Array.from({ length: 384 }, (_, i) => bytes.readFloatLE(4 * i))
    expect(floats).toEqual(numbers.data[1]?.embedding ?? [])
  })

  test('refusals by name', async () => {
    const other = await send('/v1/embeddings', { input: 'a', model: 'text-embedding-3-small' })
    const { error } = await body<{ error: object }>(other, OpenAiErrorShape, 404)
    expect(error).toMatchObject({ code: 'model_not_found' })
    await body(await send('/v1/embeddings', { input: 'a', dimensions: 100 }), OpenAiErrorShape, 422)
    const tokens = await send('/v1/embeddings', { input: [[1, 2, 3]] })
    expect(await tokens.text()).toContain('token numbers')
  })

  test('a process without an embedding model says so', async () => {
    const bare = await openScriptedService()
    try {
      for (const [path, value] of [
        ['/api/llm/embed', { text: 'a' }],
        ['/v1/embeddings', { input: 'a' }],
      ] as const) {
        const response = await fetch(`${bare.url}${path}`, postJson(value))
        expect(response.status).toBe(503)
        expect(await response.json()).toMatchObject({ error: { code: 'no_embedding_model' } })
      }
      const health = await (await fetch(`${bare.url}/api/llm/health`)).json()
      expect(health).toMatchObject({ embedding_model: null, embedding_loaded: false })
    } finally {
      await bare.close()
    }
  })
})

describe('models, adapters, counts', () => {
  test('GET /v1/models: the model first, its usable adapters, the embedding model', async () => {
    const { data } = await body<{ data: { id: string; max_model_len?: number }[] }>(
      await send('/v1/models'),
      ModelList,
    )
    expect(data.map(({ id }) => id)).toEqual(['scripted', 'scripted:pirate', 'all-MiniLM-L6-v2'])
    expect(data[0]?.max_model_len).toBe(4_096)
    for (const { id } of data) {
      const one = await send(`/v1/models/${encodeURIComponent(id)}`)
      expect(await body<object>(one, ModelShape)).toMatchObject({ id })
    }
    await body(await send('/v1/models/gpt-4o'), OpenAiErrorShape, 404)
  })

  test('adapters are listed, loaded with a weight, refused by name', async () => {
    const { adapters } = await body<{ adapters: AdapterInfo[] }>(await send('/api/llm/adapters'), AdapterList)
    expect(adapters.map(({ name, file }) => [name, file])).toEqual([
      ['pirate', 'pirate.gguf'],
      ['foreign', 'pirate.gguf'],
    ])
    const set = await send('/api/llm/adapters', { name: 'pirate', scale: 0.5 })
    expect(await body<object>(set, AdapterShape)).toMatchObject({ name: 'pirate', loaded: true, scale: 0.5 })
    await body(await send('/api/llm/adapters', { name: 'nobody', scale: 1 }), ErrorShape, 404)
    const other = await body<{ error: { message: string } }>(
      await send('/api/llm/adapters', { name: 'foreign', scale: 1 }),
      ErrorShape,
      400,
    )
    expect(other.error.message).toContain('another base model')
  })

  test('POST /api/llm/count', async () => {
    const counts = await body(await send('/api/llm/count', { texts: ['a b', '', 'c'] }), CountShape)
    expect(counts).toEqual({ counts: [2, 0, 1], context_tokens: 4_096, model: 'scripted' })
  })
})

describe('who may use it', () => {
  test('with a key, only who brings it; what and how it is stays open', async () => {
    const locked = await openScriptedService({ settings: { apiKey: 'c4n4ry-key' } })
    const call = (path: string, authorization?: string) =>
      fetch(`${locked.url}${path}`, {
        ...(path.endsWith('models') ? {} : postJson(ask)),
        headers: {
          'content-type': 'application/json',
          ...(authorization !== undefined && { authorization }),
        },
      })
    try {
      for (const wrong of [undefined, 'Bearer', 'Bearer wrong', 'Basic c4n4ry-key', 'c4n4ry-key']) {
        for (const path of ['/v1/models', '/v1/chat/completions', '/api/llm/generate', '/api/llm/count']) {
          const response = await call(path, wrong)
          expect({ path, wrong, status: response.status }).toEqual({ path, wrong, status: 401 })
          expect(response.headers.get('www-authenticate')).toBe('Bearer')
          const text = await response.text()
          expect(text).toContain('invalid_api_key')
          expect(text).not.toContain('c4n4ry')
        }
      }
      expect((await call('/v1/chat/completions', 'Bearer c4n4ry-key')).status).toBe(200)
      expect((await call('/v1/models', 'bearer c4n4ry-key')).status).toBe(200)
      for (const path of ['/', '/docs', '/openapi.json', '/api/llm/health'])
        expect((await fetch(`${locked.url}${path}`)).status).toBe(200)
      expect(locked.log.join('\n')).not.toContain('c4n4ry')
    } finally {
      await locked.close()
    }
  })

  test('pages of other sites are kept out unless their origin is named', async () => {
    const origin = 'http://localhost:8000'
    const shared = await openScriptedService({ settings: { allowedOrigins: [origin], apiKey: 'key' } })
    try {
      const allowed = await fetch(`${shared.url}/v1/chat/completions`, {
        ...postJson({ ...ask, stream: true }),
        headers: { 'content-type': 'application/json', origin, authorization: 'Bearer key' },
      })
      expect(allowed.headers.get('access-control-allow-origin')).toBe(origin)
      expect(allowed.headers.get('vary')).toContain('origin')
      expect(allowed.status).toBe(200)
      await allowed.text()
      const preflight = await fetch(`${shared.url}/v1/chat/completions`, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization,content-type,x-stainless-os',
        },
      })
      expect(preflight.status).toBe(204)
      expect(preflight.headers.get('access-control-allow-methods')).toContain('POST')
      expect(preflight.headers.get('access-control-allow-headers')).toContain('authorization')
      for (const other of [
        'http://localhost:8002',
        'https://localhost:8000',
        'http://evil.example',
        'null',
      ]) {
        const refused = await fetch(`${shared.url}/v1/models`, {
          headers: { origin: other, authorization: 'Bearer key' },
        })
        expect(refused.status).toBe(403)
        expect(refused.headers.get('access-control-allow-origin')).toBeNull()
        await body(refused, OpenAiErrorShape, 403)
      }
    } finally {
      await shared.close()
    }
    const closed = await send('/v1/models', undefined, { headers: { origin } })
    expect(closed.status).toBe(403)
  })

  test('a foreign Host is refused, a named one is not', async () => {
    const foreign = await send('/v1/models', undefined, { headers: { host: 'evil.example' } })
    await body(foreign, OpenAiErrorShape, 403)
    const named = await openScriptedService({ settings: { allowedHosts: ['models.lan'] } })
    try {
      const response = await fetch(`${named.url}/v1/models`, { headers: { host: 'models.lan:8001' } })
      expect(response.status).toBe(200)
    } finally {
      await named.close()
    }
  })

  test('over a socket of the file system', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mentor-socket-'))
    const unix = join(folder, 'model.sock')
    const local = await openScriptedService({ unix })
    try {
      expect(local.url).toBe(`unix:${unix}`)
      const response = await fetch('http://localhost/v1/chat/completions', { ...postJson(ask), unix })
      expect(await response.json()).toMatchObject({ choices: [{ message: { content: 'It is so.' } }] })
    } finally {
      await local.close()
      await rm(folder, { recursive: true, force: true })
    }
  })
})

test.each<[string, string, string]>([
  ['', '', ''],
  ['Yes.', '', 'Yes.'],
  ['  Yes.\n', '', '  Yes.\n'],
  ['<thinking> is a word', '', '<thinking> is a word'],
  ['<thin', '', '<thin'],
  ['Say <think>x</think>', '', 'Say <think>x</think>'],
  ['<think></think>Yes.', '', 'Yes.'],
  ['\n<think>\n\n</think>\n\nYes.', '', 'Yes.'],
  ['<think>\na < b\n\n</ c </thin\n</think>\n Yes </think>', 'a < b\n\n</ c </thin', 'Yes </think>'],
  ['<think>cut of', 'cut of', ''],
  ['<think>cut off </thi', 'cut off </thi', ''],
])('thoughts in %j, however they are cut into pieces', (text, reasoning, answer) => {
  for (let size = 1; size <= text.length + 1; size++) {
    const splitter = splitThoughts()
    const pieces: Piece[] = []
    for (let at = 0; at < text.length; at += size) pieces.push(...splitter.push(text.slice(at, at + size)))
    pieces.push(...splitter.end())
    const joined = (type: string) =>
      pieces
        .filter((one) => one.type === type)
        .map((one) => one.text)
        .join('')
    expect({ size, reasoning: joined('reasoning'), answer: joined('text') }).toEqual({
      size,
      reasoning,
      answer,
    })
  }
})

test('the log has a line a request, and no word of what was asked', () => {
  const lines = service.log.join('\n')
  expect(lines).toMatch(/POST \/v1\/chat\/completions 200 \d+ ms/)
  expect(lines).not.toContain('Is it so?')
})
