/** What happens around every request, whatever its route: the guard, the headers, the log, the last resort. */
import { shareWith } from './cors.ts'
import { checkSender } from './guard.ts'
import { checkUrl } from './query.ts'
import { RequestRefused } from './refusal.ts'
import { secure } from './security-headers.ts'

export interface ShellSettings {
  /** Names beside the loopback ones that the server is reached under, `name` or `name:port`. */
  allowedHosts: ReadonlySet<string>
  /** Origins of other sites whose pages may use it; none unless said. */
  allowedOrigins?: ReadonlySet<string>
  log: (line: string) => void
  /** A refusal or an error as this API writes it. */
  errorResponse: (error: unknown, request: Request) => Response
  /** The methods of a path that exists; empty for one that does not. */
  methodsOf: (path: string) => string[]
  /** The pattern of the route that took the request, for the log: a path may hold what somebody typed. */
  routeOf: (request: Request) => string
  /** The address that is listened on, as a Host header writes it; empty without one. */
  listensOn: () => string
  /** Whether a request may take longer than others: it has deadlines of its own. */
  mayTakeLong: (request: Request) => boolean
}

const nobody: ReadonlySet<string> = new Set()

/** Below the idle limit of the server, which would cut the connection without a word. */
const deadlineMs = 15_000

export type Fetch = (request: Request) => Response | Promise<Response>

/** Wraps the router. The response is always JSON of the one error shape when anything is refused. */
export function shell(fetch: Fetch, settings: ShellSettings): Fetch {
  return async (request) => {
    const began = performance.now()
    const answered = secure(await answer(request, fetch, settings))
    const response = shareWith(request, answered, settings.allowedOrigins ?? nobody)
    const ms = Math.round(performance.now() - began)
    settings.log(`${methodName(request)} ${settings.routeOf(request)} ${response.status} ${ms} ms`)
    return response
  }
}

async function answer(request: Request, fetch: Fetch, settings: ShellSettings): Promise<Response> {
  try {
    checkSender(request, settings.allowedHosts, settings.listensOn(), settings.allowedOrigins ?? nobody)
    const url = URL.parse(request.url)
    if (url === null) throw new RequestRefused(400, 'bad_url', 'The address cannot be read.')
    checkUrl(url)
    const methods = settings.methodsOf(url.pathname)
    if (methods.length > 0 && !methods.includes(request.method)) return otherMethod(request, methods)
    return await beforeDeadline(fetch(request), request, settings)
  } catch (error) {
    return settings.errorResponse(error, request)
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

/** 204 with what is allowed for OPTIONS (CORS headers come on top, for origins that are allowed), else 405. */
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
