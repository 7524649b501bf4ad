/** The model service as its own process, on a model that says by heart what a test wants. */
import { join } from 'node:path'
import type { ServiceProcessSettings } from '../../llm-service/settings.ts'
import { isGone, until } from '../models/scripted-router.ts'

const main = join(import.meta.dir, '../../llm-service/main.ts')

export interface ServiceProcess {
  url: string
  pid: number
  child: Bun.Subprocess<'pipe', 'pipe', 'pipe'>
  /** What it has logged so far. */
  logged(): string
  fetch(path: string, body?: object, signal?: AbortSignal): Promise<Response>
  health(): Promise<Health>
  ready(): Promise<Health>
}

export interface Health {
  status: string
  reason: string | null
  model_loaded: boolean
  workers: { pid: number | null; state: string; reason: string | null; restarts: number; loaded: number }[]
  queue: { active: number; waiting: number }
}

export function settingsFor(
  model: string,
  over: Partial<ServiceProcessSettings> = {},
): ServiceProcessSettings {
  return {
    version: '0.0.0',
    listen: { host: '127.0.0.1', port: 0 },
    model: { name: 'script', file: model, sha256: null },
    modelsDir: join(model, '..'),
    device: 'cpu',
    gpuLayers: null,
    workers: 1,
    slots: 4,
    contextTokens: 2048,
    batchTokens: 256,
    threads: 1,
    queue: { requests: 16, tokens: 100_000 },
    defaults: { maxNewTokens: 256, temperature: 0.35, topP: 0.9 },
    embeddingDimension: 384,
    embeddingWorkers: 0,
    allowedOrigins: [],
    allowedHosts: [],
    apiKey: null,
    ...over,
  }
}

const running = new Set<Bun.Subprocess>()

/** Starts it with a document on stdin, and does not wait. */
export function launch(document: string): Omit<
  ServiceProcess,
  'url' | 'pid' | 'fetch' | 'health' | 'ready'
> & {
  firstLine: Promise<{ url?: string; pid?: number; error?: string; message?: string }>
} {
  const child = Bun.spawn([process.execPath, main], { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' })
  running.add(child)
  child.stdin.write(document)
  child.stdin.flush()
  let log = ''
  void (async () => {
    const decoder = new TextDecoder()
    for await (const chunk of child.stderr) log += decoder.decode(chunk, { stream: true })
  })()
  const firstLine = (async () => {
    let text = ''
    for await (const chunk of child.stdout) {
      text += new TextDecoder().decode(chunk)
      if (text.includes('\n')) break
    }
    return JSON.parse(text)
  })()
  return { child, logged: () => log, firstLine }
}

/** Starts it and waits until it listens. */
export async function startService(settings: ServiceProcessSettings): Promise<ServiceProcess> {
  const { child, logged, firstLine } = launch(`${JSON.stringify(settings)}\n`)
  const { url, pid, message } = await firstLine
  if (url === undefined || pid === undefined) throw new Error(`it did not start: ${message}\n${logged()}`)
  const socket = url.startsWith('unix:') ? url.slice('unix:'.length) : null
  const base = socket === null ? url : 'http://localhost'
  const service: ServiceProcess = {
    url,
    pid,
    child,
    logged,
    fetch: (path, body, signal) =>
      fetch(`${base}${path}`, {
        ...(socket !== null && { unix: socket }),
        ...(body !== undefined && {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        }),
        ...(signal && { signal }),
      }),
    health: async () => (await service.fetch('/api/llm/health')).json() as Promise<Health>,
    async ready() {
      for (const end = performance.now() + 20_000; ; await Bun.sleep(20)) {
        const health = await service.health()
        if (health.workers.length > 0 && health.workers.every(({ state }) => state === 'ready')) return health
        if (performance.now() > end) throw new Error(`not ready: ${JSON.stringify(health)}\n${logged()}`)
      }
    },
  }
  return service
}

/** Ends what a test left running. */
export async function endAll(): Promise<void> {
  const all = [...running]
  running.clear()
  for (const child of all) child.kill('SIGKILL')
  await Promise.all(all.map((child) => child.exited))
}

export const gone = (pid: number | null | undefined) =>
  until(() => typeof pid !== 'number' || isGone(pid), 'the process is gone', 5_000)

export interface Streamed {
  text: string
  finishReason: string | null
  /** Of an error event. */
  error: string | null
  /** `[DONE]` came. */
  done: boolean
}

/** Asks `/v1/chat/completions` for a stream. @param onText gets all the text so far */
export async function stream(
  service: ServiceProcess,
  content: string,
  {
    onText = () => {},
    signal,
    maxTokens = 256,
  }: {
    onText?: (text: string) => void
    signal?: AbortSignal
    maxTokens?: number
  } = {},
): Promise<Streamed> {
  const body = { model: 'script', stream: true, max_tokens: maxTokens, messages: [{ role: 'user', content }] }
  const response = await service.fetch('/v1/chat/completions', body, signal)
  if (!response.ok || response.body === null) throw new Error(`${response.status} ${await response.text()}`)
  const streamed: Streamed = { text: '', finishReason: null, error: null, done: false }
  let rest = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (!line.startsWith('data: ')) continue
      if (line === 'data: [DONE]') streamed.done = true
      else take(streamed, JSON.parse(line.slice('data: '.length)))
    }
    onText(streamed.text)
  }
  return streamed
}

function take(
  streamed: Streamed,
  event: {
    error?: { message: string }
    choices?: { delta?: { content?: string }; finish_reason?: string | null }[]
  },
): void {
  if (event.error) streamed.error = event.error.message
  for (const { delta, finish_reason } of event.choices ?? []) {
    streamed.text += delta?.content ?? ''
    streamed.finishReason ??= finish_reason ?? null
  }
}
