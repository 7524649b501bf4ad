/**
 * What retrieval and quoting are worth, with numbers, through the real API. A part of what `scripts/bench/quality.ts`
 * measures: Cranfield and English XQuAD whole, every fourth paragraph of the others.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { openEmbedder } from '../../embedding/embedder.ts'
import { allMiniLM } from '../../models/bundled.ts'
import { onBothDatabases } from '../database/databases.ts'
import { hasShared } from '../unit/lexical-bm25.ts'
import {
  type CollectionName,
  type GradedBackend,
  ndcg10,
  openGradedBackend,
  quoteRates,
  readCollection,
  remembering,
} from './graded.ts'

/** Ingestion of Cranfield is 40 s on two cores, and others may want them too. */
const patience = 300_000

if (!hasShared) console.error('skipped: quality: the graded collections are not there (see MENTOR_SHARED)')

describe.skipIf(!hasShared)('quality on graded collections', () => {
  const embedder = remembering(openEmbedder({ model: allMiniLM }))
  afterAll(() => embedder.close())

  onBothDatabases('through the API', (database) => {
    let backend: GradedBackend
    beforeAll(async () => {
      backend = await openGradedBackend(database().db, embedder)
    })
    afterAll(() => backend.close())

    test(
      'Cranfield: hybrid at least 0.41, and above both sides',
      async () => {
        const cranfield = readCollection('cranfield')
        await backend.load(cranfield)
        const hybrid = await ndcg10(backend, cranfield, 'hybrid')
        expect(hybrid).toBeGreaterThanOrEqual(0.41)
        expect(hybrid).toBeGreaterThan(await ndcg10(backend, cranfield, 'lexical'))
        expect(hybrid).toBeGreaterThan(await ndcg10(backend, cranfield, 'dense'))
      },
      patience,
    )

    test(
      'XQuAD in English: hybrid at least 0.97; the first quote holds the answer for 0.76, one of three for 0.92',
      async () => {
        const english = readCollection('xquad-en')
        await backend.load(english)
        expect(await ndcg10(backend, english, 'hybrid')).toBeGreaterThanOrEqual(0.97)
        const every4th = { ...english, questions: english.questions.filter((_, i) => i % 4 === 0) }
        const rates = await quoteRates(backend, every4th)
        expect(rates.first).toBeGreaterThanOrEqual(0.76)
        expect(rates.any).toBeGreaterThanOrEqual(0.92)
        expect(rates.answered).toBeGreaterThanOrEqual(0.96)
      },
      patience,
    )

    test.each<CollectionName>(['xquad-ro', 'xquad-ru', 'xquad-zh'])(
      '%s: hybrid is not below the better side',
      async (name) => {
        const collection = readCollection(name, 1 / 4)
        await backend.load(collection)
        const [hybrid, lexical, dense] = [
          await ndcg10(backend, collection, 'hybrid'),
          await ndcg10(backend, collection, 'lexical'),
          await ndcg10(backend, collection, 'dense'),
        ]
        expect(hybrid).toBeGreaterThanOrEqual(Math.max(lexical, dense) - 0.002)
      },
      patience,
    )
  })
})
