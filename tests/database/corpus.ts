/** Documents for the database's tests, written through the functions that ingestion uses. */
import { createHash } from 'node:crypto'
import { ensureCollection } from '../../db/collections.ts'
import { appendPassages, beginVersion, type NewPassage, publishVersion } from '../../db/ingest.ts'
import type { Database } from '../../db/open.ts'
import { openRun, type Run } from '../../db/runs.ts'
import { activeSpace, type Space } from '../../db/spaces.ts'
import { toHalfvec } from '../../embedding/halfvec.ts'
import type { EmbeddingModel } from '../../models/bundled.ts'

export const dimensions = 8
export const model: EmbeddingModel = {
  name: 'test-model',
  revision: 'a'.repeat(64),
  dimensions,
  tokenLimit: 256,
  directory: '/nowhere',
  weights: 'none',
  licence: 'none',
}

export interface Passage {
  /** Words; they are the terms too. */
  text: string
  language?: string
  vector?: Float32Array
  words?: number
  wordPieces?: number
}

export interface Writer {
  db: Database
  run: Run
  space: Space
}

export async function openWriter(db: Database): Promise<Writer> {
  return { db, run: await openRun(db), space: await activeSpace(db, model) }
}

export const sha256 = (text: string): Uint8Array => createHash('sha256').update(text).digest()

/** A reproducible direction for a text. */
export function vectorOf(text: string): Float32Array {
  const bytes = sha256(text)
  const vector = Float32Array.from({ length: dimensions }, (_, i) => (bytes[i] ?? 0) - 127.5)
  const length = Math.hypot(...vector)
  return vector.map((x) => x / length)
}

export function termsOf(text: string): string[] {
  return text.toLowerCase().split(/\s+/).filter(Boolean)
}

export function newPassages(passages: readonly Passage[]): NewPassage[] {
  let start = 0
  return passages.map(({ text, language = 'en', vector = vectorOf(text), words, wordPieces }, ordinal) => {
    const terms = termsOf(text)
    const counted = new Map<string, number>()
    for (const term of terms) counted.set(term, (counted.get(term) ?? 0) + 1)
    const passage: NewPassage = {
      ordinal,
      text,
      start,
      end: start + text.length,
      page: null,
      heading: ['Chapter', `Section "${ordinal}"`],
      language,
      inputHash: sha256(text),
      embedding: toHalfvec(vector),
      terms: counted,
      length: terms.length,
      words: words ?? terms.length,
      wordPieces: wordPieces ?? terms.length + 1,
    }
    start += text.length + 1
    return passage
  })
}

/** Writes a version without publishing it. */
export async function write(
  { db, run, space }: Writer,
  document: {
    collection: string
    place: string
    passages: readonly Passage[]
    pipeline?: number
    origin?: 'path' | 'upload'
  },
): Promise<{ documentId: string; versionId: number }> {
  const { id: collectionId } = await ensureCollection(db, document.collection)
  const text = document.passages.map((p) => p.text).join('\n')
  const begun = await beginVersion(db, run, {
    collectionId,
    origin: document.origin ?? 'path',
    place: document.place,
    source: document.place,
    contentHash: sha256(text),
    pipeline: document.pipeline ?? 1,
    mediaType: 'text/plain',
    title: `Title of ${document.place}`,
    language: 'en',
    bytes: Buffer.byteLength(text),
    text,
    length: text.length,
    warnings: [],
  })
  await appendPassages(db, { ...begun, spaceId: space.id, passages: newPassages(document.passages) })
  return begun
}

/** Writes a version and publishes it. */
export async function publish(writer: Writer, document: Parameters<typeof write>[1]) {
  const begun = await write(writer, document)
  const outcome = await publishVersion(writer.db, { versionId: begun.versionId, source: document.place })
  return { ...begun, outcome }
}

/** `collection_languages` as it should be: counted anew from what is published. */
export async function recount(db: Database): Promise<unknown[]> {
  return [
    ...(await db.sql`
      select d.collection_id, l.language, sum(l.passages)::int as passages, sum(l.terms)::int as terms,
        sum(l.words)::int as words, sum(l.word_pieces)::int as word_pieces
      from documents d join version_languages l on l.version_id = d.version_id
      group by 1, 2 order by 1, 2`),
  ]
}

export async function statistics(db: Database): Promise<unknown[]> {
  return [
    ...(await db.sql`
      select collection_id, language, passages::int, terms::int, words::int, word_pieces::int
      from collection_languages order by 1, 2`),
  ]
}
