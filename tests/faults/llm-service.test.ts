/** The model service's own process: how it starts, refuses to, loses workers, is told to stop, and is killed. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { copyFile, mkdir, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '../../scripts/bench/mentor-process.ts'
import { writeScriptModel } from '../gguf/script-model.ts'
import { isGone, until } from '../models/scripted-router.ts'
import {
  endAll,
  gone,
  launch,
  type ServiceProcess,
  type Streamed,
  settingsFor,
  startService,
  stream,
} from './llm-service-process.ts'

const folder = await temporaryFolder('llm-service')
const model = join(folder.path, 'script.gguf')
const answer = 'The garden opens at nine in the morning [1]. It closes at six [2].'

beforeAll(async () => {
  await writeScriptModel(model, {
    scripts: [
      { name: 'garden', text: answer },
      { name: 'endless', when: 'Babble', text: ' round and round it goes', endless: true },
    ],
  })
})
afterEach(endAll)
afterAll(() => folder.remove())

async function ready(over: Parameters<typeof settingsFor>[1] = {}): Promise<ServiceProcess> {
  const service = await startService(settingsFor(model, over))
  await service.ready()
  return service
}

const workerOf = async (service: ServiceProcess) => (await service.health()).workers[0]?.pid ?? 0
/** A stream that has said something. */
async function babbling(service: ServiceProcess, maxTokens = 100_000): Promise<{ ended: Promise<Streamed> }> {
  let text = ''
  const ended = stream(service, 'Babble please', {
    maxTokens,
    onText: (all) => {
      text = all
    },
  })
  ended.catch(() => undefined)
  await until(() => text.includes('round'), 'the stream has begun')
  return { ended }
}

describe('the start', () => {
  test('listens before the model is loaded, then answers', async () => {
    const service = await startService(settingsFor(model))
    const first = await service.health()
    expect(['loading', 'healthy']).toContain(first.status)
    await service.ready()
    expect(await stream(service, 'When does it open?')).toEqual({
      text: answer,
      finishReason: 'stop',
      error: null,
      done: true,
    })
    expect(service.pid).toBe(service.child.pid)
  })

  test('on a socket of the file system', async () => {
    const unix = join(folder.path, 'llm.sock')
    const service = await ready({ listen: { unix } })
    expect(service.url).toBe(`unix:${unix}`)
    expect((await stream(service, 'When does it open?')).text).toBe(answer)
  })

  test('on a socket that a killed service has left behind', async () => {
    const unix = join(folder.path, 'left.sock')
    const first = await startService(settingsFor(model, { listen: { unix } }))
    first.child.kill('SIGKILL')
    await first.child.exited
    const second = await ready({ listen: { unix } })
    expect((await second.health()).status).toBe('healthy')
  })

  test('on a port that is taken ends with 3 and says so', async () => {
    const service = await startService(settingsFor(model))
    const port = Number(new URL(service.url).port)
    const second = launch(`${JSON.stringify(settingsFor(model, { listen: { host: '127.0.0.1', port } }))}\n`)
    expect(await second.firstLine).toEqual({
      error: 'port_taken',
      message: expect.stringContaining(`${port}`),
    })
    expect(await second.child.exited).toBe(3)
    expect((await service.health()).status).toBeDefined()
  })

  test.each([
    ['nothing', '', /no JSON document/],
    ['half a document', '{"version": "1", "listen"\n', /no JSON document/],
    ['another document', '{"hello": "secret-canary"}\n', /cannot be used/],
    ['a field too many', `${JSON.stringify({ ...settingsFor('/m.gguf'), extra: 1 })}\n`, /extra/],
    ['no slots', `${JSON.stringify(settingsFor('/m.gguf', { slots: 0 }))}\n`, /slots/],
    [
      'another dimension',
      `${JSON.stringify(settingsFor('/m.gguf', { embeddingDimension: 768 }))}\n`,
      /768.*384/,
    ],
  ])('with %s on stdin ends with 1 and says why', async (_what, document, message) => {
    const { child, firstLine, logged } = launch(document)
    child.stdin.end()
    const line = await firstLine
    expect(line.error).toBeString()
    expect(line.message).toMatch(message)
    expect(line.message).not.toContain('canary')
    expect(await child.exited).toBe(1)
    expect(logged().trim().split('\n')).toHaveLength(1)
  })
})

describe('a model that cannot be used', () => {
  test.each([
    ['is missing', async () => join(folder.path, 'missing.gguf'), null, /ENOENT|no such file/i],
    [
      'is cut short',
      async () => {
        const path = join(folder.path, 'cut.gguf')
        await copyFile(model, path)
        await truncate(path, 2_000_000)
        return path
      },
      null,
      /cut short/,
    ],
    ['is not the recorded one', async () => model, 'a'.repeat(64), /SHA-256.*expected a{64}/],
    [
      'is of an unknown architecture',
      async () => {
        const path = join(folder.path, 'odd.gguf')
        await writeScriptModel(path, { scripts: [{ text: 'x' }], architecture: 'psychic' })
        return path
      },
      null,
      /architecture/,
    ],
  ])(
    'because it %s is said in health and to who asks; the service lives',
    async (_why, make, sha256, reason) => {
      const file = await make()
      const service = await startService(settingsFor(file, { model: { name: 'script', file, sha256 } }))
      let health = await service.health()
      for (
        const end = performance.now() + 10_000;
        health.status !== 'degraded' && performance.now() < end;
      ) {
        await Bun.sleep(50)
        health = await service.health()
      }
      expect(health).toMatchObject({ status: 'degraded', model_loaded: false })
      expect(health.reason).toMatch(reason)
      const refused = await service.fetch('/v1/chat/completions', {
        model: 'script',
        messages: [{ role: 'user', content: 'hello' }],
      })
      expect(refused.status).toBe(503)
      expect(refused.headers.get('retry-after')).toBeString()
      expect(service.logged()).toMatch(reason)
    },
  )
})

describe('a worker that is killed', () => {
  test.each(['SIGSEGV', 'SIGKILL'] as const)(
    'by %s in a stream: it says so, the next question is answered',
    async (signal) => {
      const service = await ready()
      const before = await workerOf(service)
      const broken = await babbling(service)
      process.kill(before, signal)
      const ended = await broken.ended
      expect(ended.error).toContain(signal)
      expect(ended.done).toBe(false)
      expect((await stream(service, 'When does it open?')).text).toBe(answer)
      const { workers } = await service.health()
      expect(workers[0]).toMatchObject({ state: 'ready', restarts: 1 })
      expect(workers[0]?.pid).not.toBe(before)
      expect(isGone(service.pid)).toBe(false)
    },
  )

  test('while idle: the next question is answered', async () => {
    const service = await ready()
    process.kill(await workerOf(service), 'SIGSEGV')
    expect((await stream(service, 'When does it open?')).text).toBe(answer)
  })

  test('one of two: the streams of the other go on', async () => {
    const service = await ready({ workers: 2, slots: 1 })
    const pids = (await service.health()).workers.map(({ pid }) => pid ?? 0)
    const streams = await Promise.all([babbling(service, 400), babbling(service, 400)])
    process.kill(pids[0] ?? 0, 'SIGSEGV')
    const ended = await Promise.all(streams.map((one) => one.ended))
    expect(ended.filter(({ error }) => error !== null)).toHaveLength(1)
    expect(ended.filter(({ finishReason }) => finishReason === 'length')).toHaveLength(1)
    expect((await service.ready()).workers.map(({ pid }) => pid)[1]).toBe(pids[1] ?? 0)
  })
})

describe('told to stop', () => {
  test.each([
    ['SIGTERM', (service: ServiceProcess) => service.child.kill('SIGTERM')],
    ['SIGINT', (service: ServiceProcess) => service.child.kill('SIGINT')],
    ['the end of stdin', (service: ServiceProcess) => void service.child.stdin.end()],
  ])(
    'by %s it lets a stream end, and leaves nothing',
    async (_how, stop) => {
      const service = await ready()
      const worker = await workerOf(service)
      const streaming = await babbling(service, 300)
      stop(service)
      expect(await streaming.ended).toMatchObject({ finishReason: 'length', error: null, done: true })
      expect(await service.child.exited).toBe(0)
      await gone(worker)
    },
    20_000,
  )

  test('while a stream runs on for ever, the stream is told within the grace time', async () => {
    const service = await ready({ contextTokens: 200_000, slots: 1 })
    const streaming = await babbling(service)
    const began = performance.now()
    service.child.kill('SIGTERM')
    const ended = await streaming.ended
    expect(ended).toMatchObject({ error: expect.stringContaining('stopping'), done: false })
    expect(await service.child.exited).toBe(0)
    expect(performance.now() - began).toBeLessThan(15_000)
  }, 30_000)

  test('while the model is still being loaded it ends at once', async () => {
    const service = await startService(settingsFor(model))
    service.child.kill('SIGTERM')
    expect(await service.child.exited).toBe(0)
  })

  test('twice, it ends without waiting', async () => {
    const service = await ready({ contextTokens: 200_000, slots: 1 })
    const worker = await workerOf(service)
    const streaming = await babbling(service)
    service.child.kill('SIGTERM')
    await until(() => service.logged().includes('It stops: SIGTERM'), 'it stops')
    service.child.kill('SIGTERM')
    expect(await service.child.exited).toBe(1)
    await streaming.ended.catch(() => undefined)
    await gone(worker)
  })
})

describe('killed', () => {
  test('it leaves no worker behind, not even one that hangs', async () => {
    const service = await ready()
    const worker = await workerOf(service)
    process.kill(worker, 'SIGSTOP')
    service.child.kill('SIGKILL')
    await gone(worker)
  })
})

describe('clients that leave', () => {
  test('200 of 500: every slot is free again, no process more, memory as before', async () => {
    const service = await ready({ queue: { requests: 600, tokens: 10_000_000 } })
    const pids = (await service.health()).workers.map(({ pid }) => pid)
    const round = async (count: number) => {
      const calls = Array.from({ length: count }, async (_, i) => {
        if (i % 5 >= 2) return (await stream(service, `Question ${i}: when does it open?`)).text
        const leave = AbortSignal.timeout(20 + (i % 50) * 10)
        return stream(service, `Babble ${i}`, { signal: leave, maxTokens: 1_000 }).catch(() => null)
      })
      return Promise.all(calls)
    }
    await round(50)
    const before = rss(service.pid)
    const heard = await round(500)
    expect(heard.filter((text) => text === answer)).toHaveLength(300)
    let { queue } = await service.health()
    for (
      const end = performance.now() + 1_000;
      queue.active + queue.waiting > 0 && performance.now() < end;
    ) {
      await Bun.sleep(20)
      queue = (await service.health()).queue
    }
    expect([queue.active, queue.waiting]).toEqual([0, 0])
    expect((await service.health()).workers.map(({ pid }) => pid)).toEqual(pids)
    // What is left over from 200 requests would be 200 times something; a heap that grows with load is 50 MB.
    expect(rss(service.pid) - before).toBeLessThan(80 * 2 ** 20)
    console.log(
      `router: ${Math.round(before / 2 ** 20)} MB before, ${Math.round(rss(service.pid) / 2 ** 20)} MB after`,
    )
  }, 60_000)
})

function rss(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
}

test('an adapter is refused or loaded by name, over HTTP', async () => {
  await mkdir(join(folder.path, 'adapters'), { recursive: true })
  const service = await ready()
  const response = await service.fetch('/api/llm/adapters', { name: 'nowhere', scale: 1 })
  expect(response.status).toBe(404)
})
