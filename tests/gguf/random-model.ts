/**
 * Random-weight models in the shape of Qwen3: as large and as fast as the real files, without their knowledge.
 * They load and decode in llama.cpp like a Q4_K_M file, and write words without sense until they are stopped,
 * which is what a measurement of speed needs.
 */

import { scaleQ4K, scaleQ6K } from '../../models/gguf-blocks.ts'
import { f32, type Tensor, type TensorType, u32, writeGguf } from '../../models/gguf-writer.ts'
import { qwen3ChatTemplate } from './chat-template.ts'
import { byteLetters, byteSpelling, commonWords, tokenTypes } from './vocabulary.ts'

export interface ModelShape {
  name: string
  layers: number
  /** Width of the residual stream. A multiple of 256, as every row below: the quantised types pack 256 values. */
  embedding: number
  feedForward: number
  heads: number
  keyValueHeads: number
  headLength: number
  contextLength: number
  /** Tokens in all: bytes, words, Qwen's control tokens, then unused ones that fill it up as in the real file. */
  vocabulary: number
  unused: number
}

const qwen3 = {
  layers: 28,
  heads: 16,
  keyValueHeads: 8,
  headLength: 128,
  contextLength: 40_960,
  vocabulary: 151_936,
  unused: 267,
}

export const qwen3Shapes = {
  '0.6b': { ...qwen3, name: 'Qwen3-0.6B-shape', embedding: 1024, feedForward: 3072 },
  '1.7b': { ...qwen3, name: 'Qwen3-1.7B-shape', embedding: 2048, feedForward: 6144 },
  /** The same parts, small enough for a test: about 2 MB. */
  small: {
    ...qwen3,
    name: 'Qwen3-small-shape',
    layers: 2,
    embedding: 256,
    feedForward: 512,
    heads: 2,
    keyValueHeads: 1,
    contextLength: 2048,
    vocabulary: 4096,
    unused: 0,
  },
} satisfies Record<string, ModelShape>

/** Qwen3's, in the order of its ids, which are the last before the unused ones. */
const qwenTokens = [
  '<|endoftext|>',
  '<|im_start|>',
  '<|im_end|>',
  '<|object_ref_start|>',
  '<|object_ref_end|>',
  '<|box_start|>',
  '<|box_end|>',
  '<|quad_start|>',
  '<|quad_end|>',
  '<|vision_start|>',
  '<|vision_end|>',
  '<|vision_pad|>',
  '<|image_pad|>',
  '<|video_pad|>',
  '<tool_call>',
  '</tool_call>',
  '<|fim_prefix|>',
  '<|fim_middle|>',
  '<|fim_suffix|>',
  '<|fim_pad|>',
  '<|repo_name|>',
  '<|file_sep|>',
  '<tool_response>',
  '</tool_response>',
  '<think>',
  '</think>',
].map((text): [text: string, type: number] => [
  text,
  // Without bars they are ordinary text to the tokenizer, as Qwen's are.
  text.includes('|') ? tokenTypes.control : tokenTypes.userDefined,
])

/** Writes the model: 0.4 GB for 0.6b and 1.1 GB for 1.7b, a part at a time. The same seed gives the same bytes. */
export async function writeRandomModel(
  path: string,
  shape: ModelShape,
  { seed = 1 }: { seed?: number } = {},
): Promise<void> {
  const { tokens, types, merges, wordCount } = await vocabulary(shape)
  const metadata = {
    'general.architecture': 'qwen3',
    'general.type': 'model',
    'general.name': shape.name,
    'general.file_type': u32(15),
    'general.quantization_version': u32(2),
    'qwen3.block_count': u32(shape.layers),
    'qwen3.context_length': u32(shape.contextLength),
    'qwen3.embedding_length': u32(shape.embedding),
    'qwen3.feed_forward_length': u32(shape.feedForward),
    'qwen3.attention.head_count': u32(shape.heads),
    'qwen3.attention.head_count_kv': u32(shape.keyValueHeads),
    'qwen3.attention.key_length': u32(shape.headLength),
    'qwen3.attention.value_length': u32(shape.headLength),
    'qwen3.attention.layer_norm_rms_epsilon': f32(1e-6),
    'qwen3.rope.freq_base': f32(1e6),
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.pre': 'qwen2',
    'tokenizer.ggml.tokens': tokens,
    'tokenizer.ggml.token_type': Int32Array.from(types),
    'tokenizer.ggml.merges': merges,
    'tokenizer.ggml.eos_token_id': u32(tokens.indexOf('<|im_end|>')),
    'tokenizer.ggml.padding_token_id': u32(tokens.indexOf('<|endoftext|>')),
    'tokenizer.ggml.bos_token_id': u32(tokens.indexOf('<|endoftext|>')),
    'tokenizer.ggml.add_bos_token': false,
    'tokenizer.chat_template': qwen3ChatTemplate,
  }
  await writeGguf(path, metadata, tensors(shape, wordCount, seed))
}

/**
 * Where llama.cpp's Q4_K_M takes Q6_K for the values and the down projection: the first and the last eighth of
 * the layers and every third between (use_more_bits in its src/llama-quant.cpp).
 */
function moreBits(layer: number, layers: number): boolean {
  const eighth = Math.floor(layers / 8)
  return layer < eighth || layer >= Math.floor((7 * layers) / 8) || (layer - eighth) % 3 === 2
}

function tensors(shape: ModelShape, wordCount: number, seed: number): Tensor[] {
  const { embedding, feedForward } = shape
  const queries = shape.heads * shape.headLength
  const keys = shape.keyValueHeads * shape.headLength
  let count = 0
  const matrix = (name: string, type: 'Q4_K' | 'Q6_K', columns: number, rows: number): Tensor => {
    const random = randomState(seed, count++)
    // A row of this spread keeps the size of what it multiplies, so that no layer grows or starves the next.
    const spread = 1 / Math.sqrt(columns)
    return {
      name,
      type,
      shape: [columns, rows],
      data: () => randomBlocks(type, (columns / 256) * rows, spread, random),
    }
  }
  const layers = Array.from({ length: shape.layers }, (_, layer) => {
    const precise = moreBits(layer, shape.layers) ? 'Q6_K' : 'Q4_K'
    const name = (part: string) => `blk.${layer}.${part}.weight`
    return [
      norm(name('attn_norm'), embedding),
      matrix(name('attn_q'), 'Q4_K', embedding, queries),
      matrix(name('attn_k'), 'Q4_K', embedding, keys),
      matrix(name('attn_v'), precise, embedding, keys),
      matrix(name('attn_output'), 'Q4_K', queries, embedding),
      norm(name('attn_q_norm'), shape.headLength),
      norm(name('attn_k_norm'), shape.headLength),
      norm(name('ffn_norm'), embedding),
      matrix(name('ffn_gate'), 'Q4_K', embedding, feedForward),
      matrix(name('ffn_up'), 'Q4_K', embedding, feedForward),
      matrix(name('ffn_down'), precise, feedForward, embedding),
    ]
  })
  // Tied to the output, as in the real file, and so in the output's type.
  return [
    embeddings(shape, wordCount, randomState(seed, -1)),
    norm('output_norm.weight', embedding, 4),
    ...layers.flat(),
  ]
}

/**
 * The words' rows give logits of spread 4, as peaked as a real model's. The rows of control and unused tokens are a
 * hundredth as large: their logits stay near 0 while the best of the words stand near 17, so no answer ends early.
 */
function embeddings(shape: ModelShape, wordCount: number, random: RandomState): Tensor {
  const { embedding, vocabulary } = shape
  const spread = 1 / Math.sqrt(embedding)
  const blocks = embedding / 256
  return {
    name: 'token_embd.weight',
    type: 'Q6_K',
    shape: [embedding, vocabulary],
    *data() {
      yield* randomBlocks('Q6_K', blocks * wordCount, spread, random)
      yield* randomBlocks('Q6_K', blocks * (vocabulary - wordCount), spread / 100, random)
    },
  }
}

function norm(name: string, length: number, weight = 1): Tensor {
  const weights = new Float32Array(length).fill(weight)
  return { name, type: 'F32', shape: [length], data: () => [new Uint8Array(weights.buffer)] }
}

interface RandomState {
  value: number
}

function randomState(seed: number, tensor: number): RandomState {
  // Never 0, where xorshift stays for ever.
  return { value: Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(tensor + 2, 0x85ebca6b) || 1 }
}

/** Marsaglia's 32-bit xorshift (https://www.jstatsoft.org/article/view/v008i14): a gigabyte a second in JavaScript. */
function fillRandom(words: Uint32Array, state: RandomState): void {
  let x = state.value
  for (let at = 0; at < words.length; at++) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    words[at] = x
  }
  state.value = x
}

const blocksAtOnce = 16_384

/** Blocks of random values around 0 with about that spread, in parts of some MB. */
function* randomBlocks(
  type: Extract<TensorType, 'Q4_K' | 'Q6_K'>,
  count: number,
  spread: number,
  random: RandomState,
): Generator<Uint8Array> {
  const size = type === 'Q4_K' ? 144 : 210
  for (let done = 0; done < count; done += blocksAtOnce) {
    const blocks = Math.min(blocksAtOnce, count - done)
    const bytes = new Uint8Array(Math.ceil((blocks * size) / 4) * 4)
    fillRandom(new Uint32Array(bytes.buffer), random)
    const view = new DataView(bytes.buffer)
    for (let at = 0; at < blocks * size; at += size) {
      if (type === 'Q4_K') scaleQ4K(view, at, spread)
      else scaleQ6K(view, at, spread)
    }
    yield bytes.subarray(0, blocks * size)
  }
}

interface Vocabulary {
  tokens: string[]
  types: number[]
  merges: string[]
  /** Bytes and words, which come first. */
  wordCount: number
}

/**
 * Bytes, then words that each grow from a shorter one by a letter, each with its merge, then Qwen's own tokens.
 * The words that follow a space come first: BPE takes the earliest merge, so such a word is built from its space
 * on and becomes one token. Without the space the merges of other words can get in between: then it is two or three.
 */
async function vocabulary(shape: ModelShape): Promise<Vocabulary> {
  const wordCount = shape.vocabulary - qwenTokens.length - shape.unused
  const known = new Set(byteLetters)
  const merges: string[] = []
  const add = (word: string) => {
    for (let end = 2; end <= word.length && known.size < wordCount; end++) {
      const token = word.slice(0, end)
      if (known.has(token)) continue
      known.add(token)
      merges.push(`${token.slice(0, -1)} ${token.slice(-1)}`)
    }
  }
  const english = await commonWords(Math.floor(shape.vocabulary / 8))
  const frequent = english.slice(0, Math.floor(english.length / 8))
  add(byteSpelling('\n\n'))
  for (const word of english) add(byteSpelling(` ${word}`))
  for (const word of frequent) add(byteSpelling(` ${capital(word)}`))
  for (const word of ['system', 'user', 'assistant', ...frequent]) {
    add(word)
    add(capital(word))
  }
  for (let number = 0; known.size < wordCount; number++) add(byteSpelling(` ${inventedWord(number)}`))

  const tokens = [...known]
  const types = tokens.map((): number => tokenTypes.normal)
  for (const [text, type] of qwenTokens) {
    tokens.push(text)
    types.push(type)
  }
  while (tokens.length < shape.vocabulary) {
    tokens.push(`[PAD${tokens.length}]`)
    types.push(tokenTypes.unused)
  }
  return { tokens, types, merges, wordCount }
}

function capital(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1)
}

/** A word without meaning for each number, each another: the number in syllables. */
function inventedWord(number: number): string {
  const consonants = 'bdfgklmnprstvz'
  const vowels = 'aeiou'
  let word = ''
  for (let rest = number; rest > 0 || word.length < 6; ) {
    word += consonants.charAt(rest % consonants.length)
    rest = Math.floor(rest / consonants.length)
    word += vowels.charAt(rest % vowels.length)
    rest = Math.floor(rest / vowels.length)
  }
  return word
}
