/** Sockets by themselves: what a slow reader does to who writes. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { connect, type Socket as NetSocket } from 'node:net'
import { type Socket, type SocketData, SocketGone, socketHandlers, upgrade } from '../../http/socket.ts'

const messages = 200
const text = 'a'.repeat(100_000)

let server: Bun.Server<SocketData>
/** Of the connection under test. */
let sent = 0
let ended: Promise<unknown> = Promise.resolve()
let closed = 0

async function writeAll(socket: Socket): Promise<void> {
  for (sent = 0; sent < messages; sent++) await socket.send({ text })
}

beforeAll(() => {
  server = Bun.serve<SocketData>({
    port: 0,
    hostname: '127.0.0.1',
    websocket: socketHandlers(),
    fetch: (request, here) =>
      upgrade(request, here, {
        opened(socket) {
          ended = writeAll(socket).catch((error: unknown) => error)
        },
        received() {},
        closed() {
          closed++
        },
      }),
  })
})

afterAll(() => server.stop(true))

/** A client that reads nothing until it is told to. */
function slowReader(): Promise<{ socket: NetSocket; received: () => number }> {
  let received = 0
  return new Promise((resolve, reject) => {
    const socket = connect(server.port ?? 0, '127.0.0.1', () => {
      socket.write(
        `GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: websocket\r\nconnection: Upgrade\r\n` +
          'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n',
      )
      socket.pause()
      resolve({ socket, received: () => received })
    })
    socket.on('data', (data) => {
      received += data.length
    })
    socket.once('error', reject)
  })
}

async function untilItStops(): Promise<number> {
  for (;;) {
    const before = sent
    await Bun.sleep(300)
    if (sent === before && sent > 0) return sent
  }
}

test('nothing is written for a reader that takes nothing, and all of it once it does', async () => {
  const { socket, received } = await slowReader()
  // What the kernel's buffers hold was taken already.
  expect(await untilItStops()).toBeLessThan(messages)
  socket.resume()
  expect(await ended).toBeUndefined()
  expect(sent).toBe(messages)
  const until = performance.now() + 5_000
  while (received() < messages * text.length && performance.now() < until) await Bun.sleep(20)
  expect(received()).toBeGreaterThan(messages * text.length)
  socket.destroy()
  while (closed < 1) await Bun.sleep(10)
}, 30_000)

test('who waits for a reader that goes away hears of it', async () => {
  const { socket } = await slowReader()
  await untilItStops()
  socket.destroy()
  expect(await ended).toBeInstanceOf(SocketGone)
  expect(closed).toBe(2)
}, 30_000)
