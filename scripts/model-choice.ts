/** Which installed model the own model service loads, and which one answers beside the backend. */
import { readFileSync } from 'node:fs'
import { freemem, platform, totalmem } from 'node:os'
import { chooseModel } from '../models/store/choose.ts'
import { type InstalledModel, installedModels, NoSuchModel, resolveModel } from '../models/store/installed.ts'
import { LockFileUnusable } from '../models/store/lock-file.ts'
import { type Config, modelsFolder } from './config.ts'

/** A model, or why there is none and what to do about it. */
export type ModelChoice = { model: InstalledModel } | { missing: string }

type ChoosingConfig = Pick<Config, 'data' | 'models' | 'model' | 'dtype' | 'localModel'>

/** `LLM_MODEL`, or else Qwen3-1.7B, or the largest that fits the free memory. */
export function chooseServiceModel(config: ChoosingConfig): Promise<ModelChoice> {
  return choose(config, { wanted: config.model, prefer: 'llm-service', get: 'qwen3-1.7b' })
}

/**
 * `MENTOR_LOCAL_MODEL`, or else Qwen3-0.6B, or the smallest that fits the free memory.
 * @param running the file that is loaded: it stays while it is installed, for it holds the memory that is looked at
 */
export async function chooseLocalModel(config: ChoosingConfig, running: string | null): Promise<ModelChoice> {
  const { localModel } = config
  if (localModel?.toLowerCase() === 'off') return { missing: 'switched off (MENTOR_LOCAL_MODEL)' }
  if (localModel === null && running !== null) {
    const there = (await installedModels(modelsFolder(config))).find(({ file }) => file === running)
    if (there !== undefined && there.problem === null) return { model: there }
  }
  return choose(config, { wanted: localModel, prefer: 'local-model', get: 'qwen3-0.6b' })
}

async function choose(
  config: ChoosingConfig,
  want: { wanted: string | null; prefer: 'llm-service' | 'local-model'; get: string },
): Promise<ModelChoice> {
  const folder = modelsFolder(config)
  try {
    // A quantization alone names a model too, where it is installed in several.
    if (want.wanted !== null) return { model: await resolveModel(folder, want.wanted, config.dtype) }
    const models = (await installedModels(folder)).filter(({ kind }) => kind === 'llm')
    if (models.length === 0)
      return { missing: `no model is installed; ./mentor models pull ${want.get} gets one` }
    const memoryBytes = freeMemory()
    const model = chooseModel(models, { memoryBytes, prefer: want.prefer })
    if (model !== null) return { model: await inQuantization(folder, model, config.dtype) }
    const broken = models.find(({ problem }) => problem !== null)
    return {
      missing:
        broken === undefined
          ? `no installed model fits the ${Math.round(memoryBytes / 2 ** 20)} MB of memory that are free`
          : `${broken.name} cannot be loaded: ${broken.problem}`,
    }
  } catch (error) {
    // A wrong name or a broken lock file costs the rung, and nothing else.
    if (error instanceof NoSuchModel || error instanceof LockFileUnusable)
      return { missing: error.message.replace(/\.$/, '') }
    throw error
  }
}

/** The quantization that LLM_DTYPE names, where the model is installed in it. */
async function inQuantization(folder: string, model: InstalledModel, dtype: string): Promise<InstalledModel> {
  const suffix = `-${model.quantization}`
  if (dtype.toLowerCase() === 'auto' || model.quantization === null || !model.name.endsWith(suffix))
    return model
  const name = model.name.slice(0, -suffix.length)
  return resolveModel(folder, name, dtype).catch(() => model)
}

/** Bytes that a model may take without pushing others out. */
function freeMemory(): number {
  // Elsewhere the free memory leaves out what the system would give back at once.
  if (platform() !== 'linux') return Math.max(freemem(), totalmem() / 2)
  const available = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]
  return Math.min(available === undefined ? freemem() : Number(available) * 1024, containerLeft())
}

/** What the container's own limit (cgroup v2) leaves; its page cache is given back when memory is short. */
function containerLeft(): number {
  try {
    const limit = Number(readFileSync('/sys/fs/cgroup/memory.max', 'utf8'))
    const used = Number(readFileSync('/sys/fs/cgroup/memory.current', 'utf8'))
    const cache =
      /^inactive_file (\d+)$/m.exec(readFileSync('/sys/fs/cgroup/memory.stat', 'utf8'))?.[1] ?? '0'
    return Number.isFinite(limit) ? Math.max(0, limit - used + Number(cache)) : Number.POSITIVE_INFINITY
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
