/**
 * The part of node-llama-cpp below its public classes: one call a decode and one a sampled token, with the batch in
 * our hands. Its own `LlamaContext` chooses what shares a decode and stood still at 440 tokens/s on a card that
 * decodes 4,689 (DESIGN.md, llm-service). package.json pins the exact version, and `openNative` looks for each name
 * that is used before a model is loaded.
 */
import { getLlama, type Llama, type LlamaGrammar, LlamaLogLevel, type LlamaModel } from 'node-llama-cpp'
import type { Device } from '../types.ts'

export interface NativeSampler {
  applyConfig(config: {
    temperature: number
    topK?: number
    topP?: number
    minP?: number
    seed?: number
    repeatPenalty?: number
    repeatPenaltyMaxTokens?: number
    repeatPenaltyTokens?: Uint32Array
    repeatPenaltyPresencePenalty?: number
    repeatPenaltyFrequencyPenalty?: number
    grammarEvaluationState?: NativeGrammarState
  }): void
  dispose(): void
}

export interface NativeContext {
  init(): Promise<boolean>
  dispose(): Promise<void>
  getContextSize(): number
  /** Begins a batch of so many tokens. */
  initBatch(tokens: number): void
  /** Adds tokens of a sequence from a position on; gives the places of the logits asked for. */
  addToBatch(sequence: number, position: number, tokens: Uint32Array, logitsOf: Uint32Array): Uint32Array
  decodeBatch(): Promise<void>
  /** −1 when no candidate is left. Calls for several logits run at once, each on a thread of its own. */
  sampleToken(logits: number, sampler: NativeSampler): Promise<number>
  sampleToken(
    logits: number,
    sampler: NativeSampler,
    probabilities: boolean,
    confidence: boolean,
    wanted: [tokens: readonly number[], max: boolean, min: boolean, selected: boolean, top: number],
  ): Promise<[token: number, unknown, unknown, logits: number[] | undefined]>
  disposeSequence(sequence: number): void
  /** False where the model's memory cannot forget a part (recurrent ones). `end` −1 is the end. */
  removeTokenCellsFromSequence(sequence: number, start: number, end: number): boolean
  copySequenceStateFromOtherSequence(target: number, source: number): Promise<number>
  getMemoryBreakdown(): { cpuRam: number; gpuVram: number }
  setThreads(threads: number): void
  setLoras(loras: NativeLora[], scales: number[]): void
}

export interface NativeModel {
  tokenize(text: string, special: boolean): Uint32Array
  detokenize(tokens: Uint32Array, special: boolean): string
  isEogToken(token: number): boolean
  shouldPrependBosToken(): boolean
  tokenBos(): number
  tokenEos(): number
  getTokenString(token: number): string
  getTotalParameters(): number
  getMemoryBreakdown(): { cpuRam: number; gpuVram: number }
  loadLora(lora: NativeLora): Promise<void>
}

export interface NativeLora {
  dispose(): Promise<void>
}

export type NativeGrammarState = { readonly brand: 'grammar state' }

export interface NativeTemplate {
  render(values: Record<string, unknown>): string
}

interface Bindings {
  AddonContext: new (
    model: NativeModel,
    options: {
      contextSize: number
      batchSize: number
      sequences: number
      flashAttention: boolean | 'auto'
      threads: number
    },
  ) => NativeContext
  AddonSampler: new (model: NativeModel) => NativeSampler
  AddonModelLora: new (model: NativeModel, file: string) => NativeLora
  AddonGrammarEvaluationState: new (model: NativeModel, grammar: unknown) => NativeGrammarState
  AddonJinjaRenderer: new (template: string) => NativeTemplate
}

export interface Native {
  llama: Llama
  bindings: Bindings
}

/** Apple's chips have one binary, with Metal; with no layers on the device it computes on the CPU. */
const onlyMetal = process.platform === 'darwin' && process.arch === 'arm64'

const gpuOf: Record<Device, 'cuda' | 'vulkan' | 'metal' | false> = {
  cpu: onlyMetal ? 'metal' : false,
  cuda: 'cuda',
  vulkan: 'vulkan',
  metal: 'metal',
}

/**
 * llama.cpp for a device, from the prebuilt package or from `./mentor llm build`; nothing is compiled or fetched here.
 * @param log gets llama.cpp's warnings and errors, a line each
 * @throws when there is no binary for the device, or node-llama-cpp is not the version this was written for
 */
export async function openNative(device: Device, log: (line: string) => void): Promise<Native> {
  const llama = await getLlama({
    gpu: gpuOf[device],
    build: 'never',
    skipDownload: true,
    progressLogs: false,
    logLevel: LlamaLogLevel.warn,
    logger: (_level, message) => log(message.trim()),
    // Our own scheduler gives threads out; node-llama-cpp's counts those of its own contexts.
    maxThreads: 0,
  })
  const bindings: unknown = Reflect.get(llama, '_bindings')
  if (!isBindings(bindings)) {
    await llama.dispose()
    throw new Error(
      'node-llama-cpp has another inside than this version of Mentor expects: run ./mentor start to install the locked one.',
    )
  }
  return { llama, bindings }
}

function isBindings(value: unknown): value is Bindings {
  if (typeof value !== 'object' || value === null) return false
  const names = [
    'AddonContext',
    'AddonSampler',
    'AddonModelLora',
    'AddonGrammarEvaluationState',
    'AddonJinjaRenderer',
  ]
  return names.every((name) => typeof Reflect.get(value, name) === 'function')
}

/** The model inside node-llama-cpp's. */
export function nativeModel(model: LlamaModel): NativeModel {
  return inside(model, '_model')
}

export function grammarState(
  { bindings }: Native,
  model: NativeModel,
  grammar: LlamaGrammar,
): NativeGrammarState {
  return new bindings.AddonGrammarEvaluationState(model, inside(grammar, '_grammar'))
}

function inside<T>(of: object, name: string): T {
  return Reflect.get(of, name)
}
