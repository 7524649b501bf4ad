import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, statSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { DatabaseUnavailable, DataDirMismatch } from '../errors.ts'
import { exitCodes } from './exit.ts'
import type { EmbeddedPaths } from './paths.ts'

/** Making a database takes 4 s on two free cores; on a busy machine several times that. */
const patienceMs = 90_000
/** A server that ends so often without serving will not start the next time either. */
const mostFailures = 3
/** The log begins anew once it is so long. */
const longestLog = 1_000_000

/**
 * Gives a function that connects to the embedded database of a data directory, starting its server when none
 * answers. Many calls at once start one server; servers started by several processes at once leave one (see
 * `server.ts`). Rejects with `DataDirMismatch` or `DatabaseUnavailable`.
 */
export function attacher(paths: EmbeddedPaths): () => Promise<Socket> {
  let starting: Promise<number | null> | undefined

  return async () => {
    const deadline = performance.now() + patienceMs
    let failures = 0
    for (;;) {
      const socket = await connectTo(paths.socket)
      if (socket !== null) return socket
      starting ??= start(paths).finally(() => {
        starting = undefined
      })
      const ended = await Promise.race([starting, Bun.sleep(20).then(() => 'waiting' as const)])
      if (ended === exitCodes.refused) throw refusal(paths)
      const failed = ended !== 'waiting' && ended !== exitCodes.anotherServes && ended !== exitCodes.done
      if (failed && ++failures >= mostFailures)
        throw didNotStart(paths, `it ended ${failures} times (code ${ended})`)
      if (performance.now() > deadline)
        throw didNotStart(paths, `nothing answered for ${patienceMs / 1000} s`)
    }
  }
}

/** Null when nobody listens there. */
function connectTo(path: string): Promise<Socket | null> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.removeAllListeners('error')
      resolve(socket)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(null)
      else reject(error)
    })
  })
}

/** Starts a server; resolves with its exit code once it has ended (null: a signal ended it). */
function start(paths: EmbeddedPaths): Promise<number | null> {
  const tooLong = existsSync(paths.log) && statSync(paths.log).size > longestLog
  const log = openSync(paths.log, tooLong ? 'w' : 'a')
  try {
    // Detached: in a process group of its own, so that Ctrl-C in the terminal reaches its users and not it.
    const child = spawn(process.execPath, [join(import.meta.dir, 'server.ts'), paths.dataDir], {
      detached: true,
      stdio: ['ignore', log, log],
      cwd: '/',
    })
    child.unref()
    return ending(child)
  } finally {
    closeSync(log)
  }
}

function ending(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => resolve(code))
    child.once('error', reject)
  })
}

function refusal(paths: EmbeddedPaths): Error {
  if (!existsSync(paths.refusal)) return didNotStart(paths, 'it gave no reason')
  const { known, reason } = JSON.parse(readFileSync(paths.refusal, 'utf8'))
  return known === true ? new DataDirMismatch(reason) : didNotStart(paths, String(reason))
}

function didNotStart(paths: EmbeddedPaths, reason: string): DatabaseUnavailable {
  return new DatabaseUnavailable(
    `The embedded database in ${paths.dataDir} did not start: ${reason}. Its log is ${paths.log}; ` +
      'check that the disk has room and that the directory is yours to write, then try again.',
  )
}
