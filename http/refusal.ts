/** What is wrong with one field: `path` as in `history/0/role`, never the value that was sent. */
export interface Problem {
  path: string
  problem: string
}

export interface RefusalAdvice {
  /** What to do about it. */
  hint?: string
  details?: Problem[]
  headers?: Record<string, string>
}

/** A request that is refused, in words for whoever sent it. It never holds a value from the request. */
export class RequestRefused extends Error {
  override readonly name = 'RequestRefused'
  constructor(
    readonly status: number,
    /** Stable and machine-readable, in snake case. */
    readonly code: string,
    message: string,
    readonly advice: RefusalAdvice = {},
  ) {
    super(message)
  }
}

/** 422 with the fields that are wrong. */
export function invalid(details: Problem[]): RequestRefused {
  const first = details[0]
  const what = first === undefined ? 'The request' : `${first.path || 'The body'} ${first.problem}`
  const more = details.length > 1 ? `, and ${details.length - 1} more` : ''
  return new RequestRefused(422, 'invalid_request', `${what}${more}.`, { details })
}

export function notFound(what: string, hint?: string): RequestRefused {
  return new RequestRefused(404, 'not_found', `There is no such ${what}.`, hint === undefined ? {} : { hint })
}

/** The one JSON shape of every refusal and error. */
export function refusalBody(refusal: RequestRefused, id?: string): object {
  const { hint, details } = refusal.advice
  return {
    error: {
      code: refusal.code,
      message: refusal.message,
      ...(hint !== undefined && { hint }),
      ...(details !== undefined && { details }),
      ...(id !== undefined && { id }),
    },
  }
}

export function refusalResponse(refusal: RequestRefused, id?: string): Response {
  return Response.json(refusalBody(refusal, id), {
    status: refusal.status,
    headers: refusal.advice.headers ?? {},
  })
}
