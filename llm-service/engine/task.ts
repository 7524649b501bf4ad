/** One request in the engine: what of its prompt is read, what it has written, and what of that may be said. */
import type { EngineEvent, FinishReason, GenerateRequest } from '../types.ts'
import type { NativeModel, NativeSampler } from './native.ts'
import type { Slot } from './slots.ts'
import { spokenText, stopScan } from './spoken-text.ts'

export interface Task {
  readonly request: GenerateRequest
  /** The prompt's. */
  readonly tokens: number[]
  readonly signal: AbortSignal
  /** The key of its adapters. */
  readonly adapters: string
  readonly emit: (event: EngineEvent) => void
  /** Where it is evaluated; null before and after. */
  slot: Slot | null
  sampler: NativeSampler | null
  /** Prompt tokens evaluated, those found evaluated included. */
  read: number
  cached: number
  /** The token sampled last, not evaluated yet; null while the prompt is read. */
  next: number | null
  readonly written: number
  /** Takes the token that was sampled; says why the answer ends with it, or null. */
  write(token: number): FinishReason | null
  /** Says what was held back, then `done`. */
  finish(reason: FinishReason): void
}

/** @param contextTokens prompt and answer together end there */
export function openTask(
  model: NativeModel,
  of: Pick<Task, 'request' | 'tokens' | 'signal' | 'adapters' | 'emit'>,
  contextTokens: number,
): Task {
  const { request, tokens, emit } = of
  const spoken = spokenText(model)
  const stops = stopScan(request.stop)
  const began = performance.now()
  let firstToken: number | null = null
  let written = 0
  let stopped = false
  /** White space that may be a grammar's last: said once something follows. */
  let blank = ''

  function say(text: string): void {
    const whole = blank + text
    const shown = request.format === null ? whole : whole.trimEnd()
    blank = whole.slice(shown.length)
    if (shown !== '') emit({ type: 'text', text: shown, tokens: written })
  }

  const task: Task = {
    ...of,
    slot: null,
    sampler: null,
    read: 0,
    cached: 0,
    next: null,
    get written() {
      return written
    },
    write(token) {
      firstToken ??= performance.now()
      // −1: a grammar that leaves no way on.
      if (token < 0 || model.isEogToken(token)) return 'stop'
      task.next = token
      written++
      const found = stops.push(spoken.push(token))
      stopped = found.stopped
      say(found.text)
      if (stopped) return 'stop'
      return written >= request.maxTokens || tokens.length + written >= contextTokens ? 'length' : null
    },
    finish(reason) {
      const rest = stopped ? { text: '', stopped } : stops.push(spoken.rest())
      say(rest.stopped ? rest.text : rest.text + stops.rest())
      const now = performance.now()
      const first = firstToken ?? now
      emit({
        type: 'done',
        finishReason: rest.stopped ? 'stop' : reason,
        stats: {
          promptTokens: tokens.length,
          cachedTokens: task.cached,
          completionTokens: written,
          promptMs: first - began,
          generationMs: now - first,
        },
      })
    },
  }
  return task
}
