/** GGUF files by hand, for the store: a header, one or two small tensors, and whatever a test wants wrong. */

type Value = string | number | boolean | string[] | number[]

export interface GgufShape {
  metadata?: Record<string, Value>
  /** Dimensions by name; all are F32. */
  tensors?: Record<string, number[]>
  /** Fills the weights: files with other fillings are other files. */
  fill?: number
}

const languageModel: Record<string, Value> = {
  'general.architecture': 'llama',
  'general.type': 'model',
  'general.name': 'Tiny',
  'general.file_type': 0,
  'llama.context_length': 2048,
  'llama.block_count': 2,
  'llama.embedding_length': 64,
  'llama.attention.head_count': 4,
  'llama.attention.head_count_kv': 2,
  'tokenizer.ggml.model': 'llama',
  'tokenizer.ggml.tokens': ['<unk>', '<s>', '</s>', 'a', 'b'],
}

/** A file that passes every check of the store. */
export function tinyModel({
  metadata = {},
  tensors = { 'output.weight': [64, 5] },
  fill = 0,
}: GgufShape = {}): Buffer {
  return gguf({ ...languageModel, ...metadata }, tensors, fill)
}

export function tinyAdapter(metadata: Record<string, Value> = {}): Buffer {
  const keys = {
    'general.architecture': 'llama',
    'general.type': 'adapter',
    'general.base_model.0.name': 'Tiny',
    'adapter.type': 'lora',
    'adapter.lora.alpha': 16.5,
    ...metadata,
  }
  return gguf(keys, { 'blk.0.attn_q.weight.lora_a': [64, 4], 'blk.0.attn_q.weight.lora_b': [4, 64] }, 0)
}

/** A language model of about so many bytes, whose content does not repeat: a wrong order of its parts shows. */
export function largeModel(bytes: number, seed = 1): Buffer {
  const file = tinyModel({ tensors: { 'output.weight': [64, Math.ceil(bytes / 256)] } })
  const start = file.length - Math.ceil(bytes / 256) * 256
  let state = seed
  for (let at = start; at + 4 <= file.length; at += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    file.writeUInt32LE(state, at)
  }
  return file
}

export function gguf(
  metadata: Record<string, Value>,
  tensors: Record<string, number[]>,
  fill: number,
): Buffer {
  const header = [
    Buffer.from('GGUF'),
    uint32(3),
    uint64(Object.keys(tensors).length),
    uint64(Object.keys(metadata).length),
    ...Object.entries(metadata).flatMap(([key, value]) => [string(key), typed(value)]),
  ]
  let offset = 0
  for (const [name, sizes] of Object.entries(tensors)) {
    header.push(string(name), uint32(sizes.length), ...sizes.map(uint64), uint32(0), uint64(offset))
    offset += aligned(4 * sizes.reduce((product, size) => product * size, 1))
  }
  const head = Buffer.concat(header)
  return Buffer.concat([head, Buffer.alloc(aligned(head.length) - head.length), Buffer.alloc(offset, fill)])
}

const aligned = (bytes: number) => Math.ceil(bytes / 32) * 32

function typed(value: Value): Buffer {
  if (typeof value === 'string') return Buffer.concat([uint32(8), string(value)])
  if (typeof value === 'boolean') return Buffer.concat([uint32(7), Buffer.from([value ? 1 : 0])])
  if (typeof value === 'number') {
    if (Number.isInteger(value)) return Buffer.concat([uint32(4), uint32(value)])
    const float = Buffer.alloc(4)
    float.writeFloatLE(value)
    return Buffer.concat([uint32(6), float])
  }
  const numbers = value.filter((one) => typeof one === 'number')
  return numbers.length > 0
    ? Buffer.concat([uint32(9), uint32(4), uint64(numbers.length), ...numbers.map(uint32)])
    : Buffer.concat([uint32(9), uint32(8), uint64(value.length), ...value.map((one) => string(String(one)))])
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

export function uint64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}

export function string(text: string): Buffer {
  return Buffer.concat([uint64(Buffer.byteLength(text)), Buffer.from(text)])
}
