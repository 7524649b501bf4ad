/**
 * Finds what the passages say about the question: every sentence scored, and whether all of it is enough to answer.
 *
 * A sentence's score = coverage + 0.9 · known · cosine + 0.6 · passage's fused score, where coverage is the share of
 * the question's term weight that the sentence carries; a term that an earlier sentence of the passage carries counts
 * 0.4 as much a sentence further on ("He was a critic of …"), one of the headings 0.4. `known` says how far the
 * embedding model knows the language. Where a number or a date is asked for, 0.1 more for a sentence that has one.
 * Share of XQuAD questions whose first sentence holds the gold answer, the six best passages: English 0.820 (within the
 * quotes 0.945), Romanian 0.775 (0.918), Russian 0.719 (0.851). What was tried, in English:
 *
 *   cosine alone 0.712 (Romanian 0.496, Russian 0.355, Chinese 0.358), BM25 of the sentence alone 0.730,
 *   coverage 0.775, with half the cosine 0.801, and the passage 0.803, and terms carried over 0.810, 0.9 of the cosine
 *   0.817 (0.7: 0.813, 1.2: no better), numbers 0.820
 *
 * Tried and not better: the cosine of a sentence joined with the one before, pairs of neighbouring terms, terms matched
 * by their first letters, new words in the sentence, rarity among the candidates, the sentence's length, names for `who`
 * and `where`, more or less weight of the passage, 20 sentences embedded instead of 12.
 */
import type { TermStatistics } from '../../db/search.ts'
import type { Embedder } from '../../embedding/embedder.ts'
import { cosine } from './cosine.ts'
import { asksForNumber, hasOwnNumber } from './question-kind.ts'
import { type Sentence, sentencesOf } from './sentences.ts'
import { covered, type QuestionTerms, questionTerms, termsOf } from './terms.ts'
import type { RetrievedPassage } from './types.ts'
import { unknownNames } from './unknown-names.ts'

export interface ScoredSentence extends Sentence {
  /** Index into the passages. */
  passage: number
  score: number
  terms: ReadonlySet<string>
}

export interface Evidence {
  /** Best first. */
  sentences: ScoredSentence[]
  /** Above 0: enough to answer; below: how much is missing. */
  margin: number
  /** Names in the question that occur nowhere in the searched collections. */
  unknown: string[]
}

export interface EvidenceQuestion {
  question: string
  passages: RetrievedPassage[]
  /** The question's embedding; null: words alone decide. */
  vector: Float32Array | null
  statistics: TermStatistics[]
  signal?: AbortSignal
}

const CARRIED = 0.4
/** After a question in the text (`How do I …?`) its words belong to the answer that follows. */
const CARRIED_FROM_QUESTION = 0.9
const QUESTION_PENALTY = 0.5
const COSINE = 0.9
/** For a number of its own, where one is asked for. */
const NUMBER = 0.1
const PASSAGE = 0.6

/**
 * What a question loses by a name that occurs nowhere. XQuAD with half of the articles, and the same questions with one
 * name replaced by an invented one; answered in English / Romanian: own questions 0.980 / 0.995 without, 0.960 / 0.985
 * with it; replaced 0.789 / 0.950 without, 0.375 / 0.546 with it, and 0.063 / 0.076 if such a name refused by itself,
 * which would also leave 0.925 / 0.975 of the own ones, and every question that names what a document leaves unsaid
 * ("our holidays at Initech").
 */
const UNKNOWN_NAME = 0.15

/** Embedding costs 3 ms a sentence. With the best 8 by words, the best 12, or all 23 the first one is as often right. */
const EMBEDDED = 12

/** @throws what the embedder throws when the signal aborts; its own failures only leave the cosines out. */
export async function gatherEvidence(embedder: Embedder, question: EvidenceQuestion): Promise<Evidence> {
  const { passages, vector } = question
  const terms = questionTerms(question.statistics)
  const languageOf = (i: number): QuestionTerms => {
    const found = terms.get(passages[i]?.language ?? 'und') ?? unknownLanguage
    // Without a vector no cosine can speak for the question, in any language.
    return vector ? found : { ...found, known: 0 }
  }
  const sentences = passages.flatMap((passage, i) =>
    scoreByWords(passage, i, languageOf(i), question.question),
  )
  sentences.sort(byScore)
  const best = sentences.slice(0, EMBEDDED).filter((s) => languageOf(s.passage).known > 0)
  const cosines = vector
    ? await cosinesOf(embedder, vector, best, question.signal)
    : new Map<Sentence, number>()
  for (const sentence of best)
    sentence.score += COSINE * languageOf(sentence.passage).known * (cosines.get(sentence) ?? 0)
  sentences.sort(byScore)
  const margins = passages.map((passage, i) => {
    const ofSentences = best.filter((s) => s.passage === i).map((s) => cosines.get(s) ?? 0)
    return marginOf(passage, languageOf(i), Math.max(passage.scores.dense ?? 0, ...ofSentences))
  })
  const unknown = unknownNames(question.question, question.statistics)
  const margin = Math.max(-1, ...margins) - (unknown.length > 0 ? UNKNOWN_NAME : 0)
  return { sentences, margin, unknown }
}

const unknownLanguage: QuestionTerms = { weights: new Map(), total: 0, known: 0 }
const byScore = (a: ScoredSentence, b: ScoredSentence) => b.score - a.score

function scoreByWords(
  passage: RetrievedPassage,
  index: number,
  question: QuestionTerms,
  asked: string,
): ScoredSentence[] {
  const wantsNumber = asksForNumber(asked)
  const above = termsOf(`${passage.document.title}\n${passage.heading ?? ''}`, passage.language)
  const carried = new Map([...above].map((term) => [term, CARRIED]))
  return withoutLabels(passage, sentencesOf(passage)).map((sentence) => {
    const terms = termsOf(sentence.text, passage.language)
    const asks = /[?？؟]["”’»)]*$/.test(sentence.text)
    let coverage = 0
    for (const [term, weight] of question.weights) {
      coverage += weight * (terms.has(term) ? 1 : (carried.get(term) ?? 0))
      const faded = Math.max(above.has(term) ? CARRIED : 0, CARRIED * (carried.get(term) ?? 0))
      carried.set(term, terms.has(term) ? (asks ? CARRIED_FROM_QUESTION : CARRIED) : faded)
    }
    const share = question.total > 0 ? coverage / question.total : 0
    const number = wantsNumber && hasOwnNumber(sentence.text, asked) ? NUMBER : 0
    const score = share + PASSAGE * passage.score + number - (asks ? QUESTION_PENALTY : 0)
    return { ...sentence, passage: index, terms, score }
  })
}

/** Lines that only repeat the title or a heading answer nothing; of a passage that has nothing else they stay. */
function withoutLabels({ document, heading }: RetrievedPassage, sentences: Sentence[]): Sentence[] {
  const labels = new Set([document.title, ...(heading?.split(' › ') ?? [])].map(plain))
  const rest = sentences.filter(({ text }) => !labels.has(plain(text)))
  return rest.length > 0 ? rest : sentences
}

const plain = (text: string) =>
  text
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, ' ')
    .trim()
    .toLowerCase()

async function cosinesOf(
  embedder: Embedder,
  vector: Float32Array,
  sentences: ScoredSentence[],
  signal: AbortSignal | undefined,
): Promise<Map<Sentence, number>> {
  const texts = sentences.map((s) => s.text)
  try {
    const vectors = await embedder.embed(texts, signal ? { signal } : {})
    return new Map(sentences.map((s, i) => [s, cosine(vector, vectors[i])]))
  } catch {
    // The words alone still order the sentences; a question that could not be embedded was noted before.
    signal?.throwIfAborted()
    return new Map()
  }
}

/**
 * Evidence = (coverage + 2 · known · cosine) / (1 + 2 · known) of the best passage, cosine of it or its best sentence;
 * enough from 0.40 on where the model knows half of the language or more, 0.25 where words alone decide.
 *
 * Calibrated on XQuAD with every other article taken away; a language has 595 questions whose article is there and 595
 * whose is not. Answered of the former / refused of the latter, with this threshold moved by
 *
 *              −0.10           −0.05           0               +0.03           +0.05           +0.10
 *   English    0.997 / 0.770   0.990 / 0.872   0.970 / 0.933   0.961 / 0.958   0.946 / 0.968   0.916 / 0.987
 *   Romanian   0.998 / 0.506   0.990 / 0.608   0.980 / 0.782   0.966 / 0.864   0.946 / 0.913   0.896 / 0.966
 *   Russian    0.995 / 0.509   0.980 / 0.671   0.953 / 0.808   0.923 / 0.861   0.891 / 0.891   0.850 / 0.939
 *   Chinese    1.000 / 0.229   0.992 / 0.602   0.971 / 0.825   0.960 / 0.904   0.938 / 0.943   0.876 / 0.980
 *
 * At 90 % answered, each language by itself, refused of the others: English 0.987, Romanian 0.963, Russian 0.881, Chinese
 * 0.965; coverage alone 0.939, 0.928, 0.872, 0.965, the cosine alone 0.953, 0.472, 0.218, 0.171, BM25 over the most that the
 * question's words could reach 0.951, 0.936, 0.869, 0.976. A logistic model of these and nine more (gaps between the first
 * passages, two neighbouring sentences, the rarest words), fitted on three languages, gives 0.980, 0.953, 0.882, 0.970 on
 * the fourth with six of them, and with eighteen 0.992, 0.960, 0.929, 0.985, but then its threshold does not carry over
 * (0.73 to 0.98 answered where 0.93 were meant): it is not worth its numbers.
 */
function marginOf(passage: RetrievedPassage, question: QuestionTerms, nearest: number): number {
  const text = `${passage.document.title}\n${passage.heading ?? ''}\n${passage.text}`
  const coverage = covered(question, termsOf(text, passage.language))
  const { known } = question
  const evidence = (coverage + 2 * known * nearest) / (1 + 2 * known)
  return evidence - (0.25 + 0.15 * Math.min(1, 2 * known))
}
