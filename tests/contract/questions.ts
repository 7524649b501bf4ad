/** A question with one passage, and its way down a ladder, for the tests of the rungs. */
import { gatherEvidence } from '../../backend/answer/evidence.ts'
import type { Ladder, LadderSettings } from '../../backend/answer/ladder.ts'
import type { AskRequest, LadderStep, RetrievedPassage, RungRequest } from '../../backend/answer/types.ts'
import { openEmbedder } from '../../embedding/embedder.ts'
import { allMiniLM } from '../../models/bundled.ts'

export const passage: RetrievedPassage = {
  id: 1,
  document: { id: 'd', title: 'Opening times', source: 'times.md', version: 1 },
  text: 'The garden opens at nine. It closes at dusk.',
  start: 0,
  end: 44,
  page: null,
  heading: null,
  language: 'en',
  score: 0.9,
  scores: { dense: 0.7, lexical: 5 },
  ranks: { dense: 1, lexical: 1 },
}

const statistics = ['garden', 'open'].map((term) => ({
  language: 'en',
  term,
  idf: 1,
  df: 1,
  passages: 9,
  coverage: 0.9,
}))
// No vector, so it never starts a worker.
const embedder = openEmbedder({ model: allMiniLM, workers: 1 })

export const request: Omit<RungRequest, 'signal'> = {
  question: 'When does the garden open?',
  passages: [passage],
  evidence: await gatherEvidence(embedder, { question: '', passages: [passage], vector: null, statistics }),
  history: [],
  maxTokens: 64,
  temperature: 0.35,
  topP: 0.9,
}

export const settings: LadderSettings = {
  serviceUrl: null,
  serviceEnabled: true,
  serviceTimeoutMs: 5_000,
  serviceApiKey: null,
  model: null,
  totalMs: 8_000,
  firstTextMs: 300,
  betweenTextMs: 300,
  reserveMs: 500,
  maxNewTokens: 64,
  temperature: 0.35,
  topP: 0.9,
}

export interface Climbed {
  text: string
  rung: string | null
  steps: LadderStep[]
  error: unknown
  ms: number
}

export async function climb(
  ladder: Ladder,
  rung: AskRequest['rung'] = 'auto',
  signal: AbortSignal = new AbortController().signal,
  asked: Omit<RungRequest, 'signal'> = request,
): Promise<Climbed> {
  const began = performance.now()
  const climbed: Climbed = { text: '', rung: null, steps: [], error: null, ms: 0 }
  try {
    const events = ladder.climb(
      { rung, request: asked, began, signal, steps: climbed.steps },
      async function* (name, chunks) {
        for await (const chunk of chunks) yield { name, text: chunk.text ?? chunk.quote?.text ?? '' }
      },
    )
    for await (const { name, text } of events) {
      climbed.text += text
      climbed.rung = name
    }
  } catch (error) {
    climbed.error = error
  }
  climbed.ms = performance.now() - began
  return climbed
}
