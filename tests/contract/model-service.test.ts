/** The model service beside the backend, over real processes whose model is scripted: found, started, restarted, stopped. */
import { afterEach, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Ladder, openLadder } from '../../backend/answer/ladder.ts'
import type { InstalledModel } from '../../models/store/installed.ts'
import type { ModelChoice } from '../../scripts/model-choice.ts'
import { canRunAt, type SupervisedModelService, superviseModelService } from '../../scripts/model-service.ts'
import { announcedModelService } from '../../scripts/running.ts'
import { serveChat, streamed } from './chat-server.ts'
import { climb, settings } from './questions.ts'
import type { Script } from './scripted-service.ts'

const open: { stop(): unknown }[] = []
afterEach(async () => {
  for (const part of open.splice(0)) await part.stop()
})

const says = 'The garden opens at nine [1].'
const command = [process.execPath, join(import.meta.dir, 'scripted-service.ts')]

function freePort(): number {
  const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response() })
  const { port } = server
  void server.stop(true)
  return port ?? 0
}

function installed(file: string, name: string): InstalledModel {
  const known = {
    licence: null,
    architecture: null,
    quantization: null,
    parameterCount: null,
    baseModel: null,
  }
  return {
    ...known,
    name,
    kind: 'llm',
    folder: '',
    file,
    bytes: 1,
    sha256: '0'.repeat(64),
    files: [],
    source: '',
    at: '',
    contextLength: null,
    kvBytesPerToken: null,
    problem: null,
  }
}

interface Supervised extends SupervisedModelService {
  ladder: Ladder
  dataDir: string
  told: string[]
  log: string[]
  script(script: Script): void
  /** Of each start so far. */
  listens: { host: string; port: number }[]
  choice(choice: ModelChoice): void
}

function supervise(script: Script | null, url = `http://127.0.0.1:${freePort()}`): Supervised {
  const dataDir = mkdtempSync(join(tmpdir(), 'mentor-service-'))
  const told: string[] = []
  const log: string[] = []
  const listens: { host: string; port: number }[] = []
  const file = join(dataDir, 'model.json')
  const write = (of: Script) => writeFileSync(file, JSON.stringify(of))
  let choice: ModelChoice = { missing: 'no model is installed; get one' }
  if (script !== null) {
    write(script)
    choice = { model: installed(file, 'big') }
  }
  const service = superviseModelService({
    url,
    apiKey: null,
    model: null,
    dataDir,
    command,
    choose: async () => choice,
    settings(model, listen) {
      listens.push(listen)
      return JSON.stringify({ listen, model: { name: model.name, file: model.file } })
    },
    tell: (line) => told.push(line),
    log: (line) => log.push(line),
  })
  const patient = { firstTextMs: 20_000, betweenTextMs: 10_000, totalMs: 40_000 }
  const ladder = openLadder({ ...settings, ...patient }, (line) => told.push(line), { place: service.place })
  open.push({
    async stop() {
      await ladder.close()
      await service.close()
      rmSync(dataDir, { recursive: true })
    },
  })
  const to = (next: ModelChoice) => {
    choice = next
  }
  return Object.assign(service, { ladder, dataDir, told, log, listens, script: write, choice: to })
}

async function until(holds: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  const began = performance.now()
  while (!(await holds()) && performance.now() - began < ms) await Bun.sleep(20)
  expect(await holds()).toBe(true)
}

const isReady = ({ ladder }: Supervised) => ladder.health()[0]?.state === 'ready'

describe('with a model and nobody at LLM_SERVICE_URL', () => {
  test('it is started there, recorded, asked, and gone at the end', async () => {
    const port = freePort()
    const service = supervise({ says, loadMs: 500 }, `http://localhost:${port}/v1`)
    expect(service.ladder.health()[0]).toMatchObject({ state: 'checking' })
    await service.settled
    await until(() => isReady(service))
    expect(await climb(service.ladder)).toMatchObject({ rung: 'llm-service', text: says })
    const recorded = await announcedModelService(service.dataDir)
    expect(recorded).toEqual({ pid: service.pid() ?? 0, url: `http://127.0.0.1:${port}`, model: 'big' })
    expect(service.told).toEqual(['Answers come from the llm-service (big).'])
    await service.close()
    expect(await announcedModelService(service.dataDir)).toBeNull()
    expect(isAlive(recorded?.pid ?? 0)).toBe(false)
  }, 30_000)

  test.each(['while idle', 'before its first text', 'in the middle of an answer'] as const)(
    'killed %s, it is started again, and the ladder follows',
    async (when) => {
      const dies = when === 'while idle' ? undefined : when === 'before its first text' ? 'before' : 'after'
      const service = supervise({ says: 'The garden opens at ', ...(dies && { dies }) })
      await until(() => isReady(service))
      const pid = service.pid() ?? 0
      const climbing = when === 'while idle' ? null : climb(service.ladder)
      await Bun.sleep(50)
      service.script({ says })
      if (when === 'while idle') process.kill(pid, 'SIGKILL')
      const climbed = await climbing
      if (when === 'before its first text') {
        expect(climbed).toMatchObject({ rung: 'context-only', error: null })
        expect(climbed?.steps[0]?.reason).toEndWith('broke the connection off')
      }
      if (when === 'in the middle of an answer') {
        expect(climbed).toMatchObject({
          text: 'The garden opens at ',
          error: { code: 'model_failed', reason: 'the connection broke' },
        })
      }
      await until(() => !isAlive(pid))
      await until(() => isReady(service) && service.pid() !== pid && service.pid() !== null)
      expect(await climb(service.ladder)).toMatchObject({ rung: 'llm-service', text: says })
      expect(service.told).toContain('The llm-service is started again in 1 s: its process ended (SIGKILL).')
      expect(service.told.at(-1)).toBe('Answers come from the llm-service (big).')
    },
    30_000,
  )

  test('while it is away, the reason says so, and nothing is waited for', async () => {
    const service = supervise({ says })
    await until(() => isReady(service))
    process.kill(service.pid() ?? 0, 'SIGKILL')
    await until(() => !isReady(service))
    const { rung, steps } = await climb(service.ladder)
    expect(rung).toBe('context-only')
    expect(steps[0]).toMatchObject({
      outcome: 'unavailable',
      reason: expect.stringMatching(/^its process ended \(SIGKILL\), and it is started again$|being started/),
    })
    expect(steps[0]?.ms).toBeLessThan(500)
  }, 30_000)

  test('one that cannot start is tried again and again, later each time', async () => {
    const refuses = { line: '{"error":"model_corrupt","message":"The file was changed"}', code: 1 }
    const service = supervise({ says, refuses })
    await service.settled
    await until(() => service.told.filter((line) => line.includes('again in ')).length >= 3)
    const pauses = service.told.map((line) => /again in (\d+) s: The file was changed/.exec(line)?.[1])
    expect(pauses.filter((pause) => pause !== undefined)).toEqual(['1', '2', '4'])
    expect(service.ladder.health()[0]).toMatchObject({
      state: 'unavailable',
      reason: expect.stringContaining('The file was changed'),
    })
    service.script({ says })
    await until(() => isReady(service))
  }, 30_000)

  test('a model that is removed is not served any longer', async () => {
    const service = supervise({ says })
    await until(() => isReady(service))
    const pid = service.pid() ?? 0
    service.choice({ missing: 'no model is installed any more' })
    rmSync(join(service.dataDir, 'model.json'))
    await until(() => !isAlive(pid), 15_000)
    await until(() => service.ladder.health()[0]?.reason?.includes('installed any more') === true)
  }, 40_000)
})

describe('without a model', () => {
  test('it is nobody’s, and the reason says how to get one', async () => {
    const service = supervise(null)
    await service.settled
    await service.ladder.check()
    expect(service.ladder.health()[0]).toMatchObject({
      state: 'unavailable',
      reason: expect.stringMatching(
        /^nothing listens at 127\.0\.0\.1:\d+, and no model is installed; get one$/,
      ),
    })
    expect(service.listens).toEqual([])
  })

  test('it is started once there is one', async () => {
    const service = supervise(null)
    await service.settled
    const file = join(service.dataDir, 'model.json')
    service.script({ says })
    service.choice({ model: installed(file, 'new') })
    await until(() => isReady(service), 15_000)
    expect(service.ladder.health()[0]?.model).toBe('new')
  }, 30_000)
})

describe('when somebody else is there', () => {
  test('a model server is used as it is', async () => {
    const server = serveChat({ chat: () => streamed(['From somewhere else [1].']) })
    open.push(server)
    const service = supervise({ says }, server.url)
    await service.settled
    await service.ladder.check()
    expect(await climb(service.ladder)).toMatchObject({
      rung: 'llm-service',
      text: 'From somewhere else [1].',
    })
    expect(service.pid()).toBeNull()
    expect(service.listens).toEqual([])
  })

  test('another program keeps its port: a free one is taken', async () => {
    const other = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response('<h1>Shop</h1>') })
    open.push({ stop: () => other.stop(true) })
    const service = supervise({ says }, `http://127.0.0.1:${other.port}`)
    await until(() => isReady(service))
    expect(await climb(service.ladder)).toMatchObject({ rung: 'llm-service', text: says })
    expect(service.listens).toEqual([{ host: '127.0.0.1', port: 0 }])
    const { url } = (await announcedModelService(service.dataDir)) ?? {}
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(url).not.toBe(`http://127.0.0.1:${other.port}`)
  }, 30_000)

  test('two that start at once each have their own, or share one', async () => {
    const url = `http://127.0.0.1:${freePort()}`
    const both = [supervise({ says }, url), supervise({ says }, url)]
    for (const service of both) await until(() => isReady(service))
    for (const service of both) expect((await climb(service.ladder)).text).toBe(says)
    expect(both.some((service) => service.pid() !== null)).toBe(true)
  }, 30_000)
})

test('a backend that is killed takes its service with it', async () => {
  const url = `http://127.0.0.1:${freePort()}`
  const folder = mkdtempSync(join(tmpdir(), 'mentor-service-'))
  open.push({ stop: () => rmSync(folder, { recursive: true }) })
  const file = join(folder, 'model.json')
  writeFileSync(file, JSON.stringify({ says }))
  const script = `
    import { superviseModelService } from ${JSON.stringify(join(import.meta.dir, '../../scripts/model-service.ts'))}
    const service = superviseModelService({
      url: ${JSON.stringify(url)}, apiKey: null, model: null, dataDir: ${JSON.stringify(folder)},
      command: ${JSON.stringify(command)},
      choose: async () => ({ model: { name: 'big', file: ${JSON.stringify(file)} } }),
      settings: (model, listen) => JSON.stringify({ listen, model }),
      tell: () => {}, log: () => {},
    })
    await service.settled
    console.log(service.pid())
    setInterval(() => {}, 1_000)`
  const backend = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe', stderr: 'inherit' })
  const reader = backend.stdout.getReader()
  const pid = Number(new TextDecoder().decode((await reader.read()).value))
  expect(isAlive(pid)).toBe(true)
  backend.kill('SIGKILL')
  await until(() => !isAlive(pid))
  // The record of a dead one is nobody's.
  expect(await announcedModelService(folder)).toBeNull()
}, 30_000)

test.each([
  ['http://localhost:8001', true],
  ['http://127.0.0.1:8001/v1', true],
  ['http://[::1]:8001', true],
  ['https://localhost:8001', false],
  ['http://localhost:8001/models/v1', false],
  ['http://gpu.example:8001', false],
])('%s can be a service of ours: %p', (url, can) => {
  expect(canRunAt(url)).toBe(can)
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
