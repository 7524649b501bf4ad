/** The model service's HTTP layer over a service whose answers a test writes, on a real port. */
import type { Embedder } from '../../embedding/embedder.ts'
import { type Listening, serve } from '../../http/serve.ts'
import { createServiceApp } from '../../llm-service/http/app.ts'
import type { ServiceAppSettings } from '../../llm-service/http/served.ts'
import {
  type AdapterInfo,
  EngineError,
  type FinishReason,
  type GenerateRequest,
  type ModelService,
  type ServiceEvent,
  type ServiceHealth,
} from '../../llm-service/types.ts'

/** A token of text, a place in the queue, a pause, or a failure; an error instead of the first one is a refusal. */
export type Step = string | { queued: number } | { pauseMs: number } | { failed: string } | { hang: true }

export interface ScriptedService {
  url: string
  model: string
  /** What the next requests get, by what they ask. */
  script: (request: GenerateRequest) => Step[] | EngineError
  /** What the service was asked so far. */
  requests: GenerateRequest[]
  /** Those whose signal aborted, and when (`performance.now()`). */
  aborted: number[]
  active(): number
  health: ServiceHealth
  adapters: AdapterInfo[]
  log: string[]
  close(): Promise<void>
}

const info = {
  model: 'scripted',
  architecture: 'llama',
  parameters: 1_000_000,
  device: 'cpu' as const,
  deviceName: null,
  gpuLayers: 0,
  layers: 28,
  contextTokens: 4_096,
  slots: 4,
  threads: 2,
  memory: { ram: 1_500_000_000, vram: 0 },
}

export const readyHealth: ServiceHealth = {
  state: 'healthy',
  reason: null,
  workers: [
    {
      pid: 4_711,
      state: 'ready',
      reason: null,
      loaded: 1,
      restarts: 0,
      rssBytes: 1_600_000_000,
      info,
      stats: {
        active: 1,
        waiting: 0,
        promptTokensPerSecond: 120.5,
        tokensPerSecond: 30.25,
        requests: 7,
        promptTokens: 700,
        cachedTokens: 300,
        completionTokens: 70,
      },
    },
  ],
  queue: { waiting: 0, capacity: 64, waitingTokens: 0, active: 1 },
}

export async function openScriptedService(
  options: { embed?: Embedder | null; settings?: Partial<ServiceAppSettings>; unix?: string } = {},
): Promise<ScriptedService> {
  let active = 0
  const scripted: Omit<ScriptedService, 'url' | 'close'> = {
    model: 'scripted',
    script: () => ['It ', 'is ', 'so.'],
    requests: [],
    aborted: [],
    active: () => active,
    health: readyHealth,
    adapters: [],
    log: [],
  }
  const service: ModelService = {
    model: scripted.model,
    health: () => ({ ...scripted.health, queue: { ...scripted.health.queue, active } }),
    count: async (texts) => texts.map((text) => text.split(/\s+/).filter(Boolean).length),
    async *generate(request, signal) {
      scripted.requests.push(request)
      signal.throwIfAborted()
      const aborted = Promise.withResolvers<never>()
      aborted.promise.catch(() => {})
      const abort = () => {
        scripted.aborted.push(performance.now())
        aborted.reject(signal.reason)
      }
      signal.addEventListener('abort', abort, { once: true })
      active++
      try {
        const steps = scripted.script(request)
        if (steps instanceof EngineError) throw steps
        yield* play(steps, request, aborted.promise)
      } finally {
        active--
        signal.removeEventListener('abort', abort)
      }
    },
    adapters: () => scripted.adapters,
    async setAdapter(name, scale) {
      const found = scripted.adapters.find((one) => one.name === name)
      if (found === undefined) throw new EngineError('unknown_adapter', 'No adapter of that name.')
      if (found.problem !== null) throw new EngineError('bad_request', `Not usable: ${found.problem}.`)
      Object.assign(found, { loaded: true, scale })
      return found
    },
    close: async () => {},
  }
  const app = createServiceApp({
    service,
    embed: options.embed ?? null,
    settings: {
      version: '0.0.0-test',
      defaults: { maxNewTokens: 256, temperature: 0.35, topP: 0.9 },
      allowedOrigins: [],
      allowedHosts: [],
      apiKey: null,
      ...options.settings,
    },
    log: (line) => void scripted.log.push(line),
  })
  const address = options.unix === undefined ? { host: '127.0.0.1', port: 0 } : { unix: options.unix }
  const server: Listening = await serve(app, address)
  return Object.assign(scripted, { url: server.url, close: () => server.stop() })
}

async function* play(
  steps: Step[],
  request: GenerateRequest,
  aborted: Promise<never>,
): AsyncGenerator<ServiceEvent> {
  let written = ''
  let tokens = 0
  const done = (finishReason: FinishReason): ServiceEvent => ({
    type: 'done',
    finishReason,
    stats: {
      promptTokens: 21,
      cachedTokens: 16,
      completionTokens: tokens,
      promptMs: 12.5,
      generationMs: 34.5,
    },
  })
  for (const step of steps) {
    if (typeof step === 'string') {
      const end = firstStop(written + step, request.stop)
      tokens++
      const text = end === null ? step : (written + step).slice(written.length, end)
      yield { type: 'text', text, tokens: 1 }
      written += text
      if (end !== null) return yield done('stop')
      if (tokens >= request.maxTokens) return yield done('length')
    } else if ('queued' in step) yield { type: 'queued', place: step.queued }
    else if ('pauseMs' in step) await Promise.race([Bun.sleep(step.pauseMs), aborted])
    else if ('hang' in step) await aborted
    else return yield { type: 'failed', code: 'failed', message: step.failed }
  }
  yield done('stop')
}

function firstStop(text: string, stops: string[]): number | null {
  const found = stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0)
  return found.length === 0 ? null : Math.min(...found)
}

/** Server-sent events as they arrived: data parsed, comments as text. */
export async function readEvents(
  response: Response,
): Promise<{ data: (Record<string, unknown> | '[DONE]')[]; comments: string[] }> {
  const lines = (await response.text()).split('\n').filter((line) => line !== '')
  const values = lines.filter((line) => line.startsWith('data: ')).map((line) => line.slice(6))
  return {
    data: values.map((value) => (value === '[DONE]' ? value : JSON.parse(value))),
    comments: lines.filter((line) => line.startsWith(':')),
  }
}

/** Waits for something to hold. */
export async function until(holds: () => boolean | Promise<boolean>, ms = 5_000): Promise<void> {
  const deadline = performance.now() + ms
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`It did not come to hold within ${ms} ms.`)
    await Bun.sleep(5)
  }
}
