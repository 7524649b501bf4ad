/** How many workers, slots and tokens of context this machine can hold: what the settings leave open is derived here. */
import type { GgufHeader } from '../../models/gguf.ts'
import type { Device, EngineSettings } from '../types.ts'

/** What people set; null is derived. */
export interface Wanted {
  gpuLayers: number | null
  workers: number | null
  slots: number | null
  contextTokens: number | null
  batchTokens: number | null
  threads: number | null
}

export interface Machine {
  device: Device
  cores: number
  /** Bytes that can be taken. */
  ram: number
  /** Free on the card; null where nobody knows. */
  vram: number | null
}

export interface Sizes {
  workers: number
  slots: number
  contextTokens: number
  batchTokens: number
  /** Bytes of all workers together, estimated. */
  needed: number
  /** Bytes that were to be filled. */
  budget: number
}

type Model = Pick<GgufHeader, 'fileBytes' | 'kvBytesPerToken' | 'contextLength' | 'vocabularySize'>

const MiB = 2 ** 20
const GiB = 2 ** 30

/** A question with five passages and some conversation takes 2,000 to 4,000 tokens; more is paid for by every slot. */
const usualContext = 8_192
const enoughContext = 4_096
const leastContext = 1_024

/**
 * On a CPU one worker: the cores are shared, and threads of two workers wait for each other at every barrier. On a card
 * several, because the sampling of each is one process's work; their number is not measured yet, `workers` sets it.
 */
const gpuWorkers = 4
const cpuSlots = 4
const gpuSlots = 16

/** llama.cpp's own step. A larger one gains little and its buffer of logits grows with it: 311 MB for Qwen3's vocabulary. */
const usualBatch = 512

/** Of what is free: the rest of a person's computer goes on; on a card the display does. */
const ramShare = 0.6
const vramShare = 0.9
/** Process, llama.cpp and its other buffers: 150 to 300 MB were seen. On a card its driver's context comes on top. */
const overhead = { cpu: 256 * MiB, gpu: 768 * MiB }
/** Where the header does not tell: Qwen3-1.7B's, a middling one. */
const usualKvBytes = 114_688

/** The largest that fits; the smallest there is when nothing does, whose `needed` then exceeds its `budget`. */
export function planSizes(wanted: Wanted, machine: Machine, model: Model): Sizes {
  const onCpu = machine.device === 'cpu'
  const budget = onCpu ? machine.ram * ramShare : (machine.vram ?? 8 * GiB) * vramShare
  const batchTokens = wanted.batchTokens ?? usualBatch
  const fixed =
    model.fileBytes + batchTokens * (model.vocabularySize ?? 0) * 4 + (onCpu ? overhead.cpu : overhead.gpu)
  const bytes = (slots: number, contextTokens: number) =>
    fixed + slots * contextTokens * (model.kvBytesPerToken ?? usualKvBytes)
  // A card whose memory nobody knows may be small.
  const mostSlots = onCpu || machine.vram === null ? cpuSlots : gpuSlots
  const choices = shapes(wanted, mostSlots, model.contextLength ?? usualContext)
  const smallest = choices.at(-1) ?? { slots: 1, contextTokens: leastContext }
  const { slots, contextTokens } =
    choices.find((choice) => bytes(choice.slots, choice.contextTokens) <= budget) ?? smallest
  const each = bytes(slots, contextTokens)
  const most = onCpu || machine.vram === null ? 1 : Math.min(gpuWorkers, Math.max(1, machine.cores - 1))
  const workers = wanted.workers ?? Math.max(1, Math.min(most, Math.floor(budget / each)))
  return { workers, slots, contextTokens, batchTokens, needed: workers * each, budget }
}

/**
 * Pairs of slots and context from the best on: first less context, as far as a question with its passages fits, then
 * fewer slots, then less context again. What is set stays as it is.
 */
function shapes(
  wanted: Wanted,
  mostSlots: number,
  trained: number,
): { slots: number; contextTokens: number }[] {
  const most = wanted.contextTokens ?? Math.min(trained, usualContext)
  const smaller = wanted.contextTokens === null ? [6_144, enoughContext, 3_072, 2_048, leastContext] : []
  const contexts = [most, ...smaller.filter((size) => size < most)]
  const enough = wanted.contextTokens ?? Math.min(most, enoughContext)
  const slots = wanted.slots === null ? halves(mostSlots) : [wanted.slots]
  const [all = 1] = slots
  const [fewest = 1] = slots.slice(-1)
  return [
    ...contexts.filter((size) => size >= enough).map((contextTokens) => ({ slots: all, contextTokens })),
    ...slots.map((count) => ({ slots: count, contextTokens: enough })),
    ...contexts.filter((size) => size < enough).map((contextTokens) => ({ slots: fewest, contextTokens })),
  ]
}

function halves(most: number): number[] {
  const counts: number[] = []
  for (let count = most; count >= 1; count = Math.floor(count / 2)) counts.push(count)
  return counts
}

/** The plan's line for the log when it does not fit; null when it does. */
export function shortOfMemory({ needed, budget }: Sizes, device: Device): string | null {
  if (needed <= budget) return null
  const inGB = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`
  const memory = device === 'cpu' ? 'memory' : `memory of the ${device} device`
  return `The model needs about ${inGB(needed)}, and only ${inGB(budget)} of the ${memory} should be taken: it may be slow or not load. Choose a smaller model, fewer slots or less context.`
}

/** What a worker is told, but for its adapters. */
export function engineSettings(
  model: { name: string; file: string },
  { slots, contextTokens, batchTokens }: Sizes,
  wanted: Wanted,
  device: Device,
): Omit<EngineSettings, 'adapters'> {
  return {
    model: model.name,
    modelFile: model.file,
    device,
    gpuLayers: device === 'cpu' ? 0 : wanted.gpuLayers,
    contextTokens,
    slots,
    batchTokens,
    threads: wanted.threads,
  }
}
