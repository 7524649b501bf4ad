/** Mentor's HTTP API, for the command line: of the running backend, or the same routes inside this process. */

import type { Config } from './config.ts'
import { makeDataDir } from './data-dir.ts'
import { openLogFile } from './log-file.ts'
import { findBackend, sameDatabase } from './running.ts'
import { openApp, openServices } from './services.ts'
import { CommandFailed, printable } from './terminal.ts'

export interface Api {
  /** The running backend's URL; null inside this process. */
  url: string | null
  request(path: string, init?: RequestInit): Promise<Response>
  close(): Promise<void>
}

/** One code path for both: routes, limits and errors are the same with and without a backend. */
export async function connect(config: Config): Promise<Api> {
  const backend = await findBackend(config.data)
  if (backend !== null) {
    sameDatabase(backend, config)
    return {
      url: backend.url,
      // No timeout of the client's own: the backend's deadlines end every request.
      request: (path, init) => fetch(`${backend.url}${path}`, { ...init, timeout: false } as RequestInit),
      close: async () => {},
    }
  }
  await makeDataDir(config.data)
  const log = openLogFile(config.data)
  const services = await openServices(config, { tell: log.write, log: log.write }, { supervise: false })
  const app = openApp(config, services, { pageDir: null, startJob: null, log: log.write })
  return {
    url: null,
    request: (path, init) => Promise.resolve(app.handle(new Request(`http://localhost${path}`, init))),
    close: async () => {
      await services.close()
      log.close()
    },
  }
}

/** The JSON of a good response; a refusal becomes its message. */
export async function readJson<T>(response: Response): Promise<T> {
  const body: unknown = await response.json().catch(() => null)
  if (response.ok && body !== null) return body as T
  const wrongUse = response.status === 400 || response.status === 422
  throw new CommandFailed(
    refusal(body) ?? `The backend answered ${response.status} ${response.statusText}.`,
    wrongUse ? 2 : 1,
  )
}

/** The message of the API's error, and what it advises. */
function refusal(body: unknown): string | null {
  if (typeof body !== 'object' || body === null || !('error' in body)) return null
  const error = body.error
  if (typeof error !== 'object' || error === null) return null
  const parts = ['message' in error ? error.message : null, 'hint' in error ? error.hint : null]
  const said = parts.filter((part) => typeof part === 'string')
  return said.length === 0 ? null : printable(said.join(' '))
}

export function post(body: unknown, signal?: AbortSignal): RequestInit {
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  }
}

/** A part of the AI SDK's UI message stream. */
export interface StreamEvent {
  type?: unknown
  delta?: unknown
  errorText?: unknown
  data?: unknown
}

/** The JSON values of a server-sent event stream, until `[DONE]` or its end. */
export async function* readEvents(response: Response): AsyncGenerator<StreamEvent> {
  if (response.body === null) return
  let pending = ''
  for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
    pending += piece
    const lines = pending.split('\n')
    pending = lines.pop() ?? ''
    for (const line of lines) {
      if (!line.startsWith('data:')) continue // comments keep the connection alive
      const data = line.slice(5).trim()
      if (data === '[DONE]') return
      const value: unknown = JSON.parse(data)
      if (typeof value === 'object' && value !== null) yield value as StreamEvent
    }
  }
}
