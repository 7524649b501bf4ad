/**
 * kill -9 of an ingest, of the backend and of the embedded database, in turn and during work: what was acknowledged is
 * there afterwards, nothing is half there, and no hand is needed. Ten rounds of each with `./mentor test --long`.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type MentorProcess,
  runMentor,
  startMentor,
  temporaryFolder,
} from '../../scripts/bench/mentor-process.ts'
import { projectDir } from '../../scripts/config.ts'
import { processesOf } from '../setup/processes.ts'

const rounds = process.env.MENTOR_TEST_LONG ? 10 : 2
const fileCount = 30
const roundMs = 45_000
const noProcessList = process.platform !== 'linux'
const needs = noProcessList ? ' (skipped: finding the database’s process needs /proc)' : ''

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let files: string

/** Three sections, so three passages: a file half written would show. No text is in two files. */
function body(n: number): string {
  const sections = [1, 2, 3].map(
    (part) => `## Part ${part} of ${n}\n\nValve ${n}-${part} opens at ${n * 7 + part} bar.\n`,
  )
  return `# Manual ${n}\n\n${sections.join('\n')}`
}

beforeAll(async () => {
  folder = await temporaryFolder('kill')
  files = join(folder.path, 'files')
  await mkdir(files)
  for (let n = 0; n < fileCount; n += 1) await Bun.write(join(files, `${n}.md`), body(n))
})
afterAll(() => folder.remove())

interface Listed {
  source: string
  passages: number
}

async function list(dataDir: string): Promise<Map<string, number>> {
  const ran = await runMentor(['documents', '--json', '--data', dataDir])
  expect(ran.err).toBe('')
  const { documents } = JSON.parse(ran.out) as { documents: Listed[] }
  const sources = documents.map(({ source }) => source)
  expect(new Set(sources).size).toBe(sources.length)
  return new Map(documents.map(({ source, passages }) => [source, passages]))
}

/** Ingests, and is killed once so many files were acknowledged. @returns those files */
async function ingestUntil(dataDir: string, acknowledged: number): Promise<string[]> {
  const child = Bun.spawn([join(projectDir, 'mentor'), 'ingest', files, '--json', '--data', dataDir], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'ignore',
    env: { ...process.env, DATABASE_URL: '' },
  })
  const done: string[] = []
  let rest = ''
  const decoder = new TextDecoder()
  for await (const bytes of child.stdout) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const said = JSON.parse(line)
      if (['added', 'unchanged', 'replaced'].includes(said.status)) done.push(said.file)
    }
    if (done.length >= acknowledged) child.kill('SIGKILL')
  }
  await child.exited
  return done
}

test(
  `an ingest killed ${rounds} times goes on where it was`,
  async () => {
    const dataDir = join(folder.path, 'ingest')
    let before = 0
    for (let round = 1; round <= rounds; round += 1) {
      const target = Math.floor((fileCount * round) / (rounds + 1))
      const done = await ingestUntil(dataDir, target)
      const stored = await list(dataDir)
      expect(stored.size).toBeGreaterThanOrEqual(Math.max(before, new Set(done).size))
      for (const [, passages] of stored) expect(passages).toBeGreaterThanOrEqual(3)
      before = stored.size
    }
    const last = await runMentor(['ingest', files, '--json', '--data', dataDir])
    expect(last.code).toBe(0)
    const { totals } = JSON.parse(last.out.trim().split('\n').at(-1) ?? '')
    expect(totals).toMatchObject({
      files: fileCount,
      unchanged: before,
      added: fileCount - before,
      failed: 0,
    })
    const whole = await list(dataDir)
    expect(whole.size).toBe(fileCount)
    // Every file has the same shape, so a version of which passages were lost would stand out.
    expect(new Set(whole.values()).size).toBe(1)
  },
  roundMs * rounds,
)

/** One file a request, answered once it is in; the backend is killed while the one after the third is under way. */
async function uploadAndKill(mentor: MentorProcess, round: number): Promise<string[]> {
  const acknowledged: string[] = []
  for (let n = 0; n < 50; n += 1) {
    const name = `r${round}-${n}.md`
    const form = new FormData()
    form.append('files', new File([body(1000 * round + n)], name))
    if (acknowledged.length === 3) setTimeout(() => mentor.child.kill('SIGKILL'), 40 * (round % 6))
    try {
      const response = await fetch(`${mentor.url}/api/documents?wait=true`, { method: 'POST', body: form })
      if (response.ok) acknowledged.push(name)
    } catch {
      return acknowledged // the backend is gone
    }
  }
  throw new Error('the backend outlived its kill')
}

test(
  `a backend killed ${rounds} times loses no upload that it acknowledged`,
  async () => {
    const dataDir = join(folder.path, 'backend')
    const all: string[] = []
    for (let round = 1; round <= rounds; round += 1) {
      const mentor = await startMentor({ dataDir })
      const acknowledged = await uploadAndKill(mentor, round)
      await mentor.child.exited
      expect(acknowledged.length).toBeGreaterThanOrEqual(3)
      all.push(...acknowledged)
      const stored = await list(dataDir)
      for (const name of all) expect(stored.get(name)).toBeGreaterThanOrEqual(3)
    }
    const mentor = await startMentor({ dataDir })
    expect(await mentor.stop()).toBe(0)
  },
  roundMs * rounds,
)

test.skipIf(noProcessList)(
  `an embedded database killed ${rounds} times is back within 5 s, with all it held${needs}`,
  async () => {
    const dataDir = join(folder.path, 'database')
    const ingested = await runMentor(['ingest', files, '--json', '--data', dataDir])
    expect(ingested.code).toBe(0)
    const mentor = await startMentor({ dataDir })
    try {
      for (let round = 1; round <= rounds; round += 1) {
        const asking = Array.from({ length: 4 }, () =>
          ask(mentor, `At how many bar does valve ${round}-1 open?`),
        )
        const servers = await processesOf(dataDir, 'embedded/server.ts')
        expect(servers.length).toBe(1)
        for (const pid of servers) process.kill(pid, 'SIGKILL')
        const killed = performance.now()
        // Those under way end, with an answer or a 503.
        for (const status of await Promise.all(asking)) expect([200, 503]).toContain(status)
        while ((await ask(mentor, 'At how many bar does a valve open?')) !== 200) await Bun.sleep(50)
        expect(performance.now() - killed).toBeLessThan(5000)
        expect((await list(dataDir)).size).toBe(fileCount)
      }
      expect(mentor.child.exitCode).toBeNull()
    } finally {
      await mentor.stop()
    }
  },
  roundMs * rounds,
)

async function ask(mentor: MentorProcess, question: string): Promise<number> {
  const response = await fetch(`${mentor.url}/api/ask`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ question }),
  })
  const answer = (await response.json()) as { citations?: unknown[] }
  if (response.status === 200) expect(answer.citations?.length).toBeGreaterThan(0)
  return response.status
}
