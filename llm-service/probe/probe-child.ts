/**
 * Child process of the probe: evaluates the probe model wholly on one device, and says on stdout, a JSON line each, how
 * far it got. What a broken driver does (abort, hang, wrong numbers) it does here. Arguments: device, model file.
 */

import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import type { LlamaModel } from 'node-llama-cpp'
import {
  type Native,
  type NativeContext,
  type NativeModel,
  nativeModel,
  openNative,
} from '../engine/native.ts'
import type { Device } from '../types.ts'
import { installedBinaries } from './binaries.ts'
import { probeContext, probePrompts, probeSteps, probeVocabulary } from './probe-model.ts'
import type { ChildLine } from './trial.ts'

const noCard =
  "its library finds no card that it can use, or the card's driver is missing or older than it needs"

const [device, modelFile] = process.argv.slice(2)
if (!isDevice(device) || modelFile === undefined) {
  process.stderr.write('This is a child of the GPU probe; ./mentor llm probe starts it.\n')
  process.exit(2)
}
try {
  await probe(device, modelFile)
  process.exit(0)
} catch (error) {
  say({ stage: 'failed', message: error instanceof Error ? error.message : String(error) })
  process.exit(1)
}

async function probe(device: Device, modelFile: string): Promise<void> {
  const native = await open(device)
  const build = native.llama.buildType === 'localBuild' ? 'source' : 'package'
  say({ stage: 'opened', build, ...(await describe(native, device)) })
  const model = await load(native, device, modelFile)
  const context = new native.bindings.AddonContext(nativeModel(model), {
    contextSize: probeContext * probePrompts.length,
    batchSize: probeContext,
    sequences: probePrompts.length,
    flashAttention: 'auto',
    threads: 1,
  })
  if (!(await context.init()))
    throw new Error(`it has no memory for a context of ${probeContext * probePrompts.length} tokens`)
  say({ stage: 'loaded' })
  const logits = await evaluate(native, nativeModel(model), context)
  say({ stage: 'done', logits })
}

async function open(device: Device): Promise<Native> {
  try {
    return await openNative(device, (line) => process.stderr.write(`${line}\n`))
  } catch (error) {
    throw new Error(whyNotLoadable(device) ?? (error instanceof Error ? error.message : String(error)))
  }
}

/** The system's own words for what the device's library lacks, like `libcudart.so.13: cannot open shared object file`. */
function whyNotLoadable(device: Device): string | null {
  if (device === 'cpu') return null
  for (const { file } of installedBinaries().filter((binary) => binary.device === device)) {
    try {
      process.dlopen({ exports: {} }, join(dirname(file), `libggml-${device}.so`))
    } catch (error) {
      const words = error instanceof Error ? error.message : ''
      if (words.includes('cannot open shared object file')) return words
    }
  }
  return noCard
}

async function describe({ llama }: Native, device: Device) {
  if (device === 'cpu') {
    return { deviceName: cpus()[0]?.model.trim() ?? null, memoryBytes: null }
  }
  if (llama.gpu !== device) throw new Error(`llama.cpp opened ${llama.gpu || 'the CPU'} instead`)
  const names = await llama.getGpuDeviceNames()
  // Vulkan's loader without a driver, or with a software one alone.
  if (names.length === 0) throw new Error(noCard)
  return { deviceName: names.join(', '), memoryBytes: (await llama.getVramState()).total }
}

async function load({ llama }: Native, device: Device, modelPath: string): Promise<LlamaModel> {
  const gpuLayers = device === 'cpu' ? 0 : 'max'
  const model = await llama.loadModel({ modelPath, gpuLayers, ignoreMemorySafetyChecks: true })
  if (device !== 'cpu' && model.gpuLayers < model.fileInsights.totalLayers)
    throw new Error(`it took ${model.gpuLayers} of ${model.fileInsights.totalLayers} layers of a 5 MB model`)
  return model
}

/** Logits of every token of the vocabulary: after each prompt, then after each step of each sequence. */
async function evaluate(native: Native, model: NativeModel, context: NativeContext): Promise<number[][]> {
  const rows: number[][] = []
  const decode = async (pieces: readonly (readonly number[])[], from: readonly number[]) => {
    context.initBatch(pieces.reduce((sum, tokens) => sum + tokens.length, 0))
    const places = pieces.map((tokens, sequence) =>
      context.addToBatch(
        sequence,
        from[sequence] ?? 0,
        Uint32Array.from(tokens),
        Uint32Array.of(tokens.length - 1),
      ),
    )
    await context.decodeBatch()
    for (const [place] of places) rows.push(await logitsAt(native, model, context, place ?? 0))
  }
  await decode(probePrompts, [])
  say({ stage: 'read' })
  const steps = probeSteps[0]?.length ?? 0
  for (let step = 0; step < steps; step++) {
    await decode(
      probeSteps.map((tokens) => tokens.slice(step, step + 1)),
      probePrompts.map((prompt) => prompt.length + step),
    )
  }
  return rows
}

async function logitsAt(
  native: Native,
  model: NativeModel,
  context: NativeContext,
  place: number,
): Promise<number[]> {
  const sampler = new native.bindings.AddonSampler(model)
  sampler.applyConfig({ temperature: 0 })
  const all = Array.from({ length: probeVocabulary }, (_, token) => token)
  const sampled = await context.sampleToken(place, sampler, false, false, [all, false, false, false, 0])
  sampler.dispose()
  // Pairs of token and logit, the largest first.
  const pairs = sampled[3] ?? []
  const logits = new Array<number>(probeVocabulary).fill(Number.NaN)
  for (let at = 0; at + 1 < pairs.length; at += 2) logits[pairs[at] ?? 0] = pairs[at + 1] ?? Number.NaN
  return logits
}

function isDevice(text: string | undefined): text is Device {
  return text === 'cpu' || text === 'cuda' || text === 'vulkan' || text === 'metal'
}

function say(line: ChildLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}
