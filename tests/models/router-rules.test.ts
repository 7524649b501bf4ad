/** The router's rules without a process: the queue, the choice of a worker, the events of one request. */
import { describe, expect, test } from 'bun:test'
import { openInbox } from '../../llm-service/router/inbox.ts'
import { openLastLines } from '../../llm-service/router/last-lines.ts'
import { availableMemory, residentBytes } from '../../llm-service/router/memory.ts'
import { chooseWorker, openPrefixMemory } from '../../llm-service/router/prefix.ts'
import { openQueue, type Waiting } from '../../llm-service/router/queue.ts'
import { EngineError } from '../../llm-service/types.ts'

function request(name: string, cost = 10) {
  const places: number[] = []
  return { name, cost, places, placed: (place: number) => void places.push(place) }
}

function refusal(attempt: () => void): EngineError {
  try {
    attempt()
  } catch (error) {
    if (error instanceof EngineError) return error
    throw error
  }
  throw new Error('It was not refused.')
}

describe('the queue', () => {
  test('serves in the order of arrival, and tells each place once as it changes', () => {
    const queue = openQueue<ReturnType<typeof request>>({ requests: 9, tokens: 999 })
    const [a, b, c] = [request('a'), request('b'), request('c')]
    for (const item of [a, b, c]) {
      queue.add(item, 0)
      queue.announce()
    }
    expect(queue.items().map(({ name }) => name)).toEqual(['a', 'b', 'c'])
    queue.remove(a)
    queue.announce()
    queue.announce()
    expect([a.places, b.places, c.places]).toEqual([[1], [2, 1], [3, 2]])
    queue.putBack(a)
    queue.announce()
    expect([a.places, b.places, c.places]).toEqual([
      [1, 1],
      [2, 1, 2],
      [3, 2, 3],
    ])
    expect(queue.tokens).toBe(30)
  })

  test('is bounded by number, those counted that are on their way in', () => {
    const queue = openQueue<Waiting>({ requests: 2, tokens: 999 })
    queue.checkRoom(1, 0)
    expect(() => queue.checkRoom(2, 0)).toThrow('no more than 2 may wait')
    queue.checkRoom(2, 1)
    queue.add(request('a'), 0)
    queue.add(request('b'), 0)
    expect(refusal(() => queue.add(request('c'), 0)).code).toBe('overloaded')
    queue.add(request('d'), 1)
    expect(queue.size).toBe(3)
  })

  test('is bounded by tokens, except for the first that waits', () => {
    const queue = openQueue<Waiting>({ requests: 9, tokens: 100 })
    const large = request('large', 5_000)
    queue.add(large, 0)
    expect(refusal(() => queue.add(request('small', 1), 0)).message).toContain('5000 tokens of at most 100')
    queue.remove(large)
    queue.add(request('small', 60), 0)
    queue.add(request('small', 40), 0)
    expect(() => queue.add(request('small', 1), 0)).toThrow(EngineError)
  })

  test('takes nobody who would wait when nobody may, and everybody who finds a slot', () => {
    const queue = openQueue<Waiting>({ requests: 0, tokens: 100 })
    expect(() => queue.checkRoom(0, 0)).toThrow(EngineError)
    queue.checkRoom(0, 1)
    queue.add(request('a'), 1)
    expect(queue.size).toBe(1)
  })

  test('says after how long another try makes sense, from what was measured', () => {
    let now = 0
    const queue = openQueue<Waiting>({ requests: 4, tokens: 999 }, () => now)
    for (let i = 0; i < 4; i++) queue.add(request('a'), 0)
    const wait = () => refusal(() => queue.checkRoom(0, 0)).retryAfter
    expect(wait()).toBe(5)
    for (let i = 0; i < 20; i++) {
      now += 3_000
      queue.ended()
    }
    expect(wait()).toBe(12) // four that wait, 3 s each
    now += 10 * 60_000
    expect(wait()).toBe(5) // too long ago to be worth anything
    for (let i = 0; i < 10; i++) {
      now += 30_000
      queue.ended()
    }
    expect(wait()).toBe(60)
  })

  test('forgets who leaves', () => {
    const queue = openQueue<Waiting>({ requests: 4, tokens: 999 })
    const a = request('a')
    queue.add(a, 0)
    expect([queue.remove(a), queue.remove(a)]).toEqual([true, false])
    expect([queue.size, queue.tokens]).toEqual([0, 0])
    queue.add(a, 0)
    expect(queue.drain()).toEqual([a])
    expect([queue.size, queue.tokens]).toEqual([0, 0])
  })
})

describe('the worker for a prompt', () => {
  const worker = (name: string, active: number, shared: number, slots = 16) => ({
    name,
    active,
    shared,
    slots,
  })
  const chosen = (...workers: ReturnType<typeof worker>[]) => chooseWorker(workers)?.name

  test('is the one that holds most of it', () => {
    expect(chosen(worker('idle', 0, 0), worker('holds', 2, 400))).toBe('holds')
    expect(chosen(worker('some', 0, 300), worker('most', 1, 900))).toBe('most')
  })
  test('is the least busy one where a prefix is not worth it', () => {
    expect(chosen(worker('idle', 0, 0), worker('holds', 1, 20))).toBe('idle')
    // All of them hold the system prompt.
    expect(chosen(worker('busy', 3, 330), worker('idle', 1, 300))).toBe('idle')
  })
  test('is the least busy one when the other is busier by more than a quarter of its slots', () => {
    expect(chosen(worker('idle', 2, 0), worker('holds', 6, 900))).toBe('holds')
    expect(chosen(worker('idle', 2, 0), worker('holds', 7, 900))).toBe('idle')
    expect(chosen(worker('idle', 0, 0, 1), worker('holds', 0, 900, 1))).toBe('holds')
  })
  test('is never one without a free slot', () => {
    expect(chosen(worker('idle', 3, 0), worker('full', 16, 900))).toBe('idle')
    expect(chosen(worker('full', 16, 900))).toBeUndefined()
    expect(chosen()).toBeUndefined()
  })
})

describe('the memory of prefixes', () => {
  const text = (length: number, seed: number) => Array.from({ length }, (_, i) => (i * seed) % 1000)

  test('finds the longest prompt that shares a beginning, under the same adapters', () => {
    const memory = openPrefixMemory(4)
    memory.begin('', text(500, 7)).end()
    memory.begin('', text(300, 11))
    expect(memory.shared('', [...text(500, 7), 1, 2])).toBe(500)
    expect(memory.shared('', text(100, 7))).toBe(100)
    expect(memory.shared('', text(300, 11))).toBe(300)
    expect(memory.shared('["other"]', text(500, 7))).toBe(0)
    expect(memory.shared('', [5000])).toBe(0)
  })

  test('follows a conversation in one slot, and keeps others until they are the oldest', () => {
    const memory = openPrefixMemory(2)
    const first = text(200, 7)
    memory.begin('', first).end()
    memory.begin('', text(200, 11)).end()
    memory.begin('', [...first, ...text(100, 13)]).end() // in place of the first
    expect(memory.shared('', text(200, 11))).toBe(200)
    memory.begin('', text(200, 17)).end()
    expect(memory.shared('', text(200, 11))).toBeLessThan(5)
    expect(memory.shared('', [...first, ...text(100, 13)])).toBe(300)
  })

  test('replaces no slot in use, and takes no more than a prompt a slot', () => {
    const memory = openPrefixMemory(3)
    const held = memory.begin('', text(1000, 7))
    for (let i = 0; i < 200; i++) memory.begin('', text(1000, 100 + i)).end()
    expect(memory.shared('', text(1000, 7))).toBe(1000)
    expect(memory.bytes).toBe(3 * 1000 * 4)
    held.end()
    for (let i = 0; i < 5; i++) memory.begin('', text(1000, 400 + i)).end()
    expect(memory.shared('', text(1000, 7))).toBeLessThan(5)
  })
})

describe('the events of a request', () => {
  test('come in order, text that a slow reader left lying in one piece', async () => {
    const inbox = openInbox()
    inbox.placed(3)
    inbox.placed(2)
    expect(await inbox.read()).toEqual({ type: 'queued', place: 2 })
    for (const [i, text] of ['a', 'b', 'c'].entries()) inbox.push({ type: 'text', text, tokens: i + 1 })
    expect(await inbox.read()).toEqual({ type: 'text', text: 'abc', tokens: 3 })
    const next = inbox.read()
    inbox.push({ type: 'text', text: 'd', tokens: 4 })
    expect(await next).toEqual({ type: 'text', text: 'd', tokens: 4 })
  })
  test('end with an error even while they are waited for', async () => {
    const inbox = openInbox()
    const next = inbox.read()
    inbox.fail(new Error('the client left'))
    expect(next).rejects.toThrow('the client left')
    inbox.push({ type: 'text', text: 'late', tokens: 1 })
    expect(inbox.read()).rejects.toThrow('the client left')
  })
  test('speak of no place once there is text', async () => {
    const inbox = openInbox()
    inbox.placed(1)
    inbox.push({ type: 'text', text: 'a', tokens: 1 })
    expect(await inbox.read()).toMatchObject({ type: 'text' })
  })
})

describe('what a process wrote before it died', () => {
  const tellingOf = async (...chunks: string[]) => {
    const seen: string[] = []
    const lines = openLastLines((line) => void seen.push(line))
    await lines.read(new Blob([chunks.join('')]).stream())
    return { telling: lines.telling(), seen }
  }
  test('is told by the line that speaks of the failure', async () => {
    const { telling } = await tellingOf(
      'loading\nggml.c:12: GGML_ASSERT(x > 0) failed\nsome more\n',
      'Bun v1.4.5 crashed: panic\n',
      'http://127.0.0.1/error\n',
    )
    expect(telling).toBe('ggml.c:12: GGML_ASSERT(x > 0) failed')
    expect((await tellingOf('error loading model: no such tensor\nfailed to load\nbye')).telling).toContain(
      'tensor',
    )
    expect((await tellingOf('failed to load\nbye')).telling).toBe('failed to load')
    expect((await tellingOf('one\ntwo')).telling).toBe('two')
    expect((await tellingOf('')).telling).toBeNull()
  })
  test('cannot fill the memory or steer a terminal', async () => {
    const { seen, telling } = await tellingOf('x'.repeat(3_000_000), '\n\x1b[2J\x07last\u202e\n')
    expect(seen[0]?.length).toBe(1000)
    expect(telling).toBe('[2J last')
  })
})

test('memory is measured, also of a process that is gone', () => {
  expect(residentBytes(process.pid)).toBeGreaterThan(process.platform === 'linux' ? 10 * 2 ** 20 : -1)
  expect(residentBytes(2 ** 30)).toBe(0)
  expect(availableMemory()).toBeGreaterThan(2 ** 20)
})
