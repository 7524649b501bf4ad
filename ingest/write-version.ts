/** A parsed file as a version in the database: begun unseen, filled as its vectors come, published in one step. */
import { VersionGone } from '../db/errors.ts'
import {
  appendPassages,
  beginVersion,
  type Current,
  discardVersion,
  findCurrent,
  type NewVersion,
  placeHash,
  publishVersion,
} from '../db/ingest.ts'
import type { Database } from '../db/open.ts'
import { errorCode } from '../db/reach.ts'
import type { Run } from '../db/runs.ts'
import type { ParsedFile } from './extract/parser.ts'
import { patiently } from './patience.ts'
import type { PreparedPassage } from './prepare.ts'
import type { Room } from './room.ts'
import type { Vectors } from './vectors.ts'

export interface Writer {
  db: Database
  run: Pick<Run, 'id'>
  vectors: Vectors
  /** Places for passages that are cut and not yet written. */
  room: Room
  spaceId: number
  signal: AbortSignal | undefined
  /** The database is full, or did not come back: what is left fails at once, not each file after its own wait. */
  givenUp: Error | null
}

export interface WrittenVersion {
  status: 'added' | 'replaced' | 'unchanged'
  document: string
  passages: number
}

/**
 * Begins a version and sets its passages on their way. Returns once the parser has given the last of them and may
 * take the next file; `published` follows when the last one is written, and rejects when the version had to be
 * dropped.
 */
export async function writeVersion(
  parsed: ParsedFile,
  version: NewVersion,
  before: Current | null,
  writer: Writer,
): Promise<{ published: Promise<WrittenVersion> }> {
  const { db, run, signal } = writer
  const { versionId, documentId } = await patiently(() => beginVersion(db, run, version), { signal })
  const written = await writePassages(parsed, versionId, writer)
  const publish = async (): Promise<WrittenVersion> => {
    try {
      const passages = await written.passages
      signal?.throwIfAborted()
      const status = await flip({ versionId, version, before }, writer)
      return { status, document: documentId, passages: status === 'unchanged' ? 0 : passages }
    } catch (error) {
      // What is not dropped here, because the database is away, goes with the run or is swept by the next one.
      await discardVersion(db, versionId).catch(() => undefined)
      throw error
    }
  }
  const published = publish()
  published.catch(() => undefined) // heard by whoever waits for it, later
  return { published }
}

/** Embeds and writes passages in portions as room for them comes free: the writing in order, the embedding at once. */
async function writePassages(
  parsed: ParsedFile,
  versionId: number,
  writer: Writer,
): Promise<{ passages: Promise<number> }> {
  let written: Promise<number> = Promise.resolve(0)
  let broken = false
  try {
    for await (const portion of parsed.passages()) {
      await writer.room.take(portion.length)
      written = writePortion(portion, written, versionId, writer)
      written.catch(() => {
        broken = true
      })
      if (broken || writer.signal?.aborted) break
    }
  } catch (error) {
    // The parser broke on a later portion: what is under way ends first.
    written = written.then(() => Promise.reject(error))
    written.catch(() => undefined)
  }
  return { passages: written }
}

/** Returns the passages written so far. */
async function writePortion(
  portion: PreparedPassage[],
  before: Promise<number>,
  versionId: number,
  { db, vectors, room, spaceId, signal }: Writer,
): Promise<number> {
  try {
    const [embeddings, written] = await Promise.all([vectors.of(portion, signal), before])
    const passages = portion.map((passage, i) => ({ ...passage, embedding: embeddings[i] ?? '' }))
    await patiently(() => appendPassages(db, { versionId, spaceId, passages }), {
      signal,
      // unique_violation: these passages are in, and only the answer was lost.
      carriedOut: async (error) => (errorCode(error) === '23505' ? { value: undefined } : null),
    })
    return written + portion.length
  } finally {
    vectors.release(portion)
    room.give(portion.length)
  }
}

/** The flip, also when its answer is lost on the way: then the published version is this one. */
function flip(
  { versionId, version, before }: { versionId: number; version: NewVersion; before: Current | null },
  { db, signal }: Writer,
): Promise<WrittenVersion['status']> {
  return patiently(() => publishVersion(db, { versionId, source: version.source }), {
    signal,
    async carriedOut(error) {
      if (!(error instanceof VersionGone)) return null
      const now = await patiently(() => findCurrent(db, version.collectionId, placeHash(version)))
      return now?.versionId === versionId ? { value: before ? 'replaced' : 'added' } : null
    },
  })
}
