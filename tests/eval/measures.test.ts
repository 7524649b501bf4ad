import { describe, expect, test } from 'bun:test'
import { abstentionCurve, estimate, measureRanking } from '../../scripts/eval/measures.ts'

describe('measures of a ranking', () => {
  const gains = new Map([
    ['a', 4],
    ['b', 1],
  ])

  test('the ideal order has 1 in all of them', () => {
    expect(measureRanking(['a', 'b', 'x'], gains)).toEqual({ ndcg10: 1, mrr10: 1, recall5: 1, recall10: 1 })
  })

  test('nDCG discounts linear gains by the logarithm of the place', () => {
    const { ndcg10, mrr10, recall5 } = measureRanking(['x', 'a'], gains)
    expect(ndcg10).toBeCloseTo(4 / Math.log2(3) / (4 + 1 / Math.log2(3)), 12)
    expect(mrr10).toBe(0.5)
    expect(recall5).toBe(0.5)
  })

  test('what stands beyond the tenth place counts nothing', () => {
    const far = [...Array.from({ length: 10 }, (_, i) => `x${i}`), 'a', 'b']
    expect(measureRanking(far, gains)).toEqual({ ndcg10: 0, mrr10: 0, recall5: 0, recall10: 0 })
  })
})

describe('confidence intervals', () => {
  test('hold the mean, are the same every time, and narrow with more questions', () => {
    const few = Array.from({ length: 20 }, (_, i) => i % 2)
    const many = Array.from({ length: 2_000 }, (_, i) => i % 2)
    const [narrow, wide] = [estimate(many), estimate(few)]
    expect(estimate(few)).toEqual(wide)
    expect(wide.mean).toBe(0.5)
    expect(wide.low).toBeLessThan(0.5)
    expect(wide.high).toBeGreaterThan(0.5)
    // The interval of a share of one half over n questions is about 1.96 / √n wide.
    expect(wide.high - wide.low).toBeCloseTo(1.96 / Math.sqrt(20), 1)
    expect(narrow.high - narrow.low).toBeCloseTo(1.96 / Math.sqrt(2_000), 2)
  })
})

test('the abstention curve begins with the threshold in force and keeps what it promises', () => {
  const answerable = Array.from({ length: 100 }, (_, i) => i / 100 - 0.1)
  const unanswerable = Array.from({ length: 100 }, (_, i) => i / 100 - 0.9)
  const [now, ...others] = abstentionCurve(answerable, unanswerable)
  expect(now).toEqual({ threshold: 0, answered: 0.9, refused: 0.9 })
  expect(others.map(({ answered }) => Math.round(100 * answered))).toEqual([98, 95, 90])
})
