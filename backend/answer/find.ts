/** Passages for a question and what they say about it; for a follow-up, with the help of the question before. */
import { queryTerms } from '../../db/search.ts'
import { type RetrievalServices, type Retrieved, retrieve } from '../retrieve/retrieve.ts'
import { type Evidence, gatherEvidence } from './evidence.ts'
import { covered, questionTerms, termsOf } from './terms.ts'
import type { AskRequest, RetrievedPassage } from './types.ts'

export interface Found extends Retrieved {
  evidence: Evidence
}

/** Of the weight of a follow-up's own words, what the passages found with the former question must carry. */
const OWN_WORDS = 0.5

/**
 * The passages and their evidence. A question that finds too little and follows another one ("And in winter?") is
 * looked for together with it; what that finds counts only when it also holds the question's own words, or the former
 * question would answer for any later one.
 */
export async function findEvidence(
  services: RetrievalServices,
  request: AskRequest,
  signal: AbortSignal,
): Promise<Found> {
  const alone = await find(services, request, request.question, signal)
  const former = request.history.findLast((message) => message.role === 'user')
  if (alone.evidence.margin >= 0 || !former) return alone
  const together = await find(
    services,
    request,
    `${former.content.slice(0, 1_000)}\n${request.question}`,
    signal,
  )
  if (together.evidence.margin < 0 || !(await holdsOwnWords(services, request.question, together)))
    return alone
  return { ...together, notes: [...together.notes, 'Searched together with the question before.'] }
}

async function find(
  services: RetrievalServices,
  { collection, passages: k }: AskRequest,
  query: string,
  signal: AbortSignal,
): Promise<Found> {
  const scope = collection === undefined ? {} : { collection }
  const retrieved = await retrieve(services, { query, ...scope, k, mode: 'hybrid', signal })
  const statistics = await queryTerms(services.db, query, retrieved.collectionIds)
  const evidence = await gatherEvidence(services.embedder, {
    question: query,
    ...retrieved,
    statistics,
    signal,
  })
  return { ...retrieved, evidence }
}

async function holdsOwnWords(services: RetrievalServices, question: string, found: Found): Promise<boolean> {
  const byLanguage = questionTerms(await queryTerms(services.db, question, found.collectionIds))
  return found.passages.some((passage) => {
    const terms = byLanguage.get(passage.language)
    return terms !== undefined && covered(terms, wordsOf(passage)) >= OWN_WORDS
  })
}

function wordsOf({ document, heading, text, language }: RetrievedPassage): Set<string> {
  return termsOf(`${document.title}\n${heading ?? ''}\n${text}`, language)
}
