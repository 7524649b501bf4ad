import { Database, SQLiteError } from 'bun:sqlite'

/** Held until `release`, or until the process ends in whatever way. */
export interface Lock {
  release(): void
}

/** Kept from the garbage collector, which would close the file and so give the lock away. */
const held = new Set<Database>()

/**
 * Takes the lock that a file stands for, without waiting: null when another process (or this one) holds it.
 * It is an SQLite file in an exclusive transaction, because SQLite is at hand in Bun and `flock` is not: the
 * operating system drops the lock with its process, so a kill -9 leaves nothing that a hand must remove, and
 * no process id is compared (ids are used again).
 */
export function holdLock(path: string): Lock | null {
  const database = new Database(path, { create: true })
  try {
    database.run('PRAGMA busy_timeout = 0')
    database.run('BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (error instanceof SQLiteError && error.code === 'SQLITE_BUSY') return null
    throw error
  }
  held.add(database)
  return {
    release() {
      held.delete(database)
      database.close()
    },
  }
}
