/** What the question's words weigh, and how much of that weight a text carries. */
import { defaultFusion, knowledge } from '../../db/fusion.ts'
import { analyse } from '../../db/lexical/terms.ts'
import type { TermStatistics } from '../../db/search.ts'

/** The question as text of one language. */
export interface QuestionTerms {
  weights: ReadonlyMap<string, number>
  total: number
  /** How far the embedding model knows the language: 0 not at all, 1 well. */
  known: number
}

/**
 * Passages without the term that every collection is taken to hold beside its own. In a collection of a single
 * passage BM25's idf is upside down: the words that are there weigh 0.29, those that are not 1.39.
 */
const background = 100

export function questionTerms(statistics: TermStatistics[]): Map<string, QuestionTerms> {
  const byLanguage = new Map<string, { weights: Map<string, number>; total: number; known: number }>()
  for (const { language, term, df, passages, coverage } of statistics) {
    const weight = Math.log(1 + (passages + background - df + 0.5) / (df + 0.5))
    const known = knowledge(coverage, defaultFusion)
    const entry = byLanguage.get(language) ?? { weights: new Map(), total: 0, known }
    entry.weights.set(term, weight)
    entry.total += weight
    byLanguage.set(language, entry)
  }
  return byLanguage
}

export function termsOf(text: string, language: string): Set<string> {
  return new Set(analyse(text, language))
}

/** Share of the weight whose terms are among `terms`, 0 to 1. */
export function covered(question: QuestionTerms, terms: ReadonlySet<string>): number {
  let sum = 0
  for (const [term, weight] of question.weights) if (terms.has(term)) sum += weight
  return question.total > 0 ? sum / question.total : 0
}
