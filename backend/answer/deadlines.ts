/** Holds a rung to its time: for the first text, between two pieces, and in all. */
import { AnswerBrokeOff, RungFailed, RungTimeout } from './failures.ts'
import { isBroken } from './model-server.ts'
import { type Rung, type RungChunk, type RungRequest, RungUnavailable } from './types.ts'

export interface Deadlines {
  /** Milliseconds. `totalMs` counts from now, as the others do. */
  firstTextMs: number
  betweenTextMs: number
  totalMs: number
}

/** Asks whether a rung that is silent before its first text is there at all: why not, or null. */
export type Doubt = () => Promise<string | null>

/**
 * A machine that is gone answers nothing, not even that: after so long without a word the rung is doubted. With the
 * time that its list of models may take then (`DOUBTED_MS`), a dead server costs 2 s instead of the whole first-text
 * deadline. One on a GPU mostly speaks before.
 */
const DOUBT_AFTER_MS = 500
export const DOUBTED_MS = 1_500

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
  doubt: Doubt | null = null,
): AsyncGenerator<RungChunk> {
  const stop = new AbortController()
  const chunks = rung({ ...request, signal: AbortSignal.any([signal, stop.signal]) })[Symbol.asyncIterator]()
  const began = performance.now()
  let spoke = false
  let waitedFrom = began
  const gone = Promise.withResolvers<never>()
  gone.promise.catch(() => undefined)
  const doubting = setTimeout(async () => {
    const reason = (await doubt?.().catch(() => null)) ?? null
    if (reason !== null && !spoke) gone.reject(new RungUnavailable(reason))
  }, DOUBT_AFTER_MS)
  try {
    for (;;) {
      const soonest = spoke ? waitedFrom + deadlines.betweenTextMs : began + deadlines.firstTextMs
      const until = Math.min(soonest, began + deadlines.totalMs)
      const next = await nextWithin(chunks, until - performance.now(), signal, gone.promise)
      if (next === 'late') throw tooLate(spoke, until === soonest, deadlines)
      if (next.done) return
      spoke ||= Boolean(next.value.text || next.value.quote)
      if (spoke) clearTimeout(doubting)
      waitedFrom = performance.now()
      yield next.value
    }
  } catch (error) {
    signal.throwIfAborted()
    throw spoke ? brokeOff(error) : beforeText(error)
  } finally {
    clearTimeout(doubting)
    stop.abort()
    // Not awaited: a generator stuck in `await` returns only after it.
    void Promise.resolve(chunks.return?.()).catch(() => undefined)
  }
}

async function nextWithin(
  chunks: AsyncIterator<RungChunk>,
  ms: number,
  signal: AbortSignal,
  gone: Promise<never>,
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
    return await Promise.race([next, ended, gone])
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
  return new RungFailed(reasonOf(error))
}

function brokeOff(error: unknown): Error {
  if (error instanceof RungTimeout) return new AnswerBrokeOff('model_timeout', error.reason)
  return new AnswerBrokeOff('model_failed', error instanceof RungFailed ? error.reason : reasonOf(error))
}

/** The error's code or kind: it is shown to people, and a message may hold more than they should see. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error'
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name
  return isBroken(code) ? 'the connection broke' : code
}
