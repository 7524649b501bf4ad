/**
 * The models that Mentor knows by name. Sizes are those that the hub listed when an entry was written; what counts is
 * the length of the download itself. No SHA-256 stands here: a pull takes the hub's own for the file, checks the
 * download against it and pins it in the lock file (store/lock-file.ts).
 */

export interface HubFile {
  /** `OWNER/NAME` on the hub. */
  repo: string
  /** Branch, tag or commit; the commit that it stood for is recorded by the pull. */
  revision: string
  /** Path within the repository. */
  path: string
  bytes: number
}

export interface LanguageModel {
  kind: 'llm'
  name: string
  /** Other names under which settings and people ask for it, lower case. */
  aliases: string[]
  parameters: string
  languages: string
  licence: string
  /** Tokens it was trained for. */
  contextLength: number
  /**
   * Bytes of its key-value cache per token, keys and values in 16 bits: 2 × layers × KV heads × (key + value length).
   */
  kvBytesPerToken: number
  /** By quantization, as llama.cpp names them; the first is taken when none is asked for. */
  quantizations: Record<string, HubFile>
  goodFor: string
}

export interface DownloadableEmbedding {
  kind: 'embedding'
  name: string
  aliases: string[]
  parameters: string
  languages: string
  licence: string
  dimensions: number
  /** Most word pieces of a text that the model reads, its two special tokens included. */
  tokenLimit: number
  /** The weights first. Paths below the model's own folder are those of the repository. */
  files: HubFile[]
  goodFor: string
}

export type RegisteredModel = LanguageModel | DownloadableEmbedding

const hub = (repo: string, path: string, bytes: number): HubFile => ({ repo, revision: 'main', path, bytes })

const qwen3 = {
  kind: 'llm',
  languages: '119 languages',
  licence: 'Apache-2.0',
  contextLength: 40_960,
} as const

const multilingualRepo = 'Xenova/paraphrase-multilingual-MiniLM-L12-v2'

export const registry: RegisteredModel[] = [
  {
    ...qwen3,
    name: 'Qwen3-1.7B',
    aliases: ['qwen/qwen3-1.7b', 'qwen/qwen3-1.7b-gguf', 'unsloth/qwen3-1.7b-gguf'],
    parameters: '1.7B',
    kvBytesPerToken: 114_688, // 28 layers, 8 KV heads of 128
    quantizations: {
      // Qwen's own repository holds Q8_0 alone for the two small ones.
      Q4_K_M: hub('unsloth/Qwen3-1.7B-GGUF', 'Qwen3-1.7B-Q4_K_M.gguf', 1_107_409_472),
      Q8_0: hub('Qwen/Qwen3-1.7B-GGUF', 'Qwen3-1.7B-Q8_0.gguf', 1_834_426_016),
    },
    goodFor: 'the llm-service, on any GPU or a few fast cores',
  },
  {
    ...qwen3,
    name: 'Qwen3-0.6B',
    aliases: ['qwen/qwen3-0.6b', 'qwen/qwen3-0.6b-gguf', 'unsloth/qwen3-0.6b-gguf'],
    parameters: '0.6B',
    kvBytesPerToken: 114_688, // 28 layers, 8 KV heads of 128
    quantizations: {
      Q4_K_M: hub('unsloth/Qwen3-0.6B-GGUF', 'Qwen3-0.6B-Q4_K_M.gguf', 396_705_472),
      Q8_0: hub('Qwen/Qwen3-0.6B-GGUF', 'Qwen3-0.6B-Q8_0.gguf', 639_446_688),
    },
    goodFor: 'the local model beside the backend',
  },
  {
    ...qwen3,
    name: 'Qwen3-4B',
    aliases: ['qwen/qwen3-4b', 'qwen/qwen3-4b-gguf'],
    parameters: '4B',
    kvBytesPerToken: 147_456, // 36 layers, 8 KV heads of 128
    quantizations: {
      Q4_K_M: hub('Qwen/Qwen3-4B-GGUF', 'Qwen3-4B-Q4_K_M.gguf', 2_497_280_256),
      Q8_0: hub('Qwen/Qwen3-4B-GGUF', 'Qwen3-4B-Q8_0.gguf', 4_280_404_704),
    },
    goodFor: 'better answers on a GPU of 6 GB',
  },
  {
    ...qwen3,
    name: 'Qwen3-8B',
    aliases: ['qwen/qwen3-8b', 'qwen/qwen3-8b-gguf'],
    parameters: '8B',
    kvBytesPerToken: 147_456, // 36 layers, 8 KV heads of 128
    quantizations: {
      Q4_K_M: hub('Qwen/Qwen3-8B-GGUF', 'Qwen3-8B-Q4_K_M.gguf', 5_027_783_488),
    },
    goodFor: 'the best of these in other languages than English, on a GPU of 8 GB',
  },
  {
    kind: 'llm',
    name: 'SmolLM2-360M-Instruct',
    aliases: [
      'smollm2',
      'smollm2-360m',
      'huggingfacetb/smollm2-360m-instruct',
      'huggingfacetb/smollm2-360m-instruct-gguf',
    ],
    parameters: '0.36B',
    languages: 'English',
    licence: 'Apache-2.0',
    contextLength: 8192,
    kvBytesPerToken: 40_960, // 32 layers, 5 KV heads of 64
    quantizations: {
      Q4_K_M: hub('bartowski/SmolLM2-360M-Instruct-GGUF', 'SmolLM2-360M-Instruct-Q4_K_M.gguf', 270_590_880),
      Q8_0: hub('HuggingFaceTB/SmolLM2-360M-Instruct-GGUF', 'smollm2-360m-instruct-q8_0.gguf', 386_404_992),
    },
    goodFor: 'a machine with 1 GB to spare; English only',
  },
  {
    kind: 'embedding',
    name: 'paraphrase-multilingual-MiniLM-L12-v2',
    aliases: [
      'sentence-transformers/paraphrase-multilingual-minilm-l12-v2',
      'xenova/paraphrase-multilingual-minilm-l12-v2',
    ],
    parameters: '0.12B',
    languages: '50 languages',
    licence: 'Apache-2.0',
    dimensions: 384,
    tokenLimit: 128,
    files: [
      hub(multilingualRepo, 'onnx/model_quantized.onnx', 118_000_000),
      hub(multilingualRepo, 'tokenizer.json', 17_000_000),
      hub(multilingualRepo, 'config.json', 1000),
      hub(multilingualRepo, 'tokenizer_config.json', 1000),
    ],
    goodFor:
      'finding texts in other languages by their meaning (kept for a later version: nothing uses it yet)',
  },
]

/** What is asked for first, by rung, when it is installed. */
export const preferredModels = { 'llm-service': 'Qwen3-1.7B', 'local-model': 'Qwen3-0.6B' } as const

export interface RegistryChoice {
  model: RegisteredModel
  /** null for embedding models, and where none was named. */
  quantization: string | null
}

/**
 * A registered model by its name, an alias, or either with a quantization behind it (`Qwen3-1.7B:Q8_0`,
 * `Qwen3-1.7B-Q8_0`); upper and lower case are the same.
 * @returns null for a name that is not in the table, or a quantization that the model does not have
 */
export function findRegistered(wanted: string): RegistryChoice | null {
  const name = wanted.toLowerCase()
  for (const model of registry) {
    const names = [model.name.toLowerCase(), ...model.aliases]
    if (names.includes(name)) return { model, quantization: null }
    if (model.kind !== 'llm') continue
    for (const quantization of Object.keys(model.quantizations)) {
      const suffixes = [`:${quantization}`, `-${quantization}`].map((suffix) => suffix.toLowerCase())
      if (suffixes.some((suffix) => names.some((known) => name === known + suffix)))
        return { model, quantization }
    }
  }
  return null
}

/** The name under which a quantization of a registered model is installed. */
export function installedName(model: RegisteredModel, quantization: string | null): string {
  if (model.kind === 'embedding') return model.name
  return `${model.name}-${quantization ?? defaultQuantization(model)}`
}

export function defaultQuantization(model: LanguageModel): string {
  const [first] = Object.keys(model.quantizations)
  if (first === undefined) throw new Error(`${model.name} has no quantization in the registry`)
  return first
}
