/** Measures of a ranking, and how sure their means are. */

/** Of one question, each 0 to 1. */
export interface RankingMeasures {
  ndcg10: number
  mrr10: number
  recall5: number
  recall10: number
}

/**
 * @param ranking document ids, best first, each once
 * nDCG with linear gain, as trec_eval and BEIR count it; recall of the documents with a gain above 0.
 */
export function measureRanking(
  ranking: readonly string[],
  gains: ReadonlyMap<string, number>,
): RankingMeasures {
  const found = ranking.map((id) => gains.get(id) ?? 0)
  const ideal = [...gains.values()].sort((a, b) => b - a)
  const first = found.slice(0, 10).findIndex((gain) => gain > 0)
  const recall = (k: number) => found.slice(0, k).filter((gain) => gain > 0).length / gains.size
  return {
    ndcg10: discounted(found) / discounted(ideal),
    mrr10: first === -1 ? 0 : 1 / (first + 1),
    recall5: recall(5),
    recall10: recall(10),
  }
}

function discounted(gains: readonly number[]): number {
  return gains.slice(0, 10).reduce((sum, gain, i) => sum + gain / Math.log2(i + 2), 0)
}

export interface Estimate {
  mean: number
  /** 95 % of the means of as many questions drawn again from these, with replacement, lie between. */
  low: number
  high: number
}

const resamples = 1_000

/** The mean and its bootstrap confidence interval (Efron's percentiles), the same every time. */
export function estimate(values: readonly number[]): Estimate {
  const random = randomNumbers(values.length)
  const draw = () => values[Math.floor(random() * values.length)] ?? 0
  const means = Array.from({ length: resamples }, () => mean(Array.from(values, draw))).sort((a, b) => a - b)
  const at = (share: number) => means[Math.floor(share * (resamples - 1))] ?? Number.NaN
  return { mean: mean(values), low: at(0.025), high: at(0.975) }
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** Mulberry32: the resamples must not change from one run to the next. */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** One point of the abstention curve. */
export interface AbstentionPoint {
  /** Evidence margin from which on a question is answered; 0 is what is in force. */
  threshold: number
  /** Share answered of the questions whose documents are there, and refused of those whose documents are not. */
  answered: number
  refused: number
}

/** The threshold in force, then those at which 98, 95 and 90 % of the answerable questions are answered. */
export function abstentionCurve(
  answerable: readonly number[],
  unanswerable: readonly number[],
): AbstentionPoint[] {
  const sorted = [...answerable].sort((a, b) => a - b)
  // 100 · (1 − 0.9) is a little less than 10.
  const refusable = (share: number) => Math.floor(sorted.length * (1 - share) + 1e-9)
  const thresholds = [0.98, 0.95, 0.9].map((share) => sorted[refusable(share)] ?? 0)
  const shareOf = (values: readonly number[], holds: (margin: number) => boolean) =>
    values.filter(holds).length / values.length
  return [0, ...thresholds].map((threshold) => ({
    threshold,
    answered: shareOf(answerable, (margin) => margin >= threshold),
    refused: shareOf(unanswerable, (margin) => margin < threshold),
  }))
}
