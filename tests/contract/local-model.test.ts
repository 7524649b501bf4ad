/** The second rung over real processes, whose model is scripted: started when needed, shared, given back, never in the way. */
import { afterEach, describe, expect, test } from 'bun:test'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LocalModelChoice, LocalModelOptions } from '../../backend/answer/2-local-model.ts'
import { AnswerBrokeOff } from '../../backend/answer/failures.ts'
import { type Ladder, type LadderSettings, openLadder } from '../../backend/answer/ladder.ts'
import { serveChat, streamed } from './chat-server.ts'
import { climb, settings } from './questions.ts'
import type { Script } from './scripted-service.ts'

const open: { stop(): unknown }[] = []
afterEach(async () => {
  for (const part of open.splice(0)) await part.stop()
})

interface LocalLadder extends Ladder {
  log: string[]
  /** Processes started so far, by their log. */
  starts(): number
  folder: string
  script(script: Script, name?: string): void
  /** What `choose` gives from now on. */
  choice(choice: LocalModelChoice): void
}

const patient = { firstTextMs: 20_000, betweenTextMs: 10_000, totalMs: 40_000 }
const says = 'The garden opens at nine [1].'

function ladderWith(
  script: Script | null,
  options: { settings?: Partial<LadderSettings>; local?: Partial<LocalModelOptions> } = {},
): LocalLadder {
  const folder = mkdtempSync(join(tmpdir(), 'mentor-local-'))
  const log: string[] = []
  let choice: LocalModelChoice = { missing: 'no model is installed; get one' }
  const write = (of: Script, name = 'small') => {
    const file = join(folder, `${name}.json`)
    writeFileSync(file, JSON.stringify(of))
    const listen = (unix: string) => JSON.stringify({ listen: { unix }, model: { name, file } })
    choice = { model: { name, file, settings: listen } }
  }
  if (script !== null) write(script)
  const ladder = openLadder(
    { ...settings, ...patient, serviceEnabled: false, ...options.settings },
    (line) => log.push(line),
    {
      counting: { loopbackMs: 5_000, otherMs: 5_000 },
      localModel: {
        command: [process.execPath, join(import.meta.dir, 'scripted-service.ts')],
        socketFolder: () => folder,
        idleMs: 60_000,
        log: (line) => log.push(line),
        choose: async () => choice,
        ...options.local,
      },
    },
  )
  open.push({
    async stop() {
      await ladder.close()
      rmSync(folder, { recursive: true })
    },
  })
  return Object.assign(ladder, {
    log,
    folder,
    starts: () => log.filter((line) => line === 'local model: listening').length,
    script: write,
    choice: (to: LocalModelChoice) => {
      choice = to
    },
  })
}

const sockets = ({ folder }: LocalLadder) => readdirSync(folder).filter((name) => name.startsWith('m'))

async function until(holds: () => boolean, ms = 5_000): Promise<void> {
  const began = performance.now()
  while (!holds() && performance.now() - began < ms) await Bun.sleep(10)
  expect(holds()).toBe(true)
}

describe('a local model', () => {
  test('is started by the first question, answers it, and serves the next ones', async () => {
    const ladder = ladderWith({ says, loadMs: 300 })
    await ladder.check()
    expect(ladder.health()[1]).toEqual({ rung: 'local-model', state: 'ready', reason: null, model: 'small' })
    expect(ladder.starts()).toBe(0)
    const first = await climb(ladder)
    expect(first).toMatchObject({ rung: 'local-model', text: says, error: null })
    expect(first.steps.map(({ rung, outcome }) => [rung, outcome])).toEqual([
      ['llm-service', 'skipped'],
      ['local-model', 'answered'],
    ])
    expect(first.steps[1]?.prompt).toMatchObject({ counted: 'exact', context: 6_000 })
    await climb(ladder)
    expect(ladder.starts()).toBe(1)
    expect(ladder.log[0]).toBe(
      'Answers come from the local model (small): the llm-service is not available, switched off (LLM_SERVICE_ENABLED).',
    )
  }, 30_000)

  test('is started once for questions that come together', async () => {
    const ladder = ladderWith({ says, loadMs: 300 })
    const all = await Promise.all(Array.from({ length: 8 }, () => climb(ladder)))
    expect(all.map(({ rung }) => rung)).toEqual(Array(8).fill('local-model'))
    expect(ladder.starts()).toBe(1)
    expect(sockets(ladder)).toHaveLength(1)
  }, 30_000)

  test('gives its memory back when nobody asks, and comes again when somebody does', async () => {
    const ladder = ladderWith({ says }, { local: { idleMs: 100 } })
    expect((await climb(ladder)).rung).toBe('local-model')
    await until(() => sockets(ladder).length === 0)
    expect(ladder.health()[1]?.state).toBe('ready')
    expect((await climb(ladder)).rung).toBe('local-model')
    expect(ladder.starts()).toBe(2)
  }, 30_000)

  test('that is loading keeps a client that goes away no longer than that, and goes on loading', async () => {
    const ladder = ladderWith({ says, loadMs: 1_000 })
    const gone = new AbortController()
    setTimeout(() => gone.abort(new Error('gone')), 300)
    const left = await climb(ladder, 'auto', gone.signal)
    expect(left.error).toMatchObject({ message: 'gone' })
    expect(left.ms).toBeLessThan(900)
    expect((await climb(ladder)).rung).toBe('local-model')
    expect(ladder.starts()).toBe(1)
  }, 30_000)

  test('that takes longer to load than the first text may: the documents answer meanwhile, later it does', async () => {
    const ladder = ladderWith({ says, loadMs: 2_000 }, { settings: { firstTextMs: 500 } })
    const first = await climb(ladder)
    expect(first.rung).toBe('context-only')
    expect(first.steps[1]).toMatchObject({ outcome: 'timeout', reason: 'no text within 0.5 s' })
    await Bun.sleep(2_500)
    expect((await climb(ladder)).rung).toBe('local-model')
  }, 30_000)
})

describe('one that is not there', () => {
  test('says how to get it, starts nothing, and costs no time', async () => {
    const ladder = ladderWith(null)
    await ladder.check()
    const { rung, steps } = await climb(ladder)
    expect(rung).toBe('context-only')
    expect(steps[1]).toMatchObject({
      outcome: 'unavailable',
      reason: 'no model is installed; get one',
      prompt: null,
    })
    expect(steps[1]?.ms).toBeLessThan(200)
    await expect(ladder.require('local-model')).rejects.toThrow('no model is installed')
  })

  test('is found once it is installed, and left once it is removed', async () => {
    const ladder = ladderWith(null)
    expect((await climb(ladder)).rung).toBe('context-only')
    ladder.script({ says })
    await ladder.check()
    expect((await climb(ladder)).rung).toBe('local-model')
    ladder.choice({ missing: 'no model is installed any more' })
    await ladder.check()
    expect((await climb(ladder)).steps[1]?.reason).toBe('no model is installed any more')
    await until(() => sockets(ladder).length === 0)
  }, 30_000)

  test('another model takes its place with the next question', async () => {
    const ladder = ladderWith({ says })
    await climb(ladder)
    ladder.script({ says: 'The other one says nine [1].' }, 'other')
    await ladder.check()
    expect((await climb(ladder)).text).toBe('The other one says nine [1].')
    expect(ladder.health()[1]?.model).toBe('other')
    expect(sockets(ladder)).toHaveLength(1)
  }, 30_000)

  test('a choice that cannot be made is a reason, not an error', async () => {
    const ladder = ladderWith(null, {
      local: { choose: () => Promise.reject(new Error('the lock file is broken')) },
    })
    expect((await climb(ladder)).steps[1]).toMatchObject({
      outcome: 'unavailable',
      reason: 'the lock file is broken',
    })
  })
})

describe('one that dies', () => {
  test('before its first text: the documents answer, and three times is enough', async () => {
    const ladder = ladderWith({ says, dies: 'before' })
    for (let i = 0; i < 3; i++) {
      const { rung, steps } = await climb(ladder)
      expect(rung).toBe('context-only')
      expect(steps[1]).toMatchObject({ outcome: 'failed', reason: 'its process ended (SIGKILL)' })
    }
    expect(ladder.starts()).toBe(3)
    expect((await climb(ladder)).steps[1]).toMatchObject({
      outcome: 'unavailable',
      reason: expect.stringMatching(
        /failed 3 times in a row, tried again in \d+ s: its process ended \(SIGKILL\)/,
      ),
    })
    expect(ladder.starts()).toBe(3)
    expect(ladder.log.at(-1)).toContain('the local model is not available, it failed again and again')
  }, 30_000)

  test('after its first text: the answer ends there, and the next question has a new process', async () => {
    const ladder = ladderWith({ says: 'The garden opens ', dies: 'after' })
    const broken = await climb(ladder)
    expect(broken.error).toBeInstanceOf(AnswerBrokeOff)
    expect(broken.error).toMatchObject({ reason: 'its process ended (SIGKILL)' })
    expect(broken.text).toBe('The garden opens ')
    ladder.script({ says })
    expect((await climb(ladder)).text).toBe(says)
    expect(ladder.starts()).toBe(2)
  }, 30_000)

  test.each([
    [
      'with a reason',
      {
        says,
        refuses: {
          line: '{"error":"model_corrupt","message":"The file is not the one that was recorded."}',
          code: 1,
        },
      },
      'it does not start: The file is not the one that was recorded.',
    ],
    [
      'without a word',
      { says, refuses: { line: '', code: 7 } },
      'it does not start: its process ended (exit code 7)',
    ],
    [
      'babbling',
      { says, babbles: 'hello' },
      'it does not start: it began with something else than where it listens',
    ],
  ])(
    'at its start, %s',
    async (_how, script: Script, reason) => {
      const ladder = ladderWith(script)
      const { rung, steps } = await climb(ladder)
      expect(rung).toBe('context-only')
      expect(steps[1]).toMatchObject({ outcome: 'unavailable', reason })
    },
    30_000,
  )

  test('a process that is stopped dead is noticed by the next question, and replaced', async () => {
    const ladder = ladderWith({ says })
    await climb(ladder)
    const [socket] = sockets(ladder)
    const pids = await childrenOf(process.pid, 'scripted-service')
    for (const pid of pids) process.kill(pid, 'SIGSTOP')
    expect((await climb(ladder)).text).toBe(says)
    expect(sockets(ladder)).not.toContain(socket ?? '')
    expect(ladder.starts()).toBe(2)
    for (const pid of pids) expect(isAlive(pid)).toBe(false)
  }, 30_000)

  test('questions that notice it one after the other share one new process', async () => {
    const ladder = ladderWith({ says, loadMs: 1_500 })
    await climb(ladder)
    for (const pid of await childrenOf(process.pid, 'scripted-service')) process.kill(pid, 'SIGSTOP')
    // The second is still looking when the first has found out and the third has started another.
    const asked = [0, 600, 1_200].map((ms) => Bun.sleep(ms).then(() => climb(ladder)))
    expect((await Promise.all(asked)).map(({ text }) => text)).toEqual([says, says, says])
    expect(ladder.starts()).toBe(2)
  }, 30_000)

  test('one that takes a while to say that it is there, and answers somebody, is left alone', async () => {
    const ladder = ladderWith({ says: 'The garden opens at nine [1]. '.repeat(5), pauseMs: 100 })
    const long = climb(ladder)
    await until(() => ladder.starts() === 1)
    await Bun.sleep(300)
    const [pid = 0] = await childrenOf(process.pid, 'scripted-service')
    process.kill(pid, 'SIGSTOP')
    setTimeout(() => process.kill(pid, 'SIGCONT'), 2_500)
    expect((await climb(ladder)).rung).toBe('local-model')
    expect((await long).error).toBeNull()
    expect(ladder.starts()).toBe(1)
  }, 30_000)

  test('a process that hangs while it loads its model is given up', async () => {
    const ladder = ladderWith({ says, loadMs: 60_000 }, { local: { hungMs: 2_000 } })
    const asked = climb(ladder)
    await until(() => ladder.starts() === 1)
    for (const pid of await childrenOf(process.pid, 'scripted-service')) process.kill(pid, 'SIGSTOP')
    expect((await asked).steps[1]).toMatchObject({
      outcome: 'unavailable',
      reason: 'it does not load its model: it hung',
    })
    ladder.script({ says })
    expect((await climb(ladder)).text).toBe(says)
  }, 30_000)

  test('under many questions at once: it counts as one failure, and the next question has a new process', async () => {
    const ladder = ladderWith({ says: 'The garden opens ', dies: 'after' })
    const broken = await Promise.all(Array.from({ length: 6 }, () => climb(ladder)))
    expect(broken.map(({ error }) => error instanceof AnswerBrokeOff)).toEqual(Array(6).fill(true))
    ladder.script({ says })
    expect((await climb(ladder)).rung).toBe('local-model')
  }, 30_000)
})

test('it stands in for a service that goes down, and is ready by the time it is asked', async () => {
  const server = serveChat({ chat: () => streamed(['From the service [1].']) })
  const ladder = ladderWith({ says }, { settings: { serviceEnabled: true, serviceUrl: server.url } })
  expect((await climb(ladder)).rung).toBe('llm-service')
  expect(ladder.starts()).toBe(0)
  await server.stop()
  // What the watch does every 10 s.
  await ladder.check()
  await until(() => ladder.starts() === 1)
  const { rung, steps } = await climb(ladder)
  expect(rung).toBe('local-model')
  expect(steps[0]).toMatchObject({
    outcome: 'unavailable',
    reason: expect.stringContaining('nothing listens'),
  })
  expect(ladder.log).toContainEqual(
    expect.stringMatching(
      /^Answers come from the local model \(small\): the llm-service is not available, nothing listens/,
    ),
  )
}, 30_000)

test('its process ends with the one that started it, even when that is killed', async () => {
  const ladder = ladderWith({ says })
  const file = join(ladder.folder, 'small.json')
  const script = `
    import { openLadder } from ${JSON.stringify(join(import.meta.dir, '../../backend/answer/ladder.ts'))}
    import { climb, settings } from ${JSON.stringify(join(import.meta.dir, 'questions.ts'))}
    const ladder = openLadder({ ...settings, serviceEnabled: false, firstTextMs: 20_000, totalMs: 40_000 }, () => {}, {
      localModel: {
        command: [process.execPath, ${JSON.stringify(join(import.meta.dir, 'scripted-service.ts'))}],
        socketFolder: () => ${JSON.stringify(ladder.folder)},
        idleMs: 60_000,
        log: () => {},
        choose: async () => ({ model: { name: 'small', file: ${JSON.stringify(file)},
          settings: (unix) => JSON.stringify({ listen: { unix }, model: { name: 'small', file: ${JSON.stringify(file)} } }) } }),
      },
    })
    console.log((await climb(ladder)).rung)
    setInterval(() => {}, 1_000)`
  const parent = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe', stderr: 'inherit' })
  const reader = parent.stdout.getReader()
  expect(new TextDecoder().decode((await reader.read()).value)).toContain('local-model')
  const [child] = await childrenOf(parent.pid, 'scripted-service')
  expect(child).toBeGreaterThan(0)
  parent.kill('SIGKILL')
  await until(() => !isAlive(child ?? 0))
  // Its socket is left; the next start in that folder takes it away.
  expect(sockets(ladder)).toEqual([`m${parent.pid}.1`])
  await climb(ladder)
  await until(() => !sockets(ladder).includes(`m${parent.pid}.1`))
}, 30_000)

async function childrenOf(parent: number, named: string): Promise<number[]> {
  const { stdout } = Bun.spawnSync(['ps', '-A', '-o', 'pid=,ppid=,args='])
  return String(stdout)
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .filter((found) => Number(found?.[2]) === parent && found?.[3]?.includes(named))
    .map((found) => Number(found?.[1]))
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
