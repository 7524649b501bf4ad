/**
 * `mentor test`: linter, types, then every test file in a process of its own with a time limit, so that a hang or a
 * crash of one is one failure and not the end of the run. The last line is `N passed, N failed, N skipped`.
 */
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { findChromium } from '../tests/setup/chromium.ts'
import { findPostgres } from '../tests/setup/postgres.ts'
import { type PostgresServer, startPostgres } from '../tests/setup/postgres-server.ts'
import { run } from '../tests/setup/run.ts'
import { projectDir, readTestConfig, settings, type TestConfig } from './config.ts'
import { installDevelopment } from './install.ts'
import type { Outcome } from './junit.ts'
import { runFile } from './test-file.ts'

/** A file that takes longer hangs; the slowest one took 206 s on two busy cores. */
const fileLimitMs = 600_000
const longFileLimitMs = 3_600_000

interface Surroundings {
  environment: Record<string, string>
  /** What is missing here, and why. */
  missing: string[]
  close(): Promise<void>
}

/** @returns the exit code: 0 only when nothing failed and something passed. */
export async function runTests(filters: string[], long: boolean, signal: AbortSignal): Promise<number> {
  await installDevelopment()
  const config = readTestConfig()
  const surroundings = await prepare(config, long)
  try {
    for (const reason of surroundings.missing) say(`missing: ${reason}`)
    const outcomes = filters.length === 0 ? await staticChecks() : []
    const files = testFiles(filters, long)
    const runOne = async (file: string) => {
      const started = performance.now()
      const ran = await runFile(file, surroundings.environment, long ? longFileLimitMs : fileLimitMs, signal)
      outcomes.push(...ran.outcomes)
      summarise(file, ran.outcomes, started, ran.output)
    }
    await inLanes(longestFirst(files.filter((file) => !needsMachine(file))), lanes, runOne, signal)
    await inLanes(files.filter(needsMachine), 1, runOne, signal)
    if (signal.aborted) return 130
    return report(config.ci ? outcomes.map(refuseSkip) : outcomes)
  } finally {
    await surroundings.close()
  }
}

/** What the tests find in their environment; what is not there, they skip by name. */
async function prepare(config: TestConfig, long: boolean): Promise<Surroundings> {
  const missing: string[] = []
  // The settings of the person who runs the tests, their database above all, are not those of the tests.
  const names = Object.values(settings).flatMap(({ env }) => env)
  const environment: Record<string, string> = Object.fromEntries(names.map((name) => [name, '']))
  if (long) environment.MENTOR_TEST_LONG = '1'
  const attempt = async (what: string, make: () => Promise<void>) => {
    await make().catch((error: unknown) =>
      missing.push(`${what}: ${error instanceof Error ? error.message : error}`),
    )
  }
  const { shared, chromium, databaseUrl } = config
  if (existsSync(join(shared, 'data'))) environment.MENTOR_SHARED = shared
  else missing.push(`graded collections: no ${join(shared, 'data')} (MENTOR_SHARED names their folder)`)

  await attempt('Chromium', async () => {
    environment.MENTOR_TEST_CHROMIUM = chromium ?? (await findChromium(say))
  })
  let server: PostgresServer | null = null
  await attempt('Postgres', async () => {
    if (databaseUrl !== null)
      return void Object.assign(environment, { MENTOR_TEST_DATABASE_URL: databaseUrl })
    server = await startPostgres(await findPostgres(say))
    environment.MENTOR_TEST_DATABASE_URL = server.url
    say(server.version)
  })
  return { environment, missing, close: async () => void (await (server as PostgresServer | null)?.stop()) }
}

async function staticChecks(): Promise<Outcome[]> {
  const bin = (name: string) => join(projectDir, 'node_modules', '.bin', name)
  const checks: [string, string[]][] = [
    ['format and lint (biome)', [bin('biome'), 'check', '.']],
    ['types (tsc)', [bin('tsc'), '--noEmit']],
  ]
  const outcomes: Outcome[] = []
  for (const [name, argv] of checks) {
    const started = performance.now()
    const { code, all } = await run(argv, {}, projectDir)
    if (code !== 0) process.stderr.write(`${all}\n`)
    outcomes.push({ name, state: code === 0 ? 'passed' : 'failed' })
    say(`${code === 0 ? 'ok  ' : 'FAIL'} ${name} ${seconds(started)}`)
  }
  return outcomes
}

/** Files that measure out time against processes that die, hang and come back. */
function needsMachine(file: string): boolean {
  return /^tests\/(faults\/(kill|ladder|llm-service|requests-transport|start)|contract\/(ladder|local-model|model-ser|rungs))/.test(
    file,
  )
}

/** The evaluation embeds five collections: last, it would keep one lane waiting for minutes. */
function longestFirst(files: string[]): string[] {
  const long = (file: string) => file === 'tests/eval/quality.test.ts'
  return [...files.filter(long), ...files.filter((file) => !long(file))]
}

/** Most files wait as much as they compute; each has ports, folders and databases of its own. */
const lanes = Math.min(2, availableParallelism())

async function inLanes(
  files: string[],
  count: number,
  runOne: (file: string) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const left = files.values()
  const lane = async () => {
    for (const file of left) {
      if (signal.aborted) return
      await runOne(file)
    }
  }
  await Promise.all(Array.from({ length: count }, lane))
}

/** Long tests are files of their own, `*.long.test.ts`; a filter is a part of the path. */
function testFiles(filters: string[], long: boolean): string[] {
  const files = [...new Bun.Glob('tests/**/*.test.{ts,tsx}').scanSync({ cwd: projectDir })].sort()
  return files
    .filter((file) => long || !file.includes('.long.test.'))
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
}

function summarise(file: string, outcomes: Outcome[], started: number, output: string): void {
  const failed = tally(outcomes, 'failed')
  if (failed > 0) process.stderr.write(`${output.trim()}\n`)
  const skipped = tally(outcomes, 'skipped')
  const counts = [
    `${tally(outcomes, 'passed')} passed`,
    failed > 0 ? `${failed} failed` : '',
    skipped > 0 ? `${skipped} skipped` : '',
  ]
  say(`${failed > 0 ? 'FAIL' : 'ok  '} ${file} ${counts.filter(Boolean).join(', ')} ${seconds(started)}`)
}

/** In CI everything can be installed, so only what needs a GPU may be skipped. */
export function refuseSkip(outcome: Outcome): Outcome {
  if (outcome.state !== 'skipped' || /\bGPU\b/.test(outcome.name)) return outcome
  return { name: `${outcome.name} (skipped, which CI does not allow)`, state: 'failed' }
}

function report(outcomes: Outcome[]): number {
  for (const state of ['skipped', 'failed'] as const) {
    for (const outcome of outcomes) if (outcome.state === state) say(`${state}: ${outcome.name}`)
  }
  const [passed, failed, skipped] = [
    tally(outcomes, 'passed'),
    tally(outcomes, 'failed'),
    tally(outcomes, 'skipped'),
  ]
  process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`)
  return failed === 0 && passed > 0 ? 0 : 1
}

const tally = (outcomes: Outcome[], state: Outcome['state']) =>
  outcomes.filter((o) => o.state === state).length
const seconds = (started: number) => `${((performance.now() - started) / 1000).toFixed(1)} s`

/** Everything but the last line: on stderr, so that the counts stand alone on stdout. */
function say(line: string): void {
  process.stderr.write(`${line}\n`)
}
