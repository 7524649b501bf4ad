/** One request from the service's events to what the routes write. */
import { eventStream, type StreamPart } from '../../http/event-stream.ts'
import { EngineError, type FinishReason, type GenerateRequest, type GenerationStats } from '../types.ts'
import type { Served } from './served.ts'
import { type Piece, splitThoughts } from './thoughts.ts'

export type Written =
  | Piece
  | { type: 'queued'; place: number }
  | { type: 'done'; finishReason: FinishReason; stats: GenerationStats }

export interface Generated {
  text: string
  /** Empty unless the model thought aloud. */
  reasoning: string
  finishReason: FinishReason
  stats: GenerationStats
}

/** How a route writes what is generated. */
export interface Manner {
  stream: boolean
  /** The body of the whole answer. */
  body: (generated: Generated) => object
  /** The parts of a stream; what it throws must have become a part of it. */
  parts: (written: AsyncIterable<Written>) => AsyncGenerator<StreamPart>
}

/**
 * Generates and answers. A client that goes away aborts it, streamed or not; a refusal has its own status as long as
 * nothing was written.
 *
 * @throws EngineError
 */
export async function answer(
  served: Served,
  httpRequest: Request,
  request: GenerateRequest,
  manner: Manner,
): Promise<Response | object> {
  served.keepOpen(httpRequest)
  const stop = new AbortController()
  const signal = AbortSignal.any([httpRequest.signal, stop.signal])
  signal.throwIfAborted()
  const written = write(served, request, signal)
  if (!manner.stream) return manner.body(await whole(written))
  const parts = manner.parts(await afterFirst(written))
  return eventStream(parts, {}, httpRequest.signal, () => stop.abort())
}

/** Thoughts apart from the answer, and a failure thrown. */
async function* write(
  { service }: Served,
  request: GenerateRequest,
  signal: AbortSignal,
): AsyncGenerator<Written> {
  // A text that is continued as it stands has no beginning of its own.
  const splitter = request.prompt.kind === 'chat' ? splitThoughts() : null
  for await (const event of service.generate(request, signal)) {
    if (event.type === 'failed') throw new EngineError(event.code, event.message)
    if (event.type === 'text') {
      if (splitter !== null) yield* splitter.push(event.text)
      else if (event.text !== '') yield { type: 'text', text: event.text }
      continue
    }
    if (event.type === 'done') {
      if (splitter !== null) yield* splitter.end()
      yield { type: 'done', finishReason: event.finishReason, stats: event.stats }
      return
    }
    yield event
  }
  signal.throwIfAborted()
  throw new Error('The service ended a generation without saying how.')
}

async function whole(written: AsyncIterable<Written>): Promise<Generated> {
  const texts = { text: '', reasoning: '' }
  for await (const event of written) {
    if (event.type === 'done') return { ...texts, finishReason: event.finishReason, stats: event.stats }
    if (event.type !== 'queued') texts[event.type] += event.text
  }
  throw new Error('A generation ended without its end.')
}

/** Waits for the first event: until then a refusal still has its own status. */
async function afterFirst(written: AsyncGenerator<Written>): Promise<AsyncGenerator<Written>> {
  const first = await written.next()
  return (async function* () {
    if (first.done) return
    yield first.value
    yield* written
  })()
}
