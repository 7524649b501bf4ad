import { createHash } from 'node:crypto'
import { chmodSync, lstatSync, mkdirSync, realpathSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { DataDirMismatch } from '../errors.ts'

/** Where the embedded database of a data directory keeps its things; all paths absolute, links resolved. */
export interface EmbeddedPaths {
  dataDir: string
  /** PGlite's directory. */
  database: string
  /** Begins the name of a database being made, which is renamed to `database` once whole. */
  unfinished: string
  lock: string
  /** Records schema and Postgres version: what is checked before the database is opened. */
  record: string
  /** Why the last server refused to start. */
  refusal: string
  log: string
  socketDir: string
  socket: string
}

/** Longest Unix socket path every system takes (104 bytes with the final NUL on macOS, 108 on Linux). */
const longestSocketPath = 100

/** Makes the data directory when missing and names what is in it. */
export function embeddedPaths(dataDir: string): EmbeddedPaths {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  // Resolved, so that two spellings of one directory are one database with one socket.
  const real = realpathSync(dataDir)
  mkdirSync(join(real, 'logs'), { recursive: true })
  const socketDir = socketFolder(real)
  return {
    dataDir: real,
    database: join(real, 'database'),
    unfinished: join(real, 'database.unfinished'),
    lock: join(real, 'database.lock'),
    record: join(real, 'mentor.json'),
    refusal: join(real, 'database.refused'),
    log: join(real, 'logs', 'database.log'),
    socketDir,
    socket: join(socketDir, socketName),
  }
}

/** The name under which psql looks for a server's socket in a folder given as its host. */
const socketName = '.s.PGSQL.5432'

function socketFolder(dataDir: string): string {
  const inside = join(dataDir, 'socket')
  if (Buffer.byteLength(join(inside, socketName)) <= longestSocketPath) return inside
  const name = createHash('sha256').update(dataDir).digest('hex').slice(0, 16)
  return join(tmpdir(), `mentor-${userInfo().uid}-${name}`)
}

/**
 * Makes the socket's folder, readable by its owner alone: the embedded database asks for no password, so this
 * mode is its access control. In the shared folder for temporary files somebody else may have made the name
 * first: such a folder is refused.
 */
export function makeSocketFolder(socketDir: string): void {
  mkdirSync(socketDir, { recursive: true, mode: 0o700 })
  const found = lstatSync(socketDir)
  if (!found.isDirectory() || found.uid !== userInfo().uid) {
    throw new DataDirMismatch(
      `The folder for the database's socket, ${socketDir}, belongs to somebody else. ` +
        'Remove it, or choose a data directory with a shorter path (--data).',
    )
  }
  chmodSync(socketDir, 0o700)
}
