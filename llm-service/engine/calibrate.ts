/** Tries with how many threads, and how many requests at once, a loaded model steps fastest on this machine. */
import { availableParallelism } from 'node:os'
import type { EngineSettings } from '../types.ts'
import type { Loaded } from './load.ts'
import { fastestThreads } from './threads.ts'
import type { StepCosts } from './widths.ts'

export interface Calibration {
  threads: number
  /** Empty on a card: there every width pays. */
  costs: StepCosts
}

/** Threads only feed a card that holds all layers. */
const threadsForCard = 4
/** Wider steps pay on every CPU, and trying them takes seconds with a large model. */
const widestTried = 16

export async function calibrate(
  { threads, slots }: Pick<EngineSettings, 'threads' | 'slots'>,
  { context, model, info }: Loaded,
): Promise<Calibration> {
  const cores = availableParallelism()
  if (info.device !== 'cpu' && info.gpuLayers >= info.layers)
    return { threads: threads ?? Math.min(threadsForCard, cores), costs: new Map() }

  const token = Uint32Array.of(Math.max(0, model.tokenEos()))
  const step = async (width: number) => {
    context.initBatch(width)
    for (let slot = 0; slot < width; slot++) context.addToBatch(slot, 0, token, Uint32Array.of(0))
    const began = performance.now()
    await context.decodeBatch()
    const ms = performance.now() - began
    for (let slot = 0; slot < width; slot++) context.disposeSequence(slot)
    return ms
  }
  const chosen =
    threads ??
    (await fastestThreads(cores, (count) => {
      context.setThreads(count)
      return step(1)
    }))
  context.setThreads(chosen)
  const costs = new Map<number, number>()
  for (let width = 1; width <= Math.min(slots, widestTried); width *= 2) {
    await step(width)
    costs.set(width, Math.min(await step(width), await step(width)))
  }
  return { threads: chosen, costs }
}
