/** The process of the local model: started by the first question that needs it, shared by all, given back after idle time. */
import { rmSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { RungFailed } from './failures.ts'
import { askReadiness, type ModelServer, serverOnSocket } from './model-server.ts'
import { type ServiceProcess, startServiceProcess } from './service-process.ts'
import { RungUnavailable } from './types.ts'

export interface LocalModel {
  /** As people are told of it. */
  name: string
  /** What is loaded: a process that serves another file is replaced. */
  file: string
  /** The JSON document that the process reads from its stdin. */
  settings(socket: string): string
}

export interface LocalProcess {
  /**
   * The server with the model loaded, started where it does not run yet; `done` gives it back.
   * A start goes on when the question that began it goes away: the next one finds it further on.
   * @throws RungUnavailable when it does not start; the signal's reason
   */
  use(model: LocalModel, signal: AbortSignal): Promise<Using>
  /** The process while there is one, and the file that it serves. */
  running(): { pid: number; file: string } | null
  /** Ends it when nobody uses it. */
  release(): void
  close(): Promise<void>
}

export interface Using {
  server: ModelServer
  /** After a failure: how its process ended; null when it lives. */
  ending(): Promise<string | null>
  done(): void
}

export interface LocalProcessOptions {
  command: string[]
  /** A folder of mode 0700 with a short path: nobody else may speak to the model. */
  socketFolder(): string
  idleMs: number
  log: (line: string) => void
  /** One that says nothing for so long while it loads, or while it answers somebody, hangs. */
  hungMs?: number
}

interface Running {
  model: LocalModel
  process: ServiceProcess
  socket: string
  server: ModelServer
  /** Settles once the model is loaded. */
  loaded: Promise<void>
  isLoaded: boolean
  uses: number
}

const healthPath = '/api/llm/health'
/** Between two looks whether the model is loaded. */
const lookMs = 50
/** One look: a Unix socket answers at once or not at all. */
const lookPatienceMs = 1_000
/** Where others would lose their answers, and where a machine that reads a model from its disk may be slow. */
const usualHungMs = 5_000
/** Nothing runs in it when it is stopped. */
const graceMs = 2_000
/** Connections break a moment before the end of their process is known. */
const endingMs = 200

export function openLocalProcess(options: LocalProcessOptions): LocalProcess {
  const { hungMs = usualHungMs } = options
  let running: Running | null = null
  let starts = 0
  let closed = false
  let idle: Timer | undefined

  function start(model: LocalModel): Running {
    const folder = options.socketFolder()
    if (starts++ === 0) void sweep(folder)
    const socket = join(folder, `m${process.pid}.${starts}`)
    const child = startServiceProcess({
      command: options.command,
      settings: model.settings(socket),
      log: (line) => options.log(`local model: ${line}`),
    })
    const server = serverOnSocket(socket, 'the local model')
    const loaded = loadedIn(child, server, hungMs)
    const started: Running = { model, process: child, socket, server, loaded, isLoaded: false, uses: 0 }
    void loaded.then(
      () => {
        started.isLoaded = true
      },
      () => undefined, // told to whoever waits for it
    )
    void child.ended.then((how) => {
      rmSync(socket, { force: true })
      if (running !== started) return // it was told to
      running = null
      options.log(`The local model (${model.name}) is gone: ${how}.`)
    })
    return started
  }

  function stop(): Promise<void> | null {
    clearTimeout(idle)
    const stopped = running
    running = null
    return stopped?.process.stop(graceMs) ?? null
  }

  function leave(one: Running): void {
    one.uses--
    clearTimeout(idle)
    if (one !== running || one.uses > 0) return
    idle = setTimeout(() => void stop(), options.idleMs)
    idle.unref()
  }

  return {
    running: () => (running === null ? null : { pid: running.process.pid, file: running.model.file }),
    async use(model, signal) {
      if (closed) throw new RungUnavailable('it is being stopped')
      if (running !== null && running.model.file !== model.file && running.uses === 0) await stop()
      const found = running
      // Meanwhile another question may have replaced it.
      if (found?.isLoaded && (await hangs(found, hungMs, signal)) && running === found) {
        options.log(`The local model (${model.name}) hangs and is started again.`)
        await stop()
      }
      running ??= start(model)
      const one = running
      one.uses++
      clearTimeout(idle)
      try {
        await unlessAborted(one.loaded, signal)
      } catch (error) {
        leave(one)
        throw error
      }
      let left = false
      return {
        server: one.server,
        ending: () => Promise.race([one.process.ended, Bun.sleep(endingMs).then(() => one.process.ending())]),
        done() {
          if (!left) leave(one)
          left = true
        },
      }
    },
    release() {
      if (running?.uses === 0) void stop()
    },
    async close() {
      closed = true
      await stop()
    },
  }
}

/** A process that was stopped or swapped out for good keeps its connections open and says nothing. */
async function hangs({ server, uses }: Running, hungMs: number, signal: AbortSignal): Promise<boolean> {
  const patienceMs = uses > 0 ? hungMs : lookPatienceMs
  return (await askReadiness(server, healthPath, signal, patienceMs)).is === 'silent'
}

/** @throws RungUnavailable, when it does not start; RungFailed, when it dies over its model */
async function loadedIn(child: ServiceProcess, server: ModelServer, hungMs: number): Promise<void> {
  try {
    await child.listening
  } catch (error) {
    throw new RungUnavailable(`it does not start: ${error instanceof Error ? error.message : error}`)
  }
  const never = new AbortController().signal
  for (let heardAt = performance.now(); ; await Bun.sleep(lookMs)) {
    const ending = child.ending()
    if (ending !== null) throw new RungFailed(ending)
    const { is, reason } = await askReadiness(server, healthPath, never, lookPatienceMs)
    if (is === 'ready' || is === 'absent') return
    if (is === 'unwell') {
      await child.stop(0)
      throw new RungUnavailable(`it does not load its model: ${reason ?? 'it does not say why'}`)
    }
    if (is !== 'silent') heardAt = performance.now()
    if (performance.now() - heardAt < hungMs) continue
    await child.stop(0)
    throw new RungUnavailable('it does not load its model: it hung')
  }
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** Sockets of processes that were killed. */
async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const pid = /^m(\d+)\.\d+$/.exec(name)?.[1]
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(folder, name), { force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
