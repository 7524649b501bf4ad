import { type EmbeddingModel, ModelCorrupt } from '../models/bundled.ts'
import { EmbedderClosed, EmbeddingFailed } from './errors.ts'
import { fairQueue, type Lane } from './fair-queue.ts'
import type { WorkerMessage } from './messages.ts'
import { startWorker, type WorkerProcess } from './worker-process.ts'

/** A text on its way through the pool. */
export interface Task {
  text: string
  lane: Lane<Task>
  /** How often a worker died or failed over it. */
  failures: number
  done(vector: Float32Array): void
  failed(error: Error): void
}

interface Worker {
  process: WorkerProcess
  ready: boolean
  /** The first is being embedded, the second waits in the worker: it need not idle until this process has time. */
  tasks: Task[]
  stuckTimer: Timer | undefined
  idleTimer: Timer | undefined
  /** Why it said that it cannot start. */
  unable: string | null
}

const IN_FLIGHT = 2
/** Starting a worker costs as much as embedding 16 passages: below such a queue another one is no gain. */
const QUEUE_FOR_ANOTHER = 16
/** A passage takes 15 ms. Who needs a minute, on a machine however busy, hangs. */
const STUCK_MS = 60_000
/** Starts that failed one after the other until the texts that wait are given up. */
const START_ATTEMPTS = 2

export interface Pool {
  lane(): Lane<Task>
  /** To be called after tasks were put into a lane. */
  dispatch(): void
  stats(): { workers: number; texts: number; busyMs: number }
  /** Process ids of the workers. */
  pids(): number[]
  close(): Promise<void>
}

export function openPool(options: {
  model: EmbeddingModel
  size: number
  idleMs: number | undefined
  encode: (text: string) => Int32Array
  /** After so long over one text a worker counts as hung and is replaced. */
  stuckMs?: number
}): Pool {
  const { stuckMs = STUCK_MS } = options
  const queue = fairQueue<Task>()
  const workers = new Set<Worker>()
  let texts = 0
  let busyMs = 0
  let failedStarts = 0
  let closed = false

  function dispatch(): void {
    if (closed) return
    for (const inFlight of [0, 1])
      for (const worker of workers)
        if (worker.ready && worker.tasks.length === inFlight && inFlight < IN_FLIGHT) give(worker)
    if (wantsAnother()) start()
    for (const worker of workers) settle(worker)
  }

  function give(worker: Worker): void {
    const task = queue.next()
    if (!task) return
    let ids: Int32Array
    try {
      ids = options.encode(task.text)
    } catch (error) {
      task.failed(error instanceof Error ? error : new Error(String(error)))
      return
    }
    worker.tasks.push(task)
    if (worker.tasks.length === 1) watch(worker)
    worker.process.send({ ids })
  }

  function wantsAnother(): boolean {
    if (queue.size === 0 || workers.size >= options.size) return false
    if (workers.size === 0) return true
    const starting = [...workers].some((worker) => !worker.ready)
    return !starting && queue.size > QUEUE_FOR_ANOTHER * workers.size
  }

  function start(): void {
    const worker: Worker = {
      process: startWorker(options.model, {
        message: (message) => heard(worker, message),
        end: (reason) => ended(worker, reason),
      }),
      ready: false,
      tasks: [],
      stuckTimer: undefined,
      idleTimer: undefined,
      unable: null,
    }
    workers.add(worker)
  }

  function heard(worker: Worker, message: WorkerMessage): void {
    if (!workers.has(worker)) return
    if (message.type === 'ready') {
      worker.ready = true
      failedStarts = 0
    } else if (message.type === 'unable') {
      worker.unable = message.reason
      if (message.corrupt) giveUp(new ModelCorrupt(message.reason))
    } else {
      const task = worker.tasks.shift()
      watch(worker)
      if (message.type === 'failed') again(task, `the model failed: ${message.reason}`)
      else {
        texts++
        busyMs += message.ms
        task?.done(message.vector)
      }
    }
    dispatch()
  }

  /** Restarts the watch over the text that a worker is at now. */
  function watch(worker: Worker): void {
    clearTimeout(worker.stuckTimer)
    if (worker.tasks.length > 0) worker.stuckTimer = setTimeout(() => worker.process.kill(), stuckMs)
  }

  /** An idle worker lets this process end, and ends itself when it is one too many for long enough. */
  function settle(worker: Worker): void {
    const busy = worker.tasks.length > 0 || (!worker.ready && queue.size > 0)
    worker.process.hold(busy)
    if (busy || options.idleMs === undefined) {
      clearTimeout(worker.idleTimer)
      worker.idleTimer = undefined
    } else if (!worker.idleTimer && workers.size > 1) {
      worker.idleTimer = setTimeout(() => retire(worker), options.idleMs)
      worker.idleTimer.unref()
    }
  }

  function retire(worker: Worker): void {
    worker.idleTimer = undefined
    if (worker.tasks.length > 0 || workers.size <= 1) return
    workers.delete(worker)
    worker.process.kill()
  }

  function ended(worker: Worker, how: string): void {
    clearTimeout(worker.stuckTimer)
    clearTimeout(worker.idleTimer)
    if (!workers.delete(worker) || closed) return
    const reason = worker.unable ?? how
    // The text it was at is suspect; the one that waited behind it is not.
    const [running, ...waited] = worker.tasks
    for (const task of waited) task.lane.putBack(task)
    if (worker.ready) again(running, reason)
    else if (++failedStarts >= START_ATTEMPTS)
      giveUp(failure(`no embedding worker can be started: ${reason}`))
    dispatch()
  }

  function again(task: Task | undefined, reason: string): void {
    if (!task) return
    task.failures++
    if (task.failures < 2) task.lane.putBack(task)
    else task.failed(failure(`a text of ${task.text.length} characters failed twice: ${reason}`))
  }

  function failure(reason: string): EmbeddingFailed {
    return new EmbeddingFailed(
      `Embedding failed, ${reason}. Try again; if it stays so, look at free memory and run: ./mentor doctor`,
    )
  }

  /** No worker will come: everything that waits is told. The next call starts anew. */
  function giveUp(error: Error): void {
    failedStarts = 0
    for (const task of queue.drain()) task.failed(error)
  }

  async function close(): Promise<void> {
    closed = true
    const open = [...workers]
    workers.clear()
    for (const task of [...queue.drain(), ...open.flatMap((worker) => worker.tasks)])
      task.failed(new EmbedderClosed())
    for (const worker of open) {
      clearTimeout(worker.stuckTimer)
      clearTimeout(worker.idleTimer)
      worker.process.hold(true)
      worker.process.kill()
    }
    await Promise.all(open.map((worker) => worker.process.exited))
  }

  return {
    lane: queue.lane,
    dispatch,
    stats: () => ({ workers: workers.size, texts, busyMs }),
    pids: () => [...workers].flatMap((worker) => worker.process.pid ?? []),
    close,
  }
}
