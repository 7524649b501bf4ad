/** What the errors of the database, the retrieval and the ladder mean to whoever sent a request. */
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
import { explain } from '../../http/error-response.ts'
import { invalid, notFound, RequestRefused } from '../../http/refusal.ts'
import { RungUnavailable } from '../answer/types.ts'
import { UnknownCollection } from '../retrieve/retrieve.ts'

const seconds = (count: number) => ({ 'retry-after': String(count) })

/** The refusal that an error of the layers below means; null for a defect. Their own words stay in the log. */
export function refusalMeant(error: unknown): RequestRefused | null {
  if (error instanceof UnknownCollection) {
    return notFound('collection', './mentor collections, or GET /api/collections, lists them.')
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

/** An error of a stream that has begun already. */
export function errorPart(error: unknown, log: (line: string) => void): { errorText: string; code: string } {
  const { refusal, id } = explain(error, log, refusalMeant)
  return { errorText: id === undefined ? refusal.message : `${refusal.message} (${id})`, code: refusal.code }
}
