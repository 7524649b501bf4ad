/** Bad requests below HTTP clients: bytes that only a socket sends, senders that stop, clients that hang up. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdir, readdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { type Listening, PortTaken, serve } from '../../http/serve.ts'
import { sendRaw } from '../http/raw-socket.ts'
import { openTestBackend, type TestBackend } from '../http/test-backend.ts'

let backend: TestBackend
let server: Listening
let port: number

beforeAll(async () => {
  backend = await openTestBackend({ maxUploadBytes: 50_000_000 })
  // Longer than a stalled body is waited for (Bun cuts up to 4 s early), and what the trickling header waits for.
  server = await serve(backend.app, { host: '127.0.0.1', port: 0, idleSeconds: 16 })
  port = Number(new URL(server.url).port)
}, 60_000)

afterAll(async () => {
  await server.stop()
  await backend.close()
})

const head = (first: string, ...headers: string[]) =>
  `${[first, 'Host: localhost', ...headers].join('\r\n')}\r\n\r\n`

async function expectAlive(): Promise<void> {
  const response = await fetch(`${server.url}/health`)
  expect(response.status).toBe(200)
}

describe('headers and framing', () => {
  test.each<[string, string, number]>([
    ['a header of 64 kB', head('GET /health HTTP/1.1', `X: ${'a'.repeat(65_536)}`), 431],
    ['an address of 64 kB', head(`GET /${'a'.repeat(65_536)} HTTP/1.1`), 431],
    [
      'a thousand headers',
      head('GET /health HTTP/1.1', ...Array.from({ length: 1_000 }, (_, n) => `X${n}: 1`)),
      431,
    ],
    ['no Host', 'GET /health HTTP/1.1\r\n\r\n', 400],
    ['two Hosts', head('GET /health HTTP/1.1', 'Host: evil.example'), 403],
    ['a Host with a user', 'GET /health HTTP/1.1\r\nHost: localhost@evil.example\r\n\r\n', 403],
    ['a Host that begins like ours', 'GET /health HTTP/1.1\r\nHost: localhost.evil.example\r\n\r\n', 403],
    ['an empty Host', 'GET /health HTTP/1.1\r\nHost:\r\n\r\n', 403],
    ['bytes that are not HTTP', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', 400],
    [
      'a broken chunk',
      `${head('POST /api/search HTTP/1.1', 'Content-Type: application/json', 'Transfer-Encoding: chunked')}zz\r\n`,
      400,
    ],
    [
      'both ways to say where the body ends',
      `${head('POST /api/search HTTP/1.1', 'Content-Length: 3', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
      400,
    ],
    ['a negative length', head('POST /api/search HTTP/1.1', 'Content-Length: -5'), 400],
    [
      'an announced length over the limit',
      `${head('POST /api/search HTTP/1.1', 'Content-Type: application/json', 'Content-Length: 99999999')}{`,
      413,
    ],
  ])('%s', async (_, bytes, status) => {
    const reply = await sendRaw(port, [bytes])
    expect(reply.status).toBe(status)
    expect(reply.ms).toBeLessThan(5_000)
    await expectAlive()
  })

  test('the target of a request decides nothing about who may send it', async () => {
    const foreign = 'GET http://localhost/health HTTP/1.1\r\nHost: evil.example\r\n\r\n'
    expect((await sendRaw(port, [foreign])).status).toBe(403)
  })

  test('a refused body does not spoil the connection for the next request', async () => {
    const body = `{"query":"${'a'.repeat(2_000)}"}`
    const wrong = `${head('POST /api/search HTTP/1.1', 'Content-Type: text/plain', `Content-Length: ${body.length}`)}${body}`
    const reply = await sendRaw(port, [wrong, 100, head('GET /health HTTP/1.1')])
    expect(reply.text.match(/HTTP\/1\.1 \d{3}/g)).toEqual(['HTTP/1.1 415', 'HTTP/1.1 200'])
  })
})

describe('senders that stop', () => {
  test('a header that trickles in is cut, a body that stalls is 408, and both leave nothing', async () => {
    const trickle = Array.from({ length: 80 }, (_, n) => [500, `X-${n}: 1\r\n`]).flat()
    const [slow, stalled, half] = await Promise.all([
      sendRaw(port, ['GET /health HTTP/1.1\r\nHost: localhost\r\n', ...trickle]),
      sendRaw(port, [
        `${head('POST /api/search HTTP/1.1', 'Content-Type: application/json', 'Content-Length: 50')}{"query"`,
      ]),
      sendRaw(port, [
        `${head('POST /api/documents HTTP/1.1', 'Content-Type: multipart/form-data; boundary=b', 'Content-Length: 5000')}` +
          '--b\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\nhalf',
      ]),
    ])
    // Bun ends the connection without a 408; what counts is that it does not stay.
    expect({ closed: slow.closed, text: slow.text }).toEqual({ closed: true, text: '' })
    expect(stalled.status).toBe(408)
    expect(half.status).toBe(408)
    expect(await uploads()).toEqual([])
    await expectAlive()
  }, 40_000)

  test('a client that hangs up in the middle of an upload leaves nothing', async () => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write(
      `${head('POST /api/documents HTTP/1.1', 'Content-Type: multipart/form-data; boundary=b', 'Content-Length: 40000000')}` +
        '--b\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n',
    )
    socket.write('a'.repeat(500_000))
    await until(async () => (await uploads()).length === 1)
    socket.destroy()
    await until(async () => (await uploads()).length === 0)
    await expectAlive()
  })
})

const canMount = process.platform === 'linux' && process.getuid?.() === 0

test.skipIf(!canMount)(
  'a full disk is 507, reads go on, and nothing is left (needs root to mount one)',
  async () => {
    const folder = join(backend.dataDir, 'uploads')
    await mkdir(folder, { recursive: true })
    const mounted = Bun.spawnSync(['mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder])
    expect(mounted.exitCode).toBe(0)
    try {
      const form = new FormData()
      form.append('files', new File(['small'], 'small.txt'))
      form.append('files', new File(['a'.repeat(1_000_000)], 'large.txt'))
      const response = await fetch(`${server.url}/api/documents`, { method: 'POST', body: form })
      expect(response.status).toBe(507)
      expect(await response.json()).toMatchObject({ error: { code: 'disk_full' } })
      expect(await uploads()).toEqual([])
      expect((await fetch(`${server.url}/api/documents`)).status).toBe(200)
    } finally {
      Bun.spawnSync(['umount', folder])
    }
  },
)

test('a taken port is named, with what to do', async () => {
  expect(serve(backend.app, { host: '127.0.0.1', port })).rejects.toThrow(PortTaken)
  expect(serve(backend.app, { host: '127.0.0.1', port })).rejects.toThrow(`--port ${port + 1}`)
})

test('the log tells no defect', () => {
  expect(backend.log.filter((line) => line.startsWith('500'))).toEqual([])
})

function uploads(): Promise<string[]> {
  return readdir(join(backend.dataDir, 'uploads')).catch(() => [])
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 5_000
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error('It did not come to hold within 5 s.')
    await Bun.sleep(20)
  }
}
