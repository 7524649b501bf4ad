/** Tries with how many threads a loaded model reads prompts and writes fastest on this machine. */
import { availableParallelism } from 'node:os'
import type { EngineSettings } from '../types.ts'
import type { Loaded } from './load.ts'
import { fastestThreads, type ThreadTuner, threadCandidates, tuneThreads } from './threads.ts'

/** Writing waits for memory, reading computes: more threads help the second more often than the first. */
export interface Threads {
  writing: ThreadTuner
  reading: ThreadTuner
}

/** Threads only feed a card that holds all layers. */
const threadsForCard = 4
/** Tokens of the prompt that is tried: enough for the kernels that read many at once. */
const triedPrompt = 16

export async function calibrateThreads(
  { threads }: Pick<EngineSettings, 'threads'>,
  { context, model, info }: Loaded,
): Promise<Threads> {
  const cores = availableParallelism()
  const onCard = info.device !== 'cpu' && info.gpuLayers >= info.layers
  // A count that was asked for is kept.
  if (threads !== null || onCard) {
    const fixed = threads ?? Math.min(threadsForCard, cores)
    return { writing: tuner(fixed, [fixed]), reading: tuner(fixed, [fixed]) }
  }
  const token = Math.max(0, model.tokenEos())
  const time = (tokens: number) => async (count: number) => {
    context.setThreads(count)
    context.initBatch(tokens)
    context.addToBatch(0, 0, new Uint32Array(tokens).fill(token), Uint32Array.of(tokens - 1))
    const began = performance.now()
    await context.decodeBatch()
    const ms = performance.now() - began
    context.disposeSequence(0)
    return ms
  }
  const candidates = threadCandidates(cores)
  return {
    writing: tuner(await fastestThreads(cores, time(1)), candidates),
    reading: tuner(await fastestThreads(cores, time(triedPrompt)), candidates),
  }
}

function tuner(first: number, candidates: number[]): ThreadTuner {
  return tuneThreads(first, { candidates, now: () => performance.now() })
}
