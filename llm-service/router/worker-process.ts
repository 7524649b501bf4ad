/** One worker process: typed calls over Bun's IPC, how it ended and why, and the watch that ends it when it hangs. */
import { fileURLToPath } from 'node:url'
import type {
  EngineEvent,
  EngineInfo,
  EngineSettings,
  EngineStats,
  FromWorker,
  GenerateRequest,
  Prepared,
  Prompt,
  ToWorker,
} from '../types.ts'
import { EngineError } from '../types.ts'
import { openHangWatch, type Patience } from './hang-watch.ts'
import { openLastLines } from './last-lines.ts'
import { residentBytes } from './memory.ts'

/** The process ended, or was ended, while it was asked something. Another one can be asked. */
export class WorkerEnded extends Error {
  override readonly name = 'WorkerEnded'
}

export interface WorkerProcess {
  readonly pid: number | null
  /** Calls and generations that it has not answered yet. */
  readonly pending: number
  /** @throws EngineError what the worker refused; WorkerEnded */
  prepare(prompt: Prompt): Promise<Prepared>
  /** @throws EngineError, WorkerEnded */
  count(texts: string[]): Promise<number[]>
  /** @throws EngineError, WorkerEnded */
  loadAdapter(adapter: { name: string; file: string }): Promise<void>
  /** `emit` gets the worker's events in order. When the process ends first, the last one is `failed`. */
  generate(request: GenerateRequest, tokens: number[], emit: (event: EngineEvent) => void): Generation
  /** Resident memory in bytes, the mapped weights included; 0 where the system does not tell. */
  rssBytes(): number
  /** Asks it to end. */
  stop(): void
  /** Ends it at once. */
  kill(reason: string): void
  /** Settles when it is gone, with how it ended. */
  readonly ended: Promise<string>
}

export interface Generation {
  /** Emits nothing more. Settles when the worker has heard of it: the slot is free after at most one step. */
  abort(): Promise<void>
}

export interface WorkerListener {
  /** 0 to 1 */
  progress(loaded: number): void
  ready(info: EngineInfo): void
  stats(stats: EngineStats): void
  /** A line that it wrote to stderr. */
  line(text: string): void
}

/**
 * `--no-orphans`: the kernel ends the worker with this process, even one that is stopped or hangs in native code and
 * would never see that its channel closed.
 */
export const usualCommand = [
  process.execPath,
  '--no-orphans',
  fileURLToPath(new URL('../engine/worker.ts', import.meta.url)),
]

interface Call {
  done(result: Prepared | number[] | null): void
  failed(error: Error): void
}

/** Starts a worker and has it load its model. Never throws: what cannot be started has ended. */
export function startWorkerProcess(
  {
    command,
    environment,
    settings,
    patience,
  }: {
    command: string[]
    environment: Record<string, string>
    settings: EngineSettings
    patience: Patience
  },
  on: WorkerListener,
): WorkerProcess {
  const calls = new Map<number, Call>()
  const generations = new Map<number, (event: EngineEvent) => void>()
  const { promise: ended, resolve: settleEnd } = Promise.withResolvers<string>()
  const lastLines = openLastLines(on.line)
  let lastId = 0
  let loading = true
  let over = false
  /** Why it was ended. */
  let cause: string | null = null
  /** It said itself why it cannot go on; what it wrote before says more. */
  let said = false

  const watch = openHangWatch(patience, {
    loading: () => loading,
    generating: () => generations.size > 0,
    asked: () => calls.size > 0 || generations.size > 0,
    ping: () => void call({ type: 'count', texts: [] }).catch(() => undefined),
    hung: (reason) => kill(reason),
  })

  const { promise: disconnected, resolve: noteDisconnect } = Promise.withResolvers<void>()
  const child = spawn()
  if (child !== null) {
    const written = lastLines.read(child.stderr)
    // The channel and stderr may hold words said before the end; a grandchild may hold them open for ever.
    void child.exited.then(async () => {
      await Promise.race([Promise.all([disconnected, written]), Bun.sleep(500)])
      finish(howItEnded(child.exitCode, child.signalCode))
    })
    send({ type: 'load', settings })
  }

  function spawn() {
    try {
      return Bun.spawn(command, {
        stdin: 'ignore',
        // Native libraries print there, and the router's stdout carries one line of JSON.
        stdout: 'ignore',
        stderr: 'pipe',
        serialization: 'advanced',
        // Bun would report a crash to its makers over the network.
        env: { ...process.env, BUN_ENABLE_CRASH_REPORTING: '0', ...environment },
        ipc: heard,
        onDisconnect: () => noteDisconnect(),
      })
    } catch (error) {
      // A limit on processes or memory: told like any other end, after this call returned.
      const reason = `could not be started: ${error instanceof Error ? error.message : error}`
      queueMicrotask(() => finish(reason))
      return null
    }
  }

  function send(message: ToWorker): void {
    try {
      child?.send(message)
    } catch {
      // It is dead, and its end, which is still to be told, fails whatever waits.
      child?.kill('SIGKILL')
    }
  }

  function heard(message: FromWorker): void {
    if (over) return
    watch.heard()
    switch (message.type) {
      case 'progress':
        on.progress(message.loaded)
        break
      case 'ready':
        loading = false
        on.ready(message.info)
        break
      case 'load-failed':
        said = true
        kill(message.message)
        break
      case 'stats':
        watch.advanced(message.stats.promptTokens + message.stats.completionTokens)
        on.stats(message.stats)
        break
      case 'events':
        watch.advanced(null)
        for (const { id, event } of message.events) give(id, event)
        break
      case 'result':
        calls.get(message.id)?.done(message.result)
        calls.delete(message.id)
        break
      case 'refused': {
        const { id, code, message: text } = message
        give(id, { type: 'failed', code, message: text })
        calls.get(id)?.failed(new EngineError(code, text))
        calls.delete(id)
      }
    }
  }

  /** Of a generation that was aborted nobody wants to hear any more. */
  function give(id: number, event: EngineEvent): void {
    const emit = generations.get(id)
    if (event.type !== 'text') generations.delete(id)
    emit?.(event)
  }

  type Callable = Extract<ToWorker, { type: 'prepare' | 'count' | 'load-adapter' }>
  function call(message: DistributiveOmit<Callable, 'id'>): Promise<Prepared | number[] | null> {
    if (over) return Promise.reject(new WorkerEnded('The worker has ended.'))
    const id = ++lastId
    const { promise, resolve, reject } = Promise.withResolvers<Prepared | number[] | null>()
    watch.asked()
    calls.set(id, { done: resolve, failed: reject })
    send({ ...message, id })
    return promise
  }

  function kill(reason: string): void {
    if (over) return
    cause ??= reason
    child?.kill('SIGKILL')
  }

  function howItEnded(code: number | null, signal: string | number | null): string {
    if (cause !== null && !said) return cause
    const last = lastLines.telling()
    const how = signal === null ? `ended with exit code ${code}` : `was killed by ${signal}`
    return `${cause ?? `its process ${how}`}${last === null ? '' : ` (${last})`}`
  }

  function finish(reason: string): void {
    over = true
    watch.end()
    const waiting = [...calls.values()]
    const running = [...generations.values()]
    calls.clear()
    generations.clear()
    settleEnd(reason)
    for (const { failed } of waiting) failed(new WorkerEnded(`The worker ended: ${reason}.`))
    for (const emit of running)
      emit({ type: 'failed', code: 'failed', message: `The worker ended: ${reason}.` })
  }

  return {
    pid: child?.pid ?? null,
    get pending() {
      return calls.size + generations.size
    },
    async prepare(prompt) {
      const result = await call({ type: 'prepare', prompt })
      if (result !== null && !Array.isArray(result)) return result
      throw new EngineError('failed', 'The worker gave no tokens for a prompt.')
    },
    async count(texts) {
      const result = await call({ type: 'count', texts })
      if (Array.isArray(result) && result.length === texts.length) return result
      throw new EngineError('failed', 'The worker counted other texts than it was given.')
    },
    async loadAdapter(adapter) {
      await call({ type: 'load-adapter', adapter })
    },
    generate(request, tokens, emit) {
      const id = ++lastId
      if (over) {
        queueMicrotask(() => emit({ type: 'failed', code: 'failed', message: 'The worker has ended.' }))
        return { abort: () => Promise.resolve() }
      }
      watch.asked()
      generations.set(id, emit)
      send({ type: 'generate', id, request, tokens })
      return {
        abort: async () => {
          if (!generations.delete(id)) return
          send({ type: 'abort', id })
          // Messages are answered in order, so whoever counts has heard of the abort.
          await call({ type: 'count', texts: [] }).catch(() => undefined)
        },
      }
    },
    rssBytes: () => (over || child === null ? 0 : residentBytes(child.pid)),
    stop: () => send({ type: 'stop' }),
    kill,
    ended,
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never
