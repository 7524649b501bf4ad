/** `WS /ws/chat/{session_id}`, over a real socket. */
import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test'
import { connect } from 'node:net'
import { recentMessages } from '../../db/conversations.ts'
import { type Listening, serve } from '../../http/serve.ts'
import { ingest, openTestBackend, type TestBackend } from '../http/test-backend.ts'

const harbour = `# The harbour

Ilse Brandt kept the lamp of the harbour for thirty years. The lamp burned whale oil until 1871.
The ferry to Amrum leaves at seven in the morning.
`
const question = 'Who kept the lamp of the harbour?'

let backend: TestBackend
let server: Listening
const open: WebSocket[] = []

beforeAll(async () => {
  backend = await openTestBackend()
  server = await serve(backend.app, { host: '127.0.0.1', port: 0 })
  await ingest(backend.app, { 'harbour.md': harbour })
}, 60_000)

afterEach(() => {
  for (const socket of open.splice(0)) socket.close()
})

afterAll(async () => {
  await server.stop()
  await backend.close()
})

interface Talk {
  send(message: unknown): void
  next(): Promise<Record<string, unknown>>
  closed: Promise<{ code: number }>
  socket: WebSocket
}

async function talk(session: string): Promise<Talk> {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws/chat/${session}`)
  open.push(socket)
  const came: Record<string, unknown>[] = []
  let wake = () => {}
  socket.onmessage = ({ data }) => {
    came.push(JSON.parse(String(data)))
    wake()
  }
  const closed = new Promise<{ code: number }>((resolve) => {
    socket.onclose = ({ code }) => resolve({ code })
  })
  await new Promise<void>((resolve, reject) => {
    socket.onopen = () => resolve()
    socket.onerror = () => reject(new Error('The socket was refused.'))
  })
  return {
    socket,
    closed,
    send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    async next() {
      while (came.length === 0) await new Promise<void>((resolve) => (wake = resolve))
      return came.shift() ?? {}
    },
  }
}

test('a message gets a response with a timestamp', async () => {
  const chat = await talk('plain')
  chat.send({ message: question })
  const answer = await chat.next()
  expect(answer).toMatchObject({ type: 'response', message: expect.stringContaining('Ilse Brandt') })
  expect(new Date(String(answer.timestamp)).toISOString()).toBe(String(answer.timestamp))
})

test('with stream the tokens come before it, and are the response together', async () => {
  const chat = await talk('streamed')
  chat.send({ message: question, stream: true })
  let text = ''
  for (;;) {
    const event = await chat.next()
    if (event.type === 'response') {
      expect(text).not.toBe('')
      expect(event.message).toBe(text)
      return
    }
    expect(event.type).toBe('token')
    text += String(event.text)
  }
})

test('a session is restored on reconnect', async () => {
  const first = await talk('restored')
  first.send({ message: 'When does the ferry to Amrum leave?' })
  expect((await first.next()).message).toContain('seven in the morning')
  first.socket.close()
  await first.closed
  const second = await talk('restored')
  second.send({ message: question })
  await second.next()
  const said = await recentMessages(backend.db, 'restored', 20)
  expect(said.map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'assistant'])
})

test('messages that come at once are answered in turn; more than 4 are refused', async () => {
  const chat = await talk('at-once')
  for (let n = 0; n < 6; n++) chat.send({ message: question })
  const events: Record<string, unknown>[] = []
  while (events.length < 6) events.push(await chat.next())
  expect(events.filter(({ type }) => type === 'response')).toHaveLength(4)
  expect(events.filter(({ code }) => code === 'busy')).toHaveLength(2)
  expect(await recentMessages(backend.db, 'at-once', 20)).toHaveLength(8)
})

test.each<[string, string, string]>([
  ['cut JSON', '{"message":', 'bad_json'],
  ['no message', '{}', 'invalid_request'],
  ['a blank message', '{"message":"  "}', 'invalid_request'],
  ['an unknown field', '{"message":"a","c4n4ry":1}', 'invalid_request'],
  ['a field named __proto__', '{"message":"a","__proto__":{}}', 'invalid_request'],
  ['a list', '[]', 'invalid_request'],
  ['a number for the text', '{"message":1}', 'invalid_request'],
  ['a message too long', JSON.stringify({ message: 'c4n4ry'.repeat(700) }), 'invalid_request'],
  ['a NUL', '{"message":"c4n4ry\\u0000"}', 'invalid_request'],
  ['half a surrogate pair', '{"message":"c4n4ry\\ud83d"}', 'invalid_request'],
  ['deep brackets', `{"message":${'['.repeat(5_000)}`, 'bad_json'],
  ['a word for stream', '{"message":"a","stream":"yes"}', 'invalid_request'],
])('an error for %s, and the socket goes on', async (name, sent, code) => {
  const chat = await talk('errors')
  chat.send(sent)
  const error = await chat.next()
  expect(error).toMatchObject({ type: 'error', code })
  if (name !== 'an unknown field') expect(JSON.stringify(error)).not.toContain('c4n4ry')
  chat.send({ message: question })
  expect(await chat.next()).toMatchObject({ type: 'response' })
})

test('a binary message is an error', async () => {
  const chat = await talk('binary')
  chat.socket.send(new Uint8Array([1, 2, 3]))
  expect(await chat.next()).toMatchObject({ type: 'error', code: 'unsupported_media_type' })
})

test('a message over 64 KiB ends the connection with 1009', async () => {
  const chat = await talk('large')
  chat.send(JSON.stringify({ message: 'a'.repeat(70_000) }))
  expect((await chat.closed).code).toBe(1009)
})

test('a page of another site is refused, and so is a request that is no socket', async () => {
  const path = `${server.url}/ws/chat/a`
  const headers = {
    upgrade: 'websocket',
    connection: 'Upgrade',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-version': '13',
  }
  expect(await rawStatus('/ws/chat/a', { ...headers, origin: 'https://evil.example' })).toBe(403)
  expect(await rawStatus('/ws/chat/a', { ...headers, host: 'evil.example' })).toBe(403)
  expect(await rawStatus('/ws/chat/a%20b', headers)).toBe(422)
  expect(await rawStatus('/ws/chat/a', headers)).toBe(101)
  expect((await fetch(path)).status).toBe(426)
  expect((await fetch(path, { method: 'POST' })).status).toBe(405)
})

/** The status of a request whose headers no client would send. */
function rawStatus(path: string, headers: Record<string, string>): Promise<number> {
  const { host, port, hostname } = new URL(server.url)
  const lines = Object.entries({ host, ...headers }).map(([name, value]) => `${name}: ${value}`)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
    })
    socket.once('data', (data) => {
      resolve(Number(data.toString('latin1').split(' ')[1]))
      socket.destroy()
    })
    socket.once('error', reject)
  })
}

/** A socket that speaks the protocol by hand, so that it can leave pings and text unread. */
function rawSocket(session: string): Promise<{ frames: () => number[]; end: () => void }> {
  const { host, port, hostname } = new URL(server.url)
  return new Promise((resolve, reject) => {
    let received: Uint8Array = new Uint8Array()
    const socket = connect(Number(port), hostname, () => {
      socket.write(
        `GET /ws/chat/${session} HTTP/1.1\r\nhost: ${host}\r\nupgrade: websocket\r\nconnection: Upgrade\r\n` +
          'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n',
      )
    })
    socket.on('data', (data) => {
      received = Buffer.concat([received, Buffer.from(data)])
      const end = Buffer.from(received).indexOf('\r\n\r\n')
      if (end < 0) return
      resolve({
        // Server frames of less than 126 bytes: two bytes of head, then the payload.
        frames() {
          const codes: number[] = []
          for (let at = end + 4; at + 1 < received.length; at += 2 + ((received[at + 1] ?? 0) & 0x7f)) {
            codes.push((received[at] ?? 0) & 0x0f)
          }
          return codes
        },
        end: () => socket.destroy(),
      })
    })
    socket.once('error', reject)
  })
}

test('an idle socket gets a ping every 5 s', async () => {
  const raw = await rawSocket('idle')
  const until = performance.now() + 15_000
  while (!raw.frames().includes(0x9) && performance.now() < until) await Bun.sleep(100)
  expect(raw.frames()).toContain(0x9)
  raw.end()
}, 30_000)

test('a client that goes away in the middle frees its place, 200 times', async () => {
  for (let n = 0; n < 200; n++) {
    const chat = await talk('leaving')
    chat.send({ message: question, stream: true })
    chat.socket.close()
  }
  const chat = await talk('after')
  chat.send({ message: question })
  expect(await chat.next()).toMatchObject({ type: 'response' })
  const log = backend.log.join('\n')
  expect(log).not.toMatch(/^500/m)
}, 60_000)
