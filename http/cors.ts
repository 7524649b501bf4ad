/** What the page of another origin needs to read an answer: only for origins that were named, never for all. */

/** The browser may keep what it was told for so long. */
const maxAgeSeconds = 600

/** @param allowed as a browser writes them: `https://example.org`, with the port unless it is the usual one */
export function shareWith(request: Request, response: Response, allowed: ReadonlySet<string>): Response {
  if (allowed.size === 0) return response
  const { headers } = response
  headers.append('vary', 'origin')
  const origin = request.headers.get('origin')
  if (origin === null || !allowed.has(origin)) return response
  headers.set('access-control-allow-origin', origin)
  headers.set('access-control-expose-headers', 'retry-after')
  if (request.method !== 'OPTIONS') return response
  headers.set('access-control-allow-methods', headers.get('allow') ?? '')
  headers.set('access-control-max-age', String(maxAgeSeconds))
  const wanted = request.headers.get('access-control-request-headers')
  // Names that a browser lists; they grant nothing that the routes would not take anyway.
  if (wanted !== null && /^[\w, -]{1,2000}$/.test(wanted)) headers.set('access-control-allow-headers', wanted)
  return response
}
