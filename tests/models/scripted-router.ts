/** A model service over scripted workers (scripted-worker.ts), and what tests ask of it. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ModelServiceSettings, openModelService } from '../../llm-service/router/service.ts'
import type { EngineSettings, GenerateRequest, ModelService, ServiceEvent } from '../../llm-service/types.ts'
import type { Script } from './scripted-worker.ts'

export const scriptedWorker = (script: Script = {}): string[] => [
  process.execPath,
  '--no-orphans',
  join(import.meta.dir, 'scripted-worker.ts'),
  JSON.stringify(script),
]

export const engine: Omit<EngineSettings, 'adapters'> = {
  model: 'scripted',
  modelFile: '/nowhere/scripted.gguf',
  device: 'cpu',
  gpuLayers: null,
  contextTokens: 2000,
  slots: 2,
  batchTokens: 512,
  threads: 1,
}

export interface Scripted {
  service: ModelService
  log: string[]
}

/** Restarts and hangs are told in milliseconds here: the tests wait for them. */
export function openScripted(
  settings: Partial<ModelServiceSettings> & { script?: Script; workers?: number; slots?: number } = {},
): Scripted {
  const { script, workers = 1, slots = 2, ...given } = settings
  const log: string[] = []
  const service = openModelService({
    model: 'scripted',
    plan: async () => ({ workers, engine: { ...engine, slots } }),
    verify: async () => undefined,
    adaptersDir: '/nowhere/adapters',
    queue: { requests: 8, tokens: 100_000 },
    workerCommand: scriptedWorker(script),
    log: (line) => void log.push(line),
    ...given,
    patience: { silentMs: 300, answerMs: 300, stalledMs: 2_000, loadingMs: 1_500, ...given.patience },
    pauses: {
      firstMs: 20,
      longestMs: 200,
      soundMs: 60_000,
      attempts: 3,
      failedMs: 400,
      stopMs: 500,
      ...given.pauses,
    },
  })
  return { service, log }
}

export function request(text: string, more: Partial<GenerateRequest> = {}): GenerateRequest {
  return {
    prompt: { kind: 'text', text },
    maxTokens: 200,
    sampling: { temperature: 0, topP: 1, topK: 0, minP: 0, presencePenalty: 0, frequencyPenalty: 0, seed: 1 },
    stop: [],
    format: null,
    adapters: [],
    ...more,
  }
}

export async function until(condition: () => boolean, what: string, mostMs = 15_000): Promise<void> {
  for (const end = performance.now() + mostMs; !condition(); await Bun.sleep(5))
    if (performance.now() > end) throw new Error(`waited ${mostMs / 1000} s in vain until ${what}`)
}

export const allReady = ({ service }: Scripted, count = 1): Promise<void> =>
  until(
    () => service.health().workers.filter(({ state }) => state === 'ready').length === count,
    'the workers are ready',
  )

export interface Heard {
  text: string
  places: number[]
  last: ServiceEvent | null
  /** What was thrown. */
  error: unknown
}

/** Reads a generation to its end; `onEvent` sees each event. */
export async function hear(
  service: ModelService,
  asked: GenerateRequest,
  {
    signal = new AbortController().signal,
    onEvent = () => {},
  }: {
    signal?: AbortSignal
    onEvent?: (event: ServiceEvent) => void
  } = {},
): Promise<Heard> {
  const heard: Heard = { text: '', places: [], last: null, error: null }
  try {
    for await (const event of service.generate(asked, signal)) {
      heard.last = event
      if (event.type === 'text') heard.text += event.text
      if (event.type === 'queued') heard.places.push(event.place)
      onEvent(event)
    }
  } catch (error) {
    heard.error = error
  }
  return heard
}

/** Gone, or dead and only waiting to be counted. */
export function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return true
  }
  if (process.platform !== 'linux') return false
  return /^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
}

export const pidsOf = (service: ModelService): number[] =>
  service.health().workers.flatMap(({ pid }) => pid ?? [])

/** The pids that every worker ever had, from its record of what it was told. */
export function recorded(
  file: string,
): { pid: number; message: { type: string; [field: string]: unknown } }[] {
  if (!existsSync(file)) appendFileSync(file, '')
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}
