/** The one place where errors become HTTP. What is not named here is a defect: logged with an id, shown as the id. */
import { randomUUID } from 'node:crypto'
import { NotFoundError, ParseError, ValidationError } from 'elysia'
import {
  CollectionGone,
  DatabaseFull,
  DatabaseTimeout,
  DatabaseUnavailable,
  DataDirMismatch,
  InvalidCollectionName,
  InvalidCursor,
  SpaceMismatch,
} from '../../db/errors.ts'
import { RungUnavailable } from '../answer/types.ts'
import { UnknownCollection } from '../retrieve/retrieve.ts'
import { withStack } from './log-text.ts'
import { errorsOf, refusalOf } from './problems.ts'
import { invalid, notFound, RequestRefused, refusalResponse } from './refusal.ts'

const seconds = (count: number) => ({ 'retry-after': String(count) })

/** The refusal that an error of the layers below means; null for a defect. Their own words stay in the log. */
export function refusalFor(error: unknown): RequestRefused | null {
  if (error instanceof RequestRefused) return error
  if (error instanceof ValidationError) return refusalOf(errorsOf(error))
  // Elysia wraps what a parser throws.
  if (error instanceof ParseError) return refusalFor(error.cause)
  if (error instanceof NotFoundError) return notFound('address', 'GET /docs lists every address.')
  if (error instanceof UnknownCollection) {
    return notFound('collection', 'GET /api/collections lists them.')
  }
  // The client hung up: nobody reads this, it only gives the log its status.
  if (error instanceof Error && error.name === 'AbortError') {
    return new RequestRefused(499, 'client_gone', 'The client went away.')
  }
  if (error instanceof RungUnavailable) {
    return new RequestRefused(
      503,
      'rung_unavailable',
      `The rung that was named cannot answer: ${error.reason}.`,
      {
        hint: "Leave rung out, or send 'auto', to be answered by the next one.",
        headers: seconds(10),
      },
    )
  }
  return databaseRefusal(error) ?? diskRefusal(error)
}

function databaseRefusal(error: unknown): RequestRefused | null {
  if (error instanceof DatabaseUnavailable) {
    return new RequestRefused(503, 'database_unavailable', 'The database does not answer.', {
      hint: 'Try again in a moment. If it lasts, ./mentor doctor says what is wrong.',
      headers: seconds(2),
    })
  }
  if (error instanceof DatabaseTimeout) {
    return new RequestRefused(503, 'database_slow', 'The database took too long and was stopped.', {
      hint: 'Try again in a moment, or search one collection.',
      headers: seconds(5),
    })
  }
  if (error instanceof DatabaseFull) return diskFull()
  if (error instanceof SpaceMismatch || error instanceof DataDirMismatch) {
    return new RequestRefused(503, 'database_mismatch', 'The database does not fit this version of Mentor.', {
      hint: './mentor doctor says what differs and what to do.',
      headers: seconds(60),
    })
  }
  if (error instanceof CollectionGone) {
    return new RequestRefused(409, 'collection_gone', 'The collection was deleted meanwhile.', {
      hint: 'Send it again: the collection is made anew.',
    })
  }
  if (error instanceof InvalidCursor)
    return invalid([{ path: 'cursor', problem: 'is not from a former page' }])
  if (error instanceof InvalidCollectionName) {
    return invalid([{ path: 'collection', problem: 'is not a name of a collection' }])
  }
  return null
}

/** ENOSPC and EDQUOT: no space, or no quota, left for an upload. */
function diskRefusal(error: unknown): RequestRefused | null {
  if (!(error instanceof Error) || !('code' in error)) return null
  return error.code === 'ENOSPC' || error.code === 'EDQUOT' ? diskFull() : null
}

function diskFull(): RequestRefused {
  return new RequestRefused(507, 'disk_full', 'The disk under the documents is full.', {
    hint: 'Free some space, then send it again. Searching and asking go on meanwhile.',
  })
}

interface Explained {
  refusal: RequestRefused
  /** Of the line in the log, for a defect. */
  id?: string
}

function explain(error: unknown, log: (line: string) => void): Explained {
  const refusal = refusalFor(error)
  if (refusal !== null) {
    if (refusal.status >= 500) log(`${refusal.status} ${refusal.code}: ${withStack(error)}`)
    return { refusal }
  }
  const id = randomUUID()
  log(`500 ${id}: ${withStack(error)}`)
  const hint = 'The log says more beside this id.'
  return { refusal: new RequestRefused(500, 'internal_error', 'Something went wrong inside.', { hint }), id }
}

export function errorResponse(error: unknown, log: (line: string) => void): Response {
  const { refusal, id } = explain(error, log)
  return refusalResponse(refusal, id)
}

/** The same for a stream that has begun already. */
export function errorPart(error: unknown, log: (line: string) => void): { errorText: string; code: string } {
  const { refusal, id } = explain(error, log)
  return { errorText: id === undefined ? refusal.message : `${refusal.message} (${id})`, code: refusal.code }
}
