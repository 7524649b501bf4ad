/** Mentor as a person starts it, on a data directory of its own, for measuring and for breaking. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { projectDir } from '../config.ts'
import { findBackend } from '../running.ts'

export interface MentorProcess {
  url: string
  pid: number
  dataDir: string
  /** From the start of the process until /health answered. */
  readyMs: number
  /** All it has said so far. */
  said(): string
  child: Bun.Subprocess
  /** Ends it as Ctrl-C would. @returns its exit code */
  stop(): Promise<number>
}

export interface StartOptions {
  dataDir: string
  args?: string[]
  environment?: Record<string, string>
  /** Another checkout than this one. */
  project?: string
  patienceMs?: number
}

export async function temporaryFolder(name: string): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), `mentor-${name}-`))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

/** No model server is asked, and the embedded database is used, unless `environment` says otherwise. */
const quiet = {
  DATABASE_URL: '',
  LLM_SERVICE_ENABLED: 'false',
  MENTOR_PORT: '',
  MENTOR_HOST: '',
  MENTOR_DATA: '',
}

/** Starts it, and does not wait. */
export function launchMentor({ dataDir, args = [], environment = {}, project = projectDir }: StartOptions): {
  child: Bun.Subprocess
  said(): string
} {
  const child = Bun.spawn([join(project, 'mentor'), 'start', '--data', dataDir, '--port', '0', ...args], {
    cwd: project,
    env: { ...process.env, ...quiet, ...environment },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const said: string[] = []
  for (const stream of [child.stdout, child.stderr]) void collect(stream, said)
  return { child, said: () => said.join('') }
}

/** @throws with what it said when it is not up in time. */
export async function startMentor(options: StartOptions): Promise<MentorProcess> {
  const { dataDir, patienceMs = 120_000 } = options
  const started = performance.now()
  const { child, said } = launchMentor(options)
  const stop = async () => {
    child.kill('SIGINT')
    return child.exited
  }
  while (performance.now() - started < patienceMs && child.exitCode === null && child.signalCode === null) {
    const backend = await findBackend(dataDir)
    if (backend !== null && backend.pid === child.pid) {
      return { ...backend, dataDir, readyMs: performance.now() - started, said, child, stop }
    }
    await Bun.sleep(20)
  }
  child.kill('SIGKILL')
  throw new Error(`mentor start is not up (exit code ${child.exitCode}):\n${said()}`)
}

export interface Ran {
  code: number
  out: string
  err: string
}

/** Another command of Mentor, to its end. */
export async function runMentor(args: string[], environment: Record<string, string> = {}): Promise<Ran> {
  const child = Bun.spawn([join(projectDir, 'mentor'), ...args], {
    env: { ...process.env, ...quiet, ...environment },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  return { code, out, err }
}

async function collect(stream: ReadableStream<Uint8Array>, into: string[]): Promise<void> {
  const decoder = new TextDecoder()
  for await (const bytes of stream) into.push(decoder.decode(bytes, { stream: true }))
}
