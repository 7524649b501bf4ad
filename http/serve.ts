/** Gives the app a port. */
import type { AnyElysia } from 'elysia'
import { RequestRefused, refusalResponse } from './refusal.ts'
import { type SocketData, socketHandlers } from './socket.ts'

/** Another program listens there. */
export class PortTaken extends Error {
  override readonly name = 'PortTaken'
}

export interface Listening {
  /** `http://host:port`, or `unix:` and the path. */
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
const defaultGraceMs = 2_000

/** A port, or the path of a socket that only this user's processes reach. */
export type Address = { host: string; port: number } | { unix: string }

/** @throws PortTaken with what to do */
export async function serve(
  app: AnyElysia,
  address: Address & { idleSeconds?: number; graceMs?: number },
): Promise<Listening> {
  const { idleSeconds = defaultIdleSeconds, graceMs = defaultGraceMs } = address
  const sockets = socketHandlers()
  const server = listen(app, address, idleSeconds, sockets)
  app.server = server
  for (const hook of app.event.start ?? []) await hook.fn(app)
  let stopping: Promise<void> | null = null
  return {
    url: 'unix' in address ? `unix:${address.unix}` : `http://${urlHost(address.host)}:${server.port}`,
    stop: () => {
      sockets.stop()
      stopping ??= stop(app, server, graceMs)
      return stopping
    },
  }
}

/**
 * On a socket of the file system the limit cannot be lifted for one request (Bun 1.4.5: a GET there is cut after
 * 10 s whatever `server.timeout` was told), and only this user's processes send. Bun's types do not know the option
 * for such a socket.
 */
const withoutIdleLimit: object = { idleTimeout: 0 }

function listen(
  app: AnyElysia,
  address: Address,
  idleSeconds: number,
  websocket: Bun.WebSocketHandler<SocketData>,
): Bun.Server<SocketData> {
  const options = {
    // The routes have their own limits and say so in JSON; this one would cut the connection.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    // Bun's own page of an error shows source code.
    development: false,
    fetch: app.fetch,
    websocket,
    error: () => refusalResponse(new RequestRefused(500, 'internal_error', 'Something went wrong inside.')),
  }
  try {
    if ('unix' in address) return Bun.serve({ ...options, ...withoutIdleLimit, unix: address.unix })
    const { host: hostname, port } = address
    // Two servers on one port would share its requests.
    return Bun.serve({ ...options, hostname, port, idleTimeout: idleSeconds, reusePort: false })
  } catch (error) {
    throw whyNot(error, address) ?? error
  }
}

function whyNot(error: unknown, address: Address): PortTaken | null {
  if ('unix' in address || !(error instanceof Error) || !('code' in error)) return null
  const { host, port } = address
  if (error.code === 'EADDRINUSE') {
    return new PortTaken(
      `Port ${port} on ${host} is taken by another program. Stop it, or take another port: --port ${port + 1}.`,
    )
  }
  if (error.code === 'EACCES') {
    return new PortTaken(
      `Port ${port} needs rights that this user has not. Take one above 1023: --port 8000.`,
    )
  }
  return null
}

async function stop(app: AnyElysia, server: Bun.Server<SocketData>, graceMs: number): Promise<void> {
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
