import { describe, expect, test } from 'bun:test'
import { bm25, hasShared, readCranfield, readXquad } from './lexical-bm25.ts'

// Figures of BM25 with Snowball stems on the same documents; Chinese: BM25 with the words of Intl.Segmenter has 0.9605.
describe.skipIf(!hasShared)(
  'nDCG@10 of the terms under BM25 (needs the shared data, see MENTOR_SHARED)',
  () => {
    test('Cranfield: not below 0.3695', () => {
      expect(bm25(readCranfield(), 'en')).toBeGreaterThanOrEqual(0.3695)
    })
    for (const [language, reference] of [
      ['en', 0.9633],
      ['ro', 0.9648],
      ['ru', 0.9538],
      ['zh', 0.9605],
    ] as const)
      test(`XQuAD in ${language}: not below ${reference}`, () => {
        expect(bm25(readXquad(language), language)).toBeGreaterThanOrEqual(reference)
      })

    test('questions typed without accents find Romanian paragraphs as well as those with', () => {
      const graded = readXquad('ro')
      const plain = graded.questions.map((question) => ({
        ...question,
        text: question.text.normalize('NFD').replace(/\p{Mn}/gu, ''),
      }))
      expect(bm25({ ...graded, questions: plain }, 'ro')).toBeGreaterThanOrEqual(0.9648)
    })
  },
)
