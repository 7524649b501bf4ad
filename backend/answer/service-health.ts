/** Whether the llm-service can be asked, known before a question comes: asked at the start, after failures, at intervals. */
import { findModel, type LlmServiceSettings } from './1-llm-service.ts'
import { RungUnavailable } from './types.ts'

export interface RungState {
  state: 'ready' | 'unavailable' | 'checking'
  reason: string | null
  model: string | null
}

export interface ServiceHealth {
  now(): RungState
  /** Asks again; a question asked meanwhile waits for the same answer. At most 2 s. */
  check(): Promise<RungState>
  close(): void
}

/** A service that starts up is found within this time, one that is gone costs a refused connection each. */
const INTERVAL_MS = 10_000

export function watchService(
  settings: LlmServiceSettings,
  changed: (state: RungState) => void,
): ServiceHealth {
  let current: RungState = { state: 'checking', reason: 'asked for its models just now', model: null }
  let asking: Promise<RungState> | null = null
  const stop = new AbortController()

  async function ask(): Promise<RungState> {
    const found = await stateOf(settings, stop.signal)
    const before = current
    current = found
    if (before.state !== found.state || before.reason !== found.reason || before.model !== found.model)
      changed(found)
    return found
  }
  function check(): Promise<RungState> {
    asking ??= ask().finally(() => {
      asking = null
    })
    return asking
  }
  const timer = setInterval(() => void check(), INTERVAL_MS)
  timer.unref()
  void check()
  return {
    now: () => current,
    check,
    close: () => {
      clearInterval(timer)
      stop.abort()
    },
  }
}

async function stateOf(settings: LlmServiceSettings, signal: AbortSignal): Promise<RungState> {
  try {
    return { state: 'ready', reason: null, model: await findModel(settings, signal) }
  } catch (error) {
    const reason = error instanceof RungUnavailable ? error.reason : String(error)
    return { state: 'unavailable', reason, model: null }
  }
}
