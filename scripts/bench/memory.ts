/**
 * Resident memory of every process with Cranfield loaded, idle: `bun scripts/bench/memory.ts` (Linux).
 * RSS counts pages that processes share once for each of them; PSS divides them, and is the true cost.
 */
import { readdir } from 'node:fs/promises'
import { writeAbstracts } from './cranfield.ts'
import { figure, heading } from './figures.ts'
import { runMentor, startMentor, temporaryFolder } from './mentor-process.ts'

/** Longer than the minute after which idle embedding workers end. */
const idleSeconds = 75
const questions = 20
const limitMb = 800

interface Process {
  pid: number
  parent: number
  command: string
  rssMb: number
  pssMb: number
}

async function processes(): Promise<Process[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const found = await Promise.all(pids.map(readProcess))
  return found.filter((process) => process !== null)
}

async function readProcess(pid: number): Promise<Process | null> {
  try {
    const [status, rollup, command] = await Promise.all(
      ['status', 'smaps_rollup', 'cmdline'].map((name) => Bun.file(`/proc/${pid}/${name}`).text()),
    )
    const number = (text: string | undefined, name: string) =>
      Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text ?? '')?.[1] ?? 0)
    return {
      pid,
      parent: number(status, 'PPid'),
      command: (command ?? '').replaceAll('\0', ' ').trim(),
      rssMb: number(rollup, 'Rss') / 1024,
      pssMb: number(rollup, 'Pss') / 1024,
    }
  } catch {
    return null // it ended meanwhile
  }
}

/** The backend, all below it, and the embedded database, which is nobody's child but names the data directory. */
function ofMentor(all: Process[], root: number, dataDir: string): Process[] {
  const pids = new Set([root])
  for (let grown = true; grown; ) {
    const more = all.filter(
      ({ pid, parent, command }) => !pids.has(pid) && (pids.has(parent) || command.includes(dataDir)),
    )
    for (const { pid } of more) pids.add(pid)
    grown = more.length > 0
  }
  return all.filter(({ pid }) => pids.has(pid))
}

async function report(when: string, root: number, dataDir: string): Promise<{ rss: number; pss: number }> {
  const own = ofMentor(await processes(), root, dataDir)
  console.log(`  ${when}`)
  for (const { command, rssMb, pssMb } of own) {
    const name = command.split(' ').find((part) => /\.ts$/.test(part)) ?? command
    figure(
      `  ${name.split('/').slice(-2).join('/')}`,
      `RSS ${rssMb.toFixed(0)} MB, PSS ${pssMb.toFixed(0)} MB`,
    )
  }
  const sum = (key: 'rssMb' | 'pssMb') => own.reduce((total, process) => total + process[key], 0)
  return { rss: sum('rssMb'), pss: sum('pssMb') }
}

heading('memory', `all processes together hold at most ${limitMb} MB with Cranfield loaded, idle`, {
  database: 'embedded',
  'questions before': questions,
  'idle seconds': idleSeconds,
})
const files = await temporaryFolder('bench-cranfield')
const data = await temporaryFolder('bench-memory')
try {
  await writeAbstracts(files.path)
  const ingested = await runMentor(['ingest', files.path, '--data', data.path, '--json'])
  if (ingested.code !== 0) throw new Error(ingested.err)
  const mentor = await startMentor({ dataDir: data.path })
  for (let question = 0; question < questions; question += 1) {
    const response = await fetch(`${mentor.url}/api/search`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: `heat transfer at mach ${question}` }),
    })
    if (!response.ok) throw new Error(`search answered ${response.status}`)
  }
  const busy = await report('right after the questions', mentor.pid, data.path)
  await Bun.sleep(idleSeconds * 1000)
  const idle = await report('idle', mentor.pid, data.path)
  figure('sum of RSS, idle', `${idle.rss.toFixed(0)} MB`, {
    holds: idle.rss <= limitMb,
    text: `at most ${limitMb} MB`,
  })
  figure('sum of PSS, idle', `${idle.pss.toFixed(0)} MB`)
  figure('idle ÷ busy, RSS', (idle.rss / busy.rss).toFixed(2))
  await mentor.stop()
} finally {
  await Promise.all([files.remove(), data.remove()])
}
