/** `mentor start` through its life: first start, second start, ports, addresses, signals. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import {
  launchMentor,
  type MentorProcess,
  runMentor,
  startMentor,
  temporaryFolder,
} from '../../scripts/bench/mentor-process.ts'
import { findBackend } from '../../scripts/running.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeAll(async () => {
  folder = await temporaryFolder('start')
})
afterAll(() => folder.remove())

async function until(holds: () => Promise<boolean> | boolean, ms: number): Promise<boolean> {
  for (const end = performance.now() + ms; performance.now() < end; await Bun.sleep(50)) {
    if (await holds()) return true
  }
  return false
}

async function health(mentor: MentorProcess) {
  return (await (await fetch(`${mentor.url}/health`)).json()) as {
    status: string
    counts: { documents: number }
    ingesting: { done: number; total: number } | null
  }
}

const documents = async (dataDir: string) =>
  (
    JSON.parse((await runMentor(['documents', '--json', '--data', dataDir])).out) as {
      documents: { source: string }[]
    }
  ).documents

describe('one data directory', () => {
  let dataDir: string
  let mentor: MentorProcess
  beforeAll(async () => {
    dataDir = join(folder.path, 'one')
    mentor = await startMentor({ dataDir })
  }, 60_000)
  afterAll(() => mentor.stop())

  test('an empty one gets the handbook, and one screen says what is what', async () => {
    expect(await until(() => mentor.said().includes('Ctrl-C'), 30_000)).toBe(true)
    const said = mentor.said()
    expect(said).toContain(mentor.url)
    expect(said).toMatch(/\b[1-9]\d* documents, [1-9]\d* passages/)
    expect(said).toContain('context-only')
    expect(said).toContain('LLM_SERVICE')
    expect((await health(mentor)).counts.documents).toBeGreaterThanOrEqual(5)
  }, 40_000)

  test('commands find the running backend, and a question about the handbook is answered', async () => {
    const ran = await runMentor(['ask', 'When was the garden founded?', '--json', '--data', dataDir])
    expect(ran.code).toBe(0)
    const answer = JSON.parse(ran.out)
    expect(answer.abstained).toBe(false)
    const [citation] = answer.citations
    const text = await (await fetch(`${mentor.url}/api/documents/${citation.document.id}/text`)).json()
    expect(text.text.slice(citation.start, citation.end)).toBe(citation.quote)
    const doctor = await runMentor(['doctor', '--json', '--data', dataDir])
    const findings = JSON.parse(doctor.out).findings as { name: string; detail: string }[]
    expect(findings.find(({ name }) => name === 'Backend')?.detail).toContain(mentor.url)
  }, 20_000)

  test('a piped command says to people on stderr what a terminal would show', async () => {
    const ran = await runMentor(['ask', 'When was the garden founded?', '--data', dataDir])
    expect(ran).toMatchObject({ code: 0, out: '' })
    expect(ran.err).toMatch(/1931[\s\S]*Sources[\s\S]* \[1\] /)
  }, 20_000)

  test('a second start says where the first one is, and hands it its folders', async () => {
    const extra = join(folder.path, 'extra')
    await Bun.write(join(extra, 'tide.md'), '# Tide tables\n\nHigh water at Brenn is at noon.\n')
    const second = await runMentor(['start', extra, '--data', dataDir, '--port', '4321'])
    expect(second.code).toBe(0)
    expect(second.err).toContain(mentor.url)
    expect(second.err).toContain('not on 4321')
    const came = async () => (await documents(dataDir)).some(({ source }) => source.endsWith('tide.md'))
    expect(await until(came, 20_000)).toBe(true)
  }, 40_000)
})

test('Ctrl-C and SIGTERM end it within 5 s; a second start is not the first one again', async () => {
  const dataDir = join(folder.path, 'signals')
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const mentor = await startMentor({ dataDir })
    await until(async () => (await health(mentor)).counts.documents > 0, 30_000)
    const started = performance.now()
    mentor.child.kill(signal)
    expect(await mentor.child.exited).toBe(0)
    expect(performance.now() - started).toBeLessThan(5000)
    expect(existsSync(join(dataDir, 'backend.json'))).toBe(false)
  }
}, 90_000)

test('two first starts at once: one serves, the other says where', async () => {
  const dataDir = join(folder.path, 'twice')
  // The one that serves does not end by itself, so the first to end is the other one, whichever that is.
  const starts = [0, 1].map(() => launchMentor({ dataDir }))
  const loser = await Promise.race(starts.map((start) => start.child.exited.then(() => start)))
  const winner = starts.find((start) => start !== loser)
  const backend = await findBackend(dataDir)
  expect(loser.child.exitCode).toBe(0)
  expect(backend?.pid).toBe(winner?.child.pid ?? 0)
  expect(loser.said()).toContain(`Mentor is running already: ${backend?.url}`)
  winner?.child.kill('SIGINT')
  expect(await winner?.child.exited).toBe(0)
}, 90_000)

test('a taken port: exit code 1 and advice, before anything is made', async () => {
  const other = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('other') })
  try {
    const dataDir = join(folder.path, 'taken')
    const ran = await runMentor(['start', '--data', dataDir, '--port', String(other.port)])
    expect(ran).toMatchObject({ code: 1, out: '' })
    expect(ran.err).toContain(`--port ${(other.port ?? 0) + 1}`)
    expect(existsSync(join(dataDir, 'database'))).toBe(false)
  } finally {
    await other.stop(true)
  }
})

test('an address that others can reach is refused, except on demand', async () => {
  const dataDir = join(folder.path, 'open')
  for (const host of ['0.0.0.0', '::', '192.0.2.1']) {
    const ran = await runMentor(['start', '--data', dataDir, '--host', host])
    expect(ran.code).toBe(2)
    expect(ran.err).toContain('--unsafe-no-keys')
  }
  expect(existsSync(dataDir)).toBe(false)
  const mentor = await startMentor({ dataDir, args: ['--host', '0.0.0.0', '--unsafe-no-keys'] })
  expect((await health(mentor)).status).toBeString()
  await mentor.stop()
}, 60_000)

test('a folder that is not there is wrong use, and nothing starts', async () => {
  const ran = await runMentor(['start', join(folder.path, 'nowhere'), '--data', join(folder.path, 'none')])
  expect(ran.code).toBe(2)
  expect(ran.err).toContain('does not exist')
})
