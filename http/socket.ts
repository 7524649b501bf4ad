/** WebSockets: messages in, texts out as fast as the reader takes them, and pings while nothing happens. */
import { RequestRefused } from './refusal.ts'

/** What a route does with a connection. */
export interface SocketRoute {
  opened(socket: Socket): void
  /** A text frame; anything else is `null`. */
  received(text: string | null): void
  /** The other side is gone, whoever ended it: called once. */
  closed(): void
}

export interface Socket {
  /**
   * Resolves when the reader has taken enough of what waits for it.
   * @throws SocketGone when the connection ended before that, or nothing was taken for `stallMs`
   */
  send(message: object): Promise<void>
}

export class SocketGone extends Error {
  override readonly name = 'SocketGone'
}

/** What a Bun socket carries: who serves it, and what waits for its reader. */
export interface SocketData {
  route: SocketRoute
  reader: PromiseWithResolvers<void> | null
}

/** A message of a client; a question has 4,000 characters, escaped as JSON at worst. */
const mostBytes = 64 * 1024
/** Text that waits for a reader; more ends the connection. */
const mostWaiting = 1024 * 1024
/** A reader that takes nothing for so long is gone. */
const stallMs = 30_000
/** Proxies cut what is idle after 10 s at the earliest. */
const pingMs = 5_000
/** A peer that answers no ping for so long is gone; seconds. */
const idleSeconds = 60

/** The part of `Bun.serve` that is about sockets. */
export function socketHandlers(): Bun.WebSocketHandler<SocketData> & { stop(): void } {
  const open = new Set<Bun.ServerWebSocket<SocketData>>()
  let pings: Timer | null = null
  return {
    maxPayloadLength: mostBytes,
    idleTimeout: idleSeconds,
    backpressureLimit: mostWaiting,
    closeOnBackpressureLimit: true,
    open(socket) {
      open.add(socket)
      // One timer for all: a thousand would each wake the process.
      pings ??= setInterval(() => {
        for (const one of open) one.ping()
      }, pingMs)
      socket.data.route.opened(socketOver(socket))
    },
    message(socket, message) {
      socket.data.route.received(typeof message === 'string' ? message : null)
    },
    drain(socket) {
      socket.data.reader?.resolve()
    },
    close(socket) {
      open.delete(socket)
      if (open.size === 0 && pings !== null) {
        clearInterval(pings)
        pings = null
      }
      socket.data.reader?.reject(new SocketGone('The connection ended.'))
      socket.data.route.closed()
    },
    stop() {
      for (const one of open) one.close(1001, 'The server stops.')
    },
  }
}

function socketOver(socket: Bun.ServerWebSocket<SocketData>): Socket {
  return {
    async send(message) {
      const sent = socket.send(JSON.stringify(message))
      if (sent === 0) throw new SocketGone('The connection ended.')
      if (sent > 0) return
      await reader(socket)
    },
  }
}

/** -1 of `send`: it waits in a buffer until the reader takes it. */
async function reader(socket: Bun.ServerWebSocket<SocketData>): Promise<void> {
  const { data } = socket
  if (data.reader !== null) return await data.reader.promise
  data.reader = Promise.withResolvers<void>()
  const { promise, reject } = data.reader
  const timer = setTimeout(() => {
    reject(new SocketGone('The reader takes nothing.'))
    // A close frame would wait behind what it does not take.
    socket.terminate()
  }, stallMs)
  try {
    await promise
  } finally {
    clearTimeout(timer)
    data.reader = null
  }
}

/** What the server of an app can do with a request to become a socket. */
export interface Upgrades {
  upgrade(request: Request, options: { data: SocketData }): boolean
}

/**
 * Makes a WebSocket of a request.
 * @throws RequestRefused 426 for one that did not ask for it
 */
export function upgrade(request: Request, server: Upgrades | null, route: SocketRoute): Response {
  const wanted = request.headers.get('upgrade')?.toLowerCase() === 'websocket'
  const data: SocketData = { route, reader: null }
  if (!wanted || server === null || !server.upgrade(request, { data })) {
    throw new RequestRefused(426, 'upgrade_required', 'This address is a WebSocket.', {
      hint: 'Connect with ws:// instead of http://.',
      headers: { upgrade: 'websocket', connection: 'upgrade' },
    })
  }
  // Bun has answered already and passes this over.
  return new Response(null, { status: 101 })
}
