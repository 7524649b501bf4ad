/**
 * The model that a device is tried with: random weights in Qwen3's shape, small enough to be written anew each time
 * (5 MB, 0.1 s), in the types of a Q4_K_M file, so that the device runs the kernels that a real model needs:
 * Q4_K, Q6_K and F16 matrices, rotary positions, grouped heads and flash attention.
 */
import { scaleQ4K, scaleQ6K } from '../../models/gguf-blocks.ts'
import { f32, type Tensor, type TensorType, u32, writeGguf } from '../../models/gguf-writer.ts'

/** Rows are multiples of 256, a block of the quantised types; heads of 128 are what flash attention is made for. */
const shape = { layers: 2, embedding: 512, feedForward: 1024, heads: 4, keyValueHeads: 2, headLength: 128 }

export const probeVocabulary = 512
export const probeContext = 256

/**
 * What the child evaluates: prompts of two sequences in one decode (the first above 64 tokens, from where on devices
 * take their matrix-matrix kernels), then single tokens of both together.
 */
export const probePrompts: readonly number[][] = [tokens(1, 96), tokens(2, 33)]
export const probeSteps: readonly number[][] = [tokens(3, 4), tokens(4, 4)]

/**
 * The likeliest token of each row of logits (after each prompt, then after each step of each sequence), as the CPU's
 * kernels and 32-bit floats agree; null where two tokens are too close to tell. So the CPU is judged too.
 */
export const probeAnswers: readonly (number | null)[] = [222, null, 492, null, 270, null, 492, 504, 12, 45]

/** @throws when the folder cannot be written to */
export async function writeProbeModel(path: string): Promise<void> {
  await writeGguf(path, metadata(), tensors())
}

function metadata() {
  const vocabulary = Array.from({ length: probeVocabulary }, (_, token) => `t${token}`)
  return {
    'general.architecture': 'qwen3',
    'general.type': 'model',
    'general.name': 'Probe',
    'general.file_type': u32(15),
    'general.quantization_version': u32(2),
    'qwen3.block_count': u32(shape.layers),
    'qwen3.context_length': u32(probeContext),
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
    'tokenizer.ggml.tokens': vocabulary,
    // llama.cpp's number for ordinary text.
    'tokenizer.ggml.token_type': new Int32Array(probeVocabulary).fill(1),
    'tokenizer.ggml.merges': ['t 0'],
    'tokenizer.ggml.eos_token_id': u32(0),
    'tokenizer.ggml.bos_token_id': u32(0),
    'tokenizer.ggml.add_bos_token': false,
  }
}

function tensors(): Tensor[] {
  const { embedding, feedForward, heads, keyValueHeads, headLength } = shape
  const queries = heads * headLength
  const keys = keyValueHeads * headLength
  const layers = Array.from({ length: shape.layers }, (_, layer) => {
    const name = (part: string) => `blk.${layer}.${part}.weight`
    return [
      norm(name('attn_norm'), embedding),
      matrix(name('attn_q'), 'Q4_K', embedding, queries),
      matrix(name('attn_k'), 'Q4_K', embedding, keys),
      matrix(name('attn_v'), 'Q6_K', embedding, keys),
      matrix(name('attn_output'), 'Q4_K', queries, embedding),
      norm(name('attn_q_norm'), headLength),
      norm(name('attn_k_norm'), headLength),
      norm(name('ffn_norm'), embedding),
      matrix(name('ffn_gate'), 'Q4_K', embedding, feedForward),
      matrix(name('ffn_up'), 'F16', embedding, feedForward),
      matrix(name('ffn_down'), 'Q6_K', feedForward, embedding),
    ]
  })
  return [
    matrix('token_embd.weight', 'F16', embedding, probeVocabulary),
    ...layers.flat(),
    // As peaked as a real model's: logits of spread 4.
    norm('output_norm.weight', embedding, 4),
    matrix('output.weight', 'Q6_K', embedding, probeVocabulary),
  ]
}

function norm(name: string, length: number, weight = 1): Tensor {
  const weights = new Float32Array(length).fill(weight)
  return { name, type: 'F32', shape: [length], data: () => [new Uint8Array(weights.buffer)] }
}

type MatrixType = Extract<TensorType, 'F16' | 'Q4_K' | 'Q6_K'>

function matrix(name: string, type: MatrixType, columns: number, rows: number): Tensor {
  return { name, type, shape: [columns, rows], data: () => [weights(name, type, columns, columns * rows)] }
}

/** Random, and the same on every machine; a row of this spread keeps the size of what it multiplies. */
function weights(name: string, type: MatrixType, columns: number, count: number): Uint8Array {
  const spread = 1 / Math.sqrt(columns)
  const next = random(name)
  if (type === 'F16') {
    const view = new DataView(new ArrayBuffer(count * 2))
    // Even between ±√3 spreads, which has that spread.
    for (let at = 0; at < count; at++)
      view.setFloat16(at * 2, (next() / 2 ** 31 - 1) * Math.sqrt(3) * spread, true)
    return new Uint8Array(view.buffer)
  }
  const size = type === 'Q4_K' ? 144 : 210
  const bytes = new Uint8Array((count / 256) * size)
  for (let at = 0; at < bytes.length; at++) bytes[at] = next() >>> 24
  const view = new DataView(bytes.buffer)
  for (let at = 0; at < bytes.length; at += size) {
    if (type === 'Q4_K') scaleQ4K(view, at, spread)
    else scaleQ6K(view, at, spread)
  }
  return bytes
}

function tokens(seed: number, count: number): number[] {
  const next = random(`tokens ${seed}`)
  return Array.from({ length: count }, () => next() % probeVocabulary)
}

/** Marsaglia's 32-bit xorshift (https://www.jstatsoft.org/article/view/v008i14), begun from a name. */
function random(name: string): () => number {
  let x = Number(Bun.hash.crc32(name)) || 1
  return () => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return x >>> 0
  }
}
