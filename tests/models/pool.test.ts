import { afterEach, describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Embedder, openEmbedder } from '../../embedding/embedder.ts'
import { EmbedderClosed, EmbeddingFailed } from '../../embedding/errors.ts'
import { openPool } from '../../embedding/pool.ts'
import { loadTokenizer } from '../../embedding/tokenizer.ts'
import { allMiniLM } from '../../models/bundled.ts'

const open: Embedder[] = []
function opened(options: { workers?: number; idleMs?: number } = {}): Embedder {
  const embedder = openEmbedder({ model: allMiniLM, workers: 1, ...options })
  open.push(embedder)
  return embedder
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((embedder) => embedder.close()))
})

/** Texts that take a worker some 15 ms each. */
const long = (count: number, about = 'wings') =>
  Array.from({ length: count }, (_, i) => `${i} ${`a longer passage about ${about} and so on `.repeat(20)}`)

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let waited = 0; !condition(); waited += 5) {
    if (waited > 20_000) throw new Error(`waited 20 s in vain until ${what}`)
    await Bun.sleep(5)
  }
}

/** Gone, or dead and only waiting to be counted. */
function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return true
  }
  if (process.platform !== 'linux') return false
  return /^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
}

/** It may be dead already and not yet counted. */
function kill(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid !== undefined && !isGone(pid)) process.kill(pid, signal)
}

describe('a worker that dies', () => {
  test('is replaced, and no text is lost or changed', async () => {
    const embedder = opened({ workers: 2 })
    const texts = long(60)
    const kills = new Set<number>()
    const vectors = await embedder.embed(texts, {
      onEmbedded: () => {
        const [pid] = embedder.pids()
        if (kills.size < 3 && pid && !kills.has(pid) && embedder.stats().texts % 10 === 9) {
          kills.add(pid)
          kill(pid, 'SIGKILL')
        }
      },
    })
    expect(kills.size).toBeGreaterThan(0)
    expect(vectors).toEqual(await opened().embed(texts))
  }, 30_000)

  test('twice over one text fails that call with the reason; others go on', async () => {
    const embedder = opened()
    await embedder.embed(['warm'])
    const call = embedder.embed(long(2000)).then(
      () => 'done',
      (error: unknown) => error,
    )
    let result: unknown
    void call.then((value) => {
      result = value
    })
    // As soon as a worker has something to do it is killed; the text that it holds comes back to the next one.
    while (result === undefined) {
      for (const pid of embedder.pids()) kill(pid, 'SIGKILL')
      await Bun.sleep(1)
    }
    expect(result).toBeInstanceOf(EmbeddingFailed)
    expect(String(result)).toContain('SIGKILL')
    expect(String(result)).toContain('Try again')
    expect((await embedder.embed(['after it']))[0]).toHaveLength(384)
  }, 30_000)

  test('that hangs is ended, and its text embedded by the next', async () => {
    const { encode } = await loadTokenizer(allMiniLM)
    const pool = openPool({ model: allMiniLM, size: 1, idleMs: undefined, encode, stuckMs: 500 })
    const embedded = (text: string) => {
      const { promise, resolve, reject } = Promise.withResolvers<Float32Array>()
      const lane = pool.lane()
      lane.push({ text, lane, failures: 0, done: resolve, failed: reject })
      pool.dispatch()
      return promise
    }
    try {
      const first = await embedded('a text')
      const [hung] = pool.pids()
      if (!hung) throw new Error('no worker')
      kill(hung, 'SIGSTOP')
      expect(await embedded('a text')).toEqual(first)
      expect(pool.pids()).not.toContain(hung)
      expect(isGone(hung)).toBe(true)
    } finally {
      await pool.close()
    }
  })

  test('before it can start is told, not waited for', async () => {
    const directory = join(import.meta.dir, 'no-such-model')
    const embedder = openEmbedder({ model: { ...allMiniLM, directory }, workers: 1 })
    expect(embedder.embed(['text'])).rejects.toThrow(/no-such-model.*cannot be read/)
    await embedder.close()
  })
})

describe('an abort', () => {
  test('rejects at once, drops what waits, and leaves the worker to others', async () => {
    const embedder = opened()
    await embedder.embed(['warm'])
    const before = embedder.stats().texts
    const controller = new AbortController()
    let done = 0
    const call = embedder.embed(long(2000), {
      signal: controller.signal,
      onEmbedded: () => {
        if (++done === 3) controller.abort(new Error('the client left'))
      },
    })
    expect(call).rejects.toThrow('the client left')
    await call.catch(() => undefined)
    await embedder.embed(['another call'])
    // Three, at most two that were in the worker, and the other call's.
    expect(embedder.stats().texts - before).toBeLessThanOrEqual(6)
    expect(done).toBe(3)
  })

  test('before the call does nothing', async () => {
    const embedder = opened()
    expect(embedder.embed(['text'], { signal: AbortSignal.abort() })).rejects.toThrow()
    expect(embedder.stats().workers).toBe(0)
  })
})

describe('fairness', () => {
  test('a question does not wait behind the two thousand texts of another call', async () => {
    const embedder = opened()
    await embedder.embed(['warm'])
    const controller = new AbortController()
    const ingestion = embedder.embed(long(2000), { signal: controller.signal })
    ingestion.catch(() => undefined)
    const before = embedder.stats().texts
    await embedder.embed(['a question'])
    // The two that were in the worker already, and one more turn.
    expect(embedder.stats().texts - before).toBeLessThanOrEqual(4)
    controller.abort()
  })

  test('calls take turns text by text', async () => {
    const embedder = opened()
    await embedder.embed(['warm'])
    const order: string[] = []
    const call = (name: string) => embedder.embed(long(20, name), { onEmbedded: () => void order.push(name) })
    await Promise.all([call('a'), call('b'), call('c')])
    for (const name of ['a', 'b', 'c'])
      expect(order.slice(0, 15).filter((n) => n === name).length).toBeGreaterThan(2)
  })
})

describe('the workers', () => {
  test('start when texts queue up, and those above the first end when idle', async () => {
    const embedder = opened({ workers: 2, idleMs: 200 })
    await embedder.embed(['one question'])
    expect(embedder.stats().workers).toBe(1)
    await embedder.embed(long(80))
    const pids = embedder.pids()
    expect(pids).toHaveLength(2)
    await until(() => embedder.stats().workers === 1, 'the second worker has ended')
    await until(() => pids.filter(isGone).length === 1, 'its process is gone')
    expect((await embedder.embed(['again']))[0]).toHaveLength(384)
  })

  test('end with close, which rejects what waits', async () => {
    const embedder = opened({ workers: 2 })
    const call = embedder.embed(long(500))
    const refused = call.catch((error: unknown) => error)
    await until(() => embedder.stats().texts > 3, 'the call has begun')
    const pids = embedder.pids()
    await embedder.close()
    expect(await refused).toBeInstanceOf(EmbedderClosed)
    expect(pids.every(isGone)).toBe(true)
    expect(embedder.embed(['more'])).rejects.toBeInstanceOf(EmbedderClosed)
    await embedder.close()
  })

  test('do not keep a program from ending that forgot to close', async () => {
    const child = program('await embedder.embed(["text"]); console.log(embedder.pids().join())')
    expect(await child.exited).toBe(0)
    const pids = (await new Response(child.stdout).text()).trim().split(',').map(Number)
    expect(pids).toHaveLength(1)
    await until(() => pids.every(isGone), 'the worker is gone')
  })

  test('end with a program that is killed in the middle of its work', async () => {
    const child = program(`
      const texts = Array.from({ length: 2000 }, (_, i) => i + ' some words to embed '.repeat(60))
      await embedder.embed(['warm'])
      console.log(embedder.pids().join())
      await embedder.embed(texts)`)
    const reader = child.stdout.getReader()
    const { value } = await reader.read()
    const pids = new TextDecoder().decode(value).trim().split(',').map(Number)
    await Bun.sleep(100)
    child.kill('SIGKILL')
    await child.exited
    await until(() => pids.every(isGone), 'the worker is gone')
  })

  test('leave Ctrl-C to the program: what it still embeds is embedded', async () => {
    const embedder = opened()
    const call = embedder.embed(long(30))
    await until(() => embedder.stats().texts > 0, 'the call has begun')
    const [pid] = embedder.pids()
    kill(pid, 'SIGINT')
    expect(await call).toHaveLength(30)
    expect(embedder.pids()).toEqual(pid ? [pid] : [])
  })
})

/** A program of its own that has an embedder and runs `body`. */
function program(body: string) {
  const root = join(import.meta.dir, '../..')
  const source = `
    import { openEmbedder } from ${JSON.stringify(join(root, 'embedding/embedder.ts'))}
    import { allMiniLM } from ${JSON.stringify(join(root, 'models/bundled.ts'))}
    const embedder = openEmbedder({ model: allMiniLM, workers: 1 })
    ${body}`
  return Bun.spawn([process.execPath, '-e', source], { cwd: root, stdout: 'pipe', stderr: 'inherit' })
}
