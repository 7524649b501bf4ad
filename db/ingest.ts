import { createHash } from 'node:crypto'
import { bytesArray, numberArray, storable, storableJson, textArray } from './arrays.ts'
import { CollectionGone, VersionGone } from './errors.ts'
import type { Database } from './open.ts'
import { constraintOf, errorCode, reach } from './reach.ts'
import type { Run } from './runs.ts'

/** A document's place: unique within its collection. */
export interface Place {
  collectionId: number
  origin: 'path' | 'upload'
  /** The real absolute path, or the upload's name. */
  place: string
}

export interface NewVersion extends Place {
  /** For display. */
  source: string
  /** SHA-256 of the file's bytes. */
  contentHash: Uint8Array
  /** Revision of the code that made the passages. */
  pipeline: number
  mediaType: string
  title: string
  language: string
  bytes: number
  text: string
  /** UTF-16 code units of `text`. */
  length: number
  warnings: string[]
  /** What the document says of itself: author, date, tags, the keys of its front matter. */
  metadata?: Record<string, string | string[]>
}

export interface NewPassage {
  /** 0, 1, 2 … within the version. */
  ordinal: number
  text: string
  start: number
  end: number
  page: number | null
  heading: string[]
  language: string
  /** SHA-256 of the text that was embedded. */
  inputHash: Uint8Array
  /** pgvector literal. */
  embedding: string
  /** BM25 terms of the passage, its title and headings, with how often each occurs. */
  terms: Map<string, number>
  /** Terms in all, repeated ones counted each time. */
  length: number
  words: number
  wordPieces: number
}

export interface Current {
  documentId: string
  versionId: number
  contentHash: Uint8Array
  pipeline: number
  passages: number
}

/** Passages a statement: on the embedded database everybody waits while one runs (about 20 ms for so many). */
const passagesAStatement = 64

/** How a document is found: a path may be longer than a B-tree key. */
export function placeHash({ origin, place }: Pick<Place, 'origin' | 'place'>): Uint8Array {
  return createHash('sha256').update(`${origin}\0${place}`).digest()
}

/** The published version of the document at this place, if there is one. */
export async function findCurrent(
  db: Database,
  collectionId: number,
  hash: Uint8Array,
): Promise<Current | null> {
  const [row] = await reach(
    db,
    (sql) => sql<Current[]>`
      select d.id as "documentId", v.id as "versionId", v.content_hash as "contentHash", v.pipeline, v.passages
      from documents d join document_versions v on v.id = d.version_id
      where d.collection_id = ${collectionId} and d.place_hash = ${hash}`,
  )
  return row ? { ...row } : null
}

/** Vectors that the space already has, by the hex of the hash of their input: nothing is embedded twice. */
export async function existingVectors(
  db: Database,
  spaceId: number,
  hashes: readonly Uint8Array[],
): Promise<Map<string, string>> {
  if (hashes.length === 0) return new Map()
  const rows = await reach(
    db,
    (sql) => sql<{ hash: string; embedding: string }[]>`
      select distinct on (input_hash) encode(input_hash, 'hex') as hash, embedding::text as embedding
      from passage_vectors
      where space_id = ${spaceId} and input_hash = any(${bytesArray(hashes)}::bytea[])`,
  )
  return new Map(rows.map((row) => [row.hash, row.embedding]))
}

/**
 * Begins a version that nobody sees yet, and its document when this is the first. Throws `CollectionGone`.
 */
export async function beginVersion(
  db: Database,
  run: Pick<Run, 'id'>,
  version: NewVersion,
): Promise<{ documentId: string; versionId: number }> {
  try {
    const [row] = await reach(
      db,
      (sql) => sql<{ documentId: string; versionId: number }[]>`
        with document as (
          insert into documents (collection_id, origin, place, place_hash, source)
          values (${version.collectionId}, ${version.origin}, ${storable(version.place)}, ${placeHash(version)},
            ${storable(version.source)})
          -- An update that changes nothing: it gives the id of the row that is there, and holds it for us.
          on conflict (collection_id, place_hash) do update set place = excluded.place
          returning id
        )
        insert into document_versions
          (document_id, run_id, content_hash, pipeline, media_type, title, language, bytes, text, length, warnings,
            metadata)
        select id, ${run.id}::uuid, ${version.contentHash}, ${version.pipeline}, ${version.mediaType},
          ${storable(version.title)}, ${version.language}, ${version.bytes}, ${storable(version.text)},
          ${version.length}, ${storableJson(version.warnings)}::text::jsonb,
          ${storableJson(version.metadata ?? {})}::text::jsonb
        from document
        returning document_id as "documentId", id as "versionId"`,
    )
    if (!row) throw new Error('beginVersion: the insert returned nothing')
    return { ...row }
  } catch (error) {
    if (constraintOf(error)?.startsWith('documents_collection_id')) throw collectionGone(error)
    throw error
  }
}

/** Adds passages with vectors, postings and counts to a version in the making. Throws `VersionGone`. */
export async function appendPassages(
  db: Database,
  batch: { versionId: number; spaceId: number; passages: readonly NewPassage[] },
): Promise<void> {
  for (let at = 0; at < batch.passages.length; at += passagesAStatement) {
    await appendBatch(db, batch.versionId, batch.spaceId, batch.passages.slice(at, at + passagesAStatement))
  }
}

/** One statement, so that there is nothing between its parts for anybody to see or for a kill to leave. */
async function appendBatch(
  db: Database,
  versionId: number,
  spaceId: number,
  passages: readonly NewPassage[],
): Promise<void> {
  const postings = flattenTerms(passages)
  // Lists of headings differ in length, which an array of arrays may not: they travel as JSON.
  const headings = passages.map((p) => JSON.stringify(p.heading.map(storable)))
  try {
    const { count } = await reach(
      db,
      (sql) => sql`
        with target as (
          select v.id, d.collection_id from document_versions v join documents d on d.id = v.document_id
          where v.id = ${versionId}::bigint and v.run_id is not null
        ),
        given as (
          select * from unnest(
            ${numberArray(passages.map((p) => p.ordinal))}::int[],
            ${textArray(passages.map((p) => p.text))}::text[],
            ${numberArray(passages.map((p) => p.start))}::int[],
            ${numberArray(passages.map((p) => p.end))}::int[],
            ${numberArray(passages.map((p) => p.page))}::int[],
            ${textArray(headings)}::text[],
            ${textArray(passages.map((p) => p.language))}::text[],
            ${bytesArray(passages.map((p) => p.inputHash))}::bytea[],
            ${textArray(passages.map((p) => p.embedding))}::text[],
            ${numberArray(passages.map((p) => p.length))}::int[],
            ${numberArray(passages.map((p) => p.words))}::int[],
            ${numberArray(passages.map((p) => p.wordPieces))}::int[]
          ) as g (ordinal, text, start_offset, end_offset, page, heading, language, input_hash, embedding, terms, words,
            word_pieces)
        ),
        stored as (
          insert into passages (version_id, ordinal, text, start_offset, end_offset, page, heading, language)
          select target.id, ordinal, text, start_offset, end_offset, page,
            array(select jsonb_array_elements_text(heading::jsonb)), language
          from target cross join given order by ordinal
          returning id, ordinal
        ),
        vectors as (
          insert into passage_vectors (space_id, passage_id, version_id, collection_id, input_hash, embedding)
          select ${spaceId}::int, s.id, target.id, target.collection_id, g.input_hash, g.embedding::halfvec
          from target cross join stored s join given g using (ordinal)
        ),
        entries as (
          insert into postings (term, language, version_id, collection_id, passage_ids, frequencies, lengths)
          select t.term, g.language, target.id, target.collection_id, array_agg(s.id order by s.id),
            array_agg(t.frequency order by s.id), array_agg(g.terms order by s.id)
          from target cross join unnest(
            ${textArray(postings.terms)}::text[],
            ${numberArray(postings.ordinals)}::int[],
            ${numberArray(postings.frequencies)}::smallint[]
          ) as t (term, ordinal, frequency)
          join given g using (ordinal) join stored s using (ordinal)
          group by t.term, g.language, target.id, target.collection_id
        )
        insert into version_languages as l (version_id, language, passages, terms, words, word_pieces)
        select target.id, language, count(*), sum(terms), sum(words), sum(word_pieces)
        from target cross join given group by target.id, language
        on conflict (version_id, language) do update set
          passages = l.passages + excluded.passages, terms = l.terms + excluded.terms,
          words = l.words + excluded.words, word_pieces = l.word_pieces + excluded.word_pieces`,
    )
    if (count === 0) throw versionGone()
  } catch (error) {
    // foreign_key_violation: the version went away while this ran.
    if (errorCode(error) === '23503') throw versionGone(error)
    throw error
  }
}

/**
 * The flip: readers see this version from here on, and the one before it is deleted. 'unchanged' when another
 * run published the same bytes first: this version is dropped. Throws `VersionGone`.
 */
export async function publishVersion(
  db: Database,
  version: { versionId: number; source: string },
): Promise<'added' | 'replaced' | 'unchanged'> {
  const [row] = await reach(
    db,
    (sql) => sql<{ outcome: 'added' | 'replaced' | 'unchanged' | 'gone' }[]>`
      select publish_version(${version.versionId}, ${storable(version.source)}) as outcome`,
  )
  if (!row || row.outcome === 'gone') throw versionGone()
  return row.outcome
}

/** Drops a version that was not published, and its document when it never had another. */
export async function discardVersion(db: Database, versionId: number): Promise<void> {
  await reach(db, (sql) => sql`delete from document_versions where id = ${versionId} and run_id is not null`)
  await reach(db, (sql) => sql`select sweep_documents()`)
}

function flattenTerms(passages: readonly NewPassage[]) {
  const terms: string[] = []
  const ordinals: number[] = []
  const frequencies: number[] = []
  for (const passage of passages) {
    for (const [term, frequency] of passage.terms) {
      terms.push(term)
      ordinals.push(passage.ordinal)
      frequencies.push(Math.min(frequency, 32_767))
    }
  }
  return { terms, ordinals, frequencies }
}

function versionGone(cause?: unknown): VersionGone {
  return new VersionGone(
    'The document was deleted, or this run was taken for dead, while it was being ingested: nothing of it was kept. Ingest it again.',
    { cause },
  )
}

function collectionGone(cause: unknown): CollectionGone {
  return new CollectionGone(
    'The collection was deleted while documents were added to it. Ingest them again.',
    { cause },
  )
}
