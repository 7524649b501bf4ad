/** Reads what an OpenAI-compatible server answers to `POST /v1/chat/completions`, streamed or whole. */
import { createParser } from 'eventsource-parser'
import { RungFailed } from './failures.ts'
import type { RungChunk } from './types.ts'

/** Bytes of one answer, protocol and all: about 300 a token is usual. Beyond it something else is being sent. */
const MOST_BYTES = 8 * 2 ** 20
/** One event: a piece of text with its wrapping, never this long. */
const MOST_EVENT = 2 ** 20

interface Piece {
  text: string
  model: string | null
  usage: { promptTokens: number; completionTokens: number } | null
  /** The model said that it is done. */
  finished: boolean
}

/**
 * The text as it comes, then model and usage. Ends quietly once `mostText` code units have come: a server that
 * ignores `max_tokens` is cut off, not failed.
 * @throws RungFailed when the answer is no chat completion, is an error, or stops before the model was done.
 */
export async function* readChat(response: Response, mostText: number): AsyncGenerator<RungChunk> {
  const type = response.headers.get('content-type') ?? 'no content type'
  if (!response.body) throw new RungFailed('answered without a body')
  const pieces = /^text\/event-stream\b/i.test(type)
    ? readEvents(response.body)
    : /^application\/json\b/i.test(type)
      ? readWhole(response.body)
      : null
  if (!pieces) {
    await response.body.cancel()
    throw new RungFailed(`answered with ${type.slice(0, 60)} instead of a chat completion`)
  }
  let text = 0
  let finished = false
  for await (const piece of withoutThoughts(pieces)) {
    finished ||= piece.finished
    text += piece.text.length
    yield {
      ...(piece.text !== '' && { text: piece.text }),
      ...(piece.model && { model: piece.model }),
      ...(piece.usage && { usage: piece.usage }),
    }
    if (text > mostText) return
  }
  if (!finished) throw new RungFailed('stopped in the middle of its answer')
}

async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<Piece> {
  const queue: string[] = []
  const parser = createParser({ onEvent: ({ data }) => queue.push(data), maxBufferSize: MOST_EVENT })
  for await (const text of decoded(body)) {
    try {
      parser.feed(text)
    } catch {
      throw new RungFailed('sent an event of more than 1 MB')
    }
    for (const data of queue.splice(0)) {
      if (data.trim() === '[DONE]') return yield { text: '', model: null, usage: null, finished: true }
      yield pieceOf(data)
    }
  }
}

async function* readWhole(body: ReadableStream<Uint8Array>): AsyncGenerator<Piece> {
  let json = ''
  for await (const text of decoded(body)) json += text
  yield { ...pieceOf(json), finished: true }
}

async function* decoded(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > MOST_BYTES) throw new RungFailed('sent more than 8 MB')
    yield decoder.decode(chunk, { stream: true })
  }
}

/** Of a streamed event (`delta`) or a whole completion (`message`); what it does not know it leaves alone. */
function pieceOf(data: string): Piece {
  const body = asRecord(parse(data))
  if (body.error) throw new RungFailed(`reported an error${kindOf(body.error)}`)
  if (!Array.isArray(body.choices)) throw new RungFailed('sent something that is no chat completion')
  const choice = asRecord(body.choices[0])
  const content = asRecord(choice.delta ?? choice.message).content
  const usage = asRecord(body.usage)
  const counted = typeof usage.prompt_tokens === 'number' && typeof usage.completion_tokens === 'number'
  return {
    // No NUL and no half of a letter: no answer is stored or shown with one.
    text: typeof content === 'string' ? content.toWellFormed().replaceAll('\0', '\ufffd') : '',
    model: typeof body.model === 'string' ? body.model.slice(0, 200) : null,
    usage: counted
      ? { promptTokens: Number(usage.prompt_tokens), completionTokens: Number(usage.completion_tokens) }
      : null,
    finished: typeof choice.finish_reason === 'string',
  }
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    throw new RungFailed(`sent something that is no JSON: ${JSON.stringify(data.slice(0, 60))}`)
  }
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

/** Its code or type. Its message is not shown: servers put keys and paths into them. */
function kindOf(error: unknown): string {
  const { code, type } = asRecord(error)
  const kind = [code, type].find((name) => typeof name === 'string' && /^\w{3,40}$/.test(name))
  return kind === undefined ? '' : ` (${kind})`
}

/** Leaves out what a reasoning model thinks aloud in `<think>…</think>` before its answer, and white space around it. */
async function* withoutThoughts(pieces: AsyncIterable<Piece>): AsyncGenerator<Piece> {
  let state: 'beginning' | 'thinking' | 'answer' = 'beginning'
  let held = ''
  for await (const piece of pieces) {
    if (state === 'answer' && held === '') {
      yield piece
      continue
    }
    held += piece.text
    if (state === 'beginning') state = stateOf(held.trimStart())
    const end = held.indexOf(CLOSE)
    if (state === 'thinking' && end >= 0) {
      held = held.slice(end + CLOSE.length)
      state = 'answer'
    }
    const ready = state === 'answer' ? held.trimStart() : ''
    // While only white space has come, it is held: what follows is still the beginning.
    if (state === 'answer') held = ready === '' ? ' ' : ''
    yield { ...piece, text: ready }
  }
  if (state === 'beginning') yield { text: held.trim(), model: null, usage: null, finished: false }
}

const OPEN = '<think>'
const CLOSE = '</think>'

/** What a text that begins so is; still `beginning` while it may become a thought. */
function stateOf(text: string): 'beginning' | 'thinking' | 'answer' {
  if (text.startsWith(OPEN)) return 'thinking'
  return OPEN.startsWith(text) ? 'beginning' : 'answer'
}
