/** What the model service is told on its stdin, for each of the ways in which Mentor runs it. */
import { join } from 'node:path'
import type { ServiceProcessSettings } from '../llm-service/settings.ts'
import type { InstalledModel } from '../models/store/installed.ts'
import { version } from '../package.json'
import { type Config, modelsFolder, projectDir } from './config.ts'
import { ensureGpuPackages } from './install/gpu.ts'

/** Runs a model service that reads its settings on stdin. */
export const serviceCommand = [process.execPath, join(projectDir, 'llm-service', 'main.ts')]

/** Prompts in the queue are held as tokens: about so many each. */
const usualPromptTokens = 4_096

/** Of the service that `start` supervises and `llm serve` runs. */
export function serviceSettings(
  config: Config,
  model: InstalledModel,
  listen: ServiceProcessSettings['listen'],
): ServiceProcessSettings {
  return {
    version,
    listen,
    model: { name: model.name, file: model.file, sha256: model.sha256 },
    modelsDir: modelsFolder(config),
    device: config.deviceMap,
    gpuLayers: config.gpuLayers,
    workers: config.llmWorkers,
    slots: config.llmSlots,
    contextTokens: config.contextTokens,
    batchTokens: config.llmBatch,
    threads: config.llmThreads,
    queue: { requests: config.llmQueue, tokens: config.llmQueue * usualPromptTokens },
    defaults: {
      maxNewTokens: config.maxNewTokens,
      temperature: config.temperature,
      topP: config.topP,
    },
    embeddingDimension: config.embeddingDimension,
    embeddingWorkers: 1,
    allowedOrigins: ownOrigins(config),
    allowedHosts: config.allowedHosts,
    apiKey: config.serviceApiKey,
  }
}

/** Of the local model: one process of it, alone behind a socket that only this user can open. */
export function localSettings(config: Config, model: InstalledModel, socket: string): ServiceProcessSettings {
  return {
    ...serviceSettings(config, model, { unix: socket }),
    // It stands in for a service that may have died of its GPU; where there is no service, it may have it.
    device: config.serviceEnabled && config.deviceMap === 'auto' ? 'cpu' : config.deviceMap,
    workers: 1,
    // Those are set for the service's model and machine.
    slots: null,
    contextTokens: null,
    batchTokens: null,
    gpuLayers: null,
    embeddingWorkers: 0,
    apiKey: null,
  }
}

/** The pages of the backend may ask the service too. */
function ownOrigins({ port, host, allowedHosts }: Config): string[] {
  const names = new Set(['localhost', '127.0.0.1', host.includes(':') ? `[${host}]` : host])
  const own = port === 0 ? [] : [...names].map((name) => `http://${name}:${port}`)
  return [...own, ...allowedHosts.flatMap((name) => [`http://${name}`, `https://${name}`])]
}

/** The GPU's libraries, where there is one and they are missing: up to 540 MB, once. Never fails: the CPU is left. */
export async function prepareGpu({ gpu, deviceMap }: Pick<Config, 'gpu' | 'deviceMap'>): Promise<void> {
  if (deviceMap !== 'cpu' && deviceMap !== 'metal') await ensureGpuPackages(gpu)
}
