/**
 * Keeps other sites out. Mentor listens on loopback, where any page in any browser on the machine can send
 * requests: a foreign `Origin` is such a page, and a foreign `Host` is one that had its own name point to
 * 127.0.0.1 (DNS rebinding).
 */
import { RequestRefused } from './refusal.ts'

const loopback = new Set(['localhost', '127.0.0.1', '[::1]'])

/**
 * @param allowed further names that the server is reached under: `name` (any port) or `name:port`
 * @param listensOn the address of the socket, which may be typed into a browser too
 * @param allowedOrigins whose pages may send requests too, as browsers write them
 * @throws RequestRefused 403
 */
export function checkSender(
  request: Request,
  allowed: ReadonlySet<string>,
  listensOn: string,
  allowedOrigins: ReadonlySet<string>,
): void {
  const host = parseHost(request.headers.get('host') ?? hostOfUrl(request.url))
  if (host === null || !(isOurs(host, allowed) || host.name === listensOn)) {
    throw refused('foreign_host', 'The Host header names another site.')
  }
  const origin = request.headers.get('origin')
  if (origin !== null && !allowedOrigins.has(origin) && !isOwnOrigin(origin, host, allowed)) {
    throw refused('foreign_origin', 'The request comes from a page of another site.')
  }
}

function refused(code: string, message: string): RequestRefused {
  return new RequestRefused(403, code, message, {
    hint: 'Use the address that ./mentor start printed, or name the host in MENTOR_ALLOWED_HOSTS.',
  })
}

interface Host {
  name: string
  /** With its port when one was given. */
  full: string
}

/** The name and port of a Host header, lower case; null for anything that is not exactly a host. */
function parseHost(header: string): Host | null {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?$/.exec(header.toLowerCase())
  if (match?.[1] === undefined) return null
  // A trailing dot is the same name, fully qualified.
  const name = match[1].replace(/\.$/, '')
  return { name, full: `${name}${match[2] ?? ''}` }
}

function hostOfUrl(url: string): string {
  return URL.parse(url)?.host ?? ''
}

function isOurs(host: Host, allowed: ReadonlySet<string>): boolean {
  return loopback.has(host.name) || allowed.has(host.name) || allowed.has(host.full)
}

/** The page that asks must be the one served here: same host and port (a proxy may have made http into https). */
function isOwnOrigin(origin: string, host: Host, allowed: ReadonlySet<string>): boolean {
  const match = /^https?:\/\/(.+)$/.exec(origin)
  const from = match?.[1] === undefined ? null : parseHost(match[1])
  if (from === null) return false
  return from.full === host.full || allowed.has(from.full)
}

/** An IPv6 address as a Host header writes it. */
export function bracketed(name: string): string {
  const lower = name.toLowerCase()
  return lower.split(':').length > 2 && !lower.startsWith('[') ? `[${lower}]` : lower
}
