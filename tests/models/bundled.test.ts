import { afterAll, describe, expect, test } from 'bun:test'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEmbedder } from '../../embedding/embedder.ts'
import { loadTokenizer } from '../../embedding/tokenizer.ts'
import { allMiniLM, type EmbeddingModel, ModelCorrupt, verifyModel } from '../../models/bundled.ts'

const folder = mkdtempSync(join(tmpdir(), 'mentor-model-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let copies = 0
/** A copy of the model that can be spoilt. */
function copy(): EmbeddingModel {
  const directory = join(folder, String(copies++), allMiniLM.name)
  cpSync(allMiniLM.directory, directory, { recursive: true })
  return { ...allMiniLM, directory }
}

function flipByte(path: string, at: number): void {
  const bytes = readFileSync(path)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  writeFileSync(path, bytes)
}

describe('the bundled model', () => {
  test('is the one that was tested, and a copy of it is too', async () => {
    await verifyModel(allMiniLM)
    await verifyModel(copy())
  })

  test('names its licence and says where it comes from and what was changed', () => {
    expect(readFileSync(join(allMiniLM.directory, 'LICENSE'), 'utf8')).toContain('Apache License')
    const notice = readFileSync(join(allMiniLM.directory, 'NOTICE'), 'utf8')
    expect(notice).toContain('sentence-transformers/all-MiniLM-L6-v2')
    expect(notice).toContain(allMiniLM.revision)
    expect(notice).toContain('int8')
  })
})

describe('a spoilt copy is refused', () => {
  const spoil: [string, string, (model: EmbeddingModel) => void][] = [
    ['one bit of the weights', allMiniLM.weights, (m) => flipByte(join(m.directory, m.weights), 10_000_000)],
    ['weights cut short', allMiniLM.weights, (m) => truncateSync(join(m.directory, m.weights), 1_000_000)],
    ['weights missing', allMiniLM.weights, (m) => rmSync(join(m.directory, m.weights))],
    [
      'one bit of the vocabulary',
      'tokenizer.json',
      (m) => flipByte(join(m.directory, 'tokenizer.json'), 300_000),
    ],
    ['no configuration', 'config.json', (m) => rmSync(join(m.directory, 'config.json'))],
  ]
  test.each(spoil)('%s', async (_what, file, spoilIt) => {
    const model = copy()
    spoilIt(model)
    const refused = await verifyModel(model).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(ModelCorrupt)
    expect(String(refused)).toContain(join(model.directory, file))
    expect(String(refused)).toContain('git checkout')
  })

  test('by the tokenizer, and taken once the file is restored', async () => {
    const model = copy()
    const path = join(model.directory, 'tokenizer.json')
    flipByte(path, 300_000)
    expect(loadTokenizer(model)).rejects.toBeInstanceOf(ModelCorrupt)
    await Bun.sleep(0)
    flipByte(path, 300_000)
    expect((await loadTokenizer(model)).count('one word')).toBe(2)
  })

  test('by the workers: no vector comes from weights that were not checked', async () => {
    const model = copy()
    const path = join(model.directory, model.weights)
    flipByte(path, 10_000_000)
    const embedder = openEmbedder({ model, workers: 1 })
    try {
      for (let i = 0; i < 2; i++) {
        const refused = await embedder.embed(['a text']).catch((error: unknown) => error)
        expect(refused).toBeInstanceOf(ModelCorrupt)
        expect(String(refused)).toContain(path)
      }
      flipByte(path, 10_000_000)
      expect((await embedder.embed(['a text']))[0]).toHaveLength(384)
    } finally {
      await embedder.close()
    }
  })
})

test('a model runs from a folder with odd characters in its name', async () => {
  const directory = join(folder, "a folder, with (odd) 'names' № 5 %20", allMiniLM.name)
  cpSync(allMiniLM.directory, directory, { recursive: true })
  expect(existsSync(directory)).toBe(true)
  const embedder = openEmbedder({ model: { ...allMiniLM, directory }, workers: 1 })
  try {
    expect((await embedder.embed(['a text']))[0]).toHaveLength(384)
  } finally {
    await embedder.close()
  }
})
