/** One test file in a process group of its own, with a time limit. */
import { closeSync, existsSync, openSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { projectDir } from './config.ts'
import { type Outcome, readReport } from './junit.ts'

/**
 * @param file relative to `cwd`
 * @returns how each test ended; a hang, a crash and a file that cannot be loaded are failures with a name of their own.
 */
export async function runFile(
  file: string,
  environment: Record<string, string>,
  limitMs: number,
  signal: AbortSignal,
  cwd: string = projectDir,
): Promise<{ outcomes: Outcome[]; output: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'mentor-test-'))
  const junit = join(folder, 'report.xml')
  const logFile = join(folder, 'output')
  const log = openSync(logFile, 'a')
  const child = Bun.spawn(
    [process.execPath, 'test', '--reporter=junit', `--reporter-outfile=${junit}`, `./${file}`],
    {
      cwd,
      env: { ...process.env, ...environment },
      stdin: 'ignore',
      // A file, because a pipe would be held open by whatever a test left running.
      stdout: log,
      stderr: log,
      detached: true, // so that a hanging file ends together with all that it started
    },
  )
  const end = () => endGroup(child.pid)
  let hung = false
  const timer = setTimeout(() => {
    hung = true
    end()
  }, limitMs)
  signal.addEventListener('abort', end)
  process.on('exit', end)
  try {
    const code = await child.exited
    end() // what a test left running would disturb the next file
    const outcomes = existsSync(junit) ? readReport(await Bun.file(junit).text()) : []
    const failed = outcomes.some((outcome) => outcome.state === 'failed')
    if (hung) outcomes.push({ name: `${file} > ends within ${limitMs / 1000} s`, state: 'failed' })
    else if (code !== 0 && !failed)
      outcomes.push({ name: `${file} > runs (exit code ${code})`, state: 'failed' })
    return { outcomes, output: await Bun.file(logFile).text() }
  } finally {
    clearTimeout(timer)
    closeSync(log)
    signal.removeEventListener('abort', end)
    process.off('exit', end)
    await rm(folder, { recursive: true, force: true })
  }
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // nothing of the group is left
  }
}
