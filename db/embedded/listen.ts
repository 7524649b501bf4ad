import { createServer, type Socket } from 'node:net'
import type { PGlite } from '@electric-sql/pglite'
import { type Frame, frameReader, ProtocolViolation } from './frames.ts'
import { type Client, type Execute, type Session, shareSession } from './session.ts'

/** A client that says nothing for so long while the others wait for its transaction is dropped. */
const holdMs = 15_000

export interface Listening {
  /** Takes no more clients and ends the connections of those that are there. */
  stop(): void
}

/**
 * Serves the Postgres wire protocol on a Unix socket. `changed` is told the number of clients whenever one comes
 * or goes; `broken` that the database can go on no more.
 *
 * Why not the server of pglite-socket: its queue hands the database one message at a time, from whichever
 * client sent it first, and so mixes the unnamed statements of different clients. Measured with two clients:
 * 942 of 2,125 answers were another question's.
 */
export async function listen(
  engine: PGlite,
  path: string,
  events: { changed(clients: number): void; broken(error: Error): void; log(line: string): void },
): Promise<Listening> {
  const execute = executor(engine, events.broken)
  const session = shareSession(execute, holdMs, events.broken)
  const welcome = Buffer.concat(execute(startupMessage()))
  const clients = new Set<Socket>()

  const server = createServer((socket) => {
    clients.add(socket)
    events.changed(clients.size)
    serve(socket, session, welcome, events.log)
    socket.on('close', () => {
      clients.delete(socket)
      events.changed(clients.size)
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  return {
    stop() {
      server.close()
      for (const socket of clients) socket.destroy()
    },
  }
}

/** PGlite carries a message out before its function returns; the promise has nothing left to wait for. */
function executor(engine: PGlite, broken: (error: Error) => void): Execute {
  return (bytes) => {
    const parts: Uint8Array[] = []
    engine
      .execProtocolRawStream(bytes, { syncToFs: false, onRawData: (part) => parts.push(part.slice()) })
      .catch(broken)
    return parts
  }
}

function serve(socket: Socket, session: Session, welcome: Buffer, log: (line: string) => void): void {
  const client: Client = {
    answer: (bytes) => {
      if (socket.writable) socket.write(bytes)
    },
    drop: (reason) => {
      log(`a client was dropped: it ${reason}`)
      socket.destroy()
    },
  }
  const read = frameReader()
  socket.setNoDelay(true)
  socket.on('data', (chunk: Buffer) => {
    try {
      for (const frame of read(chunk)) take(frame, socket, session, client, welcome)
    } catch (error) {
      if (!(error instanceof ProtocolViolation)) throw error
      client.drop(`sent what is no Postgres message: ${error.message}`)
    }
  })
  // An error is always followed by 'close', which is where the client leaves.
  socket.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') log(`a connection failed: ${error.message}`)
  })
  socket.on('close', () => session.leave(client))
}

function take(frame: Frame, socket: Socket, session: Session, client: Client, welcome: Buffer): void {
  switch (frame.kind) {
    case 'encryption':
      socket.write('N')
      break
    case 'cancel':
      // There is no backend to signal: a query runs to its end.
      socket.end()
      break
    case 'startup':
      socket.write(welcome)
      break
    case 'terminate':
      socket.end()
      break
    case 'batch':
      session.run(client, frame)
  }
}

/** A greeting of our own: the database's answer to it is what every client is welcomed with. */
function startupMessage(): Buffer {
  const body = Buffer.from('user\0postgres\0database\0postgres\0\0')
  const head = Buffer.alloc(8)
  head.writeInt32BE(body.length + 8, 0)
  head.writeInt32BE(196_608, 4)
  return Buffer.concat([head, body])
}
