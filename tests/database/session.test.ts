import { describe, expect, test } from 'bun:test'
import { type Frame, frameReader, ProtocolViolation } from '../../db/embedded/frames.ts'
import { type Client, shareSession } from '../../db/embedded/session.ts'

function message(type: string, body = ''): Buffer {
  const text = Buffer.from(body)
  const head = Buffer.alloc(5)
  head.write(type, 0, 'latin1')
  head.writeInt32BE(text.length + 4, 1)
  return Buffer.concat([head, text])
}

function greeting(code: number, body = ''): Buffer {
  const text = Buffer.from(body)
  const head = Buffer.alloc(8)
  head.writeInt32BE(text.length + 8, 0)
  head.writeInt32BE(code, 4)
  return Buffer.concat([head, text])
}

const startup = greeting(196_608, 'user\0me\0\0')

describe('frames of the wire protocol', () => {
  const conversation = Buffer.concat([
    greeting(80_877_103),
    startup,
    message('Q', 'select 1\0'),
    message('P', 'name\0select $1\0\0\0'),
    message('D', 'Sname\0'),
    message('H'),
    message('B', '\0name\0\0\0'),
    message('E', '\0\0\0\0\0'),
    message('S'),
    message('P', '\0select 2\0\0\0'),
    message('S'),
    message('X'),
  ])
  const expected: ReturnType<typeof shape> = [
    { kind: 'encryption' },
    { kind: 'startup' },
    { kind: 'batch', statements: [], ends: true },
    { kind: 'batch', statements: ['name'], ends: false },
    { kind: 'batch', statements: [], ends: true },
    { kind: 'batch', statements: [], ends: true },
    { kind: 'terminate' },
  ]
  const shape = (frames: Frame[]): Record<string, unknown>[] =>
    frames.map((frame) =>
      frame.kind === 'batch'
        ? { kind: frame.kind, statements: frame.statements, ends: frame.ends }
        : { kind: frame.kind },
    )

  test('are the same however the bytes arrive', () => {
    for (const size of [1, 2, 3, 7, 64, conversation.length]) {
      const read = frameReader()
      const frames: Frame[] = []
      for (let at = 0; at < conversation.length; at += size)
        frames.push(...read(conversation.subarray(at, at + size)))
      expect(shape(frames)).toEqual(expected)
      const bytes = frames.flatMap((frame) => (frame.kind === 'batch' ? [frame.bytes] : []))
      const from = conversation.indexOf(message('Q', 'select 1\0'))
      expect(Buffer.concat(bytes).equals(conversation.subarray(from, conversation.length - 5))).toBe(true)
    }
  })

  test('of something else are refused', () => {
    for (const bad of [
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      greeting(1234),
      Buffer.alloc(16),
      Buffer.alloc(8, 0xff),
    ]) {
      expect(() => frameReader()(bad)).toThrow(ProtocolViolation)
    }
    const read = frameReader()
    read(startup)
    expect(() => read(Buffer.from([0x51, 0x7f, 0xff, 0xff, 0xff]))).toThrow(ProtocolViolation)
    expect(() => frameReader()(Buffer.concat([startup, Buffer.from([0x51, 0, 0, 0, 1])]))).toThrow(
      ProtocolViolation,
    )
  })
})

const ready = (status: string) => Buffer.from([0x5a, 0, 0, 0, 5, status.charCodeAt(0)])
const settle = () => Bun.sleep(5)

describe('the shared session', () => {
  /** A database that answers what it is told, and remembers what it was asked. */
  function recorded(answer: (text: string) => string) {
    const asked: string[] = []
    const broken: Error[] = []
    const execute = (bytes: Uint8Array): Uint8Array[] => {
      const text = Buffer.from(bytes).toString('latin1')
      asked.push(text)
      const status = answer(text)
      return status === '' ? [] : [ready(status)]
    }
    const session = (holdMs: number) => shareSession(execute, holdMs, (error) => broken.push(error))
    return { asked, broken, session }
  }
  function client(name: string): Client & { name: string; dropped: string[]; answers: number } {
    const self = {
      name,
      dropped: [] as string[],
      answers: 0,
      answer: () => void self.answers++,
      drop: (why: string) => void self.dropped.push(why),
    }
    return self
  }
  const batch = (text: string, ends = true) => ({ bytes: Buffer.from(text), statements: [], ends })

  test('stays with a client from its Flush to its Sync, and through its transaction', async () => {
    const { asked, session: share } = recorded((text) =>
      text.startsWith('flush') ? '' : text.includes('begin') ? 'T' : 'I',
    )
    const session = share(1_000)
    const [a, b] = [client('a'), client('b')]
    session.run(a, batch('flush a', false))
    session.run(b, batch('b1'))
    await settle()
    expect(asked).toEqual(['flush a'])
    session.run(a, batch('sync a'))
    await settle()
    expect(asked).toEqual(['flush a', 'sync a', 'b1'])
    session.run(a, batch('begin a'))
    session.run(b, batch('b2'))
    await settle()
    session.run(a, batch('commit a'))
    await settle()
    expect(asked.slice(3)).toEqual(['begin a', 'commit a', 'b2'])
    expect([a.answers, b.answers]).toEqual([3, 2])
  })

  test('is taken from a client that holds it in silence, and rolled back', async () => {
    const { asked, session: share } = recorded((text) =>
      text === 'begin' || text === 'S\0\0\0\u0004' ? 'T' : 'I',
    )
    const session = share(30)
    const [silent, other] = [client('silent'), client('other')]
    session.run(silent, batch('begin'))
    session.run(other, batch('waiting'))
    await Bun.sleep(60)
    expect(silent.dropped.length).toBe(1)
    expect(asked.map((text) => text.replace(/[^a-z]/g, ''))).toEqual(['begin', '', 'rollback', 'waiting'])
    expect(other.answers).toBe(1)
  })

  test('forgets the prepared statements of a client that has left, when nobody is in a transaction', async () => {
    const { asked, session: share } = recorded((text) => (text === 'begin' ? 'T' : 'I'))
    const session = share(1_000)
    const [a, b] = [client('a'), client('b')]
    session.run(a, { bytes: Buffer.from('prepare'), statements: ['one', 'tw"o'], ends: true })
    session.run(b, batch('begin'))
    await settle()
    session.leave(a)
    await settle()
    expect(asked).toEqual(['prepare', 'begin'])
    session.run(b, batch('commit'))
    session.run(b, batch('next'))
    await settle()
    const said = asked.slice(2).map((text) => text.replace(/^Q[^a-z]*|\0/g, ''))
    expect(said).toEqual(['commit', 'deallocate "one"', 'deallocate "tw""o"', 'next'])
  })

  test('says so when the database answers out of protocol', async () => {
    const { broken, session: share } = recorded(() => '')
    share(1_000).run(client('a'), batch('anything'))
    await settle()
    expect(broken.map((error) => error.name)).toEqual(['EngineBroken'])
  })
})
