/** The calls the page makes. Every refusal becomes one `RequestFailed`. */
import type { Citation, DocumentReference, Health, Job, TextWindow } from './wire.ts'

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

/** The words of an error response, `{error: {message, hint, id}}`; empty when a proxy answered in its own way. */
async function refusal(response: Response): Promise<string> {
  const body: unknown = await response.json().catch(() => null)
  const error = field(body, 'error')
  const words = ['message', 'hint', 'id'].map((name) => field(error, name))
  return words.filter((word) => typeof word === 'string').join(' ')
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

function retryAfter(response: Response): number | null {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : null
}

export async function readHealth(signal: AbortSignal): Promise<Health> {
  return (await request('/health', { signal })).json()
}

/** The first documents of the store, for the suggested questions. */
export async function listDocuments(limit: number): Promise<DocumentReference[]> {
  const body: { documents: DocumentReference[] } = await (
    await request(`/api/documents?limit=${limit}`)
  ).json()
  return body.documents
}

/** Code units shown on each side of a quote: whole for most documents, an excerpt for a book. */
const around = 20_000

/** The text around a citation in the version that it quotes; 410 when that version is gone, 404 when the document is. */
export async function readSource(citation: Citation, signal: AbortSignal): Promise<TextWindow> {
  const { id, version } = citation.document
  const start = Math.max(0, citation.start - around)
  const query = `start=${start}&end=${citation.end + around}&version=${version}`
  return (await request(`/api/documents/${encodeURIComponent(id)}/text?${query}`, { signal })).json()
}

/** Sends files into a collection; returns the id of the job that reads them. */
export async function sendFiles(files: File[], collection: string): Promise<string> {
  const form = new FormData()
  form.set('collection', collection)
  for (const file of files) form.append('files', file, file.name)
  const body: { job: string } = await (await request('/api/documents', { method: 'POST', body: form })).json()
  return body.job
}

export async function readJob(id: string): Promise<Job> {
  return (await request(`/api/jobs/${encodeURIComponent(id)}`)).json()
}
