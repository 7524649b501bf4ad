import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { EmbeddingModel } from '../models/bundled.ts'
import type { EmbedRequest, WorkerMessage } from './messages.ts'

export interface WorkerProcess {
  /** Undefined when the system could not start it. */
  readonly pid: number | undefined
  send(request: EmbedRequest): void
  /** A held worker keeps this process from ending; one that is idle must not. */
  hold(held: boolean): void
  /** Ends it at once: what it was embedding is lost. */
  kill(): void
  /** Settles when the process is gone. */
  readonly exited: Promise<void>
}

/** The end of what a worker wrote before it died, kept for the line that says why. */
const LAST_WORDS = 2000

/**
 * Starts a worker. `on.end` is called once, later, when it is gone or could not be started, with how it ended.
 */
export function startWorker(
  model: EmbeddingModel,
  on: { message: (message: WorkerMessage) => void; end: (reason: string) => void },
): WorkerProcess {
  let child: ChildProcess
  try {
    child = spawnWorker(model)
  } catch (error) {
    return neverStarted(error instanceof Error ? error.message : String(error), on.end)
  }
  let lastWords = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    lastWords = (lastWords + chunk.toString()).slice(-LAST_WORDS)
  })
  // Bun.spawn has no way to let go of a pipe that is read: this process would never end by itself.
  if (child.stderr && 'unref' in child.stderr && typeof child.stderr.unref === 'function')
    child.stderr.unref()
  child.on('message', (message) => on.message(message as WorkerMessage))

  const { promise: exited, resolve } = Promise.withResolvers<void>()
  let over = false
  const end = (how: string): void => {
    if (over) return
    over = true
    on.end(how)
    resolve()
  }
  child.on('error', (error) => {
    child.kill('SIGKILL')
    end(`the embedding process could not be used: ${error.message}`)
  })
  child.on('close', (code, signal) => {
    const how = signal ? `was killed by ${signal}` : `ended with exit code ${code}`
    const last = lastWords.trim().split('\n').at(-1)
    end(`the embedding process ${how}${last ? ` (${last})` : ''}`)
  })

  return {
    pid: child.pid,
    // A worker that died takes no more: its end, which is still to be told, puts the request back.
    send: (request) => {
      try {
        if (child.connected) child.send(request)
      } catch {
        child.kill('SIGKILL')
      }
    },
    hold: (held) => {
      if (held) child.ref()
      else child.unref()
    },
    kill: () => void child.kill('SIGKILL'),
    exited,
  }
}

function spawnWorker(model: EmbeddingModel): ChildProcess {
  const script = fileURLToPath(new URL('worker.ts', import.meta.url))
  // --smol: its heap is collected early; a worker makes 400 kB of garbage a text.
  return spawn(process.execPath, ['--smol', script, JSON.stringify(model)], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
  })
}

/** No process to be had (a limit on processes or memory): told like any other end, after this call returned. */
function neverStarted(reason: string, end: (reason: string) => void): WorkerProcess {
  const exited = Promise.resolve().then(() => end(`the embedding process could not be started: ${reason}`))
  return { pid: undefined, send: () => undefined, hold: () => undefined, kill: () => undefined, exited }
}
