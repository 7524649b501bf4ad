/**
 * How the dense and the lexical side become one score.
 *
 *   score   = w · max(0, cosine) + (1 − w) · bm25 / best bm25 of the question
 *   w       = Σ bm25² · w(language) / Σ bm25²   over the lexical candidates (no lexical candidate: `denseWeight`)
 *   w(lang) = denseWeight · known²
 *   known   = clamp((coverage − coverageNone) / (coverageFull − coverageNone), 0, 1)
 *   coverage = words / word pieces of the language's passages in the searched collections
 *
 * Candidates are the best of each side, and every candidate has both scores. Equal scores go by cosine.
 *
 * Then the candidates are scored once more, with the question's vector q moved towards the best of them (Rocchio's
 * pseudo-relevance feedback, in the vector space):
 *
 *   q'      = (1 − β) · q + β · Σ share · vector   over the best `feedbackPassages`, β = feedback · w / denseWeight
 *   share   = exp((score − best score) / feedbackSpread), divided by their sum
 *
 * A question with one clear winner has all of the share on it and keeps its order; one that many passages answer
 * moves towards what these have in common. Where the model does not know the language β is 0. The dense side is not
 * asked a second time: a second look-up changes no figure by more than 0.001. Each half of the questions by itself:
 * Cranfield 0.4454 and 0.4374, without feedback 0.4273 and 0.4199; β from 0.2 to 0.5 gives 0.4353 to 0.4447. Equal shares: Cranfield 0.4316 to
 * 0.4381, XQuAD en 0.9788 to 0.9773 for β 0.3 to 0.5; towards the best of the dense side alone: 0.4385 and 0.9758.
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
 *   w by known, no square   0.4236    0.9790   0.9605  0.9471  0.9653
 *   the same with feedback  0.4414    0.9788   0.9602  0.9471  0.9653
 *   as below                0.4414    0.9788   0.9611  0.9471  0.9653
 *
 * The four languages in one collection, questions in English / Romanian / Russian / Chinese: BM25 0.917, 0.938,
 * 0.946, 0.956; w by the passage's own language 0.877, 0.935, 0.947, 0.956; by that of the candidates 0.952, 0.948,
 * 0.946, 0.957 (all without square and feedback).
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
  /** How far the question is moved towards the best passages where the model knows the language; 0: not. 0 to 1. */
  feedback: number
  feedbackPassages: number
  /** Difference of fused scores at which a passage counts e times less. */
  feedbackSpread: number
}

export const defaultFusion: FusionSettings = {
  denseWeight: 0.73,
  coverageNone: 0.2,
  coverageFull: 0.7,
  candidates: 100,
  feedback: 0.35,
  feedbackPassages: 3,
  feedbackSpread: 0.05,
}

/** How far the model knows a language with this coverage (words / word pieces): 0 not at all, 1 well. */
export function knowledge(coverage: number, settings: FusionSettings): number {
  const { coverageNone, coverageFull } = settings
  return Math.min(1, Math.max(0, (coverage - coverageNone) / (coverageFull - coverageNone)))
}

/** Weight of the cosine for a language with this coverage, 0 to `denseWeight`. */
export function denseWeight(coverage: number, settings: FusionSettings): number {
  return settings.denseWeight * knowledge(coverage, settings) ** 2
}
