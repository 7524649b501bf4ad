/** A server that speaks the OpenAI chat protocol, as both rungs with a model ask it: over TCP, or over a Unix socket. */
import { readChat } from './chat-stream.ts'
import { RungDeclined, RungFailed } from './failures.ts'
import type { Packed } from './packing.ts'
import { type RungChunk, type RungRequest, RungUnavailable } from './types.ts'

export interface ModelServer {
  /** Without `/v1` at its end. */
  base: string
  /** Path of the socket that it listens on; null: the address says it all. */
  unix: string | null
  apiKey: string | null
  /** As people are told of it, without the user name and password that a URL may carry. */
  place: string
}

/** The list of models must come within this time: a service that takes longer is not there. */
export const LIST_MS = 2_000
/** The explanation of an error comes with it, or is done without. */
const EXPLAIN_MS = 500
/** Bytes read of a list of models, a count or an error's explanation. */
const MOST_READ = 2 ** 20
/** Code units that a token can hardly exceed: text beyond `maxTokens` of them is not waited for. */
const LONGEST_TOKEN = 32

/** @param url with or without `/v1` */
export function serverAt(url: string, apiKey: string | null): ModelServer {
  const place = URL.canParse(url) ? new URL(url).host : 'the model server'
  return { base: url.replace(/\/+$/, '').replace(/\/v1$/, ''), unix: null, apiKey, place }
}

/** @param name as people are told of it */
export function serverOnSocket(socket: string, name: string): ModelServer {
  // The name in the URL is only what the Host header says.
  return { base: 'http://localhost', unix: socket, apiKey: null, place: name }
}

/**
 * Asks `GET /v1/models`. Gives the model that will be used: the one that is wanted, else the first of the list.
 * @param ms after which it is not there
 * @throws RungUnavailable with the reason in words; RungDeclined while it loads; the signal's reason
 */
export async function findModel(
  server: ModelServer,
  wanted: string | null,
  signal: AbortSignal,
  ms = LIST_MS,
): Promise<string> {
  const within = AbortSignal.timeout(ms)
  const response = await send(server, '/v1/models', { signal: AbortSignal.any([signal, within]) }, ms)
  const listed = await modelsIn(response, server, wanted, ms)
  if (wanted !== null) return wanted
  const [first] = listed
  if (first === undefined) throw new RungUnavailable(`${server.place} lists no model`)
  return first
}

/**
 * The answer to a packed question, as it is written.
 * @throws RungUnavailable, RungDeclined, RungFailed; the signal's reason
 */
export async function* chat(
  server: ModelServer,
  model: string | null,
  { messages, maxTokens }: Packed,
  { temperature, topP, signal }: Pick<RungRequest, 'temperature' | 'topP' | 'signal'>,
): AsyncGenerator<RungChunk> {
  const response = await send(server, '/v1/chat/completions', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({
      ...(model !== null && { model }),
      messages,
      max_tokens: maxTokens,
      temperature,
      top_p: topP,
      stream: true,
      stream_options: { include_usage: true },
    }),
    signal,
  })
  if (!response.ok) throw await refusal(response, server)
  if (model !== null) yield { model }
  yield* readChat(response, maxTokens * LONGEST_TOKEN)
}

/**
 * The JSON that a route beside the protocol answers with; null when it has none, or not in time. A server of another
 * make has no such route, and that is no failure.
 */
export async function askBeside(
  server: ModelServer,
  path: string,
  { body, signal, ms }: { body?: unknown; signal: AbortSignal; ms: number },
): Promise<Record<string, unknown> | null> {
  try {
    const response = await send(server, path, {
      ...(body !== undefined && {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(ms)]),
    })
    if (!response.ok) {
      await response.body?.cancel()
      return null
    }
    const value: unknown = JSON.parse(await readBounded(response))
    return typeof value === 'object' && value !== null ? { ...value } : null
  } catch {
    signal.throwIfAborted()
    return null
  }
}

/** `absent`: it has no such route. `silent`: it did not answer in time. `unwell`: it is there and cannot answer. */
export interface Readiness {
  is: 'ready' | 'loading' | 'unwell' | 'absent' | 'silent'
  /** Why, as far as our own service says it. */
  reason: string | null
}

/** What a server says of itself on a route that only some makes have. */
export async function askReadiness(
  server: ModelServer,
  path: string,
  signal: AbortSignal,
  ms: number,
): Promise<Readiness> {
  const silent: Readiness = { is: 'silent', reason: null }
  try {
    const within = AbortSignal.any([signal, AbortSignal.timeout(ms)])
    const response = await send(server, path, { signal: within })
    const said = await readBounded(response)
    // llama-server's way; an engine of vLLM that died says 503 too, and nothing more.
    if (response.status === 503) return { is: /loading/i.test(said) ? 'loading' : 'unwell', reason: null }
    if (!response.ok) return { is: 'absent', reason: null }
    return ourReadiness(said)
  } catch {
    signal.throwIfAborted()
    return silent
  }
}

function ourReadiness(said: string): Readiness {
  let health: unknown
  try {
    health = JSON.parse(said)
  } catch {
    return { is: 'ready', reason: null }
  }
  if (typeof health !== 'object' || health === null || !('status' in health))
    return { is: 'ready', reason: null }
  if (health.status === 'loading') return { is: 'loading', reason: null }
  // Some workers are away, which is no matter, or all of them.
  const unwell = health.status === 'degraded' && 'model_loaded' in health && health.model_loaded === false
  const reason = 'reason' in health && typeof health.reason === 'string' ? health.reason.slice(0, 500) : null
  return unwell ? { is: 'unwell', reason } : { is: 'ready', reason: null }
}

async function send(server: ModelServer, path: string, init: RequestInit, ms = LIST_MS): Promise<Response> {
  const headers = new Headers(init.headers)
  if (server.apiKey !== null) headers.set('authorization', `Bearer ${server.apiKey}`)
  const over = server.unix === null ? {} : { unix: server.unix }
  try {
    // A redirect would carry documents and key to somebody who was not named; an idle connection may be a dead one.
    return await fetch(server.base + path, { ...init, ...over, headers, redirect: 'error', keepalive: false })
  } catch (error) {
    if (init.signal?.aborted && nameOf(init.signal.reason) !== 'TimeoutError') throw init.signal.reason
    throw new RungUnavailable(connectionProblem(error, server.place, ms))
  }
}

function connectionProblem(error: unknown, place: string, ms: number): string {
  if (nameOf(error) === 'TimeoutError') return `${place} did not answer within ${ms / 1000} s`
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (/UnexpectedRedirect/i.test(code)) return `${place} redirects elsewhere, which is not followed`
  if (/ConnectionRefused|ECONNREFUSED/i.test(code)) return `nothing listens at ${place}`
  if (isBroken(code)) return `${place} broke the connection off`
  return `${place} cannot be reached${code && ` (${code})`}`
}

/** The code of a connection that was there and ended in the middle, as it does when its process is killed. */
export function isBroken(code: string): boolean {
  return /ECONNRESET|ConnectionClosed|EPIPE|UnexpectedEof/i.test(code)
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : ''
}

/** What a status and its explanation mean for the ladder. The explanation itself is not shown: it may hold anything. */
async function refusal(response: Response, { place }: ModelServer): Promise<RungUnavailable | RungFailed> {
  const { status } = response
  // Who says only half of it is not waited for.
  const said = await Promise.race([
    readBounded(response).catch(() => ''),
    Bun.sleep(EXPLAIN_MS).then(() => ''),
  ])
  if (status === 401 || status === 403)
    return new RungUnavailable(`${place} refused the API key (${status}); set LLM_SERVICE_API_KEY`)
  if (status === 404) return new RungUnavailable(`${place} knows no such model or address (404)`)
  // llama-server and our own service, while the model is read from the disk.
  if (status === 503 && /loading/i.test(said)) return new RungDeclined(`${place} is loading its model (503)`)
  const wait = /^\d{1,6}$/.exec(response.headers.get('retry-after') ?? '')?.[0]
  const later = wait === undefined ? '' : `; it asks to wait ${wait} s`
  if (status === 429) return new RungDeclined(`${place} is busy (429)${later}`)
  if (status === 503) return new RungUnavailable(`${place} cannot answer now (503)${later}`)
  // vLLM: "maximum context length"; llama-server: exceed_context_size_error; ours and OpenAI's: context_length_exceeded.
  if ((status === 400 || status === 413) && /context.{0,40}(length|size|window)|too long/i.test(said))
    return new RungDeclined(`the question with its passages does not fit the context of ${place} (${status})`)
  return new RungFailed(`${place} answered ${status}`)
}

/** Names in a list of models. A server that has no such list can still be asked when the model is set. */
async function modelsIn(
  response: Response,
  server: ModelServer,
  wanted: string | null,
  ms: number,
): Promise<string[]> {
  if (!response.ok) {
    if (response.status === 404 && wanted !== null) {
      await response.body?.cancel()
      return []
    }
    const problem = await refusal(response, server)
    throw problem instanceof RungUnavailable ? problem : new RungUnavailable(problem.message)
  }
  try {
    const list: unknown = JSON.parse(await readBounded(response))
    return idsIn(list)
  } catch (error) {
    if (nameOf(error) === 'TimeoutError')
      throw new RungUnavailable(connectionProblem(error, server.place, ms))
    throw new RungUnavailable(
      `${server.place} does not speak the OpenAI protocol: its /v1/models is no list of models`,
    )
  }
}

function idsIn(list: unknown): string[] {
  // Ollama without a model says null where others say [].
  if (typeof list === 'object' && list !== null && 'data' in list && list.data === null) return []
  if (typeof list !== 'object' || list === null || !('data' in list) || !Array.isArray(list.data))
    throw new RungFailed('no list')
  const entries: unknown[] = list.data
  return entries
    .map((entry) => (typeof entry === 'object' && entry !== null && 'id' in entry ? entry.id : null))
    .filter((id) => typeof id === 'string')
    .filter((id) => id !== '')
}

async function readBounded(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > MOST_READ) throw new RungFailed('too long')
  }
  return text
}
