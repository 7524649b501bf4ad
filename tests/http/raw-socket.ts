/** Bytes to a port and bytes back: for what no HTTP client sends. */
import { connect, type Socket } from 'node:net'

export interface RawReply {
  /** Of the first response; null when there was none. */
  status: number | null
  text: string
  /** The other side ended the connection. */
  closed: boolean
  ms: number
}

/** Sends the pieces (numbers are pauses in ms) and reads until the other side closes or is silent for `quietMs`. */
export function sendRaw(
  port: number,
  pieces: (string | Uint8Array | number)[],
  { quietMs = 300, limitMs = 30_000 }: { quietMs?: number; limitMs?: number } = {},
): Promise<RawReply> {
  const began = performance.now()
  const socket = connect(port, '127.0.0.1')
  let text = ''
  return new Promise((resolve) => {
    const finish = (closed: boolean) => {
      clearTimeout(quiet)
      clearTimeout(limit)
      socket.destroy()
      const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1]
      resolve({
        status: status === undefined ? null : Number(status),
        text,
        closed,
        ms: performance.now() - began,
      })
    }
    const limit = setTimeout(() => finish(false), limitMs)
    let quiet: Timer | undefined
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1')
      clearTimeout(quiet)
      quiet = setTimeout(() => finish(false), quietMs)
    })
    socket.on('close', () => finish(true))
    // A reset is a way of closing; `close` follows.
    socket.on('error', () => {})
    void write(socket, pieces)
  })
}

async function write(socket: Socket, pieces: (string | Uint8Array | number)[]): Promise<void> {
  for (const piece of pieces) {
    if (typeof piece === 'number') await Bun.sleep(piece)
    else if (socket.destroyed) return
    else if (!socket.write(piece)) {
      await new Promise<void>((resolve) => {
        socket.once('drain', () => resolve())
        socket.once('close', () => resolve())
      })
    }
  }
}
