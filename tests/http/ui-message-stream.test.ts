/** The stream of an answer, read by the AI SDK's own client. */
import { describe, expect, test } from 'bun:test'
import { DefaultChatTransport, readUIMessageStream, type UIMessage, type UIMessageChunk } from 'ai'
import {
  type Answer,
  type AnswerEvent,
  type RetrievedPassage,
  RungUnavailable,
} from '../../backend/answer/types.ts'
import { uiMessageParts, uiMessageStreamHeaders } from '../../backend/http/ui-message-stream.ts'
import { eventStream } from '../../http/event-stream.ts'

const document = {
  id: '6c1f3c1e-58a4-4d1a-9a55-0f6a2f4f2d11',
  title: 'Handbook',
  source: 'a/handbook.md',
  version: 7,
}

const passage: RetrievedPassage = {
  id: 41,
  document,
  text: 'The gate closes at nine.',
  start: 10,
  end: 34,
  page: null,
  heading: 'Hours › Gate',
  language: 'en',
  score: 0.9,
  scores: { dense: 0.7, lexical: 3.1 },
  ranks: { dense: 1, lexical: 1 },
}

const answer: Answer = {
  id: 'b7a7d8de-5f0f-4b4a-a4f3-3f5b7b4c7a10',
  answer: 'It closes at nine. [1] Be there before. [1]',
  abstained: false,
  citations: [
    { number: 1, document, page: null, heading: passage.heading, start: 10, end: 34, quote: passage.text },
  ],
  rung: 'context-only',
  model: null,
  ladder: [{ rung: 'context-only', outcome: 'answered', reason: null, ms: 3, prompt: null }],
  passages: [passage],
  timings: { embed: 1, search: 2, firstText: 3, total: 4 },
  usage: { promptTokens: null, completionTokens: null },
  notes: [],
}

type Message = UIMessage<unknown, { answer: Answer }>

const good: AnswerEvent[] = [
  { type: 'passages', passages: [passage, { ...passage, id: 42 }] },
  { type: 'text', text: 'It closes at nine. [1]' },
  { type: 'text', text: ' Be there before. [1]' },
  { type: 'answer', answer },
]

async function* from(events: AnswerEvent[], failure?: Error): AsyncGenerator<AnswerEvent> {
  for (const event of events) {
    await Bun.sleep(0)
    yield event
  }
  if (failure !== undefined) throw failure
}

function respond(
  events: AsyncGenerator<AnswerEvent>,
  log: string[] = [],
  onEnd: (gone: boolean) => void = () => {},
  signal = new AbortController().signal,
) {
  const parts = uiMessageParts(events, (line) => log.push(line))
  return eventStream(parts, uiMessageStreamHeaders, signal, onEnd)
}

/** What useChat does with a response: its transport, and the reader of its parts. */
async function readAsClient(
  response: Response,
): Promise<{ message: Message | undefined; errors: unknown[] }> {
  const transport = new DefaultChatTransport<Message>({
    fetch: (async () => response) as unknown as typeof fetch,
  })
  const chunks = await transport.sendMessages({
    trigger: 'submit-message',
    chatId: 'chat',
    messageId: undefined,
    messages: [{ id: '1', role: 'user', parts: [{ type: 'text', text: 'When?' }] }],
    abortSignal: undefined,
  })
  const errors: unknown[] = []
  let message: Message | undefined
  const stream = readUIMessageStream<Message>({
    stream: chunks as ReadableStream<UIMessageChunk>,
    onError: (error) => errors.push(error),
  })
  for await (const read of stream) message = read
  return { message, errors }
}

async function partsOf(response: Response): Promise<unknown[]> {
  const lines = (await response.text()).split('\n\n').filter((line) => line.startsWith('data: '))
  return lines.map((line) => (line === 'data: [DONE]' ? '[DONE]' : JSON.parse(line.slice(6))))
}

describe('an answer', () => {
  test('is what the client ends up with: sources first, the text, the whole answer', async () => {
    const { message, errors } = await readAsClient(respond(from(good)))
    expect(errors).toEqual([])
    expect(message?.parts.map((part) => part.type)).toEqual([
      'source-document',
      'source-document',
      'text',
      'data-answer',
    ])
    expect(message?.parts[0]).toMatchObject({ sourceId: '41', title: 'Handbook', filename: 'a/handbook.md' })
    expect(message?.parts[2]).toMatchObject({ text: answer.answer, state: 'done' })
    expect(message?.parts[3]).toMatchObject({ data: answer })
  })

  test('has the parts of the protocol in their order, each event a delta of its own', async () => {
    const response = respond(from(good))
    expect(response.headers.get('content-type')).toStartWith('text/event-stream')
    expect(response.headers.get('x-vercel-ai-ui-message-stream')).toBe('v1')
    const parts = await partsOf(response)
    expect(parts.map((part) => (typeof part === 'string' ? part : (part as { type: string }).type))).toEqual([
      'start',
      'source-document',
      'source-document',
      'text-start',
      'text-delta',
      'text-delta',
      'text-end',
      'data-answer',
      'finish',
      '[DONE]',
    ])
    expect(parts.at(-3)).toEqual({ type: 'data-answer', data: answer })
  })

  test('without text has no text part', async () => {
    const { message, errors } = await readAsClient(respond(from([{ type: 'answer', answer }])))
    expect(errors).toEqual([])
    expect(message?.parts.map((part) => part.type)).toEqual(['data-answer'])
  })
})

describe('a stream that breaks', () => {
  test('ends with an error part; the text before it stays', async () => {
    const broken: AnswerEvent[] = [
      ...good.slice(0, 2),
      { type: 'error', code: 'model_broke_off', message: 'The model stopped answering.' },
    ]
    const { message, errors } = await readAsClient(respond(from(broken)))
    expect(errors.map(String)).toEqual(['Error: The model stopped answering.'])
    expect(message?.parts.findLast((part) => part.type === 'text')).toMatchObject({
      text: 'It closes at nine. [1]',
    })
    const parts = await partsOf(respond(from(broken)))
    expect(parts.slice(-4)).toEqual([
      { type: 'text-end', id: 'answer' },
      { type: 'error', errorText: 'The model stopped answering.', code: 'model_broke_off' },
      { type: 'finish', finishReason: 'error' },
      '[DONE]',
    ])
  })

  test('by a defect shows an id, and the log has the rest', async () => {
    const log: string[] = []
    const text = await respond(from(good.slice(0, 2), new Error('postgres://u:secret@db')), log).text()
    expect(text).not.toContain('secret')
    expect(text).not.toContain('postgres')
    const id = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(text.slice(text.indexOf('"error"')))?.[0]
    expect(id).toBeDefined()
    expect(log.join('\n')).toContain(`500 ${id}: Error: postgres://u:***@db`)
  })

  test('by a refusal says it in its words', async () => {
    const text = await respond(from([], new RungUnavailable('not installed'))).text()
    expect(text).toContain('"code":"rung_unavailable"')
    expect(text).toContain('not installed')
  })
})

describe('the connection', () => {
  test('a reader that goes away is told at once, also while the answer is being thought of', async () => {
    const gone = Promise.withResolvers<boolean>()
    const stuck = async function* (): AsyncGenerator<AnswerEvent> {
      yield { type: 'passages', passages: [] }
      await new Promise(() => {})
    }
    const reader = respond(stuck(), [], gone.resolve).body?.getReader()
    await reader?.read()
    const began = performance.now()
    await reader?.cancel()
    expect(await gone.promise).toBe(true)
    expect(performance.now() - began).toBeLessThan(1_000)
  })

  test('a reader that was never there is told too, and the answer cleans up', async () => {
    const gone = Promise.withResolvers<boolean>()
    const cleaned = Promise.withResolvers<string>()
    const careful = async function* (): AsyncGenerator<AnswerEvent> {
      try {
        yield* good
      } finally {
        cleaned.resolve('cleaned')
      }
    }
    const events = careful()
    await events.next()
    const client = new AbortController()
    respond(events, [], gone.resolve, client.signal)
    client.abort()
    expect(await gone.promise).toBe(true)
    const hungUp = new AbortController()
    hungUp.abort()
    const late = Promise.withResolvers<boolean>()
    respond(careful(), [], late.resolve, hungUp.signal)
    expect(await late.promise).toBe(true)
  })

  test('a silent stream sends a comment within 6 s, which the client passes over', async () => {
    const slow = async function* (): AsyncGenerator<AnswerEvent> {
      yield { type: 'passages', passages: [] }
      await Bun.sleep(5_500)
      yield { type: 'answer', answer }
    }
    const response = respond(slow())
    const copy = response.clone()
    const [text, { message, errors }] = await Promise.all([copy.text(), readAsClient(response)])
    expect(text).toContain(': still here\n\n')
    expect(errors).toEqual([])
    expect(message?.parts.at(-1)?.type).toBe('data-answer')
  }, 10_000)
})
