/**
 * Files into the database: found, read, cut into passages, embedded, published. One file after the other is read and
 * parsed, always some ahead of the model, which takes nearly all of the time. Each becomes a version that nobody
 * sees until its last passage is in, and is then published in one step.
 */
import { createHash } from 'node:crypto'
import { ensureCollection } from '../db/collections.ts'
import { DatabaseFull, DatabaseUnavailable } from '../db/errors.ts'
import { maintainIndexes } from '../db/indexes.ts'
import { findCurrent, placeHash } from '../db/ingest.ts'
import type { IngestLine, Totals } from '../db/jobs.ts'
import type { Database } from '../db/open.ts'
import { openRun, sweepAbandoned } from '../db/runs.ts'
import { activeSpace } from '../db/spaces.ts'
import type { Embedder } from '../embedding/embedder.ts'
import { openParser, type Parser } from './extract/parser.ts'
import { patiently } from './patience.ts'
import { pipelineRevision } from './pipeline-revision.ts'
import { readFile } from './read-file.ts'
import { type Outcome, openReport, type Progress } from './report.ts'
import { openRoom } from './room.ts'
import { openVectors } from './vectors.ts'
import { type FoundFile, findFiles, type Input } from './walk.ts'
import { type Writer, writeVersion } from './write-version.ts'

export interface IngestOptions {
  inputs: Input[]
  collection: string
  /** Stops it: what is not yet published is dropped, and the totals so far are returned. */
  signal?: AbortSignal
  /** Files found. */
  onTotal?(files: number): void | Promise<void>
  /** A line a file, in the order in which they are done; the next one waits for the promise. */
  onLine(line: IngestLine): void | Promise<void>
  onProgress?(progress: Progress): void
}

/** Passages cut and not yet written: a few seconds of work, so that the model never waits for a parser. */
const passagesAhead = 256
/** Files read and not yet published. */
const filesAhead = 64

/**
 * Ingests files and folders into a collection, which is made when missing. A file that cannot be taken gets a line
 * that says why, and stops nothing.
 *
 * @throws InvalidCollectionName, SpaceMismatch, and DatabaseUnavailable when the database is away from the start.
 */
export async function ingestPaths(
  { db, embedder }: { db: Database; embedder: Embedder },
  options: IngestOptions,
): Promise<Totals> {
  const started = performance.now()
  const { signal } = options
  const collection = await patiently(() => ensureCollection(db, options.collection), { signal })
  const space = await patiently(() => activeSpace(db, embedder.model), { signal })
  await patiently(() => sweepAbandoned(db), { signal })
  const files = await findFiles(options.inputs)
  await options.onTotal?.(files.length)

  const run = await patiently(() => openRun(db), { signal })
  const vectors = openVectors(db, embedder, space.id)
  const parser = openParser(embedder.model)
  const room = openRoom(passagesAhead)
  const writer: Writer = { db, run, vectors, room, spaceId: space.id, signal, givenUp: null }
  const report = openReport(files, options)
  const places = openRoom(filesAhead)
  const open = new Set<Promise<void>>()
  let broken: unknown = null
  const stop = () => void parser.close() // a file that takes a minute to parse must not hold up Ctrl-C
  signal?.addEventListener('abort', stop, { once: true })
  try {
    for (const file of files) {
      await places.take(1)
      if (signal?.aborted || broken) break
      report.begun(file)
      const taken = await takeFile(file, collection.id, parser, writer)
      const done = taken.outcome
        .then((outcome) => (outcome ? report.done(file, outcome) : undefined))
        .catch((error: unknown) => {
          broken ??= error // a line could not be told: nobody would hear of the rest either
        })
        .finally(() => {
          open.delete(done)
          places.give(1)
        })
      open.add(done)
    }
    await Promise.all(open)
  } finally {
    signal?.removeEventListener('abort', stop)
    await parser.close()
    await run.close().catch(() => undefined) // what it left is swept by the next run
  }
  if (broken) throw broken
  const { added, replaced } = report.totals
  // The documents are in whether or not this succeeds: the next run does it as well.
  if (added + replaced > 0 && !signal?.aborted) await maintainIndexes(db, space).catch(() => undefined)
  return { ...report.totals, embedded: vectors.embedded(), ms: Math.round(performance.now() - started) }
}

/**
 * Reads and parses a file that has changed, and sets its passages on their way. Returns when the next file can be
 * taken; what becomes of this one follows, null when it was stopped by the signal.
 */
async function takeFile(
  file: FoundFile,
  collectionId: number,
  parser: Parser,
  writer: Writer,
): Promise<{ outcome: Promise<Outcome | null> }> {
  const started = performance.now()
  const outcome = (of: Partial<Outcome> & Pick<Outcome, 'status'>): Outcome => ({
    reason: null,
    warnings: [],
    document: null,
    passages: 0,
    ...of,
    ms: Math.round(performance.now() - started),
  })
  const failed = (error: unknown): Outcome | null => {
    if (error instanceof DatabaseUnavailable || error instanceof DatabaseFull) writer.givenUp ??= error
    return writer.signal?.aborted ? null : outcome({ status: 'failed', reason: reasonOf(error) })
  }

  if (writer.givenUp) return { outcome: Promise.resolve(failed(writer.givenUp)) }
  if (file.refusal) return { outcome: Promise.resolve(outcome(file.refusal)) }
  try {
    const bytes = await readFile(file.path)
    const contentHash = createHash('sha256').update(bytes).digest()
    const { signal } = writer
    const before = await patiently(() => findCurrent(writer.db, collectionId, placeHash(file)), { signal })
    if (before?.pipeline === pipelineRevision && contentHash.equals(before.contentHash))
      return { outcome: Promise.resolve(outcome({ status: 'unchanged', document: before.documentId })) }

    const parsed = await parser.open({ name: file.source, bytes })
    const { text, mediaType, title, language, warnings } = parsed
    const { origin, place, source } = file
    const version = {
      ...{ collectionId, origin, place, source, contentHash, pipeline: pipelineRevision },
      ...{ mediaType, title, language, bytes: bytes.length, text, length: text.length, warnings },
    }
    const { published } = await writeVersion(parsed, version, before, writer)
    return { outcome: published.then((written) => outcome({ ...written, warnings }), failed) }
  } catch (error) {
    return { outcome: Promise.resolve(failed(error)) }
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
