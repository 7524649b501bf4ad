/** The router over real worker processes without a model: crashes, hangs, failover, queue, adapters, stopping. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Device, EngineError } from '../../llm-service/types.ts'
import {
  allReady,
  engine,
  hear,
  isGone,
  openScripted,
  pidsOf,
  recorded,
  request,
  type Scripted,
  scriptedWorker,
  until,
} from './scripted-router.ts'
import { tinyAdapter, tinyModel } from './store-files.ts'

const open: Scripted[] = []
let folder = ''
const opened = (...settings: Parameters<typeof openScripted>): Scripted => {
  const scripted = openScripted(...settings)
  open.push(scripted)
  return scripted
}
const ready = async (...settings: Parameters<typeof openScripted>): Promise<Scripted> => {
  const scripted = opened(...settings)
  await allReady(scripted, settings[0]?.workers ?? 1)
  return scripted
}
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mentor-router-'))
})
afterEach(async () => {
  await Promise.all(open.splice(0).map(({ service }) => service.close(0)))
  rmSync(folder, { recursive: true, force: true })
})

/** It may be dead already. */
function kill(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid !== undefined && !isGone(pid)) process.kill(pid, signal)
}

const free = ({ service }: Scripted) =>
  service.health().queue.active === 0 && service.health().queue.waiting === 0

describe('an answer', () => {
  test('comes in pieces, and ends with its figures', async () => {
    const { service } = await ready()
    const heard = await hear(service, request('echo this'))
    expect(heard).toMatchObject({ text: 'echo this', places: [], error: null })
    expect(heard.last).toMatchObject({
      type: 'done',
      finishReason: 'stop',
      stats: { promptTokens: 9, completionTokens: 9 },
    })
    expect(await service.count(['ab', '', 'abc'], new AbortController().signal)).toEqual([2, 0, 3])
    expect(service.health()).toMatchObject({ state: 'healthy', reason: null })
  })

  test('is as long as the context lets it be', async () => {
    const { service } = await ready()
    const prompt = `${'x'.repeat(1989)}\n${'y'.repeat(5)}`
    const heard = await hear(service, request(prompt, { maxTokens: 100_000 }))
    expect(heard.text).toBe('yyyyy')
    const cut = await hear(service, request(`${'x'.repeat(1979)}\n${'y'.repeat(18)}`, { maxTokens: 100_000 }))
    expect(cut.text).toBe('yy')
    expect(cut.last).toMatchObject({ finishReason: 'length' })
  })

  test('to a prompt longer than the context is refused with both numbers, and the text of neither', async () => {
    const { service } = await ready()
    for (const length of [2000, 5000]) {
      const { error } = await hear(service, request('secret '.repeat(length).slice(0, length)))
      expect(error).toBeInstanceOf(EngineError)
      expect(error).toMatchObject({ code: 'context_length_exceeded' })
      expect(String(error)).toContain(`${length} tokens`)
      expect(String(error)).toContain('at most 2000')
      expect(String(error)).not.toContain('secret')
    }
  })

  test('that the engine refuses is refused, and not tried elsewhere', async () => {
    const { service, log } = await ready({ workers: 2 })
    const { error, last } = await hear(service, request('{refuse}'))
    expect(error).toMatchObject({ code: 'bad_request' })
    expect(last).toBeNull()
    expect(log.join()).not.toContain('failed')
  })
})

describe('while the model is loaded', () => {
  test('requests are refused, health says how far it is', async () => {
    const scripted = opened({ script: { loadMs: 400 } })
    const { service } = scripted
    expect(service.health()).toMatchObject({ state: 'loading' })
    await until(() => service.health().workers[0]?.loaded === 0.5, 'half is loaded')
    const { error } = await hear(service, request('early'))
    expect(error).toMatchObject({ code: 'failed', retryAfter: 5 })
    expect(String(error)).toContain('being loaded (50 %)')
    await expect(service.count(['x'], new AbortController().signal)).rejects.toThrow('being loaded')
    await allReady(scripted)
    expect((await hear(service, request('now'))).text).toBe('now')
  })

  test('workers come one after the other, and the first answers already', async () => {
    const scripted = opened({ workers: 3, script: { loadMs: 300 } })
    const { service } = scripted
    await allReady(scripted, 1)
    expect(service.health().workers.map(({ state }) => state)).toEqual(['ready', 'loading', 'loading'])
    expect(service.health()).toMatchObject({ state: 'healthy', reason: expect.stringContaining('1 of 3') })
    expect((await hear(service, request('first'))).text).toBe('first')
    await allReady(scripted, 3)
    expect(service.health().reason).toBeNull()
  })

  test.each([
    ['a message', 'the file is cut short', 'the file is cut short'],
    ['a native abort', 'die', 'ggml_abort: out of memory in a test'],
    ['silence', 'hang', 'loading made no progress'],
  ])(
    'a failure by %s is told with its reason, tried again, and once more later',
    async (_how, content, reason) => {
      const failLoad = join(folder, 'fail')
      writeFileSync(failLoad, content)
      const scripted = opened({
        script: { failLoad },
        patience: { loadingMs: 150 },
      })
      const { service, log } = scripted
      await until(() => service.health().workers[0]?.state === 'failed', 'it is given up')
      expect(service.health().state).toBe('degraded')
      expect(service.health().reason).toContain(reason)
      expect(service.health().workers[0]?.restarts).toBe(3)
      expect(log.join('\n')).toContain(reason)
      const { error } = await hear(service, request('anybody there?'))
      expect(error).toMatchObject({ code: 'failed' })
      expect(String(error)).toContain(reason)
      rmSync(failLoad)
      await allReady(scripted)
      expect((await hear(service, request('again'))).text).toBe('again')
    },
  )

  test('a file that is not the right one is never given to a worker', async () => {
    const record = join(folder, 'record')
    let right = false
    const scripted = opened({
      script: { record },
      verify: async () => {
        if (!right) throw new Error('its SHA-256 is another')
      },
    })
    const { service } = scripted
    await until(() => service.health().workers[0]?.state === 'failed', 'it is given up')
    expect(service.health().reason).toContain('SHA-256')
    expect(recorded(record)).toEqual([])
    right = true
    await allReady(scripted)
  })

  test('a plan that cannot be made is told and made later', async () => {
    let there = false
    const scripted = opened({
      plan: async () => {
        if (!there) throw new Error('there is no such file.')
        return { workers: 1, engine }
      },
    })
    const { service } = scripted
    await until(() => service.health().state === 'degraded', 'it says so')
    expect(service.health().reason).toContain('no such file')
    there = true
    await allReady(scripted)
  })

  test('a device that cannot load it leaves it to the next one', async () => {
    const failLoad = join(folder, 'fail')
    writeFileSync(failLoad, 'not on cuda')
    const asked: Device[][] = []
    const scripted = opened({
      script: { failLoad },
      plan: async (failed) => {
        asked.push(failed)
        const device: Device = failed.includes('cuda') ? 'cpu' : 'cuda'
        return { workers: device === 'cpu' ? 1 : 2, engine: { ...engine, device } }
      },
    })
    await allReady(scripted)
    expect(scripted.service.health().workers).toMatchObject([{ info: { device: 'cpu' } }])
    expect(scripted.log.join('\n')).toContain('does not load on cuda (not on cuda): going on with cpu')
    expect(asked[0]).toEqual([])
    expect(asked.at(-1)).toEqual(['cuda'])
  })

  test('a worker program that cannot be started is told, too', async () => {
    const { service } = opened({ workerCommand: [join(folder, 'no-such-program')] })
    await until(() => service.health().workers[0]?.state === 'failed', 'it is given up')
    expect(service.health().reason).toContain('could not be started')
  })
})

describe('a worker that dies', () => {
  test.each(['SIGSEGV', 'SIGKILL', 'SIGABRT'] as const)(
    'by %s before the first text costs nobody an answer; after it the stream says so',
    async (signal) => {
      const scripted = await ready({ workers: 2, slots: 2, script: { stepMs: 30 } })
      const { service } = scripted
      const text = 'a text of some length'
      const spoken: number[] = []
      const before = pidsOf(service)
      // Four requests fill both workers; one of the workers dies when each of them has said something.
      const calls = [0, 1, 2, 3].map((i) =>
        hear(service, request(`${i}\n${text}`), {
          onEvent: ({ type }) => void (type === 'text' && spoken.push(i)),
        }),
      )
      await until(() => new Set(spoken).size === 4, 'all have begun')
      kill(before[0], signal)
      const heard = await Promise.all(calls)
      const whole = heard.filter((one) => one.text === text)
      const broken = heard.filter((one) => one.last?.type === 'failed')
      expect([whole.length, broken.length]).toEqual([2, 2])
      for (const one of broken) {
        expect(text.startsWith(one.text)).toBe(true)
        expect(one.last).toMatchObject({
          type: 'failed',
          code: 'failed',
          message: expect.stringContaining(signal),
        })
      }
      await allReady(scripted, 2)
      expect(pidsOf(service)).not.toContain(before[0])
      expect(pidsOf(service)[1]).toBe(before[1])
      expect(service.health().workers.map(({ restarts }) => restarts)).toEqual([1, 0])
      expect(free(scripted)).toBe(true)
    },
  )

  test('over a request before its first text: another one answers it', async () => {
    const scripted = await ready({ workers: 2 })
    const { service } = scripted
    const [first] = pidsOf(service)
    const heard = await hear(service, request(`{crash@${first}}\nanswered all the same`))
    expect(heard).toMatchObject({ text: 'answered all the same', error: null })
    expect(heard.last).toMatchObject({ type: 'done' })
    await allReady(scripted, 2)
    expect(service.health().workers[0]?.restarts).toBe(1)
  })

  test('with nobody beside it: the request waits until it is back', async () => {
    const { service } = await ready()
    const [pid] = pidsOf(service)
    const heard = await hear(service, request(`{crash@${pid}}\nanswered by the next`))
    expect(heard.text).toBe('answered by the next')
    expect(pidsOf(service)).not.toContain(pid)
  })

  test('over the same request again and again: it goes to three in all, then fails', async () => {
    const scripted = await ready({ workers: 2 })
    const { service } = scripted
    const { error, last } = await hear(service, request('{crash}\npoison'))
    expect(error ?? last).toMatchObject({ code: 'failed', message: expect.stringContaining('SIGSEGV') })
    await allReady(scripted, 2)
    expect(service.health().workers.reduce((sum, { restarts }) => sum + restarts, 0)).toBe(3)
    expect((await hear(service, request('sound'))).text).toBe('sound')
  })

  test('while it counts: another one counts', async () => {
    const { service } = await ready({ workers: 2 })
    const [pid] = pidsOf(service)
    const count = service.count(['four'], new AbortController().signal)
    kill(pid, 'SIGKILL')
    expect(await count).toEqual([4])
    await expect(service.count(['{crash}'], new AbortController().signal)).rejects.toMatchObject({
      code: 'failed',
    })
  })

  test('often: the pauses between its starts grow, and health says why', async () => {
    const scripted = await ready({ pauses: { firstMs: 100, longestMs: 10_000 } })
    const { service, log } = scripted
    for (let i = 0; i < 3; i++) {
      kill(pidsOf(service)[0], 'SIGKILL')
      await until(() => service.health().workers[0]?.restarts === i + 1, 'it is down')
      expect(service.health()).toMatchObject({
        state: 'degraded',
        reason: expect.stringContaining('SIGKILL'),
      })
      await allReady(scripted)
    }
    const pauses = log.flatMap((line) => /started again in ([\d.]+) s/.exec(line)?.[1] ?? [])
    expect(pauses).toEqual(['0.1', '0.2', '0.4'])
  })

  test('and is sound for long enough is started at once', async () => {
    const scripted = await ready({ pauses: { soundMs: 100, firstMs: 60_000 } })
    await Bun.sleep(150)
    kill(pidsOf(scripted.service)[0], 'SIGKILL')
    await until(() => scripted.service.health().workers[0]?.restarts === 1, 'it is down')
    await allReady(scripted)
    expect(scripted.log.join('\n')).toContain('started again at once')
  })
})

describe('a worker that hangs', () => {
  test.each([
    ['before its first text: the request goes to another one', 'hang', 'done'],
    ['after it: the stream says so', 'hang later', 'failed'],
  ])('%s', async (_what, how, last) => {
    const scripted = await ready({ workers: 2 })
    const { service, log } = scripted
    const [first] = pidsOf(service)
    const heard = await hear(service, request(`{${how}@${first}}\nwhat is said`))
    expect(heard.last).toMatchObject({ type: last })
    expect(heard.text).toBe(last === 'done' ? 'what is said' : 'wha')
    expect(first && isGone(first)).toBe(true)
    expect(log.join('\n')).toMatch(/it hung: no word for [\d.]+ s/)
    await allReady(scripted, 2)
  })

  test('in the card, but talks: no progress is a hang too', async () => {
    const { service } = await ready({ patience: { stalledMs: 400 } })
    const { error, last } = await hear(service, request('{stall}\nnever'))
    expect(error ?? last).toMatchObject({
      code: 'failed',
      message: expect.stringContaining('no token was read or written'),
    })
  })

  test('with nothing but aborted requests is found all the same', async () => {
    const scripted = await ready()
    const { service } = scripted
    const [pid] = pidsOf(service)
    const leaving = new AbortController()
    const heard = await hear(service, request('what is said'), {
      signal: leaving.signal,
      onEvent: () => {
        kill(pid, 'SIGSTOP')
        leaving.abort(new Error('left'))
      },
    })
    expect(heard.error).toMatchObject({ message: 'left' })
    await until(() => !pidsOf(service).includes(pid ?? 0), 'it is replaced')
    await allReady(scripted)
    expect(free(scripted)).toBe(true)
  })

  test('no: one that was only slow to answer lives on', async () => {
    const { service } = await ready({ script: { stepMs: 2 } })
    const [pid] = pidsOf(service)
    const call = hear(service, request('slow'.repeat(30)))
    await until(() => service.health().queue.active === 1, 'it has begun')
    kill(pid, 'SIGSTOP')
    await Bun.sleep(400)
    kill(pid, 'SIGCONT')
    expect((await call).text).toBe('slow'.repeat(30))
    expect(pidsOf(service)).toEqual(pid ? [pid] : [])
  })
})

test('a worker that lives but fails every request is started anew', async () => {
  const scripted = await ready()
  const { service, log } = scripted
  const [pid] = pidsOf(service)
  const { error } = await hear(service, request('{fail}'))
  expect(error).toMatchObject({ code: 'failed', message: 'decode: -3' })
  await until(() => !pidsOf(service).includes(pid ?? 0), 'it is replaced')
  expect(log.join('\n')).toContain('failed 3 requests in a row')
  await allReady(scripted)
  expect((await hear(service, request('sound'))).text).toBe('sound')
})

describe('the queue', () => {
  test('tells the place as it changes, serves in order, and refuses what is too much', async () => {
    const scripted = await ready({
      slots: 1,
      queue: { requests: 3, tokens: 100_000 },
      script: { stepMs: 10 },
    })
    const { service } = scripted
    const order: number[] = []
    const calls = [0, 1, 2, 3].map(async (i) => {
      await Bun.sleep(i * 40)
      return hear(service, request(`${i}\n${'z'.repeat(60)}`), {
        onEvent: ({ type }) => void (type === 'text' && !order.includes(i) && order.push(i)),
      })
    })
    await until(() => service.health().queue.waiting === 3, 'three are waiting')
    expect(service.health().queue).toEqual({ waiting: 3, capacity: 3, waitingTokens: 3 * 262, active: 1 })
    const { error, last } = await hear(service, request('one too many'))
    expect(last).toBeNull()
    expect(error).toMatchObject({ code: 'overloaded' })
    if (!(error instanceof EngineError)) throw error
    expect(error.retryAfter).toBeGreaterThanOrEqual(1)
    expect(error.retryAfter).toBeLessThanOrEqual(60)
    const heard = await Promise.all(calls)
    expect(order).toEqual([0, 1, 2, 3])
    expect(heard.map(({ places }) => places)).toEqual([[], [1], [2, 1], [3, 2, 1]])
    expect(free(scripted)).toBe(true)
  })

  test('holds at ten times the load: so many are answered, the others refused at once', async () => {
    const scripted = await ready({ workers: 2, slots: 2, queue: { requests: 4, tokens: 100_000 } })
    const calls = await Promise.all(
      Array.from({ length: 80 }, (_, i) => hear(scripted.service, request(`${i}\nhello`))),
    )
    expect(calls.filter(({ text }) => text === 'hello')).toHaveLength(8)
    const refused = calls.filter(({ error }) => error instanceof EngineError && error.code === 'overloaded')
    expect(refused).toHaveLength(72)
    expect(free(scripted)).toBe(true)
    expect((await hear(scripted.service, request('after it'))).text).toBe('after it')
  })

  test('is told when no worker comes back', async () => {
    const failLoad = join(folder, 'fail')
    const scripted = await ready({ slots: 1, script: { stepMs: 20, failLoad } })
    const { service } = scripted
    writeFileSync(failLoad, 'the disk is gone')
    const calls = ['one', 'two', 'three'].map((text) => hear(service, request(text)))
    await until(() => service.health().queue.waiting === 2, 'two are waiting')
    kill(pidsOf(service)[0], 'SIGKILL')
    for (const heard of await Promise.all(calls)) {
      const failed = heard.error ?? heard.last
      expect(failed).toMatchObject({ code: 'failed' })
    }
    expect(free(scripted)).toBe(true)
  })
})

describe('a client that goes away', () => {
  test('while it waits leaves the queue at once', async () => {
    const scripted = await ready({ slots: 1, script: { stepMs: 20 } })
    const { service } = scripted
    const first = hear(service, request('x'.repeat(40)))
    const leaving = new AbortController()
    const second = hear(service, request('second'), { signal: leaving.signal })
    const third = hear(service, request('third'))
    await until(() => service.health().queue.waiting === 2, 'two are waiting')
    leaving.abort(new Error('the client left'))
    expect(service.health().queue.waiting).toBe(1)
    expect((await second).error).toMatchObject({ message: 'the client left' })
    expect((await first).text).toBe('x'.repeat(40))
    expect(await third).toMatchObject({ text: 'third', places: [2, 1] })
  })

  test('while it is answered frees its slot, told to the worker', async () => {
    const record = join(folder, 'record')
    const scripted = await ready({ slots: 1, script: { stepMs: 20, record } })
    const { service } = scripted
    const leaving = new AbortController()
    const call = hear(service, request('x'.repeat(500), { maxTokens: 500 }), {
      signal: leaving.signal,
      onEvent: () => leaving.abort(new Error('the client left')),
    })
    expect((await call).text.length).toBeLessThan(5)
    await until(() => free(scripted), 'its slot is free', 1_000)
    expect(recorded(record).map(({ message }) => message.type)).toContain('abort')
    expect((await hear(service, request('next'))).text).toBe('next')
  })

  test('by reading no further is the same', async () => {
    const scripted = await ready({ slots: 1, script: { stepMs: 20 } })
    for await (const event of scripted.service.generate(
      request('x'.repeat(500)),
      new AbortController().signal,
    ))
      if (event.type === 'text') break
    await until(() => free(scripted), 'its slot is free', 1_000)
  })

  test('before it is admitted costs nothing', async () => {
    const record = join(folder, 'record')
    const scripted = await ready({ script: { record } })
    const { error } = await hear(scripted.service, request('x'), {
      signal: AbortSignal.abort(new Error('gone')),
    })
    expect(error).toMatchObject({ message: 'gone' })
    expect(recorded(record).map(({ message }) => message.type)).toEqual(['load'])
  })

  test('200 times among 500 leaves no slot, no wait and no process behind', async () => {
    const scripted = await ready({
      workers: 2,
      slots: 8,
      queue: { requests: 600, tokens: 10_000_000 },
      script: { stepMs: 1 },
    })
    const { service } = scripted
    const before = pidsOf(service)
    const calls = Array.from({ length: 500 }, (_, i) => {
      const leaving = new AbortController()
      const text = `${i}\n${'w'.repeat(1 + (i % 40))}`
      if (i % 5 >= 2) return hear(service, request(text))
      // Some before they are admitted, some in the queue, some in the middle.
      setTimeout(() => leaving.abort(new Error('left')), i % 7 === 0 ? 0 : i)
      return hear(service, request(text), { signal: leaving.signal })
    })
    const heard = await Promise.all(calls)
    const stayed = heard.filter((_, i) => i % 5 >= 2)
    expect(stayed.every(({ last }) => last?.type === 'done')).toBe(true)
    await until(() => free(scripted), 'all slots are free', 1_000)
    expect(pidsOf(service)).toEqual(before)
    expect(service.health().queue.waitingTokens).toBe(0)
  }, 30_000)
})

describe('prefixes', () => {
  const pidsFor = (record: string) =>
    recorded(record)
      .filter(({ message }) => message.type === 'generate')
      .map(({ pid }) => pid)

  test('a conversation stays with the worker that holds it, other ones are spread', async () => {
    const record = join(folder, 'record')
    const { service } = await ready({ workers: 2, slots: 8, script: { record, stepMs: 1 } })
    const histories = ['kiln', 'loom'].map((about) => `${`Tell me of the ${about}. `.repeat(20)}\nok`)
    // Both begin at once, so each gets a worker of its own.
    await Promise.all(histories.map((text) => hear(service, request(text))))
    const [kiln, loom] = pidsFor(record)
    expect(kiln).not.toBe(loom)
    for (let turn = 0; turn < 3; turn++) {
      for (const [i, text] of histories.entries()) {
        histories[i] = `${text}\nand what of ${i} and ${turn}?`
        await hear(service, request(histories[i] ?? ''))
      }
    }
    const order = recorded(record)
      .filter(({ message }) => message.type === 'generate')
      .map(({ pid, message }) => {
        const tokens = Array.isArray(message.tokens) ? message.tokens : []
        return [String.fromCodePoint(...tokens).includes('kiln') ? 'kiln' : 'loom', pid]
      })
    const by = (about: string) => new Set(order.filter(([of]) => of === about).map(([, pid]) => pid))
    expect([by('kiln').size, by('loom').size]).toEqual([1, 1])
  })
})

describe('adapters', () => {
  let adaptersDir = ''
  let record = ''
  beforeEach(() => {
    adaptersDir = join(folder, 'adapters')
    record = join(folder, 'record')
    mkdirSync(join(adaptersDir, 'folder.gguf'), { recursive: true })
    for (const name of ['formal', 'brief', 'refused'])
      writeFileSync(join(adaptersDir, `${name}.gguf`), tinyAdapter())
    writeFileSync(join(adaptersDir, 'other.gguf'), tinyAdapter({ 'general.architecture': 'qwen3' }))
    writeFileSync(join(adaptersDir, 'model.gguf'), tinyModel())
    writeFileSync(join(adaptersDir, 'cut.gguf'), 'GGUF')
    writeFileSync(join(adaptersDir, 'notes.txt'), 'no adapter')
  })
  const withAdapters = () => ready({ workers: 2, adaptersDir, script: { record, refuses: 'refused' } })
  const generated = () =>
    recorded(record).flatMap(({ message }) => (message.type === 'generate' ? [message.request] : []))

  test('are listed by name, with why one cannot be used', async () => {
    const { service } = await withAdapters()
    const list = service.adapters()
    expect(list.map(({ name }) => name)).toEqual(['brief', 'cut', 'formal', 'model', 'other', 'refused'])
    expect(list.filter(({ problem }) => problem === null).map(({ name }) => name)).toEqual([
      'brief',
      'formal',
      'refused',
    ])
    expect(list.find(({ name }) => name === 'other')?.problem).toContain('another base model: qwen3 (Tiny)')
    expect(list.find(({ name }) => name === 'model')?.problem).toContain('not an adapter')
    expect(list.every(({ loaded, scale }) => !loaded && scale === 0)).toBe(true)
  })

  test('are loaded on every worker, by those who start later too, and keep their weight', async () => {
    const scripted = await withAdapters()
    const { service } = scripted
    expect(await service.setAdapter('formal', 0.5)).toMatchObject({
      name: 'formal',
      loaded: true,
      scale: 0.5,
      problem: null,
    })
    const loadedOn = recorded(record)
      .filter(({ message }) => message.type === 'load-adapter')
      .map(({ pid }) => pid)
    expect(loadedOn.toSorted()).toEqual(pidsOf(service).toSorted())
    kill(pidsOf(service)[0], 'SIGKILL')
    await until(() => service.health().workers[0]?.restarts === 1, 'it is down')
    await allReady(scripted, 2)
    const last = recorded(record).findLast(({ message }) => message.type === 'load')
    expect(last?.message.settings).toMatchObject({
      adapters: [{ name: 'formal', file: join(adaptersDir, 'formal.gguf') }],
    })
    expect(service.adapters().find(({ name }) => name === 'formal')).toMatchObject({
      loaded: true,
      scale: 0.5,
    })
  })

  test('apply with their usual weight unless a request names others', async () => {
    const { service } = await withAdapters()
    await service.setAdapter('formal', 0.5)
    await hear(service, request('usual'))
    await hear(service, request('named', { adapters: [{ name: 'brief', scale: 2 }] }))
    await hear(service, request('without', { adapters: [{ name: 'formal', scale: 0 }] }))
    await service.setAdapter('formal', 0)
    await hear(service, request('off'))
    expect(generated().map((one) => (one as { adapters: unknown }).adapters)).toEqual([
      [{ name: 'formal', scale: 0.5 }],
      [{ name: 'brief', scale: 2 }],
      [],
      [],
    ])
    expect(service.adapters().find(({ name }) => name === 'brief')).toMatchObject({ loaded: true })
  })

  test.each([
    ['that does not exist', '../../etc/passwd', 'unknown_adapter', /There are: brief, cut, formal/],
    ['of another architecture', 'other', 'bad_request', /other cannot be used: .*another base model/],
    ['that is a model', 'model', 'bad_request', /model cannot be used/],
    ['that is cut short', 'cut', 'bad_request', /cut cannot be used/],
    [
      'that the engine refuses',
      'refused',
      'bad_request',
      /refused cannot be used: wrong shape of blk.0.attn_q/,
    ],
  ])('one %s is refused by name, by request and by setting', async (_what, name, code, message) => {
    const { service } = await withAdapters()
    const { error } = await hear(service, request('x', { adapters: [{ name, scale: 1 }] }))
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) })
    await expect(service.setAdapter(name, 1)).rejects.toMatchObject({ code })
    expect(String(error)).not.toContain('passwd')
    expect(service.adapters().some(({ loaded }) => loaded)).toBe(false)
    expect((await hear(service, request('goes on'))).text).toBe('goes on')
  })

  test('that is not the recorded file is refused before a worker sees it', async () => {
    const { service } = await ready({
      adaptersDir,
      script: { record },
      verifyAdapter: async () => {
        throw new Error('its SHA-256 is another')
      },
    })
    await expect(service.setAdapter('formal', 1)).rejects.toMatchObject({
      code: 'bad_request',
      message: expect.stringContaining('SHA-256'),
    })
    expect(recorded(record).map(({ message }) => message.type)).toEqual(['load'])
    await expect(service.setAdapter('formal', Number.NaN)).rejects.toMatchObject({ code: 'bad_request' })
  })
})

describe('closing', () => {
  test('lets what runs end, tells what waits, takes no more, leaves no process', async () => {
    const scripted = await ready({ slots: 1, script: { stepMs: 10 } })
    const { service } = scripted
    const pids = pidsOf(service)
    const running = hear(service, request('it ends as it should'))
    const waiting = hear(service, request('it never begins'))
    await until(() => service.health().queue.waiting === 1, 'one is waiting')
    const closed = service.close(5_000)
    expect((await hear(service, request('late'))).error).toMatchObject({
      code: 'failed',
      message: expect.stringContaining('stopping'),
    })
    await expect(service.count(['late'], new AbortController().signal)).rejects.toThrow('stopping')
    expect((await waiting).last).toMatchObject({
      type: 'failed',
      message: expect.stringContaining('stopping'),
    })
    expect(await running).toMatchObject({ text: 'it ends as it should', last: { type: 'done' } })
    await closed
    expect(pids.every(isGone)).toBe(true)
  })

  test('ends what does not end in time, and says so', async () => {
    const scripted = await ready({ script: { stepMs: 20 } })
    const { service } = scripted
    const running = hear(service, request('x'.repeat(1000), { maxTokens: 1000 }))
    await until(() => service.health().queue.active === 1, 'it runs')
    await Bun.sleep(100)
    await service.close(100)
    expect((await running).last).toMatchObject({
      type: 'failed',
      message: expect.stringContaining('stopping'),
    })
  })

  test('ends a worker that is stopped or still loading, and no further one comes', async () => {
    const record = join(folder, 'record')
    const loading = opened({ script: { loadMs: 60_000, record } })
    await until(() => pidsOf(loading.service).length === 1 && recorded(record).length === 1, 'it loads')
    const stopped = await ready()
    const pids = [...pidsOf(loading.service), ...pidsOf(stopped.service)]
    kill(pidsOf(stopped.service)[0], 'SIGSTOP')
    await Promise.all([loading.service.close(1_000), stopped.service.close(1_000)])
    expect(pids.every(isGone)).toBe(true)
    await Bun.sleep(100)
    expect(recorded(record)).toHaveLength(2) // load, stop
  })
})

describe('a router that is killed', () => {
  test.each(['running', 'stopped'])('leaves no worker, not even one that is %s', async (how) => {
    const root = join(import.meta.dir, '../..')
    const source = `
      import { openModelService } from ${JSON.stringify(join(root, 'llm-service/router/service.ts'))}
      const service = openModelService({
        model: 'm', plan: async () => ({ workers: 1, engine: ${JSON.stringify(engine)} }), verify: async () => {},
        adaptersDir: '/nowhere', queue: { requests: 1, tokens: 1 }, log: () => {},
        workerCommand: ${JSON.stringify(scriptedWorker())},
      })
      while (service.health().state !== 'healthy') await Bun.sleep(10)
      console.log(service.health().workers[0].pid)
      await Bun.sleep(60_000)`
    const child = Bun.spawn([process.execPath, '-e', source], {
      cwd: root,
      stdout: 'pipe',
      stderr: 'inherit',
    })
    const { value } = await child.stdout.getReader().read()
    const pid = Number(new TextDecoder().decode(value))
    expect(isGone(pid)).toBe(false)
    if (how === 'stopped') process.kill(pid, 'SIGSTOP')
    child.kill('SIGKILL')
    await until(() => isGone(pid), 'the worker is gone', 3_000)
  })
})
