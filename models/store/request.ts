/** One HTTP request to a model hub or a file server: redirects followed by hand, silence ended, refusals explained. */

/** A download cannot go on. `later`: the same request may work in a moment. The message says what to do. */
export class PullFailed extends Error {
  override readonly name = 'PullFailed'
  constructor(
    message: string,
    readonly retry: 'never' | 'later' = 'never',
    /** Milliseconds the server asked to wait. */
    readonly waitMs = 0,
  ) {
    super(message)
  }
}

export interface Access {
  /** The model hub. Its token goes there and nowhere else. */
  endpoint: URL
  token: string | null
  signal: AbortSignal
  /** Milliseconds without a byte after which a connection counts as broken. */
  stallMs: number
}

/** What the hub says of a file. Only its own responses count: whom it redirects to could claim anything. */
export interface HubHeaders {
  /** Hex, of files in large-file storage. */
  sha256: string | null
  /** SHA-1 of git, of the other files. */
  gitOid: string | null
  bytes: number | null
  commit: string | null
}

export interface Answer {
  response: Response
  hub: HubHeaders
  /** @throws PullFailed when it breaks off or stalls */
  body(): AsyncGenerator<Uint8Array>
  /** Ends the connection; needed when the body is not read to its end. */
  close(): void
}

const mostRedirects = 5
const redirects = [301, 302, 303, 307, 308]
/** An hour would be a hang to whoever watches. */
const longestWaitMs = 60_000

/** @returns a response with status 2xx. @throws PullFailed; the signal's reason */
export async function get(url: URL, headers: Record<string, string>, access: Access): Promise<Answer> {
  const watch = watchStall(access)
  const hub: HubHeaders = { sha256: null, gitOid: null, bytes: null, commit: null }
  try {
    let at = url
    for (let hop = 0; hop <= mostRedirects; hop++) {
      const response = await fetch(at, {
        redirect: 'manual',
        signal: watch.signal,
        // Lengths and ranges are those of the file itself.
        headers: { 'accept-encoding': 'identity', ...headers, ...authorization(at, access) },
      })
      watch.touch()
      if (at.origin === access.endpoint.origin) readHub(hub, response)
      if (!redirects.includes(response.status)) {
        if (!response.ok) throw refusal(at, response, access)
        return { response, hub, body: () => bodyOf(response, at, watch, access), close: watch.end }
      }
      await response.body?.cancel()
      at = redirectTarget(at, response.headers.get('location'))
    }
    throw new PullFailed(`${shown(url)} redirects more than ${mostRedirects} times.`)
  } catch (error) {
    watch.end()
    throw explained(error, url, watch, access)
  }
}

function authorization(url: URL, { endpoint, token }: Access): Record<string, string> {
  return token !== null && url.origin === endpoint.origin ? { authorization: `Bearer ${token}` } : {}
}

function readHub(hub: HubHeaders, { headers, status }: Response): void {
  const etag = (headers.get('x-linked-etag') ?? '').replaceAll('"', '')
  if (/^[0-9a-f]{64}$/i.test(etag)) hub.sha256 = etag.toLowerCase()
  const oid = (headers.get('etag') ?? '').replace(/^W\//, '').replaceAll('"', '')
  if (status < 300 && /^[0-9a-f]{40}$/.test(oid)) hub.gitOid = oid
  const bytes = headers.get('x-linked-size') ?? ''
  if (/^\d{1,15}$/.test(bytes)) hub.bytes = Number(bytes)
  const commit = headers.get('x-repo-commit') ?? ''
  if (/^[0-9a-f]{40}$/.test(commit)) hub.commit = commit
}

function redirectTarget(from: URL, location: string | null): URL {
  const to = location !== null && URL.canParse(location, from) ? new URL(location, from) : null
  if (to === null) throw new PullFailed(`${shown(from)} redirects to nowhere.`)
  if (to.protocol !== 'https:' && to.protocol !== 'http:')
    throw new PullFailed(`${shown(from)} redirects to ${to.protocol}, only http(s) is followed.`)
  if (from.protocol === 'https:' && to.protocol === 'http:')
    throw new PullFailed(
      `${shown(from)} redirects from https to http: refused, anybody between could change the file.`,
    )
  return to
}

async function* bodyOf(
  response: Response,
  url: URL,
  watch: ReturnType<typeof watchStall>,
  access: Access,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const bytes of response.body ?? []) {
      watch.touch()
      yield bytes
    }
  } catch (error) {
    throw explained(error, url, watch, access)
  } finally {
    watch.end()
  }
}

/** Aborts a request when nothing came for too long. */
function watchStall({ signal, stallMs }: Access) {
  const own = new AbortController()
  let stalled = false
  const stall = () => {
    stalled = true
    own.abort()
  }
  let timer = setTimeout(stall, stallMs)
  return {
    signal: AbortSignal.any([signal, own.signal]),
    stalled: () => stalled,
    touch() {
      clearTimeout(timer)
      timer = setTimeout(stall, stallMs)
    },
    end() {
      clearTimeout(timer)
      own.abort()
    },
  }
}

function explained(
  error: unknown,
  url: URL,
  watch: ReturnType<typeof watchStall>,
  { signal, stallMs }: Access,
): unknown {
  if (signal.aborted) return signal.reason
  if (error instanceof PullFailed) return error
  if (watch.stalled()) return new PullFailed(`${url.host} said nothing for ${stallMs / 1000} s.`, 'later')
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/.test(code))
    return new PullFailed(`${url.host} shows a certificate that cannot be trusted (${code}).`)
  return new PullFailed(`The connection to ${url.host} failed (${code}).`, 'later')
}

function refusal(url: URL, response: Response, access: Access): PullFailed {
  const { status, headers } = response
  const ofHub = url.origin === access.endpoint.origin
  const reason = headers.get('x-error-code')
  if ((status === 401 || status === 403) && ofHub) return new PullFailed(locked(url, status, access))
  // A signed link of a file store that ran out looks like this; the next attempt gets a fresh one from the hub.
  if (status === 403) return new PullFailed(`${shown(url)} refused the file (403).`, 'later')
  if (status === 401)
    return new PullFailed(
      `${shown(url)} wants a login (401), and none is sent to a host that is not HF_ENDPOINT.`,
    )
  if (status === 404) {
    const what =
      reason === 'RevisionNotFound' ? 'revision' : reason === 'RepoNotFound' ? 'repository' : 'file'
    return new PullFailed(`${shown(url)} does not exist (404): is the name of the ${what} right?`)
  }
  if (status === 416) return new PullFailed(`${shown(url)} changed while it was downloaded: pull it again.`)
  const later = status === 408 || status === 425 || status === 429 || status >= 500
  return new PullFailed(`${shown(url)} answered ${status}.`, later ? 'later' : 'never', retryAfter(headers))
}

function locked(url: URL, status: number, { token, endpoint }: Access): string {
  const repo = /^\/([\w.-]+\/[\w.-]+)\/resolve\//.exec(url.pathname)?.[1]
  const page = repo === undefined ? endpoint.origin : `${endpoint.origin}/${repo}`
  return token === null
    ? `${shown(url)} is refused (${status}): it is gated, private, or there is none of that name. ` +
        `Accept its terms at ${page}, then set HF_TOKEN to a token of yours.`
    : `${shown(url)} is refused (${status}) although HF_TOKEN was sent: accept its terms at ${page}, and see that the token may read it.`
}

function retryAfter(headers: Headers): number {
  const seconds = headers.get('retry-after') ?? ''
  return /^\d{1,6}$/.test(seconds) ? Math.min(Number(seconds) * 1000, longestWaitMs) : 0
}

/** A signed link's query is nobody's business. */
export function shown(url: URL): string {
  return `${url.origin}${url.pathname}`
}
