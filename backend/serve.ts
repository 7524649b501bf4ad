/** Gives the app a port. */
import type { AnyElysia } from 'elysia'
import { RequestRefused, refusalResponse } from './http/refusal.ts'

/** Another program listens there. */
export class PortTaken extends Error {
  override readonly name = 'PortTaken'
}

export interface Listening {
  url: string
  /** Takes no more requests, lets those under way end for a moment, then cuts them. */
  stop(): Promise<void>
}

/**
 * A connection without a byte in either direction is cut after so long; streams send a heartbeat every 5 s, and
 * routes that may be silent for longer lift it. It also ends who sends a header slowly: Bun counts until the
 * header is whole (measured: one byte a second, cut after 12 s at a limit of 5).
 */
const defaultIdleSeconds = 20
/** Requests under way when the server stops may take so long to end. */
const graceMs = 2_000

/** @throws PortTaken with what to do */
export async function serve(
  app: AnyElysia,
  { host, port, idleSeconds = defaultIdleSeconds }: { host: string; port: number; idleSeconds?: number },
): Promise<Listening> {
  const server = listen(app, host, port, idleSeconds)
  app.server = server
  for (const hook of app.event.start ?? []) await hook.fn(app)
  let stopping: Promise<void> | null = null
  return {
    url: `http://${urlHost(host)}:${server.port}`,
    stop: () => {
      stopping ??= stop(app, server)
      return stopping
    },
  }
}

function listen(app: AnyElysia, host: string, port: number, idleSeconds: number) {
  try {
    return Bun.serve({
      hostname: host,
      port,
      // Two backends on one port would share its requests.
      reusePort: false,
      idleTimeout: idleSeconds,
      // The routes have their own limits and say so in JSON; this one would cut the connection.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      // Bun's own page of an error shows source code.
      development: false,
      fetch: app.fetch,
      error: () => refusalResponse(new RequestRefused(500, 'internal_error', 'Something went wrong inside.')),
    })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null
    if (code === 'EADDRINUSE') {
      throw new PortTaken(
        `Port ${port} on ${host} is taken by another program. Stop it, or take another port: --port ${port + 1}.`,
      )
    }
    if (code === 'EACCES') {
      throw new PortTaken(
        `Port ${port} needs rights that this user has not. Take one above 1023: --port 8000.`,
      )
    }
    throw error
  }
}

async function stop(app: AnyElysia, server: Bun.Server<unknown>): Promise<void> {
  const hooks = (app.event.stop ?? []).map((hook) => hook.fn(app))
  // The timer must not outlive the requests: it would keep the process alive for its whole time.
  const cut = setTimeout(() => void server.stop(true), graceMs)
  await server.stop(false)
  clearTimeout(cut)
  app.server = null
  await Promise.all(hooks)
}

/** The address as a browser on this machine reaches it. */
function urlHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}
