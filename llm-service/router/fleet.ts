/** The workers of one model: how many and on which device, those that are ready now, and calls that any of them can answer. */

import {
  type Device,
  EngineError,
  type EngineInfo,
  type EngineSettings,
  type ServiceHealth,
} from '../types.ts'
import type { Adapters } from './adapters.ts'
import type { Patience } from './hang-watch.ts'
import { openPrefixMemory, type PrefixMemory } from './prefix.ts'
import { type Outlook, openWorker, type Pauses, type Worker } from './worker.ts'
import { WorkerEnded, type WorkerProcess } from './worker-process.ts'

/** What the machine can hold. */
export interface EnginePlan {
  workers: number
  engine: Omit<EngineSettings, 'adapters'>
  /** Added to the environment of the workers. */
  environment?: Record<string, string>
}

export interface FleetSettings {
  /**
   * Looks at the machine and at the model's file. `failed`: devices that could not load the model; another one may be
   * named, or the same when there is none. @throws with the reason when there is nothing to be loaded
   */
  plan: (failed: Device[]) => Promise<EnginePlan>
  /** Before each load. @throws when the model's file is not the one it should be */
  verify: () => Promise<void>
  command: string[]
  patience: Patience
  pauses: Pauses
  log: (line: string) => void
}

/** A worker that is ready, until its process ends. */
export interface Member {
  process: WorkerProcess
  info: EngineInfo
  prefix: PrefixMemory
  /** Slots in use. */
  active: number
  /** Requests in a row that it failed. */
  failures: number
}

export interface Fleet {
  members(): Member[]
  /** Of the luckiest worker. */
  outlook(): Outlook
  /** Why nobody can answer now, as the refusal of a request. */
  unavailable(): EngineError
  health(): Omit<ServiceHealth, 'queue'>
  /**
   * Asks the worker with the least to do; another one when that ends over it, at most twice. Waits 10 s for one that is
   * being started again.
   * @throws EngineError; the signal's reason
   */
  call<T>(ask: (member: Member) => Promise<T>, signal: AbortSignal): Promise<T>
  close(): Promise<void>
}

/** A restart takes a second or a few when the model's file is in the page cache. */
const callPatienceMs = 10_000
/** Once: a text that ends workers would end each one it is given to. */
const callRetries = 1

/** @param changed a worker became ready, or stopped being so */
export function openFleet(settings: FleetSettings, adapters: Adapters, changed: () => void): Fleet {
  const { log, pauses } = settings
  const members = new Map<WorkerProcess, Member>()
  const failed: Device[] = []
  let workers: Worker[] = []
  let started = 0
  /** Whether this plan has ever worked. */
  let proven = false
  let switching = false
  let problem: string | null = null
  let closed = false
  let change = Promise.withResolvers<void>()
  const stopped = Promise.withResolvers<void>()

  function tell(): void {
    change.resolve()
    change = Promise.withResolvers<void>()
    changed()
  }

  async function begin(): Promise<void> {
    const plan = await makePlan()
    if (plan === null) return
    const { device, slots, contextTokens } = plan.engine
    log(
      `${plan.engine.model}: ${plan.workers} ${plan.workers === 1 ? 'worker' : 'workers'} on ${device}, each of ${slots} slots of ${contextTokens} tokens.`,
    )
    started = 0
    proven = false
    workers = Array.from({ length: plan.workers }, (_, index) => makeWorker(index + 1, plan))
    startNext()
  }

  /** Null when the service was closed before there was one. */
  async function makePlan(): Promise<EnginePlan | null> {
    while (!closed) {
      try {
        const plan = await settings.plan([...failed])
        problem = null
        return closed ? null : plan
      } catch (error) {
        problem = inWords(error)
        log(`The model cannot be loaded: ${problem} It is tried again in ${pauses.failedMs / 1000} s.`)
        tell()
        await Promise.race([sleep(pauses.failedMs), stopped.promise])
      }
    }
    return null
  }

  function makeWorker(number: number, plan: EnginePlan): Worker {
    return openWorker({
      number,
      command: settings.command,
      environment: plan.environment ?? {},
      patience: settings.patience,
      pauses,
      log,
      settings: async () => {
        await settings.verify()
        return { ...plan.engine, adapters: adapters.wanted() }
      },
      ready: async (process, info, loaded) => {
        // Those that were asked for while it was loading.
        for (const adapter of adapters.wanted())
          if (!loaded.adapters.includes(adapter)) await process.loadAdapter(adapter)
        proven = true
        const prefix = openPrefixMemory(info.slots)
        members.set(process, { process, info, prefix, active: 0, failures: 0 })
      },
      lost: (process) => void members.delete(process),
      changed: () => {
        startNext()
        void nextDevice(plan)
        tell()
      },
    })
  }

  /** One after the other: how much of the device is free is only known when the one before has loaded. */
  function startNext(): void {
    const before = workers[started - 1]
    if (closed || (before !== undefined && !['ready', 'failed'].includes(before.health().state))) return
    workers[started++]?.start()
  }

  /** A device that cannot load the model (no memory, a driver that aborts) leaves it to the next one. */
  async function nextDevice({ engine }: EnginePlan): Promise<void> {
    if (closed || proven || switching || workers[0]?.health().state !== 'failed') return
    switching = true
    try {
      const other = await settings.plan([...failed, engine.device])
      if (closed || proven || other.engine.device === engine.device) return
      failed.push(engine.device)
      log(
        `The model does not load on ${engine.device} (${workers[0]?.health().reason}): going on with ${other.engine.device}.`,
      )
      await Promise.all(workers.map((worker) => worker.close()))
      await begin()
    } catch (error) {
      log(`No other device: ${inWords(error)}`)
    } finally {
      switching = false
    }
  }

  function outlook(): Outlook {
    const all = workers.map((worker) => worker.outlook())
    const order: Outlook[] = ['ready', 'soon', 'loading']
    return (
      order.find((one) => all.includes(one)) ??
      (workers.length === 0 && problem === null ? 'loading' : 'away')
    )
  }

  function unavailable(): EngineError {
    if (outlook() !== 'loading')
      return new EngineError(
        'failed',
        `No worker can serve the model: ${reason() ?? 'they are starting'}.`,
        10,
      )
    const loaded = Math.max(0, ...workers.map((worker) => worker.health().loaded))
    return new EngineError('failed', `The model is being loaded (${Math.round(100 * loaded)} %).`, 5)
  }

  function reason(): string | null {
    return problem ?? workers.map((worker) => worker.health().reason).find((why) => why !== null) ?? null
  }

  function health(): Omit<ServiceHealth, 'queue'> {
    const all = workers.map((worker) => worker.health())
    const of = (state: string) => all.filter((worker) => worker.state === state).length
    const ready = of('ready')
    if (ready > 0 && ready === all.length) return { state: 'healthy', reason: null, workers: all }
    const counted = `${ready} of ${all.length} workers are ready`
    // The first ones answer while the others are still being loaded.
    if (ready > 0 && ready + of('loading') === all.length)
      return { state: 'healthy', reason: `${counted}, the others are being loaded`, workers: all }
    if (ready > 0) return { state: 'degraded', reason: `${counted}: ${reason()}`, workers: all }
    if (outlook() === 'loading')
      return { state: 'loading', reason: reason() ?? 'the model is being loaded', workers: all }
    return {
      state: 'degraded',
      reason: `no worker is ready: ${reason() ?? 'they are starting'}`,
      workers: all,
    }
  }

  async function anyMember(signal: AbortSignal): Promise<Member> {
    const until = performance.now() + callPatienceMs
    for (;;) {
      signal.throwIfAborted()
      const [idlest] = [...members.values()].toSorted((a, b) => a.process.pending - b.process.pending)
      if (idlest !== undefined) return idlest
      const left = until - performance.now()
      if (closed || left <= 0 || outlook() !== 'soon') throw unavailable()
      await untilAborted(Promise.race([change.promise, sleep(left)]), signal)
    }
  }

  async function call<T>(ask: (member: Member) => Promise<T>, signal: AbortSignal): Promise<T> {
    for (let tries = 0; ; tries++) {
      const member = await anyMember(signal)
      try {
        return await untilAborted(ask(member), signal)
      } catch (error) {
        if (!(error instanceof WorkerEnded)) throw error
        if (tries >= callRetries) throw new EngineError('failed', error.message)
        // Its end is known here before its worker has told it.
        members.delete(member.process)
      }
    }
  }

  void begin()

  return {
    members: () => [...members.values()],
    outlook,
    unavailable,
    health,
    call,
    async close() {
      closed = true
      stopped.resolve()
      members.clear()
      tell()
      await Promise.all(workers.map((worker) => worker.close()))
    },
  }
}

/** The promise, or the signal's reason as soon as it aborts. */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason)
  // What comes after the abort, an error too, is for nobody.
  promise.catch(() => undefined)
  aborted.catch(() => undefined)
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** Keeps no program from ending. */
function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms).unref())
}

function inWords(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
