/**
 * Kills under load, and clients that hang up, with real parts: Mentor as a person starts it, a model a rung, llama.cpp.
 * Ten minutes of it in ladder-kills.long.test.ts.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { readEvents } from '../../scripts/api.ts'
import { type Asked, ask, type Outcome, tally } from './ladder-clients.ts'
import {
  allProcesses,
  deadlines,
  endlessQuestion,
  type LadderMentor,
  notSaidBy,
  openFiles,
  question,
  residentMB,
  type ServiceHealth,
  serviceHealth,
  serviceReady,
  startLadderMentor,
} from './ladder-mentor.ts'
import { faultsOf, figures, slackMs, storm } from './ladder-storm.ts'

const noProcessList = process.platform !== 'linux'

describe.skipIf(noProcessList)('the ladder under kills (needs /proc)', () => {
  let mentor: LadderMentor
  beforeAll(async () => {
    // One slot a worker: two streams are on two workers, and more wait in the queue.
    mentor = await startLadderMentor({ LLM_SLOTS: '1' })
    await serviceReady(mentor)
  }, 120_000)
  afterAll(() => mentor?.finish(), 30_000)

  test('a worker that crashes ends its own stream; the stream of the other one goes on to its end', async () => {
    const workers = (await serviceReady(mentor)).workers.map(({ pid }) => pid ?? 0)
    const maxTokens = 4_000
    const speaking = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const streams = speaking.map(async ({ resolve }) => {
      const response = await fetch(`${mentor.url}/api/ask`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ question: endlessQuestion, stream: true, max_tokens: maxTokens }),
      })
      let text = ''
      const ends: { type: unknown; said: string }[] = []
      for await (const { type, delta, errorText, data } of readEvents(response)) {
        if (type === 'text-delta') text += String(delta)
        if (type === 'text-delta') resolve()
        if (type === 'error' || type === 'data-answer')
          ends.push({ type, said: type === 'error' ? String(errorText) : JSON.stringify(data) })
      }
      return { text, ends }
    })
    await Promise.all(speaking.map(({ promise }) => promise))
    process.kill(workers[0] ?? 0, 'SIGSEGV')
    const ended = await Promise.all(streams)
    for (const { text, ends } of ended) {
      expect(ends).toHaveLength(1)
      expect(notSaidBy('llm-service', text, false)).toBeNull()
    }
    const [broken] = ended.filter(({ ends }) => ends[0]?.type === 'error')
    const [whole] = ended.filter(({ ends }) => ends[0]?.type === 'data-answer')
    expect(broken?.ends[0]?.said).toStartWith('The model stopped in the middle of its answer')
    expect(JSON.parse(whole?.ends[0]?.said ?? '{}')).toMatchObject({
      rung: 'llm-service',
      usage: { completionTokens: maxTokens },
    })
    const after = (await serviceReady(mentor)).workers
    expect(after.map(({ restarts }) => restarts)).toEqual([1, 0])
    expect(after[1]?.pid).toBe(workers[1] ?? 0)
  }, 90_000)

  describe('200 of 500 clients that hang up leave nothing behind', () => {
    const atOnce = 24
    const kept = { leaveAfter: null, question, maxTokens: 256 }
    const patienceMs = deadlines.total * 1000 + slackMs
    const anyOf = (n: number): Asked => {
      const stream = n % 2 === 0
      if (n % 5 >= 2) return { ...kept, stream, rung: 'auto' }
      const leaveAfter = 5 + ((n * 37) % 400)
      return { question: endlessQuestion, stream, rung: 'auto', maxTokens: 2_000, leaveAfter }
    }

    test('of the backend', async () => {
      const round = (count: number) => inTurns(count, atOnce, (n) => ask(mentor.url, anyOf(n), patienceMs))
      await round(60)
      const before = await idle(mentor)
      const outcomes = await round(500)
      const came = outcomes.filter(({ asked }) => asked.leaveAfter === null)
      expect(outcomes.filter(({ kind }) => kind === 'wrong' || kind === 'error')).toEqual([])
      expect(came.filter(({ kind }) => kind === 'answer')).toHaveLength(300)
      expect(outcomes.filter(({ kind }) => kind === 'left').length).toBeGreaterThan(150)
      const rungs = came.map((one: Outcome) => (one.kind === 'answer' ? one.rung : one.kind))
      console.log(`through the backend: ${tally(rungs).join(', ')}`)
      expectNothingLeft(before, await idle(mentor, before))
    }, 150_000)

    test('of the llm-service', async () => {
      const { url } = await serviceReady(mentor)
      const round = (count: number) => inTurns(count, atOnce, (n) => chat(url, anyOf(n)))
      await round(60)
      const before = await idle(mentor)
      const outcomes = await round(500)
      expect(outcomes.filter((outcome) => outcome === 'answered').length).toBeGreaterThanOrEqual(300)
      expect(outcomes.filter((outcome) => outcome === 'left').length).toBeGreaterThan(150)
      expect(outcomes.filter((outcome) => outcome !== 'answered' && outcome !== 'left')).toEqual([])
      expectNothingLeft(before, await idle(mentor, before))
    }, 120_000)
  })

  test('6 random kills in 25 s: every question is answered or told why not, and nothing is left', async () => {
    await serviceReady(mentor)
    const seed = Math.floor(Math.random() * 2 ** 31)
    const came = await storm(mentor, { seconds: 25, kills: 6, clients: 6, seed, stoppedSeconds: 4 })
    console.log(`seed ${seed}\n${figures(came)}`)
    expect(faultsOf(came)).toEqual([])
    expect(came.kills).toHaveLength(6)
    expect(came.outcomes.filter(({ kind }) => kind === 'answer').length).toBeGreaterThan(20)
    // Else nothing was there to be killed.
    const rungs = new Set(came.outcomes.flatMap((one) => (one.kind === 'answer' ? [one.rung] : [])))
    expect([rungs.has('llm-service'), rungs.has('local-model')]).toEqual([true, true])
    await serviceReady(mentor)
    expect(await mentor.finish()).toEqual({ exitCode: 0, processes: [], sockets: [] })
  }, 150_000)
})

interface Held {
  health: ServiceHealth
  processes: string[]
  files: Map<number, string[]>
  memory: Map<number, number>
}

/** What Mentor holds when nobody asks; with `as`, once it is no more than that, or 25 s later. */
async function idle(mentor: LadderMentor, as?: Held): Promise<Held> {
  for (const end = performance.now() + 25_000; ; await Bun.sleep(100)) {
    const health = await serviceHealth(mentor)
    if (health === null) throw new Error(`The llm-service is gone:\n${mentor.said()}`)
    const all = allProcesses()
    const family = [mentor.pid]
    for (const pid of family) family.push(...all.filter(({ parent }) => parent === pid).map((one) => one.pid))
    const held: Held = {
      health,
      processes: all.filter(({ pid }) => family.includes(pid)).map(({ pid, command }) => `${pid} ${command}`),
      files: new Map(family.map((pid) => [pid, openFiles(pid)])),
      memory: new Map(family.map((pid) => [pid, residentMB(pid)])),
    }
    const isQuiet = health.queue.active + health.queue.waiting === 0
    const isSame = as === undefined || tooManyFiles(as, held).length === 0
    if ((isQuiet && isSame) || performance.now() > end) return held
  }
}

/** A log rotated, a connection to the database more: a few. What 200 clients left would be 200. */
const fewFiles = 4

function tooManyFiles(before: Held, after: Held): string[] {
  return [...after.files].flatMap(([pid, files]) => {
    const more = files.length - (before.files.get(pid)?.length ?? 0)
    return more <= fewFiles ? [] : [`${pid} has ${more} more: ${tally(files.map(kindOf)).join(', ')}`]
  })
}

const kindOf = (file: string) => file.replace(/\[\d+\]/, '')

function expectNothingLeft(before: Held, after: Held): void {
  const named = [...after.memory].map(([pid, mb]) => {
    const command = after.processes.find((one) => one.startsWith(`${pid} `)) ?? ''
    const name = /[\w-]+\/[\w-]+\.ts/.exec(command)?.[0] ?? command
    const files = [before, after].map(({ files }) => files.get(pid)?.length)
    return `${name} ${before.memory.get(pid)} → ${mb} MB, ${files.join(' → ')} files`
  })
  console.log(named.join('\n'))
  expect(after.health.queue).toMatchObject({ active: 0, waiting: 0 })
  expect(after.health.workers.map(({ pid }) => pid)).toEqual(before.health.workers.map(({ pid }) => pid))
  expect(after.processes).toEqual(before.processes)
  expect(tooManyFiles(before, after)).toEqual([])
}

async function inTurns<T>(count: number, atOnce: number, each: (n: number) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  let next = 0
  const client = async () => {
    while (next < count) results.push(await each(next++))
  }
  await Promise.all(Array.from({ length: atOnce }, client))
  return results
}

/** The same question without the ladder. */
async function chat(url: string, { question, stream, maxTokens, leaveAfter }: Asked): Promise<string> {
  const signal = leaveAfter === null ? null : AbortSignal.timeout(leaveAfter)
  try {
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        messages: [{ role: 'user', content: question }],
        stream,
        max_tokens: maxTokens,
      }),
      signal,
      keepalive: false,
    })
    const said = await response.text()
    if (!response.ok) return `${response.status} ${said}`
    const whole = stream ? said.trimEnd().endsWith('data: [DONE]') : said.includes('"finish_reason"')
    return whole ? 'answered' : said.slice(-200)
  } catch (error) {
    return signal?.aborted ? 'left' : String(error)
  }
}
