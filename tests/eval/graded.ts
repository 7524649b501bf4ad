/** Graded collections as files in a real database, asked over the real API: what retrieval and quoting are worth. */
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLadder } from '../../backend/answer/ladder.ts'
import type { Answer, RetrievedPassage } from '../../backend/answer/types.ts'
import { createApp } from '../../backend/app.ts'
import type { Database } from '../../db/open.ts'
import type { Embedder } from '../../embedding/embedder.ts'
import { ingestPaths } from '../../ingest/ingest.ts'
import { noModels } from '../../scripts/eval/evaluate.ts'
import { type Graded, readCranfield, readXquad, shared } from '../unit/lexical-bm25.ts'

export type CollectionName = 'cranfield' | 'xquad-en' | 'xquad-ro' | 'xquad-ru' | 'xquad-zh'
export type Mode = 'dense' | 'lexical' | 'hybrid'

export interface Collection {
  name: CollectionName
  documents: Graded['documents']
  questions: (Graded['questions'][number] & { answers: string[] })[]
}

/** @param share of the documents, evenly spread, with their questions; 1 for all. */
export function readCollection(name: CollectionName, share = 1): Collection {
  const graded = name === 'cranfield' ? readCranfield() : readXquad(languageOf(name))
  const answers = name === 'cranfield' ? [] : readAnswers(languageOf(name))
  const kept = new Set(
    graded.documents
      .filter((_, i) => Math.floor(i * share) !== Math.floor((i - 1) * share))
      .map(({ id }) => id),
  )
  return {
    name,
    documents: graded.documents.filter(({ id }) => kept.has(id)),
    questions: graded.questions
      .map((question, i) => ({ ...question, answers: answers[i] ?? [] }))
      .filter(({ gains }) => [...gains.keys()].some((id) => kept.has(id))),
  }
}

function languageOf(name: CollectionName): string {
  return name.slice('xquad-'.length)
}

interface Article {
  paragraphs: { qas: { answers: { text: string }[] }[] }[]
}

/** The gold answers, a list a question, in the order of `readXquad`. */
function readAnswers(language: string): string[][] {
  const path = join(shared, 'data', 'xquad', `xquad.${language}.json`)
  const { data } = JSON.parse(readFileSync(path, 'utf8')) as { data: Article[] }
  const questions = data.flatMap((article) => article.paragraphs.flatMap((paragraph) => paragraph.qas))
  return questions.map((question) => question.answers.map(({ text }) => text))
}

export interface GradedBackend {
  /** Passages ingested. */
  load(collection: Collection): Promise<number>
  search(query: string, collection: string, mode: Mode, k: number): Promise<RetrievedPassage[]>
  ask(question: string, collection: string): Promise<Answer>
  close(): Promise<void>
}

/** Everything as in use, but for the port. Database and embedder stay the caller's. */
export async function openGradedBackend(db: Database, embedder: Embedder): Promise<GradedBackend> {
  const dataDir = await mkdtemp(join(tmpdir(), 'mentor-graded-'))
  const ladder = openLadder(noModels, () => undefined)
  const app = createApp({
    services: { db, embedder, ladder },
    dataDir,
    version: '0.0.0',
    allowedHosts: [],
    maxUploadBytes: 1_000_000,
    pageDir: null,
    ingestCommand: [process.execPath, '--version'],
    ingestSettings: '',
    startJob: null,
  })
  const post = async (path: string, body: object) => {
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }
    const response = await app.handle(new Request(`http://localhost:8000${path}`, init))
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
    return response.json()
  }
  return {
    async load({ name, documents }) {
      const folder = join(dataDir, 'files', name)
      await mkdir(folder, { recursive: true })
      for (const { id, text } of documents) await Bun.write(join(folder, `${id}.txt`), text)
      const failed: string[] = []
      const totals = await ingestPaths(
        { db, embedder },
        {
          inputs: [{ path: folder }],
          collection: name,
          onLine: (line) => void (line.status === 'failed' && failed.push(`${line.file}: ${line.reason}`)),
        },
      )
      // Two abstracts of Cranfield are empty.
      if (failed.length > 2) throw new Error(`${failed.length} files failed, the first: ${failed[0]}`)
      return totals.passages
    },
    search: async (query, collection, mode, k) =>
      ((await post('/api/search', { query, collection, mode, k })) as { passages: RetrievedPassage[] })
        .passages,
    ask: async (question, collection) =>
      (await post('/api/ask', { question, collection, rung: 'context-only' })) as Answer,
    async close() {
      for (const hook of app.event.stop ?? []) await hook.fn(app)
      await ladder.close()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** Embeds each text once, also for the second database: equal texts have equal vectors, which tests/models holds. */
export function remembering(embedder: Embedder): Embedder {
  const known = new Map<string, Float32Array>()
  return {
    ...embedder,
    async embed(texts, options = {}) {
      const fresh = [...new Set(texts.filter((text) => !known.has(text)))]
      const vectors = await embedder.embed(fresh, options.signal ? { signal: options.signal } : {})
      for (const [i, text] of fresh.entries()) known.set(text, vectors[i] as Float32Array)
      return texts.map((text, i) => {
        const vector = (known.get(text) as Float32Array).slice()
        options.onEmbedded?.(i, vector)
        return vector
      })
    },
  }
}

/** Mean nDCG@10 with linear gain; a document scores as its best passage, of the 30 best. */
export async function ndcg10(backend: GradedBackend, collection: Collection, mode: Mode): Promise<number> {
  const each = await inTurns(collection.questions, async ({ text, gains }) => {
    const found = await backend.search(text, collection.name, mode, 30)
    const ranked = [...new Set(found.map((passage) => passage.document.source.replace(/^.*\/|\.txt$/g, '')))]
    const ideal = [...gains.values()].sort((a, b) => b - a)
    return discounted(ranked.map((id) => gains.get(id) ?? 0)) / discounted(ideal)
  })
  return each.reduce((sum, value) => sum + value, 0) / each.length
}

function discounted(gains: number[]): number {
  return gains.slice(0, 10).reduce((sum, gain, i) => sum + gain / Math.log2(i + 2), 0)
}

export interface QuoteRates {
  /** Share of the questions whose first citation, or any of them, holds a gold answer. */
  first: number
  any: number
  /** Quotes an answer, on average. */
  quotes: number
  /** Share of the questions that were answered, not abstained from. */
  answered: number
}

/** What quoting alone gives; every quote is compared with the passage it says it is from. */
export async function quoteRates(
  backend: GradedBackend,
  { name, questions }: Pick<Collection, 'name' | 'questions'>,
): Promise<QuoteRates> {
  const each = await inTurns(questions, async ({ text, answers }) => {
    const { citations, abstained } = await backend.ask(text, name)
    const holds = citations.map(({ quote }) => answers.some((answer) => quote.includes(answer)))
    return {
      first: holds[0] ?? false,
      any: holds.includes(true),
      quotes: citations.length,
      answered: !abstained,
    }
  })
  const share = (of: (one: (typeof each)[number]) => boolean) => each.filter(of).length / each.length
  return {
    first: share((one) => one.first),
    any: share((one) => one.any),
    quotes: each.reduce((sum, one) => sum + one.quotes, 0) / each.length,
    answered: share((one) => one.answered),
  }
}

/** A few at once, so that embedding and database overlap. */
async function inTurns<T, R>(items: T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results = new Array<R>(items.length)
  let next = 0
  const lane = async () => {
    for (let i = next++; i < items.length; i = next++) results[i] = await work(items[i] as T)
  }
  await Promise.all(Array.from({ length: 4 }, lane))
  return results
}
