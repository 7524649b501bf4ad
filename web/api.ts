/** The calls the page makes. Every refusal becomes one `RequestFailed`. */
import type { DocumentPage, DocumentReference, Health, Job, TextWindow } from './wire.ts'

/** A request that was refused or never answered; `status` 0 when nothing answered. */
export class RequestFailed extends Error {
  override readonly name = 'RequestFailed'
  constructor(
    readonly status: number,
    message: string,
    /** Seconds to wait before another try, from `Retry-After`; null when not said. */
    readonly retryAfter: number | null = null,
  ) {
    super(message)
  }
}

/** `fetch` that throws `RequestFailed` for anything but a 2xx; an abort stays an `AbortError`. */
export async function request(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  let response: Response
  try {
    response = await fetch(input, init)
  } catch (error) {
    if (init?.signal?.aborted) throw error
    throw new RequestFailed(0, 'nothing answered')
  }
  if (response.ok) return response
  throw new RequestFailed(response.status, await refusal(response), retryAfter(response))
}

/** The words of an error response; empty when a proxy answered in its own way. */
async function refusal(response: Response): Promise<string> {
  return refusalWords(await response.json().catch(() => null))
}

/** Of a body `{error: {message, hint, id}}`. */
function refusalWords(body: unknown): string {
  const error = field(body, 'error')
  const words = ['message', 'hint', 'id'].map((name) => field(error, name))
  return words.filter((word) => typeof word === 'string').join(' ')
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

function retryAfter(response: Response): number | null {
  return secondsOf(response.headers.get('retry-after'))
}

function secondsOf(header: string | null): number | null {
  const seconds = Number(header ?? Number.NaN)
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : null
}

export async function readHealth(signal: AbortSignal): Promise<Health> {
  return (await request('/health', { signal })).json()
}

/** A page of the documents, newest first. */
export async function listDocuments(
  query: { limit: number; cursor?: string; collection?: string },
  signal?: AbortSignal,
): Promise<DocumentPage> {
  const parameters = new URLSearchParams({ limit: `${query.limit}` })
  if (query.cursor !== undefined) parameters.set('cursor', query.cursor)
  if (query.collection) parameters.set('collection', query.collection)
  return (await request(`/api/documents?${parameters}`, signal === undefined ? {} : { signal })).json()
}

/** `leaving`: the request goes on when the page is closed. A document that is gone already is no failure. */
export async function deleteDocument(id: string, leaving = false): Promise<void> {
  try {
    await request(`/api/documents/${encodeURIComponent(id)}`, { method: 'DELETE', keepalive: leaving })
  } catch (error) {
    if (!(error instanceof RequestFailed) || error.status !== 404) throw error
  }
}

export async function listCollections(): Promise<string[]> {
  const body: { collections: { name: string }[] } = await (await request('/api/collections')).json()
  return body.collections.map(({ name }) => name)
}

/** The headings of a collection's best passages for a text, each with its document's title. */
export async function searchHeadings(
  query: string,
  collection: string,
): Promise<{ title: string; heading: string | null }[]> {
  const body = JSON.stringify({ query, k: 20, ...(collection !== '' && { collection }) })
  const headers = { 'content-type': 'application/json' }
  const found: { passages: { document: DocumentReference; heading: string | null }[] } = await (
    await request('/api/search', { method: 'POST', headers, body })
  ).json()
  return found.passages.map(({ document, heading }) => ({ title: document.title, heading }))
}

/**
 * Text of a document from `start` to `end` in UTF-16 code units, of the version that is named or the current one.
 * @throws RequestFailed 410 when that version is gone, 404 when the document is
 */
export async function readText(
  id: string,
  range: { start: number; end: number; version?: number },
  signal: AbortSignal,
): Promise<TextWindow> {
  const query = new URLSearchParams(Object.entries(range).map(([name, value]) => [name, `${value}`]))
  return (await request(`/api/documents/${encodeURIComponent(id)}/text?${query}`, { signal })).json()
}

/**
 * Sends files into a collection; resolves to the id of the job that reads them. By XMLHttpRequest, because `fetch`
 * does not say how much has left.
 * @param onSent bytes sent so far, of all files together
 * @throws RequestFailed as `request` does, and the signal's reason
 */
export function sendFiles(
  files: { name: string; file: File }[],
  collection: string,
  onSent: (bytes: number) => void,
  signal: AbortSignal,
): Promise<string> {
  const form = new FormData()
  form.set('collection', collection)
  for (const { name, file } of files) form.append('files', file, name)
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const sending = new XMLHttpRequest()
  sending.open('POST', '/api/documents')
  sending.upload.addEventListener('progress', (event) => onSent(event.loaded))
  sending.addEventListener('error', () => reject(new RequestFailed(0, 'nothing answered')))
  sending.addEventListener('load', () => {
    const body = parsed(sending.responseText)
    const job = field(body, 'job')
    if (sending.status < 300 && typeof job === 'string') return resolve(job)
    const wait = secondsOf(sending.getResponseHeader('retry-after'))
    reject(new RequestFailed(sending.status, refusalWords(body), wait))
  })
  const abort = () => {
    sending.abort()
    reject(signal.reason)
  }
  signal.addEventListener('abort', abort, { once: true })
  sending.send(form)
  return promise.finally(() => signal.removeEventListener('abort', abort))
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

export async function readJob(id: string): Promise<Job> {
  return (await request(`/api/jobs/${encodeURIComponent(id)}`)).json()
}
