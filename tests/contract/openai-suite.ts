/**
 * What the official `openai` client gets from the model service, as a suite: over a scripted service here, over real
 * models elsewhere. The client is used unchanged, as its own documentation shows it.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import OpenAI, { APIUserAbortError, BadRequestError, NotFoundError, UnprocessableEntityError } from 'openai'

type Messages = OpenAI.ChatCompletionMessageParam[]

export interface Opened {
  /** `http://127.0.0.1:8001`, without `/v1`. */
  url: string
  close(): Promise<void>
}

/** What the model behind the service does; every answer with `temperature: 0`. */
export interface Expectations {
  model: string
  /** Messages, and the whole answer to them. */
  chat: { messages: Messages; answer: string }
  /** A piece of that answer: with it as a stop, the answer ends before it. */
  stop: string
  /** Messages whose answer takes at least 64 tokens and some seconds. */
  long: Messages
  /** Messages whose answer, under this schema, is of it; `check` throws when it is not. */
  json: { messages: Messages; schema: Record<string, unknown>; check: (value: unknown) => void } | null
  /** Messages that are longer than the context. */
  tooLong: Messages | null
  /** A text, and its whole continuation. */
  completion: { prompt: string; answer: string } | null
  /** An adapter's name, and the answer to `chat` with it. */
  adapter: { name: string; answer: string } | null
  /** Messages, and what the model thinks and answers when it may think. */
  thinking: { messages: Messages; reasoning: string; answer: string } | null
  embedding: { model: string; dimensions: number } | null
}

export function openAiSuite(open: () => Promise<Opened>, expected: Expectations): void {
  let opened: Opened
  let client: OpenAI
  const { model, chat } = expected
  const ask = { model, messages: chat.messages, temperature: 0 }

  beforeAll(async () => {
    opened = await open()
    client = new OpenAI({ baseURL: `${opened.url}/v1`, apiKey: 'unused', maxRetries: 0 })
  }, 120_000)

  afterAll(async () => {
    await opened.close()
  })

  /** Requests that the service is generating for. */
  async function active(): Promise<number> {
    const response = await fetch(`${opened.url}/api/llm/health`)
    const health = (await response.json()) as { queue: { active: number; waiting: number } }
    return health.queue.active + health.queue.waiting
  }

  async function expectIdle(withinMs: number): Promise<void> {
    const deadline = performance.now() + withinMs
    while ((await active()) > 0) {
      if (performance.now() > deadline) throw new Error(`A slot was still taken after ${withinMs} ms.`)
      await Bun.sleep(20)
    }
  }

  test('models.list names the model first, models.retrieve finds it', async () => {
    const page = await client.models.list()
    expect(page.data[0]).toMatchObject({ id: model, object: 'model' })
    expect(await client.models.retrieve(model)).toMatchObject({ id: model })
    expect(await failureOf(client.models.retrieve('no-such-model'))).toBeInstanceOf(NotFoundError)
  })

  test('chat.completions.create', async () => {
    const answer = await client.chat.completions.create({ ...ask, max_tokens: 512 })
    expect(answer.choices).toHaveLength(1)
    expect(answer.choices[0]).toMatchObject({
      finish_reason: 'stop',
      message: { role: 'assistant', content: chat.answer },
    })
    expect(answer.model).toBe(model)
    const { prompt_tokens, completion_tokens, total_tokens } = answer.usage ?? {}
    expect(prompt_tokens).toBeGreaterThan(0)
    expect(completion_tokens).toBeGreaterThan(0)
    expect(total_tokens).toBe((prompt_tokens ?? 0) + (completion_tokens ?? 0))
  })

  test('as a stream, with usage', async () => {
    const stream = await client.chat.completions.create({
      ...ask,
      stream: true,
      stream_options: { include_usage: true },
    })
    const chunks: OpenAI.ChatCompletionChunk[] = []
    for await (const chunk of stream) chunks.push(chunk)
    const text = chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')
    expect(text).toBe(chat.answer)
    expect(chunks[0]?.choices[0]?.delta.role).toBe('assistant')
    const reasons = chunks.map(({ choices }) => choices[0]?.finish_reason ?? null)
    expect(reasons.filter((one) => one !== null)).toEqual(['stop'])
    expect(chunks.slice(0, -1).every(({ usage }) => usage === null)).toBe(true)
    expect(chunks.at(-1)).toMatchObject({ choices: [] })
    expect(chunks.at(-1)?.usage?.completion_tokens).toBeGreaterThan(0)
    await expectIdle(1_000)
  })

  test("the client's own stream helper puts the same message together", async () => {
    const helper = client.chat.completions.stream(ask)
    const deltas: string[] = []
    helper.on('content', (delta) => deltas.push(delta))
    const final = await helper.finalChatCompletion()
    expect(final.choices[0]?.message.content).toBe(chat.answer)
    expect(deltas.join('')).toBe(chat.answer)
  })

  test('an answer goes back into the conversation as it came', async () => {
    const first = await client.chat.completions.create(ask)
    const message = first.choices[0]?.message
    if (message === undefined) throw new Error('No message came back.')
    const messages: Messages = [...chat.messages, message, ...chat.messages]
    const second = await client.chat.completions.create({ ...ask, messages, max_tokens: 4 })
    expect(second.choices).toHaveLength(1)
  })

  test('max_tokens and max_completion_tokens end it with length', async () => {
    for (const limit of [{ max_tokens: 2 }, { max_completion_tokens: 2 }]) {
      const answer = await client.chat.completions.create({ ...ask, ...limit })
      expect(answer.choices[0]?.finish_reason).toBe('length')
      expect(answer.usage?.completion_tokens).toBe(2)
      expect(chat.answer).toStartWith(answer.choices[0]?.message.content ?? 'nothing')
    }
  })

  test('a stop ends it before the stop, streamed or not', async () => {
    const before = chat.answer.slice(0, chat.answer.indexOf(expected.stop))
    for (const stop of [expected.stop, ['never to be written', expected.stop]]) {
      const answer = await client.chat.completions.create({ ...ask, stop })
      expect(answer.choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: before } })
    }
    const stream = await client.chat.completions.create({ ...ask, stop: expected.stop, stream: true })
    let text = ''
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
    expect(text).toBe(before)
  })

  test('the same seed gives the same answer', async () => {
    const once = () =>
      client.chat.completions.create({ ...ask, temperature: 1.5, top_p: 1, seed: 42, max_tokens: 24 })
    const [first, second] = [await once(), await once()]
    expect(second.choices[0]?.message.content).toBe(first.choices[0]?.message.content ?? null)
  })

  test('eight at once are answered each', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => client.chat.completions.create(ask)))
    expect(answers.map(({ choices }) => choices[0]?.message.content)).toEqual(Array(8).fill(chat.answer))
    await expectIdle(1_000)
  })

  test('an aborted stream frees its slot within a second', async () => {
    const stream = await client.chat.completions.create({
      ...ask,
      messages: expected.long,
      max_tokens: 1_024,
      stream: true,
    })
    for await (const chunk of stream) if ((chunk.choices[0]?.delta.content ?? '') !== '') break
    stream.controller.abort()
    await expectIdle(1_000)
  })

  test('an aborted request frees its slot within a second', async () => {
    const abort = new AbortController()
    const request = client.chat.completions.create(
      { ...ask, messages: expected.long, max_tokens: 1_024 },
      { signal: abort.signal },
    )
    const outcome = failureOf(request)
    const deadline = performance.now() + 10_000
    while ((await active()) === 0 && performance.now() < deadline) await Bun.sleep(10)
    expect(await active()).toBe(1)
    abort.abort()
    expect(await outcome).toBeInstanceOf(APIUserAbortError)
    await expectIdle(1_000)
  })

  test('wrong requests are the errors that the client has classes for', async () => {
    const wrong = (more: object) => failureOf(client.chat.completions.create({ ...ask, ...more }))
    const unknown = await wrong({ model: 'no-such-model' })
    expect(unknown).toBeInstanceOf(NotFoundError)
    expect(unknown).toMatchObject({ status: 404, code: 'model_not_found', param: 'model' })
    const hot = await wrong({ temperature: 3 })
    expect(hot).toBeInstanceOf(UnprocessableEntityError)
    expect(hot).toMatchObject({ status: 422, param: 'temperature', type: 'invalid_request_error' })
    const tools = await wrong({ tools: [{ type: 'function', function: { name: 'f' } }] })
    expect(tools).toBeInstanceOf(UnprocessableEntityError)
    expect(String(tools)).toContain('calls no tools')
  })

  test.skipIf(expected.tooLong === null)('a prompt beyond the context is a BadRequestError', async () => {
    for (const stream of [false, true]) {
      const error = await failureOf(
        client.chat.completions.create({ ...ask, messages: expected.tooLong ?? [], stream }),
      )
      expect(error).toBeInstanceOf(BadRequestError)
      expect(error).toMatchObject({ code: 'context_length_exceeded', type: 'invalid_request_error' })
    }
    await expectIdle(1_000)
  })

  test.skipIf(expected.json === null)('a JSON schema is a grammar: the answer is of it', async () => {
    const { messages = [], schema = {}, check } = expected.json ?? {}
    const format = {
      type: 'json_schema' as const,
      json_schema: { name: 'expected', strict: true, schema },
    }
    const answer = await client.chat.completions.create({
      ...ask,
      messages,
      max_tokens: 512,
      response_format: format,
    })
    check?.(JSON.parse(answer.choices[0]?.message.content ?? ''))
    const parsed = await client.chat.completions.parse({
      ...ask,
      messages,
      max_tokens: 512,
      response_format: format,
    })
    check?.(parsed.choices[0]?.message.parsed)
    const free = await client.chat.completions.create({
      ...ask,
      messages,
      max_tokens: 512,
      response_format: { type: 'json_object' },
    })
    JSON.parse(free.choices[0]?.message.content ?? '')
  })

  test.skipIf(expected.thinking === null)('thoughts stay out of the content', async () => {
    const { messages = [], reasoning = '', answer = '' } = expected.thinking ?? {}
    const whole = await client.chat.completions.create({ ...ask, messages, reasoning_effort: 'high' })
    expect(whole.choices[0]?.message).toMatchObject({ content: answer, reasoning_content: reasoning })
  })

  test.skipIf(expected.completion === null)('completions.create continues a text', async () => {
    const { prompt = '', answer = '' } = expected.completion ?? {}
    const whole = await client.completions.create({ model, prompt, temperature: 0, max_tokens: 512 })
    expect(whole.choices[0]).toMatchObject({ text: answer, finish_reason: 'stop' })
    const stream = await client.completions.create({ model, prompt, temperature: 0, stream: true })
    let text = ''
    for await (const chunk of stream) text += chunk.choices[0]?.text ?? ''
    expect(text).toBe(answer)
  })

  test.skipIf(expected.adapter === null)('an adapter is chosen by the name of the model', async () => {
    const { name = '', answer: changed = '' } = expected.adapter ?? {}
    const listed = await client.models.list()
    expect(listed.data.map(({ id }) => id)).toContain(`${model}:${name}`)
    const answer = await client.chat.completions.create({ ...ask, model: `${model}:${name}` })
    expect(answer.choices[0]?.message.content).toBe(changed)
    expect(answer.model).toBe(`${model}:${name}`)
    const plain = await client.chat.completions.create(ask)
    expect(plain.choices[0]?.message.content).toBe(chat.answer)
  })

  test.skipIf(expected.embedding === null)('embeddings.create, as the client asks by itself', async () => {
    const { model: name = '', dimensions = 0 } = expected.embedding ?? {}
    const input = [
      'the lamp of the lighthouse',
      'the light of the tower by the sea',
      'a recipe for apple cake',
    ]
    const packed = await client.embeddings.create({ model: name, input })
    const plain = await client.embeddings.create({ model: name, input, encoding_format: 'float' })
    expect(packed.data.map(({ embedding }) => embedding.length)).toEqual(Array(3).fill(dimensions))
    for (const [i, { embedding }] of packed.data.entries()) {
      expect(Array.from(embedding)).toEqual(plain.data[i]?.embedding ?? [])
    }
    const [lamp = [], tower = [], cake = []] = plain.data.map(({ embedding }) => embedding)
    expect(dot(lamp, tower)).toBeGreaterThan(dot(lamp, cake))
    expect(packed.usage.prompt_tokens).toBeGreaterThan(0)
    const single = await client.embeddings.create({ model: name, input: input[0] ?? '' })
    expect(Array.from(single.data[0]?.embedding ?? [])).toEqual(lamp)
  })
}

/** The error that a call ends with, null when it succeeds; the client's promises are none of the language's own. */
export function failureOf(call: PromiseLike<unknown>): Promise<unknown> {
  return Promise.resolve(call).then(
    () => null,
    (error: unknown) => error,
  )
}

const dot = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0)
