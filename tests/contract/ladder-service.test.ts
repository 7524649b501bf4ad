/** Mentor as a person starts it, with a model that llama.cpp runs: who answers when the service is killed, and when no model is left. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import type { Answer } from '../../backend/answer/types.ts'
import { readEvents, type StreamEvent } from '../../scripts/api.ts'
import {
  type MentorProcess,
  runMentor,
  startMentor,
  temporaryFolder,
} from '../../scripts/bench/mentor-process.ts'
import { announcedModelService } from '../../scripts/running.ts'
import { writeScriptModel } from '../gguf/script-model.ts'

const says = 'Chainsaws need a licence from the forestry school [1].'
const question = 'Who needs a licence for chainsaws from the forestry school?'
const endless = ' Chainsaws need a licence from the forestry school [1].'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let data: string
let mentor: MentorProcess

function freePort(): number {
  const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response() })
  const { port } = server
  void server.stop(true)
  return port ?? 0
}

beforeAll(async () => {
  folder = await temporaryFolder('ladder')
  data = join(folder.path, 'data')
  const file = join(folder.path, 'by-heart.gguf')
  await writeScriptModel(file, {
    name: 'by-heart',
    contextLength: 8_192,
    scripts: [{ text: says }, { text: endless, when: 'forever', endless: true }],
  })
  expect(await runMentor(['models', 'add', file, '--data', data])).toMatchObject({ code: 0 })
  mentor = await startMentor({
    dataDir: data,
    environment: { LLM_SERVICE_ENABLED: 'true', LLM_SERVICE_URL: `http://127.0.0.1:${freePort()}` },
  })
  // A person sees on the screen that it is up, and who answers.
  await until(() => mentor.said().includes('Answers'))
}, 180_000)
afterAll(async () => {
  await mentor?.stop()
  await folder?.remove()
}, 30_000)

async function until(holds: () => boolean | Promise<boolean>, ms = 60_000): Promise<void> {
  const began = performance.now()
  while (!(await holds()) && performance.now() - began < ms) await Bun.sleep(50)
  if (!(await holds())) throw new Error(`still not so after ${ms / 1000} s:\n${mentor.said()}`)
}

const post = (body: object) =>
  fetch(`${mentor.url}/api/ask`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ question, ...body }),
  })

async function ask(body: object = {}): Promise<Answer> {
  const response = await post(body)
  expect(response.status).toBe(200)
  return (await response.json()) as Answer
}

async function servicePid(): Promise<number> {
  return (await announcedModelService(data))?.pid ?? 0
}

interface Health {
  strategy: string
  rungs: { rung: string; state: string; reason: string | null; model: string | null }[]
}
const health = async () => (await (await fetch(`${mentor.url}/health`)).json()) as Health
const serviceReady = async () => (await health()).rungs[0]?.state === 'ready'

describe('mentor start with a model', () => {
  test('the llm-service answers; screen, health, API and terminal say so', async () => {
    expect(mentor.said()).toContain('llm-service: by-heart writes them')
    expect(await health()).toMatchObject({ strategy: 'Answers come from the llm-service (by-heart)' })
    const answer = await ask()
    expect(answer).toMatchObject({ rung: 'llm-service', model: 'by-heart', abstained: false, answer: says })
    expect(answer.citations[0]?.document.source).toContain('tools-and-machines.md')
    const terminal = await runMentor(['ask', question, '--data', data])
    expect(terminal.err).toContain(says)
    expect(terminal.err).toMatch(/Answered by llm-service, by-heart in [\d.]+ s\n/)
  }, 60_000)

  test('what the model was given is counted by its own tokenizer, and holds what it says it read', async () => {
    // How this server counts is found out in the background.
    await until(async () => (await ask()).ladder[0]?.prompt?.counted === 'exact')
    const { ladder, usage } = await ask()
    const prompt = ladder[0]?.prompt
    expect(prompt).toMatchObject({ passages: 5, of: 5, context: 8_192, note: null })
    expect(usage.promptTokens).toBeGreaterThan(0)
    // Not less, and no more than what is kept for borders between parts.
    expect(prompt?.tokens).toBeGreaterThanOrEqual(usage.promptTokens ?? 0)
    expect(prompt?.tokens).toBeLessThan((usage.promptTokens ?? 0) + 200)
  }, 90_000)

  test('doctor names the service where it listens', async () => {
    const { out } = await runMentor(['doctor', '--json', '--data', data], {
      LLM_SERVICE_ENABLED: 'true',
      LLM_SERVICE_URL: 'http://127.0.0.1:9',
    })
    const { findings } = JSON.parse(out) as { findings: { name: string; detail: string }[] }
    expect(findings).toContainEqual(expect.objectContaining({ name: 'Rung llm-service', detail: 'by-heart' }))
    expect(findings).toContainEqual(
      expect.objectContaining({ name: 'Answers', detail: 'from the llm-service (by-heart)' }),
    )
  }, 60_000)
})

describe('the service is killed', () => {
  test('during a stream: the answer ends with an error, and nobody goes on with it', async () => {
    const response = await post({
      question: `${question} forever`,
      stream: true,
      rung: 'llm-service',
      max_tokens: 4_000,
    })
    const events: StreamEvent[] = []
    const pid = await servicePid()
    for await (const event of readEvents(response)) {
      if (event.type === 'text-delta' && !events.some(({ type }) => type === 'text-delta'))
        process.kill(pid, 'SIGKILL')
      events.push(event)
    }
    const texts = events.filter(({ type }) => type === 'text-delta').map(({ delta }) => String(delta))
    expect(texts.join('')).toStartWith(says)
    expect(events.some(({ type }) => type === 'data-answer')).toBe(false)
    const error = events.find(({ type }) => type === 'error')
    expect(String(error?.errorText)).toContain('The model stopped in the middle of its answer')
    await until(async () => (await servicePid()) !== pid && (await serviceReady()))
  }, 120_000)

  test('while idle: the local model answers, and says why', async () => {
    let answer: Answer
    do {
      await until(serviceReady)
      process.kill(await servicePid(), 'SIGKILL')
      await until(async () => !(await serviceReady()))
      answer = await ask()
      // On a slow machine it may be back before it is asked.
    } while (answer.rung === 'llm-service')
    expect(answer).toMatchObject({ rung: 'local-model', model: 'by-heart', answer: says })
    expect(answer.ladder[0]).toMatchObject({
      rung: 'llm-service',
      outcome: 'unavailable',
      reason: expect.stringMatching(
        /its process ended \(SIGKILL\), and it is started again|being started|is loading/,
      ),
    })
    await until(serviceReady)
  }, 120_000)

  test('before its first text: the local model answers within 2 s more', async () => {
    const pid = await servicePid()
    process.kill(pid, 'SIGSTOP')
    const asking = ask()
    await Bun.sleep(700)
    process.kill(pid, 'SIGKILL')
    const answer = await asking
    expect(answer).toMatchObject({ rung: 'local-model', answer: says })
    expect(answer.ladder[0]?.outcome).not.toBe('answered')
    // 2 s and a busy machine.
    expect(answer.ladder[0]?.ms).toBeLessThan(4_000)
    await until(serviceReady)
  }, 120_000)
})

describe('no model is left', () => {
  test('the documents answer, and every way of asking says what is missing', async () => {
    expect(await runMentor(['models', 'remove', 'by-heart', '--data', data])).toMatchObject({ code: 0 })
    await until(async () => (await health()).strategy.startsWith('Answers come from the documents alone'))
    await until(async () => (await health()).rungs[0]?.reason?.includes('no model is installed') === true)
    const answer = await ask()
    expect(answer).toMatchObject({ rung: 'context-only', model: null })
    expect(answer.ladder.map(({ rung, outcome }) => [rung, outcome])).toEqual([
      ['llm-service', 'unavailable'],
      ['local-model', 'unavailable'],
      ['context-only', 'answered'],
    ])
    expect(answer.ladder[0]?.reason).toMatch(
      /^nothing listens at .+, and no model is installed; .*pull qwen3-1\.7b/,
    )
    expect(answer.ladder[1]?.reason).toMatch(
      /^no model is installed; \.\/mentor models pull qwen3-0\.6b gets one$/,
    )
    const terminal = await runMentor(['ask', question, '--data', data])
    expect(terminal.err).toContain('Answered by context-only')
    expect(terminal.err).toContain('local-model: no model is installed')
  }, 120_000)
})

test('a backend that is killed leaves no model service behind', async () => {
  const left = await temporaryFolder('ladder-left')
  const file = join(left.path, 'by-heart.gguf')
  const dataDir = join(left.path, 'data')
  await writeScriptModel(file, { name: 'by-heart', scripts: [{ text: says }] })
  await runMentor(['models', 'add', file, '--data', dataDir])
  const killed = await startMentor({
    dataDir,
    environment: { LLM_SERVICE_ENABLED: 'true', LLM_SERVICE_URL: `http://127.0.0.1:${freePort()}` },
  })
  let pid = 0
  await until(async () => {
    pid = (await announcedModelService(dataDir))?.pid ?? 0
    return pid !== 0
  })
  killed.child.kill('SIGKILL')
  process.kill(killed.pid, 'SIGKILL')
  await until(() => !isAlive(pid), 30_000)
  await left.remove()
}, 120_000)

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
