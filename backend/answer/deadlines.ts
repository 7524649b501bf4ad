/** Holds a rung to its time: for the first text, between two pieces, and in all. */
import { AnswerBrokeOff, RungFailed, RungTimeout } from './failures.ts'
import { type Rung, type RungChunk, type RungRequest, RungUnavailable } from './types.ts'

export interface Deadlines {
  /** Milliseconds. `totalMs` counts from now, as the others do. */
  firstTextMs: number
  betweenTextMs: number
  totalMs: number
}

/**
 * The rung's chunks. The signal given to the rung aborts when time is up, when `signal` does, and when the reader
 * stops reading, so a model never writes for nobody.
 * @throws RungUnavailable, RungFailed, RungTimeout before the first text; AnswerBrokeOff after it; the signal's reason.
 */
export async function* inTime(
  rung: Rung,
  request: Omit<RungRequest, 'signal'>,
  deadlines: Deadlines,
  signal: AbortSignal,
): AsyncGenerator<RungChunk> {
  const stop = new AbortController()
  const chunks = rung({ ...request, signal: AbortSignal.any([signal, stop.signal]) })[Symbol.asyncIterator]()
  const began = performance.now()
  let spoke = false
  let waitedFrom = began
  try {
    for (;;) {
      const soonest = spoke ? waitedFrom + deadlines.betweenTextMs : began + deadlines.firstTextMs
      const until = Math.min(soonest, began + deadlines.totalMs)
      const next = await nextWithin(chunks, until - performance.now(), signal)
      if (next === 'late') throw tooLate(spoke, until === soonest, deadlines)
      if (next.done) return
      spoke ||= Boolean(next.value.text || next.value.quote)
      waitedFrom = performance.now()
      yield next.value
    }
  } catch (error) {
    signal.throwIfAborted()
    throw spoke ? brokeOff(error) : beforeText(error)
  } finally {
    stop.abort()
    // Not awaited: a generator stuck in `await` returns only after it.
    void Promise.resolve(chunks.return?.()).catch(() => undefined)
  }
}

async function nextWithin(
  chunks: AsyncIterator<RungChunk>,
  ms: number,
  signal: AbortSignal,
): Promise<IteratorResult<RungChunk> | 'late'> {
  signal.throwIfAborted()
  const { promise: ended, resolve, reject } = Promise.withResolvers<'late'>()
  const timer = setTimeout(() => resolve('late'), Math.max(0, ms))
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  const next = chunks.next()
  // Whoever loses the race may still fail later, and nobody else would hear it.
  next.catch(() => undefined)
  try {
    return await Promise.race([next, ended])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
  }
}

function tooLate(spoke: boolean, pause: boolean, { firstTextMs, betweenTextMs, totalMs }: Deadlines): Error {
  const seconds = (ms: number) => `${Math.round(ms / 100) / 10} s`
  if (!pause) return new RungTimeout(`not done within ${seconds(totalMs)}`)
  return new RungTimeout(
    spoke ? `silent for ${seconds(betweenTextMs)}` : `no text within ${seconds(firstTextMs)}`,
  )
}

function beforeText(error: unknown): Error {
  if (error instanceof RungUnavailable || error instanceof RungFailed || error instanceof RungTimeout)
    return error
  return new RungFailed(`the connection broke: ${reasonOf(error)}`)
}

function brokeOff(error: unknown): Error {
  if (error instanceof RungTimeout) return new AnswerBrokeOff('model_timeout', error.reason)
  return new AnswerBrokeOff('model_failed', error instanceof RungFailed ? error.reason : reasonOf(error))
}

/** The error's code or kind: it is shown to people, and a message may hold more than they should see. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error'
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
