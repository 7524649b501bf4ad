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
 * cosine can be trusted without a list of languages: measured 0.91 Cranfield, 0.90 English, 0.43 Romanian,
 * 0.16 Russian, 0.14 Chinese (XQuAD). The languages of the lexical candidates say what language the
 * question is in, which on mixed collections beats a weight by the language of each passage.
 *
 * nDCG@10 through this database (all-MiniLM-L6-v2 int8; a document scores as its best passage; the first 30 or 300
 * candidates of each side give the same to four digits):
 *
 *                          Cranfield  XQuAD en    ro      ru      zh
 *   BM25                    0.3686    0.9665   0.9604  0.9471  0.9653
 *   MiniLM                  0.3799    0.9452   0.6230  0.2514  0.2791
 *   w 0.2 everywhere        0.3852    0.9709   0.9610  0.9478  0.9646
 *   w 0.4                   0.4025    0.9730   0.9611  0.9455  0.9664
 *   w 0.6                   0.4126    0.9770   0.9586  0.9327  0.9597
 *   w 0.7                   0.4180    0.9784   0.9518  0.9123  0.9410
 *   w 0.8                   0.4228    0.9765   0.9318  0.8193  0.8277
 *   w by coverage, below    0.4236    0.9790   0.9605  0.9471  0.9653
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
