/** A graded collection through the real ingestion, retrieval and answering, in a database of its own. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { answerQuestion } from '../../backend/answer/answer.ts'
import { findEvidence } from '../../backend/answer/find.ts'
import { type Ladder, type LadderSettings, openLadder } from '../../backend/answer/ladder.ts'
import type { Answer, AskRequest } from '../../backend/answer/types.ts'
import { type RetrievalServices, retrieve } from '../../backend/retrieve/retrieve.ts'
import { readText } from '../../db/documents.ts'
import { openDatabase } from '../../db/open.ts'
import type { Embedder } from '../../embedding/embedder.ts'
import { ingestPaths } from '../../ingest/ingest.ts'
import type { GradedCollection, GradedDocument, GradedQuestion } from './graded-collection.ts'
import {
  type AbstentionPoint,
  abstentionCurve,
  type Estimate,
  estimate,
  mean,
  measureRanking,
  type RankingMeasures,
} from './measures.ts'

export const modes = ['dense', 'lexical', 'hybrid'] as const
export type Mode = (typeof modes)[number]

export interface Evaluation {
  documents: number
  passages: number
  questions: number
  ranking: Record<Mode, Record<keyof RankingMeasures, Estimate>>
  /** Null where the questions have no answers. */
  quoting: {
    questions: number
    /** The first quote holds an answer; one of the quotes does. */
    first: Estimate
    any: Estimate
    quotes: number
    /** Share of the citations whose quote stands in its document where it says. */
    citationsHold: number
  } | null
  /** Null where fewer than ten questions are of either kind. */
  abstention: { answerable: number; unanswerable: number; curve: AbstentionPoint[] } | null
  /** Milliseconds of a hybrid search with the question's embedding, one at a time. */
  latency: { p50: number; p95: number }
}

/** Passages looked at for a ranking of documents: a document stands where its best passage does. */
const passagesRanked = 50
/** Fewer questions of a kind say nothing about a threshold. */
const fewest = 10

/**
 * Measures ranking, quoting and refusing. The documents go into an embedded database below the system's temporary
 * folder, which is removed; the user's own data are not touched.
 *
 * A question is unanswerable when none of its documents is among every other group of documents, which are then asked
 * alone. Others may answer it all the same, so the share that is refused is a lower bound.
 */
export async function evaluate(
  collection: GradedCollection,
  embedder: Embedder,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<Evaluation> {
  const folder = await mkdtemp(join(tmpdir(), 'mentor-eval-'))
  const db = await openDatabase({ dataDir: join(folder, 'data') })
  const ladder = openLadder(noModels, () => undefined)
  try {
    const services = { db, embedder, ladder }
    tell(`Ingesting ${collection.documents.length} documents`)
    const passages = await load(services, folder, 'all', collection.documents, signal)
    tell(`Asking ${collection.questions.length} questions`)
    const { ranking, latency } = await measureRankings(services, collection, signal)
    const quoting = await measureQuotes(services, collection.questions, signal)
    const abstention = await measureAbstention(services, folder, collection, signal)
    const { documents, questions } = collection
    return {
      documents: documents.length,
      passages,
      questions: questions.length,
      ranking,
      quoting,
      abstention,
      latency,
    }
  } finally {
    await ladder.close()
    await db.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Only the documents answer; the rest as by default. */
export const noModels: LadderSettings = {
  serviceUrl: null,
  serviceEnabled: false,
  serviceTimeoutMs: 60_000,
  serviceApiKey: null,
  model: null,
  totalMs: 120_000,
  firstTextMs: 30_000,
  betweenTextMs: 15_000,
  reserveMs: 2_000,
  maxNewTokens: 256,
  temperature: 0.35,
  topP: 0.9,
}

type Services = RetrievalServices & { ladder: Ladder }

/** Files are named by number: an id may be no file's name. @returns passages */
async function load(
  { db, embedder }: Services,
  folder: string,
  name: string,
  documents: readonly GradedDocument[],
  signal: AbortSignal,
): Promise<number> {
  const files = join(folder, name)
  await mkdir(files, { recursive: true })
  for (const { id, title, text } of documents) {
    const body = title === '' || text.startsWith(title) ? text : `${title}\n\n${text}`
    await Bun.write(join(files, `${Buffer.from(id).toString('hex')}.txt`), body)
  }
  const totals = await ingestPaths(
    { db, embedder },
    { inputs: [{ path: files }], collection: name, signal, onLine: () => undefined },
  )
  signal.throwIfAborted()
  return totals.passages
}

function idOf(source: string): string {
  return Buffer.from(source.replace(/^.*\/|\.txt$/g, ''), 'hex').toString()
}

async function measureRankings(
  services: Services,
  { questions }: GradedCollection,
  signal: AbortSignal,
): Promise<Pick<Evaluation, 'ranking' | 'latency'>> {
  const times: number[] = []
  const ranked: Record<Mode, RankingMeasures[]> = { dense: [], lexical: [], hybrid: [] }
  for (const { text, gains } of questions) {
    for (const mode of ['hybrid', 'dense', 'lexical'] as const) {
      const began = performance.now()
      const query = { query: text, collection: 'all', k: passagesRanked, mode, signal }
      const { passages } = await retrieve(services, query)
      if (mode === 'hybrid') times.push(performance.now() - began)
      const ranking = [...new Set(passages.map(({ document }) => idOf(document.source)))]
      ranked[mode].push(measureRanking(ranking, gains))
    }
  }
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.min(times.length - 1, Math.ceil(times.length * share) - 1)] ?? 0
  return {
    ranking: { dense: means(ranked.dense), lexical: means(ranked.lexical), hybrid: means(ranked.hybrid) },
    latency: { p50: at(0.5), p95: at(0.95) },
  }
}

function means(each: RankingMeasures[]): Record<keyof RankingMeasures, Estimate> {
  const of = (name: keyof RankingMeasures) => estimate(each.map((measures) => measures[name]))
  return { ndcg10: of('ndcg10'), mrr10: of('mrr10'), recall5: of('recall5'), recall10: of('recall10') }
}

function asked(question: string, collection: string): AskRequest {
  const limits = { passages: 6, maxTokens: 256, temperature: 0, topP: 1 }
  return { question, collection, history: [], rung: 'context-only', ...limits }
}

async function measureQuotes(
  services: Services,
  questions: readonly GradedQuestion[],
  signal: AbortSignal,
): Promise<Evaluation['quoting']> {
  const withAnswers = questions.filter(({ answers }) => answers.length > 0)
  if (withAnswers.length === 0) return null
  const holds: { first: boolean; any: boolean; quotes: number; valid: number }[] = []
  for (const { text, answers } of withAnswers) {
    const { citations } = await answerTo(services, text, signal)
    const each = citations.map(({ quote }) => answers.some((answer) => quote.includes(answer)))
    const stands = await Promise.all(
      citations.map(async ({ document, start, end, quote }) => {
        const read = await readText(services.db, document.id, { version: document.version })
        return read !== null && read !== 'gone' && read.text.slice(start, end) === quote
      }),
    )
    const valid = stands.filter(Boolean).length
    holds.push({ first: each[0] ?? false, any: each.includes(true), quotes: citations.length, valid })
  }
  const quotes = holds.reduce((sum, one) => sum + one.quotes, 0)
  return {
    questions: withAnswers.length,
    first: estimate(holds.map(({ first }) => Number(first))),
    any: estimate(holds.map(({ any }) => Number(any))),
    quotes: quotes / holds.length,
    citationsHold: quotes === 0 ? 1 : mean(holds.map(({ valid }) => valid)) / (quotes / holds.length),
  }
}

async function answerTo(services: Services, question: string, signal: AbortSignal): Promise<Answer> {
  for await (const event of answerQuestion(services, asked(question, 'all'), signal))
    if (event.type === 'answer') return event.answer
  throw new Error(`The question ${JSON.stringify(question)} ended without an answer.`)
}

async function measureAbstention(
  services: Services,
  folder: string,
  { documents, questions }: GradedCollection,
  signal: AbortSignal,
): Promise<Evaluation['abstention']> {
  const groups = [...new Set(documents.map(({ group }) => group))]
  const keptGroups = new Set(groups.filter((_, i) => i % 2 === 0))
  const kept = documents.filter(({ group }) => keptGroups.has(group))
  const keptIds = new Set(kept.map(({ id }) => id))
  const isAnswerable = ({ gains }: GradedQuestion) => [...gains.keys()].some((id) => keptIds.has(id))
  const answerable = questions.filter(isAnswerable)
  const unanswerable = questions.filter((question) => !isAnswerable(question))
  if (Math.min(answerable.length, unanswerable.length) < fewest) return null
  await load(services, folder, 'half', kept, signal)
  const marginsOf = async (of: readonly GradedQuestion[]) => {
    const margins: number[] = []
    for (const { text } of of)
      margins.push((await findEvidence(services, asked(text, 'half'), signal)).evidence.margin)
    return margins
  }
  return {
    answerable: answerable.length,
    unanswerable: unanswerable.length,
    curve: abstentionCurve(await marginsOf(answerable), await marginsOf(unanswerable)),
  }
}
