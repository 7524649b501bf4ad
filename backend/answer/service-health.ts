/** Whether the llm-service can be asked, known before a question comes: asked at the start, after failures, at intervals. */
import { RungDeclined } from './failures.ts'
import { askReadiness, findModel, LIST_MS, type ModelServer } from './model-server.ts'
import { RungUnavailable } from './types.ts'

export interface RungState {
  state: 'ready' | 'unavailable' | 'checking'
  reason: string | null
  model: string | null
}

/** Where the service is. It moves when `./mentor start` runs it: another port, a restart. */
export interface ServicePlace {
  now(): {
    /** Null: there is none to ask now. */
    server: ModelServer | null
    /** The model to ask for; null: the first that it lists. */
    model: string | null
    /** What is known about its absence, in words: why nobody starts it, when it is started again. */
    note: string | null
    /** It is on its way. */
    starting: boolean
  }
  /** Calls back whenever `now` says something else. */
  onMove(listener: () => void): void
  /** Nothing answers there: whoever can start it should look. */
  lost(): void
}

/** A place that never moves. */
export function fixedPlace(
  server: ModelServer | null,
  model: string | null,
  note: string | null = null,
): ServicePlace {
  return { now: () => ({ server, model, note, starting: false }), onMove: () => {}, lost: () => {} }
}

export interface ServiceHealth {
  now(): RungState
  /** Asks again; a question asked meanwhile waits for the same answer. At most 2 s, or `ms` where this one begins it. */
  check(ms?: number): Promise<RungState>
  close(): void
}

/** A service that starts up is found within this time, one that is gone costs a refused connection each. */
const INTERVAL_MS = 10_000
/** One that is loading is asked more often: people wait for it. */
const LOADING_MS = 1_000

export function watchService(
  place: ServicePlace,
  changed: (now: RungState, before: RungState) => void,
): ServiceHealth {
  let current: RungState = { state: 'checking', reason: 'asked for its models just now', model: null }
  let asking: Promise<RungState> | null = null
  let soon: Timer | undefined
  let readiness = openReadiness()
  const stop = new AbortController()

  async function ask(ms: number | undefined): Promise<RungState> {
    const at = place.now()
    const found = await stateAt(at, readiness, stop.signal, ms)
    if (stop.signal.aborted) return current
    if (place.now().server !== at.server) {
      // It moved meanwhile: what was found is of the place before.
      readiness = openReadiness()
      return ask(ms)
    }
    const before = current
    current = found
    clearTimeout(soon)
    if (found.state === 'checking') soon = setTimeout(() => void check(), LOADING_MS)
    soon?.unref()
    if (before.state !== found.state || before.reason !== found.reason || before.model !== found.model)
      changed(found, before)
    if (found.state === 'unavailable') place.lost()
    return current
  }
  function check(ms?: number): Promise<RungState> {
    asking ??= ask(ms).finally(() => {
      asking = null
    })
    return asking
  }
  const timer = setInterval(() => void check(), INTERVAL_MS)
  timer.unref()
  place.onMove(() => void check())
  void check()
  return {
    now: () => current,
    check,
    close: () => {
      clearInterval(timer)
      clearTimeout(soon)
      stop.abort()
    },
  }
}

async function stateAt(
  { server, model, note, starting }: ReturnType<ServicePlace['now']>,
  readiness: ReadinessRoutes,
  signal: AbortSignal,
  ms: number = LIST_MS,
): Promise<RungState> {
  if (server === null) {
    const reason = note ?? 'no LLM_SERVICE_URL is set'
    return { state: starting ? 'checking' : 'unavailable', reason, model: null }
  }
  try {
    const [found, hindrance] = await Promise.all([
      findModel(server, model, signal, ms),
      readiness.ask(server, signal, ms),
    ])
    if (hindrance === null) return { state: 'ready', reason: null, model: found }
    return { ...hindrance, model: found }
  } catch (error) {
    if (error instanceof RungDeclined) return { state: 'checking', reason: error.reason, model: null }
    const reason = error instanceof RungUnavailable ? error.reason : String(error)
    return { state: 'unavailable', reason: note === null ? reason : `${reason}, and ${note}`, model: null }
  }
}

interface ReadinessRoutes {
  /** Why a server that lists models cannot answer yet; null when nothing is known against it. */
  ask(server: ModelServer, signal: AbortSignal, ms: number): Promise<Omit<RungState, 'model'> | null>
}

/**
 * Our own service and llama-server list their model while they still read it from the disk, and say so on a route of
 * their own. A server that has no such route is not asked for it again.
 */
function openReadiness(): ReadinessRoutes {
  const routes = new Set(['/api/llm/health', '/health'])
  return {
    async ask(server, signal, ms) {
      const asked = [...routes].map(async (path) => ({
        path,
        ...(await askReadiness(server, path, signal, ms)),
      }))
      const answers = await Promise.all(asked)
      for (const { path, is } of answers) if (is === 'absent') routes.delete(path)
      if (answers.some(({ is }) => is === 'loading'))
        return { state: 'checking', reason: `${server.place} is loading its model` }
      const unwell = answers.find(({ is }) => is === 'unwell')
      if (unwell === undefined) return null
      return unwell.reason === null
        ? { state: 'unavailable', reason: `${server.place} says at ${unwell.path} that it is not well (503)` }
        : // Our own starts its workers again, within seconds mostly.
          { state: 'checking', reason: `${server.place}: ${unwell.reason}` }
    },
  }
}
