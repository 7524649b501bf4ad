/** The GGUF reader on good files, cut ones, and headers made to harm. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GgufUnusable, readGguf } from '../../models/gguf.ts'
import { inspectGguf } from '../../models/store/inspect.ts'
import { gguf, string, tinyAdapter, tinyModel, uint32, uint64 } from './store-files.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mentor-gguf-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function file(bytes: Uint8Array): Promise<string> {
  const path = join(folder, `${Math.random().toString(36).slice(2)}.gguf`)
  await writeFile(path, bytes)
  return path
}

const head = (tensors: number | bigint, keys: number | bigint) => [
  Buffer.from('GGUF'),
  uint32(3),
  uint64(tensors),
  uint64(keys),
]

test('what a model says of itself is read', async () => {
  const path = await file(tinyModel({ metadata: { 'general.file_type': 15, 'general.license': 'mit' } }))
  expect(readGguf(path)).toMatchObject({
    version: 3,
    architecture: 'llama',
    type: 'model',
    title: 'Tiny',
    quantization: 'Q4_K_M',
    parameterCount: 64 * 5,
    contextLength: 2048,
    vocabularySize: 5,
    // 2 layers × 2 KV heads × (16 + 16) numbers of 2 bytes
    kvBytesPerToken: 256,
    tensorCount: 1,
  })
  expect(inspectGguf(path)).toMatchObject({ kind: 'llm', licence: 'mit', quantization: 'Q4_K_M' })
})

test('KV heads of each layer are summed, own key lengths count, and without a file type the weights tell', async () => {
  const metadata = {
    'llama.attention.head_count_kv': [2, 4],
    'llama.attention.key_length': 32,
    'llama.attention.value_length': 32,
    'general.file_type': 999,
  }
  expect(readGguf(await file(tinyModel({ metadata })))).toMatchObject({
    kvBytesPerToken: 2 * 6 * 64,
    quantization: 'F32',
  })
})

test('a LoRA adapter is told from a model, with the model it is for', async () => {
  const path = await file(tinyAdapter())
  expect(inspectGguf(path)).toMatchObject({ kind: 'adapter', architecture: 'llama', baseModel: 'Tiny' })
  expect(readGguf(path).metadata.get('adapter.lora.alpha')).toBe(16.5)
})

describe('what Mentor cannot use is refused by name', () => {
  test.each([
    ['an adapter that is no LoRA', tinyAdapter({ 'adapter.type': 'prompt' }), 'only LoRA is known'],
    ['the image part', tinyModel({ metadata: { 'general.type': 'mmproj' } }), 'image part'],
    ['an importance matrix', tinyModel({ metadata: { 'general.type': 'imatrix' } }), 'of type imatrix'],
    ['one part of several', tinyModel({ metadata: { 'split.count': 3 } }), 'one of 3 parts'],
    ['a vocabulary', tinyModel({ tensors: {} }), 'no weights'],
    ['an encoder', tinyModel({ metadata: { 'llama.attention.causal': false } }), 'makes vectors'],
    ['no tokenizer', gguf({ 'general.architecture': 'flux' }, { a: [4] }, 0), 'flux is no language model'],
    ['no architecture', gguf({ 'general.name': 'x' }, { a: [4] }, 0), 'names no architecture'],
    [
      'a Git LFS pointer',
      Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:0'),
      'Git LFS pointer',
    ],
    ['a web page', Buffer.from('<!doctype html><title>Sign in</title>'), 'a web page'],
    ['a zip file', Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(100)]), 'a zip file'],
    ['something else', Buffer.alloc(100, 7), 'does not begin with GGUF'],
    ['nothing', Buffer.alloc(0), '0 bytes'],
  ])('%s', async (_, bytes, reason) => {
    const path = await file(bytes)
    expect(() => inspectGguf(path)).toThrow(GgufUnusable)
    expect(() => inspectGguf(path)).toThrow(reason)
    expect(() => inspectGguf(path)).toThrow(path)
  })

  test('versions and byte orders that are not known', async () => {
    const version = (bytes: number[]) =>
      Buffer.concat([Buffer.from('GGUF'), Buffer.from(bytes), Buffer.alloc(50)])
    const reading = async (bytes: number[]) => {
      const path = await file(version(bytes))
      return () => readGguf(path)
    }
    expect(await reading([1, 0, 0, 0])).toThrow('version 1')
    expect(await reading([4, 0, 0, 0])).toThrow('version 4')
    expect(await reading([0, 0, 0, 3])).toThrow('big-endian')
  })
})

test('a file that is cut short is refused at every length, and says how much is missing', async () => {
  const whole = tinyModel()
  expect(readGguf(await file(whole)).fileBytes).toBe(whole.length)
  for (let length = 0; length < whole.length; length += length < whole.length - 40 ? 13 : 1) {
    const path = await file(whole.subarray(0, length))
    expect(() => readGguf(path)).toThrow(GgufUnusable)
  }
  const path = await file(whole.subarray(0, whole.length - 100))
  expect(() => readGguf(path)).toThrow(/so 100 bytes are missing \(the first of them in output\.weight\)/)
})

describe('a header made to harm ends at once, without the memory that it asks for', () => {
  const huge = 2n ** 62n
  const tensor = (sizes: (number | bigint)[], type = 0, offset: number | bigint = 0) => [
    string('t'),
    uint32(sizes.length),
    ...sizes.map(uint64),
    uint32(type),
    uint64(offset),
  ]
  test.each([
    ['tensors without end', [...head(huge, 0)]],
    ['keys without end', [...head(0, huge)]],
    ['many keys', [...head(0, 60_000)]],
    ['a key of 2^62 bytes', [...head(0, 1), uint64(huge)]],
    ['a string of 2^62 bytes', [...head(0, 1), string('k'), uint32(8), uint64(huge)]],
    ['a string of 10^12 bytes', [...head(0, 1), string('k'), uint32(8), uint64(10 ** 12)]],
    ['an array of 2^62 strings', [...head(0, 1), string('k'), uint32(9), uint32(8), uint64(huge)]],
    ['an array of 10^12 numbers', [...head(0, 1), string('k'), uint32(9), uint32(6), uint64(10 ** 12)]],
    [
      'an array of arrays',
      [...head(0, 1), string('k'), uint32(9), uint32(9), uint64(1), uint32(9), uint64(1)],
    ],
    ['a type of value that there is not', [...head(0, 1), string('k'), uint32(99)]],
    [
      'a key twice',
      [...head(0, 2), string('k'), uint32(0), Buffer.alloc(1), string('k'), uint32(0), Buffer.alloc(1)],
    ],
    ['an alignment of 0', [...head(0, 1), string('general.alignment'), uint32(4), uint32(0)]],
    ['2^32 dimensions', [...head(1, 0), string('t'), uint32(2 ** 32 - 1)]],
    ['sizes whose product overflows', [...head(1, 0), ...tensor([2n ** 40n, 2n ** 40n])]],
    ['a size above any file', [...head(1, 0), ...tensor([huge])]],
    ['an offset above any file', [...head(1, 0), ...tensor([4], 0, huge)]],
    ['half a block', [...head(1, 0), ...tensor([33], 8)]],
    ['a type of tensor that there is not', [...head(1, 0), ...tensor([32], 4)]],
  ])('%s', async (_, parts) => {
    // Enough bytes behind it that nothing is refused for its end alone.
    const path = await file(Buffer.concat([...parts, Buffer.alloc(4096)]))
    expect(() => readGguf(path)).toThrow(GgufUnusable)
  })

  test('random damage is refused or read, and never anything else', async () => {
    const whole = tinyModel()
    let state = 7
    const random = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return state % below
    }
    let refused = 0
    for (let round = 0; round < 500; round++) {
      const damaged = Buffer.from(whole)
      for (let times = 1 + random(4); times > 0; times--) damaged[random(damaged.length - 1280)] = random(256)
      const path = await file(damaged)
      try {
        readGguf(path)
      } catch (error) {
        expect(error).toBeInstanceOf(GgufUnusable)
        refused++
      }
      await rm(path)
    }
    expect(refused).toBeGreaterThan(100)
  })
})
