import type { Sql } from 'postgres'
import { DatabaseFull, DatabaseTimeout, DatabaseUnavailable } from './errors.ts'
import type { Database } from './open.ts'

/** Codes of postgres.js, of the network, and of Postgres that mean: it cannot be reached, or went away. */
const unavailable = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_DESTROYED',
  'CONNECTION_ENDED',
  'CONNECT_TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
  '53300', // too_many_connections
  '25P03', // idle_in_transaction_session_timeout
])
const deadlockOrConflict = new Set(['40P01', '40001'])
const mostAttempts = 4

/**
 * Runs work on the database and says in the errors of `errors.ts` what went wrong. Work that lost a deadlock is
 * done again: everything in this folder is one statement, so nothing of it has happened.
 */
export async function reach<T>(
  db: Pick<Database, 'sql' | 'where'>,
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(db.sql)
    } catch (error) {
      if (attempt < mostAttempts && deadlockOrConflict.has(errorCode(error) ?? '')) {
        await Bun.sleep(Math.random() * 20 * attempt)
        continue
      }
      throw translate(error, db.where)
    }
  }
}

/** Postgres' or the network's code of an error, also of one that drizzle has wrapped. */
export function errorCode(error: unknown): string | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code
  }
  return null
}

/** The name of the constraint that refused a write, if one did. */
export function constraintOf(error: unknown): string | null {
  if (!(error instanceof Error && 'constraint_name' in error)) return null
  return typeof error.constraint_name === 'string' ? error.constraint_name : null
}

export function translate(error: unknown, where: string): unknown {
  const code = errorCode(error)
  const said = error instanceof Error ? error.message : String(error)
  if (code !== null && (unavailable.has(code) || code.startsWith('08'))) {
    return new DatabaseUnavailable(
      `The database (${where}) does not answer: ${said}. Try again; if it stays away, see that it runs.`,
      { cause: error },
    )
  }
  if (code === '57014') {
    return new DatabaseTimeout(
      `The database (${where}) took too long and the query was cancelled. Try again when it is less busy.`,
      { cause: error },
    )
  }
  // PGlite passes the file system's refusal on as a generic error.
  if (code === '53100' || /no space left on device|ENOSPC/i.test(said)) {
    return new DatabaseFull(
      `The disk under the database (${where}) is full: nothing can be added until there is room. Reading still works.`,
      { cause: error },
    )
  }
  return error
}
