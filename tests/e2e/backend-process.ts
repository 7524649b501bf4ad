/** Mentor itself, started as a person would start it, on a data directory of its own. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const project = dirname(dirname(import.meta.dir))
const startMs = 90_000

export interface BackendProcess {
  url: string
  pid: number
  /** Ends it as Ctrl-C would, and waits for its end. */
  stop(): Promise<void>
}

export async function newDataDir(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'mentor-page-'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

/**
 * Starts the backend and waits until it has read the folders given.
 * @param port 0 takes a free one
 * @throws with the last of its output when it is not ready after 90 s
 */
export async function startBackend(options: {
  dataDir: string
  folders?: string[]
  port?: number
  serviceUrl: string
}): Promise<BackendProcess> {
  const argv = [
    'start',
    ...(options.folders ?? []),
    '--data',
    options.dataDir,
    '--port',
    `${options.port ?? 0}`,
  ]
  const child = Bun.spawn([process.execPath, join(project, 'scripts', 'mentor.ts'), ...argv], {
    cwd: project,
    env: {
      ...process.env,
      LLM_SERVICE_URL: options.serviceUrl,
      LLM_SERVICE_ENABLED: 'true',
      DATABASE_URL: '',
    },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const said: string[] = []
  void collect(child.stdout, said)
  void collect(child.stderr, said)
  const stop = async () => {
    child.kill('SIGINT')
    await child.exited
  }
  const deadline = performance.now() + startMs
  while (child.exitCode === null && performance.now() < deadline) {
    const url = await readyUrl(options.dataDir, child.pid)
    if (url !== null) return { url, pid: child.pid, stop }
    await Bun.sleep(200)
  }
  await stop()
  throw new Error(`the backend was not ready; it said:\n${said.join('').slice(-3_000)}`)
}

/** The address that the backend announced, once everything given to it is stored. */
async function readyUrl(dataDir: string, pid: number): Promise<string | null> {
  const announced = await readFile(join(dataDir, 'backend.json'), 'utf8').catch(() => '')
  if (announced === '') return null
  const backend: { pid: number; url: string } = JSON.parse(announced)
  if (backend.pid !== pid) return null
  const response = await fetch(`${backend.url}/health`).catch(() => null)
  if (response === null || !response.ok) return null
  const health: { ingesting: unknown; counts: { documents: number } } = await response.json()
  return health.ingesting === null && health.counts.documents > 0 ? backend.url : null
}

async function collect(stream: ReadableStream<Uint8Array>, into: string[]): Promise<void> {
  const decoder = new TextDecoder()
  for await (const chunk of stream) into.push(decoder.decode(chunk, { stream: true }))
}
