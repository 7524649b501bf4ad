/** Where errors become HTTP. What has no meaning here is a defect: logged with an id, shown as the id. */
import { randomUUID } from 'node:crypto'
import { NotFoundError, ParseError, ValidationError } from 'elysia'
import { withStack } from './log-text.ts'
import { errorsOf, refusalOf } from './problems.ts'
import { notFound, RequestRefused, refusalResponse } from './refusal.ts'

/** The refusal that an error of the layers below means; null for one that nobody foresaw. */
export type Meaning = (error: unknown) => RequestRefused | null

export interface Explained {
  refusal: RequestRefused
  /** Of the line in the log, for a defect. */
  id?: string
}

/** @param meaning of the errors that only the application knows; their own words stay in the log */
export function explain(error: unknown, log: (line: string) => void, meaning: Meaning): Explained {
  const refusal = refusalFor(error, meaning)
  if (refusal !== null) {
    if (refusal.status >= 500) log(`${refusal.status} ${refusal.code}: ${withStack(error)}`)
    return { refusal }
  }
  const id = randomUUID()
  log(`500 ${id}: ${withStack(error)}`)
  const hint = 'The log says more beside this id.'
  return { refusal: new RequestRefused(500, 'internal_error', 'Something went wrong inside.', { hint }), id }
}

function refusalFor(error: unknown, meaning: Meaning): RequestRefused | null {
  if (error instanceof RequestRefused) return error
  if (error instanceof ValidationError) return refusalOf(errorsOf(error))
  // Elysia wraps what a parser throws.
  if (error instanceof ParseError) return refusalFor(error.cause, meaning)
  if (error instanceof NotFoundError) return notFound('address', 'GET /docs lists every address.')
  // The client hung up: nobody reads this, it only gives the log its status.
  if (error instanceof Error && error.name === 'AbortError') {
    return new RequestRefused(499, 'client_gone', 'The client went away.')
  }
  return meaning(error)
}

export function errorResponse(error: unknown, log: (line: string) => void, meaning: Meaning): Response {
  const { refusal, id } = explain(error, log, meaning)
  return refusalResponse(refusal, id)
}
