/** What happens around every request, whatever its route: the guard, the headers, the log, the last resort. */
import { errorResponse } from './error-response.ts'
import { checkSender } from './guard.ts'
import { checkUrl } from './query.ts'
import { RequestRefused } from './refusal.ts'
import { secure } from './security-headers.ts'

export interface ShellSettings {
  /** Names beside the loopback ones that the backend is reached under, `name` or `name:port`. */
  allowedHosts: ReadonlySet<string>
  log: (line: string) => void
  /** The methods of a path that exists; empty for one that does not. */
  methodsOf: (path: string) => string[]
  /** The pattern of the route that took the request, for the log: a path may hold what somebody typed. */
  routeOf: (request: Request) => string
  /** The address that is listened on, as a Host header writes it; empty without one. */
  listensOn: () => string
  /** Whether a request may take longer than others: it has deadlines of its own. */
  mayTakeLong: (request: Request) => boolean
}

/** Below the idle limit of the server, which would cut the connection without a word. */
const deadlineMs = 15_000

export type Fetch = (request: Request) => Response | Promise<Response>

/** Wraps the router. The response is always JSON of the one error shape when anything is refused. */
export function shell(fetch: Fetch, settings: ShellSettings): Fetch {
  return async (request) => {
    const began = performance.now()
    const response = secure(await answer(request, fetch, settings))
    const ms = Math.round(performance.now() - began)
    settings.log(`${methodName(request)} ${settings.routeOf(request)} ${response.status} ${ms} ms`)
    return response
  }
}

async function answer(request: Request, fetch: Fetch, settings: ShellSettings): Promise<Response> {
  try {
    checkSender(request, settings.allowedHosts, settings.listensOn())
    const url = URL.parse(request.url)
    if (url === null) throw new RequestRefused(400, 'bad_url', 'The address cannot be read.')
    checkUrl(url)
    const methods = settings.methodsOf(url.pathname)
    if (methods.length > 0 && !methods.includes(request.method)) return otherMethod(request, methods)
    return await beforeDeadline(fetch(request), request, settings)
  } catch (error) {
    return errorResponse(error, settings.log)
  }
}

/** A query to the database cannot always be stopped; the request that waits for it can end. */
async function beforeDeadline(
  response: Response | Promise<Response>,
  request: Request,
  { mayTakeLong }: ShellSettings,
): Promise<Response> {
  if (response instanceof Response) return response
  let timer: Timer | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      if (!mayTakeLong(request)) reject(tooLate())
    }, deadlineMs)
  })
  try {
    return await Promise.race([response, late])
  } finally {
    clearTimeout(timer)
  }
}

function tooLate(): RequestRefused {
  return new RequestRefused(503, 'too_late', `No answer within ${deadlineMs / 1000} s.`, {
    hint: 'Mentor is busy. Try again in a moment.',
    headers: { 'retry-after': '5' },
  })
}

/** 204 with what is allowed for OPTIONS (no CORS headers: nobody but our own page is served), else 405. */
function otherMethod(request: Request, methods: string[]): Response {
  const allow = [...methods, 'OPTIONS'].join(', ')
  if (request.method === 'OPTIONS') return new Response(null, { status: 204, headers: { allow } })
  throw new RequestRefused(405, 'method_not_allowed', 'This address does not take that method.', {
    hint: `It takes ${methods.join(', ')}.`,
    headers: { allow },
  })
}

/** A method is free text on the wire. */
function methodName(request: Request): string {
  return /^[A-Z]{3,7}$/.test(request.method) ? request.method : '?'
}
