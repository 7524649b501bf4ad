/** From a question to the passages that fit it best: embed the question, ask the database, shape what it found. */
import { findCollection } from '../../db/collections.ts'
import type { Database } from '../../db/open.ts'
import { hybridSearch, type SearchHit } from '../../db/search.ts'
import { activeSpace, type Space } from '../../db/spaces.ts'
import type { Embedder } from '../../embedding/embedder.ts'
import type { RetrievedPassage } from '../answer/types.ts'

export interface RetrievalServices {
  db: Database
  embedder: Embedder
}

export interface RetrievalQuery {
  query: string
  /** A collection's name; undefined searches all. */
  collection?: string
  k: number
  mode: 'hybrid' | 'dense' | 'lexical'
  signal?: AbortSignal
}

export interface Retrieved {
  /** Best first. */
  passages: RetrievedPassage[]
  /** The question's embedding; null when the mode needs none or the embedder failed. */
  vector: Float32Array | null
  /** The collections searched; null means all. */
  collectionIds: number[] | null
  /** Milliseconds. */
  timings: { embed: number; search: number }
  /** What was done without, in words. */
  notes: string[]
}

/** No collection has that name. */
export class UnknownCollection extends Error {
  override readonly name = 'UnknownCollection'
  constructor(collection: string) {
    super(
      `There is no collection ${JSON.stringify(collection)}: ./mentor collections, or GET /api/collections, lists them.`,
    )
  }
}

/**
 * The best `k` passages. When the question cannot be embedded the lexical side answers alone and `notes` says so.
 * @throws UnknownCollection, the errors of `db/errors.ts`, and the signal's reason when it aborts.
 */
export async function retrieve(services: RetrievalServices, question: RetrievalQuery): Promise<Retrieved> {
  const { db, embedder } = services
  const { query, k, mode, signal } = question
  const [collectionIds, space] = await Promise.all([
    collectionsOf(db, question.collection),
    spaceOf(db, embedder),
  ])
  const began = performance.now()
  const { vector, note } = mode === 'lexical' ? nothingEmbedded : await embedQuestion(embedder, query, signal)
  const embedded = performance.now()
  const hits = await hybridSearch(db, {
    space,
    mode: note ? 'lexical' : mode,
    vector,
    query,
    collectionIds,
    k,
  })
  signal?.throwIfAborted()
  return {
    passages: hits.map(toPassage),
    vector,
    collectionIds,
    timings: { embed: embedded - began, search: performance.now() - embedded },
    notes: note ? [note] : [],
  }
}

async function collectionsOf(db: Database, name: string | undefined): Promise<number[] | null> {
  if (name === undefined) return null
  const found = await findCollection(db, name)
  if (!found) throw new UnknownCollection(name)
  return [found.id]
}

/** The active space changes only with the model: asked once a database, again after a failure. */
const spaces = new WeakMap<Database, Promise<Space>>()

function spaceOf(db: Database, embedder: Embedder): Promise<Space> {
  const known = spaces.get(db)
  if (known) return known
  const asked = activeSpace(db, embedder.model)
  spaces.set(db, asked)
  asked.catch(() => spaces.delete(db))
  return asked
}

interface Embedded {
  vector: Float32Array | null
  note: string | null
}
const nothingEmbedded: Embedded = { vector: null, note: null }

async function embedQuestion(
  embedder: Embedder,
  query: string,
  signal: AbortSignal | undefined,
): Promise<Embedded> {
  try {
    const [vector] = await embedder.embed([query], signal ? { signal } : {})
    return { vector: vector ?? null, note: null }
  } catch (error) {
    signal?.throwIfAborted()
    const reason = error instanceof Error ? error.message : String(error)
    return {
      vector: null,
      note: `The question could not be embedded, so only words were searched: ${reason}`,
    }
  }
}

function toPassage(hit: SearchHit): RetrievedPassage {
  const { passageId, documentId, versionId, title, source, heading } = hit
  return {
    id: passageId,
    document: { id: documentId, title, source, version: versionId },
    text: hit.text,
    start: hit.start,
    end: hit.end,
    page: hit.page,
    heading: heading.length === 0 ? null : heading.join(' › '),
    language: hit.language,
    score: hit.score,
    scores: hit.scores,
    ranks: hit.ranks,
  }
}
