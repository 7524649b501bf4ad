/** What `./mentor test` makes of a file that hangs, crashes, cannot be loaded or leaves a process behind. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { refuseSkip } from '../../scripts/test.ts'
import { runFile } from '../../scripts/test-file.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mentor-runner-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const begin = `import { expect, test } from 'bun:test'\n`

async function run(name: string, source: string, limitMs = 20_000) {
  await Bun.write(join(folder, name), begin + source)
  return runFile(name, { FROM_RUNNER: 'yes' }, limitMs, new AbortController().signal, folder)
}

test('passed, failed and skipped tests, with what was said', async () => {
  const { outcomes, output } = await run(
    'mixed.test.ts',
    `test('good', () => expect(process.env.FROM_RUNNER).toBe('yes'))
     test('bad', () => { console.log('a word'); expect(1).toBe(2) })
     test.skip('later', () => {})`,
  )
  expect(outcomes).toEqual([
    { name: 'mixed.test.ts > good', state: 'passed' },
    { name: 'mixed.test.ts > bad', state: 'failed' },
    { name: 'mixed.test.ts > later', state: 'skipped' },
  ])
  expect(output).toContain('a word')
})

test('a hang is a failure, although the test itself allows it', async () => {
  const started = performance.now()
  const { outcomes } = await run('hang.test.ts', `test('waits', () => Bun.sleep(60_000), 120_000)`, 1500)
  expect(outcomes).toEqual([{ name: 'hang.test.ts > ends within 1.5 s', state: 'failed' }])
  expect(performance.now() - started).toBeLessThan(20_000)
})

test.each([
  ['a crash', 'crash.test.ts', `test('dies', () => process.kill(process.pid, 'SIGKILL'))`],
  ['an import of nothing', 'import.test.ts', `import './nothing.ts'\ntest('never', () => {})`],
])('%s is a failure with the name of the file', async (_, name, source) => {
  const { outcomes } = await run(name, source)
  expect(outcomes).toHaveLength(1)
  expect(outcomes[0]?.state).toBe('failed')
  expect(outcomes[0]?.name).toStartWith(`${name} > runs (exit code `)
})

test('a process that a test leaves behind is ended with its file', async () => {
  const { outcomes, output } = await run(
    'leaves.test.ts',
    `test('leaves one', () => { const child = Bun.spawn(['sleep', '600'], { stdout: 'inherit' }); child.unref(); console.log('pid ' + child.pid) })`,
  )
  expect(outcomes[0]?.state).toBe('passed')
  const pid = Number(/pid (\d+)/.exec(output)?.[1])
  expect(pid).toBeGreaterThan(1)
  for (let tries = 0; tries < 100 && isAlive(pid); tries += 1) await Bun.sleep(20)
  expect(isAlive(pid)).toBe(false)
})

/** Without /proc, where no zombie can be told from a live process, init has waited for it by now. */
function isAlive(pid: number): boolean {
  const stat = existsSync('/proc/self/stat') ? readFile(`/proc/${pid}/stat`) : null
  if (stat !== null) return stat !== '' && !/^\d+ \(.*\) Z/.test(stat)
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

function readFile(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}

test('in CI only what needs a GPU may be skipped', () => {
  expect(refuseSkip({ name: 'a > needs root', state: 'skipped' }).state).toBe('failed')
  expect(refuseSkip({ name: 'a > needs a GPU', state: 'skipped' }).state).toBe('skipped')
  expect(refuseSkip({ name: 'a', state: 'passed' })).toEqual({ name: 'a', state: 'passed' })
})
