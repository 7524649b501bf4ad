/**
 * How the dense and the lexical side become one score.
 *
 *   score   = w · max(0, cosine) + (1 − w) · bm25 / best bm25 of the question
 *   w       = Σ bm25² · w(language) / Σ bm25²   over the lexical candidates (no lexical candidate: `denseWeight`)
 *   w(lang) = denseWeight · clamp((coverage − coverageNone) / (coverageFull − coverageNone), 0, 1)
 *   coverage = words / word pieces of the language's passages in the searched collections
 *
 * Candidates are the best of each side, and every candidate has both scores. Equal scores go by cosine.
 *
 * A model cuts the words of a language it was not trained on into crumbs, so coverage says how far its
 * cosine can be trusted without a list of languages: measured 0.82 Cranfield, 0.79 English, 0.46 Romanian,
 * 0.16 Russian, 0.12 Chinese (XQuAD). The languages of the lexical candidates say what language the
 * question is in, which on mixed collections beats a weight by the language of each passage.
 *
 * nDCG@10 (all-MiniLM-L6-v2 int8; a document scores as its best passage):
 *
 *                          Cranfield  XQuAD en    ro      ru      zh
 *   BM25                    0.3705    0.9665   0.9606  0.9484  0.9622
 *   MiniLM                  0.3772    0.9443   0.6117  0.2449  0.2602
 *   w 0.3 everywhere        0.3973    0.9716   0.9606  0.9483  0.9644
 *   w 0.5                   0.4123    0.9750   0.9621  0.9395  0.9617
 *   w 0.6                   0.4154    0.9773   0.9596  0.9290  0.9580
 *   w 0.7                   0.4184    0.9781   0.9547  0.9009  0.9400
 *   w 0.8                   0.4179    0.9767   0.9312  0.7885  0.8127
 *   w by coverage, below   0.4209    0.9789   0.9608  0.9486  0.9623
 *
 * The four languages in one collection, questions in English / Romanian / Russian / Chinese: BM25 0.917, 0.938,
 * 0.946, 0.956; w by the passage's own language 0.877, 0.935, 0.947, 0.956; as below 0.952, 0.948, 0.946, 0.957.
 *
 * Cosines divided by the best, scaled to the candidates' range or shifted by their theoretical minimum, and BM25
 * divided by its theoretical maximum, all peak within 0.003 of this on the same collections, on questions with half
 * their words dropped and on sentences as passages; none is better everywhere, and most fall more steeply beside
 * their peak in Romanian, Russian and Chinese.
 */
export interface FusionSettings {
  /** Weight of the cosine where the model knows the language; the lexical side has the rest. 0 to 1. */
  denseWeight: number
  /** Coverage at and below which the cosine weighs nothing. */
  coverageNone: number
  /** Coverage at and above which the cosine has its whole weight. */
  coverageFull: number
  /** Candidates taken from each side. */
  candidates: number
}

export const defaultFusion: FusionSettings = {
  denseWeight: 0.73,
  coverageNone: 0.2,
  coverageFull: 0.7,
  candidates: 100,
}

/** Weight of the cosine for a language with this coverage (words / word pieces), 0 to `denseWeight`. */
export function denseWeight(coverage: number, settings: FusionSettings): number {
  const known = (coverage - settings.coverageNone) / (settings.coverageFull - settings.coverageNone)
  return settings.denseWeight * Math.min(1, Math.max(0, known))
}
