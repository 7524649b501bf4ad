/** A GGUF file into a model and a context on a device, with fewer layers there when they do not fit. */
import { basename } from 'node:path'
import type { LlamaModel } from 'node-llama-cpp'
import { readGguf } from '../../models/gguf.ts'
import type { EngineInfo, EngineSettings } from '../types.ts'
import { type Native, type NativeContext, type NativeModel, nativeModel, openNative } from './native.ts'

export interface Loaded {
  native: Native
  model: NativeModel
  context: NativeContext
  info: EngineInfo
  chatTemplate: string | null
  close(): Promise<void>
}

interface LoadOptions {
  log: (line: string) => void
  onProgress?: (loaded: number) => void
}

const disposeMs = 1_000

/** Of the layers that would fit by estimate: what is tried in turn when the card's memory says otherwise. */
const shares = [1, 0.75, 0.5, 0.25, 0]

/** @throws with a reason in words */
export async function loadModel(settings: EngineSettings, options: LoadOptions): Promise<Loaded> {
  // node-llama-cpp's own reader loops for ever over a header with an absurd count.
  checkHeader(settings.modelFile)
  let said = ''
  const log = (line: string) => {
    if (/error loading model/i.test(line)) said = line
    options.log(line)
  }
  const native = await openNative(settings.device, log)
  try {
    return await loadInto(native, settings, { ...options, log })
  } catch (error) {
    // After a failed load node-llama-cpp may wait for a handle that nobody gives back.
    await Promise.race([native.llama.dispose(), Bun.sleep(disposeMs)])
    throw new Error(reasonOf(error, said, settings))
  }
}

function checkHeader(file: string): void {
  try {
    readGguf(file)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`${basename(file)} cannot be loaded: ${reason}`)
  }
}

async function loadInto(native: Native, settings: EngineSettings, options: LoadOptions): Promise<Loaded> {
  const attempts = settings.device === 'cpu' ? [0] : shares
  let wanted: number | null = settings.device === 'cpu' ? 0 : settings.gpuLayers
  let problem: unknown = null
  for (const share of attempts) {
    const layers: number | null = wanted === null ? (share === 1 ? null : 0) : Math.floor(wanted * share)
    try {
      return await tryToLoad(native, settings, layers, options)
    } catch (error) {
      problem = error
      if (!isOutOfMemory(error) || layers === 0) break
      wanted ??= layersThatFitted(error)
      options.log(`The model does not fit ${settings.device}: trying with fewer layers there.`)
    }
  }
  throw problem
}

async function tryToLoad(
  native: Native,
  settings: EngineSettings,
  layers: number | null,
  { onProgress }: LoadOptions,
): Promise<Loaded> {
  const { contextTokens, slots } = settings
  const model = await native.llama.loadModel({
    modelPath: settings.modelFile,
    gpuLayers: layers ?? { fitContext: { contextSize: contextTokens * slots } },
    onLoadProgress: (loaded) => onProgress?.(loaded),
    // The router has compared the memory of all workers with the machine's; an estimate here knows of one.
    ignoreMemorySafetyChecks: layers !== null,
  })
  try {
    const inner = nativeModel(model)
    const context = new native.bindings.AddonContext(inner, {
      contextSize: contextTokens * slots,
      batchSize: settings.batchTokens,
      sequences: slots,
      flashAttention: 'auto',
      threads: settings.threads ?? 1,
    })
    if (!(await context.init())) throw new OutOfMemory(model.gpuLayers)
    return {
      native,
      model: inner,
      context,
      info: { ...infoOf(settings, model, context), deviceName: await deviceName(native, model.gpuLayers) },
      chatTemplate: templateOf(model),
      close: async () => {
        await model.dispose()
        await native.llama.dispose()
      },
    }
  } catch (error) {
    await model.dispose()
    throw error
  }
}

/** The context's memory was not to be had. */
class OutOfMemory extends Error {
  override readonly name = 'OutOfMemory'
  constructor(readonly layers: number) {
    super('no memory for the context')
  }
}

function layersThatFitted(error: unknown): number {
  return error instanceof OutOfMemory ? error.layers : 64
}

function isOutOfMemory(error: unknown): boolean {
  if (error instanceof OutOfMemory) return true
  return (
    error instanceof Error &&
    /memory|vram|alloc|does not fit|insufficient/i.test(`${error.name} ${error.message}`)
  )
}

/** node-llama-cpp says no more than that it failed; llama.cpp's log says why. */
function reasonOf(error: unknown, said: string, { modelFile, contextTokens, slots }: EngineSettings): string {
  const file = basename(modelFile)
  if (isOutOfMemory(error)) {
    return `${file} with ${slots} × ${contextTokens} tokens of context does not fit the memory: choose a smaller model, or set LLM_CONTEXT or LLM_SLOTS lower`
  }
  const words = said === '' && error instanceof Error ? (error.message.split('\n')[0] ?? '') : said
  return `${file} cannot be loaded: ${words.replace(/^.*error loading model: /i, '').replaceAll(modelFile, file)}`
}

function infoOf(
  settings: EngineSettings,
  model: LlamaModel,
  context: NativeContext,
): Omit<EngineInfo, 'deviceName'> {
  const inner = nativeModel(model)
  const general = model.fileInfo.metadata.general
  const held = [inner.getMemoryBreakdown(), context.getMemoryBreakdown()]
  const onDevice = settings.device !== 'cpu' && model.gpuLayers > 0
  return {
    model: settings.model,
    architecture: String(general?.architecture ?? 'unknown'),
    parameters: inner.getTotalParameters(),
    device: onDevice ? settings.device : 'cpu',
    gpuLayers: model.gpuLayers,
    layers: model.fileInsights.totalLayers,
    contextTokens: Math.floor(context.getContextSize() / settings.slots),
    slots: settings.slots,
    threads: settings.threads ?? 1,
    memory: {
      ram: held.reduce((sum, { cpuRam }) => sum + cpuRam, 0),
      vram: held.reduce((sum, { gpuVram }) => sum + gpuVram, 0),
    },
  }
}

async function deviceName({ llama }: Native, gpuLayers: number): Promise<string | null> {
  if (gpuLayers === 0) return null
  const names = await llama.getGpuDeviceNames()
  return names.join(', ') || null
}

function templateOf(model: LlamaModel): string | null {
  const template: unknown = model.fileInfo.metadata.tokenizer?.chat_template
  return typeof template === 'string' && template.trim() !== '' ? template : null
}
