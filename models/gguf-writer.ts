/**
 * Writes GGUF version 3, the file format of llama.cpp: header, metadata, tensor descriptions, tensor data
 * (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md). Little-endian, data aligned to 32 bytes.
 */
import { open } from 'node:fs/promises'

const version = 3
const alignment = 32

/** The numbers that GGUF gives the types of metadata values. */
const valueTypes = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9 } as const

/** Storage types of tensors: GGUF's number, values a block, bytes a block. */
const tensorTypes = {
  F32: { id: 0, values: 1, bytes: 4 },
  F16: { id: 1, values: 1, bytes: 2 },
  Q4_K: { id: 12, values: 256, bytes: 144 },
  Q6_K: { id: 14, values: 256, bytes: 210 },
} as const

export type TensorType = keyof typeof tensorTypes

/** A number with the type that the reader demands: llama.cpp refuses a float where it expects a u32. */
export interface TypedNumber {
  type: 'u32' | 'f32'
  value: number
}

export type MetadataValue = string | boolean | TypedNumber | string[] | Int32Array

export type Metadata = Record<string, MetadataValue>

export interface Tensor {
  name: string
  type: TensorType
  /** GGUF's order: the first is the length of a row, so a matrix of `rows` × `columns` is [columns, rows]. */
  shape: number[]
  /** The tensor's bytes, in as many parts as suit the memory. Asked for once. */
  data(): Iterable<Uint8Array>
}

export const u32 = (value: number): TypedNumber => ({ type: 'u32', value })

export const f32 = (value: number): TypedNumber => ({ type: 'f32', value })

/** Bytes of `values` numbers in that type. @throws RangeError when they do not fill whole blocks. */
export function tensorBytes(type: TensorType, values: number): number {
  const block = tensorTypes[type]
  if (values % block.values !== 0) {
    throw new RangeError(`${values} values do not fill whole ${type} blocks of ${block.values}`)
  }
  return (values / block.values) * block.bytes
}

/**
 * Writes the file, replacing one that stands there. One part of one tensor is in memory at a time.
 * @throws RangeError when a tensor's data is not as long as its type and shape say.
 */
export async function writeGguf(path: string, metadata: Metadata, tensors: Tensor[]): Promise<void> {
  const file = await open(path, 'w')
  try {
    let length = await put(file, describe(metadata, tensors))
    length += await put(file, padding(length))
    for (const tensor of tensors) {
      let written = 0
      for (const part of tensor.data()) written += await put(file, part)
      const expected = tensorBytes(tensor.type, elements(tensor))
      if (written !== expected) {
        throw new RangeError(`${tensor.name} has ${written} bytes of data; its shape says ${expected}`)
      }
      length += written
      length += await put(file, padding(length))
    }
  } finally {
    await file.close()
  }
}

async function put(file: Awaited<ReturnType<typeof open>>, bytes: Uint8Array): Promise<number> {
  let done = 0
  // A write may take less than it was given.
  while (done < bytes.length) done += (await file.write(bytes, done)).bytesWritten
  return done
}

/** Everything before the tensors' data. */
function describe(metadata: Metadata, tensors: Tensor[]): Uint8Array {
  const entries = Object.entries(metadata)
  const header = new Bytes()
  header.raw(new TextEncoder().encode('GGUF'))
  header.u32(version)
  header.u64(tensors.length)
  header.u64(entries.length)
  for (const [key, value] of entries) {
    header.string(key)
    header.metadata(value)
  }
  let offset = 0
  for (const tensor of tensors) {
    header.string(tensor.name)
    header.u32(tensor.shape.length)
    for (const size of tensor.shape) header.u64(size)
    header.u32(tensorTypes[tensor.type].id)
    header.u64(offset)
    const bytes = tensorBytes(tensor.type, elements(tensor))
    offset += bytes + padding(bytes).length
  }
  return header.bytes()
}

function elements(tensor: Tensor): number {
  return tensor.shape.reduce((product, size) => product * size, 1)
}

function padding(length: number): Uint8Array {
  return new Uint8Array((alignment - (length % alignment)) % alignment)
}

/** Bytes that grow as they are written. */
class Bytes {
  #buffer = new Uint8Array(1 << 16)
  #length = 0

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length)
  }

  raw(bytes: Uint8Array): void {
    this.#room(bytes.length)
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
  }

  u32(value: number): void {
    this.#number(4, (view, at) => view.setUint32(at, value, true))
  }

  u64(value: number): void {
    this.#number(8, (view, at) => view.setBigUint64(at, BigInt(value), true))
  }

  f32(value: number): void {
    this.#number(4, (view, at) => view.setFloat32(at, value, true))
  }

  string(text: string): void {
    const bytes = new TextEncoder().encode(text)
    this.u64(bytes.length)
    this.raw(bytes)
  }

  metadata(value: MetadataValue): void {
    if (typeof value === 'string') {
      this.u32(valueTypes.string)
      this.string(value)
    } else if (typeof value === 'boolean') {
      this.u32(valueTypes.bool)
      this.raw(Uint8Array.of(value ? 1 : 0))
    } else if (value instanceof Int32Array) {
      this.#array(valueTypes.i32, value.length)
      this.raw(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
    } else if (Array.isArray(value)) {
      this.#array(valueTypes.string, value.length)
      for (const text of value) this.string(text)
    } else {
      this.u32(valueTypes[value.type])
      this[value.type](value.value)
    }
  }

  #array(type: number, length: number): void {
    this.u32(valueTypes.array)
    this.u32(type)
    this.u64(length)
  }

  #number(size: number, write: (view: DataView, at: number) => void): void {
    this.#room(size)
    write(new DataView(this.#buffer.buffer), this.#length)
    this.#length += size
  }

  #room(more: number): void {
    if (this.#length + more <= this.#buffer.length) return
    const larger = new Uint8Array(Math.max(2 * this.#buffer.length, this.#length + more))
    larger.set(this.bytes())
    this.#buffer = larger
  }
}
