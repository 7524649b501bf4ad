/** Which of the installed models a rung takes when nobody names one. */
import { preferredModels } from '../registry.ts'
import type { InstalledModel } from './installed.ts'

/** A question with its passages and its answer, with room to spare. */
const contextTokens = 4096
/** Compute buffers and the engine itself: 150 to 300 MB were seen with models of this size. */
const overheadBytes = 256 * 2 ** 20

/** Memory that a model takes with a context of 4,096 tokens, in bytes: an estimate for choosing and for showing. */
export function memoryNeeded(model: { bytes: number; kvBytesPerToken: number | null }): number {
  return model.bytes + (model.kvBytesPerToken ?? 100_000) * contextTokens + overheadBytes
}

/**
 * The language model for a rung. `llm-service`: Qwen3-1.7B where it is installed and fits, else the largest that fits.
 * `local-model`: Qwen3-0.6B where it is installed and fits, else the smallest that fits.
 * @param memoryBytes that may be used; null: no limit is known
 * @returns null when none is there or fits
 */
export function chooseModel(
  models: readonly InstalledModel[],
  want: { memoryBytes: number | null; prefer: keyof typeof preferredModels },
): InstalledModel | null {
  const fitting = models
    .filter(({ kind, problem }) => kind === 'llm' && problem === null)
    .filter((model) => want.memoryBytes === null || memoryNeeded(model) <= want.memoryBytes)
    .sort((a, b) => (want.prefer === 'llm-service' ? b.bytes - a.bytes : a.bytes - b.bytes))
  const preferred = `${preferredModels[want.prefer]}-`.toLowerCase()
  return fitting.find(({ name }) => name.toLowerCase().startsWith(preferred)) ?? fitting[0] ?? null
}
