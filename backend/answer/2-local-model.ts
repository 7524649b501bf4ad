/** The second rung: a smaller model in a child process beside the backend, there only while it is needed. */
import { askModel } from './ask-model.ts'
import { RungDeclined, RungFailed } from './failures.ts'
import { type LocalModel, type LocalProcessOptions, openLocalProcess } from './local-process.ts'
import type { RungState } from './service-health.ts'
import { type CounterSettings, openTokenCounter } from './token-counts.ts'
import { type Rung, RungUnavailable } from './types.ts'

/** The model to use now, or why there is none and what to do about it. */
export type LocalModelChoice = { model: LocalModel } | { missing: string }

export interface LocalModelOptions extends LocalProcessOptions {
  /**
   * Asked before each use, so that a model installed or removed meanwhile counts.
   * @param running the file that is loaded now
   */
  choose(running: string | null): Promise<LocalModelChoice>
}

export interface LocalModelRung {
  run: Rung
  health(): RungState
  /** Looks whether a model is installed; starts nothing. */
  check(): Promise<RungState>
  /** Starts it before a question needs it; a failure is found again by that question. */
  warm(): void
  /** Of its process, while there is one. */
  pid(): number | null
  close(): Promise<void>
}

/** What is said where nobody told which models there are. */
const NONE: LocalModelChoice = { missing: 'no model is installed' }

/** A model installed or removed is seen in /health within this time; one look reads one small file. */
const LOOK_MS = 10_000

/** @param options null: this backend has no local model */
export function openLocalModel(
  options: LocalModelOptions | null,
  changed: () => void,
  counting?: CounterSettings,
): LocalModelRung {
  const process = options === null ? null : openLocalProcess(options)
  const counter = openTokenCounter(counting)
  let current: RungState = stateOf(NONE)

  async function look(): Promise<LocalModelChoice> {
    const running = process?.running()?.file ?? null
    const choice = (await options?.choose(running).catch((error: unknown) => missing(error))) ?? NONE
    const found = stateOf(choice)
    const same =
      found.state === current.state && found.reason === current.reason && found.model === current.model
    current = found
    if ('missing' in choice) process?.release()
    if (!same) changed()
    return choice
  }
  const check = async () => {
    await look()
    return current
  }
  const timer = options === null ? undefined : setInterval(() => void look(), LOOK_MS)
  timer?.unref()
  if (options !== null) {
    current = { state: 'checking', reason: 'looked for just now', model: null }
    void look()
  }

  return {
    health: () => current,
    check,
    pid: () => process?.running()?.pid ?? null,
    async *run(request) {
      const choice = await look()
      if ('missing' in choice || process === null) throw new RungUnavailable(current.reason ?? 'not there')
      const using = await process.use(choice.model, request.signal)
      try {
        yield* askModel(using.server, choice.model.name, counter, request)
      } catch (error) {
        request.signal.throwIfAborted()
        if (error instanceof RungDeclined) throw error
        const ending = await using.ending()
        throw ending === null ? error : new RungFailed(ending)
      } finally {
        using.done()
      }
    },
    warm() {
      void look()
        .then(async (choice) => {
          if ('missing' in choice || process === null) return
          const using = await process.use(choice.model, new AbortController().signal)
          using.done()
        })
        .catch(() => undefined)
    },
    async close() {
      clearInterval(timer)
      await process?.close()
    },
  }
}

function stateOf(choice: LocalModelChoice): RungState {
  if ('missing' in choice) return { state: 'unavailable', reason: choice.missing, model: null }
  return { state: 'ready', reason: null, model: choice.model.name }
}

function missing(error: unknown): LocalModelChoice {
  return { missing: error instanceof Error ? error.message : String(error) }
}
