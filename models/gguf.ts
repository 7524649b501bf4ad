/**
 * Reads the header of a GGUF file (versions 2 and 3, little-endian) without trusting it: the format of
 * https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Nothing is allocated by a number that the file gives;
 * every count and length is held against a bound or against the bytes that are really there, so a hostile header costs
 * at most `LIMITS.header` bytes of reading and `LIMITS.kept` of memory.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

/** The file is no GGUF file that can be loaded: not one at all, cut short, or wrong within. The message says which. */
export class GgufUnusable extends Error {
  override readonly name = 'GgufUnusable'
}

/**
 * Arrays are skipped, their lengths kept: a vocabulary of 250,000 strings is the engine's to read. Short arrays of
 * numbers are kept.
 */
export type GgufValue = string | number | boolean | number[] | { length: number }

export interface GgufHeader {
  version: number
  metadata: ReadonlyMap<string, GgufValue>
  /** `general.architecture`, like `qwen3`. */
  architecture: string
  /** `general.type`; files from before that key are models. */
  type: string
  /** `general.name` */
  title: string | null
  /** As llama.cpp names the mix (`Q4_K_M`), or the type that most of the weights have. */
  quantization: string | null
  parameterCount: number
  /** Tokens the model was trained for. */
  contextLength: number | null
  vocabularySize: number | null
  /**
   * Bytes of the key-value cache per token at 16 bits; null where the header does not tell (recurrent models,
   * adapters).
   */
  kvBytesPerToken: number | null
  /** Model that an adapter or a fine-tune was made from, as its maker named it. */
  baseModel: string | null
  tensorCount: number
  /** Where the tensors' data begin. */
  dataOffset: number
  fileBytes: number
}

const LIMITS = {
  /** The largest vocabularies of today need 20 MB. */
  header: 256 * 2 ** 20,
  /** Of keys and strings, all together. */
  kept: 16 * 2 ** 20,
  key: 65_535,
  keys: 65_536,
  /** A mixture of experts in separate tensors has about 30,000. */
  tensors: 200_000,
  tensorName: 1024,
  /** llama.cpp's GGML_MAX_DIMS. */
  dimensions: 4,
  /** Per-layer numbers; no model has more layers. */
  shortArray: 1024,
}

/** Weights of a block and its bytes, by `enum ggml_type` (ggml.h); sizes from gguf-py's GGML_QUANT_SIZES. */
const TENSOR_TYPES: Record<number, { name: string; weights: number; bytes: number }> = {
  0: { name: 'F32', weights: 1, bytes: 4 },
  1: { name: 'F16', weights: 1, bytes: 2 },
  2: { name: 'Q4_0', weights: 32, bytes: 18 },
  3: { name: 'Q4_1', weights: 32, bytes: 20 },
  6: { name: 'Q5_0', weights: 32, bytes: 22 },
  7: { name: 'Q5_1', weights: 32, bytes: 24 },
  8: { name: 'Q8_0', weights: 32, bytes: 34 },
  9: { name: 'Q8_1', weights: 32, bytes: 36 },
  10: { name: 'Q2_K', weights: 256, bytes: 84 },
  11: { name: 'Q3_K', weights: 256, bytes: 110 },
  12: { name: 'Q4_K', weights: 256, bytes: 144 },
  13: { name: 'Q5_K', weights: 256, bytes: 176 },
  14: { name: 'Q6_K', weights: 256, bytes: 210 },
  15: { name: 'Q8_K', weights: 256, bytes: 292 },
  16: { name: 'IQ2_XXS', weights: 256, bytes: 66 },
  17: { name: 'IQ2_XS', weights: 256, bytes: 74 },
  18: { name: 'IQ3_XXS', weights: 256, bytes: 98 },
  19: { name: 'IQ1_S', weights: 256, bytes: 50 },
  20: { name: 'IQ4_NL', weights: 32, bytes: 18 },
  21: { name: 'IQ3_S', weights: 256, bytes: 110 },
  22: { name: 'IQ2_S', weights: 256, bytes: 82 },
  23: { name: 'IQ4_XS', weights: 256, bytes: 136 },
  24: { name: 'I8', weights: 1, bytes: 1 },
  25: { name: 'I16', weights: 1, bytes: 2 },
  26: { name: 'I32', weights: 1, bytes: 4 },
  27: { name: 'I64', weights: 1, bytes: 8 },
  28: { name: 'F64', weights: 1, bytes: 8 },
  29: { name: 'IQ1_M', weights: 256, bytes: 56 },
  30: { name: 'BF16', weights: 1, bytes: 2 },
  34: { name: 'TQ1_0', weights: 256, bytes: 54 },
  35: { name: 'TQ2_0', weights: 256, bytes: 66 },
  39: { name: 'MXFP4', weights: 32, bytes: 17 },
  40: { name: 'NVFP4', weights: 64, bytes: 36 },
  41: { name: 'Q1_0', weights: 128, bytes: 18 },
  42: { name: 'Q2_0', weights: 64, bytes: 18 },
}

/** `general.file_type`, by `enum llama_ftype` (llama.h). */
const FILE_TYPES: Record<number, string> = {
  0: 'F32',
  1: 'F16',
  2: 'Q4_0',
  3: 'Q4_1',
  7: 'Q8_0',
  8: 'Q5_0',
  9: 'Q5_1',
  10: 'Q2_K',
  11: 'Q3_K_S',
  12: 'Q3_K_M',
  13: 'Q3_K_L',
  14: 'Q4_K_S',
  15: 'Q4_K_M',
  16: 'Q5_K_S',
  17: 'Q5_K_M',
  18: 'Q6_K',
  19: 'IQ2_XXS',
  20: 'IQ2_XS',
  21: 'Q2_K_S',
  22: 'IQ3_XS',
  23: 'IQ3_XXS',
  24: 'IQ1_S',
  25: 'IQ4_NL',
  26: 'IQ3_S',
  27: 'IQ3_M',
  28: 'IQ2_S',
  29: 'IQ2_M',
  30: 'IQ4_XS',
  31: 'IQ1_M',
  32: 'BF16',
  36: 'TQ1_0',
  37: 'TQ2_0',
  38: 'MXFP4_MOE',
  39: 'NVFP4',
  40: 'Q1_0',
  41: 'Q2_0',
}

/** Types of metadata values: the numbers of the format. */
const UINT8 = 0
const INT8 = 1
const UINT16 = 2
const INT16 = 3
const UINT32 = 4
const INT32 = 5
const FLOAT32 = 6
const BOOL = 7
const STRING = 8
const ARRAY = 9
const UINT64 = 10
const INT64 = 11
const FLOAT64 = 12
const SIZES: Record<number, number> = {
  [UINT8]: 1,
  [INT8]: 1,
  [UINT16]: 2,
  [INT16]: 2,
  [UINT32]: 4,
  [INT32]: 4,
  [FLOAT32]: 4,
  [BOOL]: 1,
  [UINT64]: 8,
  [INT64]: 8,
  [FLOAT64]: 8,
}

/**
 * Reads a file's header and checks that the data of every tensor lie inside the file. Takes 1 to 100 ms, by the size of
 * the vocabulary; the weights are not read.
 * @throws GgufUnusable; the file system's error when it cannot be read
 */
export function readGguf(path: string): GgufHeader {
  const fd = openSync(path, 'r')
  try {
    return readHeader(new Reader(fd, fstatSync(fd).size))
  } finally {
    closeSync(fd)
  }
}

function readHeader(reader: Reader): GgufHeader {
  const version = readVersion(reader)
  const tensorCount = reader.count('tensors', LIMITS.tensors)
  const keyCount = reader.count('keys', LIMITS.keys)
  const metadata = readMetadata(reader, keyCount)
  const alignment = number(metadata, 'general.alignment') ?? 32
  if (!Number.isInteger(alignment) || alignment < 1 || alignment > 2 ** 20 || alignment % 8 !== 0)
    throw new GgufUnusable(`its general.alignment is ${alignment}, not a small multiple of 8`)
  const tensors = readTensors(reader, tensorCount)
  const dataOffset = Math.ceil(reader.position / alignment) * alignment
  checkExtent(tensors, dataOffset, reader.fileBytes)

  const architecture = text(metadata, 'general.architecture')
  if (architecture === null || !/^[a-z0-9][a-z0-9_.-]{0,63}$/i.test(architecture))
    throw new GgufUnusable('it names no architecture (general.architecture)')
  const vocabulary = metadata.get('tokenizer.ggml.tokens')
  return {
    version,
    metadata,
    architecture,
    type: text(metadata, 'general.type') ?? 'model',
    title: text(metadata, 'general.name'),
    quantization: quantizationOf(metadata, tensors),
    parameterCount: tensors.reduce((sum, tensor) => sum + tensor.weights, 0),
    contextLength: number(metadata, `${architecture}.context_length`),
    vocabularySize: typeof vocabulary === 'object' ? vocabulary.length : null,
    kvBytesPerToken: kvBytesPerToken(metadata, architecture),
    baseModel: text(metadata, 'general.base_model.0.name') ?? text(metadata, 'general.basename'),
    tensorCount,
    dataOffset,
    fileBytes: reader.fileBytes,
  }
}

function readVersion(reader: Reader): number {
  if (reader.fileBytes < 24)
    throw new GgufUnusable(`it has ${reader.fileBytes} bytes, less than any GGUF file`)
  const magic = reader.bytes(4)
  if (magic.toString('latin1') !== 'GGUF') throw new GgufUnusable(notGguf(magic))
  const version = reader.uint32()
  if (version === 2 || version === 3) return version
  if ((version & 0xffff) === 0)
    throw new GgufUnusable('it is big-endian; only little-endian files can be loaded')
  throw new GgufUnusable(`it is of GGUF version ${version}; versions 2 and 3 can be loaded`)
}

/** A page, an LFS pointer and safetensors are what people get by mistake. */
function notGguf(magic: Buffer): string {
  const start = magic.toString('latin1')
  if (start === 'vers')
    return 'it is a Git LFS pointer, not the file that it stands for: get it with `git lfs pull`'
  if (/^\s*[<{]/.test(start)) return 'it is a text (a web page or JSON), not a GGUF file'
  if (start.startsWith('PK'))
    return 'it is a zip file (PyTorch weights are), not a GGUF file: convert it first'
  return 'it does not begin with GGUF, so it is none'
}

function readMetadata(reader: Reader, keyCount: number): Map<string, GgufValue> {
  const metadata = new Map<string, GgufValue>()
  for (let index = 0; index < keyCount; index++) {
    const key = reader.keep(LIMITS.key, `key ${index + 1}`)
    if (metadata.has(key)) throw new GgufUnusable(`it has the key ${shown(key)} twice`)
    metadata.set(key, reader.value(key))
  }
  return metadata
}

interface Tensor {
  name: string
  type: string
  weights: number
  offset: number
  bytes: number
}

function readTensors(reader: Reader, count: number): Tensor[] {
  const tensors: Tensor[] = []
  for (let index = 0; index < count; index++) {
    const name = reader.keep(LIMITS.tensorName, `the name of tensor ${index + 1}`)
    const dimensions = reader.uint32()
    if (dimensions > LIMITS.dimensions)
      throw new GgufUnusable(
        `tensor ${shown(name)} has ${dimensions} dimensions, at most ${LIMITS.dimensions} are known`,
      )
    const sizes = Array.from({ length: dimensions }, () => reader.uint64(`a dimension of ${shown(name)}`))
    const type = reader.uint32()
    const offset = reader.uint64(`the offset of ${shown(name)}`)
    tensors.push({ name, offset, ...extentOf(name, type, sizes) })
  }
  return tensors
}

function extentOf(name: string, type: number, sizes: number[]): Pick<Tensor, 'type' | 'weights' | 'bytes'> {
  const layout = TENSOR_TYPES[type]
  if (layout === undefined)
    throw new GgufUnusable(
      `tensor ${shown(name)} is of type ${type}, which is not known: is the file newer than Mentor?`,
    )
  const weights = sizes.reduce((product, size) => product * size, 1)
  if (!Number.isSafeInteger(weights) || !Number.isSafeInteger(weights * layout.bytes))
    throw new GgufUnusable(
      `tensor ${shown(name)} is said to have ${sizes.join(' × ')} weights, more than can be`,
    )
  if ((sizes[0] ?? 1) % layout.weights !== 0)
    throw new GgufUnusable(
      `a row of tensor ${shown(name)} has ${sizes[0]} weights, not whole blocks of ${layout.weights}`,
    )
  return { type: layout.name, weights, bytes: (weights / layout.weights) * layout.bytes }
}

function checkExtent(tensors: Tensor[], dataOffset: number, fileBytes: number): void {
  const ends = tensors.map((tensor) => dataOffset + tensor.offset + tensor.bytes)
  const needed = ends.reduce((most, end) => Math.max(most, end), 0)
  if (needed <= fileBytes) return
  const cut = tensors[ends.findIndex((end) => end > fileBytes)]
  throw new GgufUnusable(
    `it is cut short: its tensors end at byte ${needed.toLocaleString('en')}, the file at ` +
      `${fileBytes.toLocaleString('en')}, so ${(needed - fileBytes).toLocaleString('en')} bytes are missing ` +
      `(the first of them in ${shown(cut?.name ?? '')})`,
  )
}

function quantizationOf(metadata: Map<string, GgufValue>, tensors: Tensor[]): string | null {
  const named = FILE_TYPES[number(metadata, 'general.file_type') ?? -1]
  if (named !== undefined) return named
  const weights = new Map<string, number>()
  for (const tensor of tensors) weights.set(tensor.type, (weights.get(tensor.type) ?? 0) + tensor.weights)
  return [...weights].sort((a, b) => b[1] - a[1])[0]?.[0] ?? null
}

/** Keys and values of every layer, two bytes a number: llama.cpp's cache as it comes. */
function kvBytesPerToken(metadata: Map<string, GgufValue>, architecture: string): number | null {
  const of = (key: string) => number(metadata, `${architecture}.${key}`)
  const layers = of('block_count')
  const heads = of('attention.head_count')
  const width = of('embedding_length')
  if (layers === null || heads === null || heads === 0 || width === null) return null
  const keyLength = of('attention.key_length') ?? width / heads
  const valueLength = of('attention.value_length') ?? width / heads
  const perLayer = metadata.get(`${architecture}.attention.head_count_kv`)
  const kvHeads = Array.isArray(perLayer)
    ? perLayer.reduce((sum, n) => sum + n, 0)
    : (typeof perLayer === 'number' ? perLayer : heads) * layers
  const bytes = 2 * kvHeads * (keyLength + valueLength)
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : null
}

function text(metadata: Map<string, GgufValue>, key: string): string | null {
  const value = metadata.get(key)
  return typeof value === 'string' && value !== '' ? value : null
}

function number(metadata: Map<string, GgufValue>, key: string): number | null {
  const value = metadata.get(key)
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}

/** A name out of the file, for a message. */
function shown(name: string): string {
  return name.length <= 80 ? name : `${name.slice(0, 79)}…`
}

/** Forward through the file, a window at a time. */
class Reader {
  position = 0
  private window: Buffer = Buffer.alloc(0)
  private windowStart = 0
  private kept = 0

  constructor(
    private readonly fd: number,
    readonly fileBytes: number,
  ) {}

  /** Valid until the next read. @param length at most a window's */
  bytes(length: number): Buffer {
    const from = this.position - this.windowStart
    if (from < 0 || from + length > this.window.length) this.load(length)
    const start = this.position - this.windowStart
    this.position += length
    return this.window.subarray(start, start + length)
  }

  private load(length: number): void {
    this.mustHold(length)
    const wanted = Math.min(Math.max(length, 2 ** 18), this.fileBytes - this.position)
    const window = Buffer.allocUnsafe(wanted)
    let filled = 0
    while (filled < wanted) {
      const got = readSync(this.fd, window, filled, wanted - filled, this.position + filled)
      if (got === 0) throw new GgufUnusable('it became shorter while it was read')
      filled += got
    }
    this.window = window
    this.windowStart = this.position
  }

  private mustHold(length: number): void {
    if (this.position + length > this.fileBytes)
      throw new GgufUnusable(
        `it is cut short: it ends within its header, at byte ${this.fileBytes.toLocaleString('en')}`,
      )
    if (this.position + length > LIMITS.header)
      throw new GgufUnusable(`its header is larger than ${LIMITS.header / 2 ** 20} MB`)
  }

  private skip(length: number): void {
    this.mustHold(length)
    this.position += length
  }

  uint32(): number {
    return this.bytes(4).readUInt32LE()
  }

  uint64(what: string): number {
    const value = this.bytes(8).readBigUInt64LE()
    if (value > BigInt(Number.MAX_SAFE_INTEGER))
      throw new GgufUnusable(`${what} is ${value}, more than any file holds`)
    return Number(value)
  }

  count(what: string, most: number): number {
    const value = this.uint64(`its number of ${what}`)
    if (value > most)
      throw new GgufUnusable(`it says it has ${value.toLocaleString('en')} ${what}, at most ${most} are read`)
    return value
  }

  /** A string that stays in memory. */
  keep(most: number, what: string): string {
    const length = this.uint64(`the length of ${what}`)
    this.mustHold(length)
    if (length > most)
      throw new GgufUnusable(`${what} is ${length.toLocaleString('en')} bytes long, at most ${most} are read`)
    this.kept += length
    if (this.kept > LIMITS.kept)
      throw new GgufUnusable(`its names and texts are larger than ${LIMITS.kept / 2 ** 20} MB`)
    return this.bytes(length).toString('utf8')
  }

  value(key: string): GgufValue {
    const type = this.uint32()
    if (type === STRING) return this.keep(LIMITS.kept, `the value of ${shown(key)}`)
    return type === ARRAY ? this.array(key) : this.scalar(type, key)
  }

  private array(key: string): number[] | { length: number } {
    const type = this.uint32()
    const length = this.uint64(`the length of ${shown(key)}`)
    if (type === STRING) {
      // Each takes eight bytes at least: a count that the file cannot hold is refused before the loop.
      this.mustHold(length * 8)
      for (let index = 0; index < length; index++)
        this.skip(this.uint64(`the length of a string of ${shown(key)}`))
      return { length }
    }
    const size = SIZES[type]
    // llama.cpp loads no arrays of arrays either.
    if (size === undefined)
      throw new GgufUnusable(`${shown(key)} is an array of type ${type}, which is not known`)
    this.mustHold(length * size)
    if (length > LIMITS.shortArray || type === BOOL) {
      this.skip(length * size)
      return { length }
    }
    return Array.from({ length }, () => Number(this.scalar(type, key)))
  }

  private scalar(type: number, key: string): number | boolean {
    const size = SIZES[type]
    if (size === undefined)
      throw new GgufUnusable(`${shown(key)} is a value of type ${type}, which is not known`)
    const bytes = this.bytes(size)
    switch (type) {
      case UINT8:
        return bytes.readUInt8()
      case INT8:
        return bytes.readInt8()
      case UINT16:
        return bytes.readUInt16LE()
      case INT16:
        return bytes.readInt16LE()
      case UINT32:
        return bytes.readUInt32LE()
      case INT32:
        return bytes.readInt32LE()
      case FLOAT32:
        return bytes.readFloatLE()
      case BOOL:
        return bytes.readUInt8() !== 0
      case UINT64:
        return Number(bytes.readBigUInt64LE())
      case INT64:
        return Number(bytes.readBigInt64LE())
      default:
        return bytes.readDoubleLE()
    }
  }
}
