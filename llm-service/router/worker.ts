/** One worker kept alive: its process is started again when it ends, later each time it does not last. */

import type { EngineInfo, EngineSettings, EngineStats, WorkerHealth } from '../types.ts'
import type { Patience } from './hang-watch.ts'
import { startWorkerProcess, type WorkerListener, type WorkerProcess } from './worker-process.ts'

export interface Worker {
  readonly number: number
  /** Begins to load, or tries again at once. */
  start(): void
  health(): WorkerHealth
  outlook(): Outlook
  /** The process, while there is one. */
  process(): WorkerProcess | null
  /** Ends it for good: it is asked, then killed. */
  close(): Promise<void>
}

/** `loading`: for the first time; `soon`: it was ready before, and is loading or will within 10 s; `away`: neither. */
export type Outlook = 'ready' | 'loading' | 'soon' | 'away'

/** Who waits for an answer waits no longer than this for a pause between two starts. */
const soonMs = 10_000

export interface WorkerOptions {
  number: number
  command: string[]
  environment: Record<string, string>
  patience: Patience
  pauses: Pauses
  /** What to load, after whatever has to be checked before. Called before each start. @throws with the reason */
  settings: () => Promise<EngineSettings>
  /** Before it counts as ready: brings it to the state of the others. */
  ready: (process: WorkerProcess, info: EngineInfo, settings: EngineSettings) => Promise<void>
  /** Its process ended after it was ready. */
  lost: (process: WorkerProcess) => void
  /** Its state has changed. */
  changed: () => void
  log: (line: string) => void
}

/** Milliseconds, on the monotonic clock. */
export interface Pauses {
  /** Before the second start in a row, twice as long before each further one. The first comes at once. */
  firstMs: number
  longestMs: number
  /** Who has been ready for so long was sound: its end is not counted with the ones before. */
  soundMs: number
  /** Loads in a row that failed, after which it counts as failed … */
  attempts: number
  /** … and is tried again after so long: memory may be free again, a file restored. */
  failedMs: number
  /** A worker that is asked to end may finish its step, then it is killed. */
  stopMs: number
}

export const usualPauses: Pauses = {
  firstMs: 500,
  longestMs: 30_000,
  soundMs: 60_000,
  attempts: 3,
  failedMs: 60_000,
  stopMs: 2_000,
}

export function openWorker(options: WorkerOptions): Worker {
  const { number, pauses, log } = options
  let state: WorkerHealth['state'] = 'loading'
  let reason: string | null = 'it has not been started yet'
  let current: WorkerProcess | null = null
  let info: EngineInfo | null = null
  let stats: EngineStats | null = null
  let loaded = 0
  let restarts = 0
  let failedLoads = 0
  let unsound = 0
  let readySince = 0
  let again: Timer | undefined
  let againAt: number | null = null
  /** From the preparation of a start to the end of its process. */
  let running = false
  let closed = false

  function become(next: WorkerHealth['state'], why: string | null): void {
    state = next
    reason = why
    options.changed()
  }

  async function run(): Promise<void> {
    if (running || closed) return
    running = true
    clearTimeout(again)
    againAt = null
    loaded = 0
    if (state === 'loading') become('loading', null)
    try {
      const settings = await options.settings()
      if (closed) return
      await runProcess(settings)
    } catch (error) {
      if (!closed) loadFailed(inWords(error))
    } finally {
      running = false
    }
  }

  /** Until its process has ended. */
  async function runProcess(settings: EngineSettings): Promise<void> {
    let wasReady = false
    const on: WorkerListener = {
      progress: (part) => {
        loaded = Math.min(1, Math.max(0, part))
      },
      ready: (found) => {
        options.ready(process, found, settings).then(
          () => {
            if (current !== process) return
            wasReady = true
            readySince = performance.now()
            failedLoads = 0
            info = found
            loaded = 1
            log(`Worker ${number} is ready (process ${process.pid}, ${found.device}, ${found.slots} slots).`)
            become('ready', null)
          },
          (error: unknown) => process.kill(inWords(error)),
        )
      },
      stats: (found) => {
        stats = found
      },
      line: (text) => log(`Worker ${number}: ${text}`),
    }
    const { command, environment, patience } = options
    const process = startWorkerProcess({ command, environment, settings, patience }, on)
    current = process
    const how = await process.ended
    current = null
    info = null
    stats = null
    if (closed) return
    if (!wasReady) {
      loadFailed(how)
      return
    }
    unsound = performance.now() - readySince > pauses.soundMs ? 0 : unsound + 1
    options.lost(process)
    restart('restarting', `it ended: ${how}`, pauseAfter(unsound))
  }

  function loadFailed(how: string): void {
    failedLoads++
    if (failedLoads >= pauses.attempts) restart('failed', how, pauses.failedMs)
    else restart(state === 'loading' ? 'loading' : 'restarting', how, pauseAfter(failedLoads + unsound))
  }

  /** The first end of a sound worker is no reason to wait. */
  function pauseAfter(inARow: number): number {
    return inARow === 0 ? 0 : Math.min(pauses.longestMs, pauses.firstMs * 2 ** Math.min(20, inARow - 1))
  }

  function restart(next: WorkerHealth['state'], why: string, pause: number): void {
    restarts++
    const when = pause === 0 ? 'at once' : `in ${pause / 1000} s`
    log(`Worker ${number} cannot serve, ${why}. It is started again ${when}.`)
    againAt = performance.now() + pause
    again = setTimeout(run, pause)
    // It must not keep a program from ending that forgot to close.
    again.unref()
    become(next, why)
  }

  return {
    number,
    start: () => void run(),
    process: () => current,
    outlook() {
      if (closed || state === 'failed') return 'away'
      if (state !== 'restarting') return state
      return againAt === null || againAt - performance.now() < soonMs ? 'soon' : 'away'
    },
    health: () => ({
      pid: current?.pid ?? null,
      state,
      reason,
      loaded,
      restarts,
      rssBytes: current?.rssBytes() ?? 0,
      info,
      stats,
    }),
    async close() {
      closed = true
      clearTimeout(again)
      const process = current
      if (process === null) return
      process.stop()
      const kill = setTimeout(() => process.kill('it did not end when it was asked to'), pauses.stopMs)
      await process.ended
      clearTimeout(kill)
    },
  }
}

function inWords(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
