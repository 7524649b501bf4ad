/**
 * Files into the database: found, compared with what is there, read, cut into passages, embedded, published. One file
 * after the other is read and parsed, always some ahead of the model, which takes nearly all of the time. Each becomes a
 * version that nobody sees until its last passage is in, and is then published in one step.
 */
import { ensureCollection } from '../db/collections.ts'
import { DatabaseFull, DatabaseUnavailable } from '../db/errors.ts'
import { forgetFailure, listFailures, recordFailure } from '../db/failures.ts'
import { maintainIndexes } from '../db/indexes.ts'
import { placeHash } from '../db/ingest.ts'
import type { IngestLine, Totals } from '../db/jobs.ts'
import type { Database } from '../db/open.ts'
import { openRun, sweepAbandoned } from '../db/runs.ts'
import { activeSpace } from '../db/spaces.ts'
import type { Embedder } from '../embedding/embedder.ts'
import type { Globs } from './choice.ts'
import { type Comparison, compare, comparisonOf, move, sha256, wayOf } from './compare.ts'
import { Refused } from './extract/extracted.ts'
import { openParser, type Parser } from './extract/parser.ts'
import { patiently } from './patience.ts'
import { pipelineRevision } from './pipeline-revision.ts'
import { preview } from './preview.ts'
import { readFile } from './read-file.ts'
import { type Outcome, openOutcome, openReport, type Progress, reasonOf } from './report.ts'
import { openRoom } from './room.ts'
import { forgetGoneFailures, tellVanished } from './vanished.ts'
import { openVectors } from './vectors.ts'
import { type FoundFile, type Input, survey } from './walk.ts'
import { type Writer, writeVersion } from './write-version.ts'

export interface IngestOptions {
  inputs: Input[]
  collection: string
  /** Which files below folders are taken. */
  globs?: Globs
  /** Removes the documents whose files have vanished from the folders; otherwise they are named, and kept. */
  prune?: boolean
  /** Says what would be done, and writes nothing. Files are read, not parsed: which of them would fail is not known. */
  dryRun?: boolean
  /** Of the files found, only these places are looked at; the others are known to be as they were. */
  only?: ReadonlySet<string>
  /** Throws when the database went away for good, after the lines of the files that this has cost. */
  insist?: boolean
  /** The job that this is; what fails is kept under it for another try. */
  job?: string
  /** Stops it: what is not yet published is dropped, and the totals so far are returned. */
  signal?: AbortSignal
  /** Files found; told once more when the documents that have vanished are counted as well. */
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
 * Makes a collection, which is made when missing, hold what files and folders hold. A file that cannot be taken gets a
 * line that says why, and stops nothing.
 *
 * @throws InvalidCollectionName, SpaceMismatch, and DatabaseUnavailable when the database is away from the start.
 */
export async function ingestPaths(
  { db, embedder }: { db: Database; embedder: Embedder },
  options: IngestOptions,
): Promise<Totals> {
  const started = performance.now()
  const { signal, only, job = null } = options
  if (options.dryRun) return await preview(db, options)
  const collection = await patiently(() => ensureCollection(db, options.collection), { signal })
  const space = await patiently(() => activeSpace(db, embedder.model), { signal })
  await patiently(() => sweepAbandoned(db), { signal })
  const all = await survey(options.inputs, options.globs)
  const files = only ? all.files.filter((file) => only.has(file.place)) : all.files
  await options.onTotal?.(files.length)

  const failures = await patiently(() => listFailures(db, collection.id), { signal })
  const run = await patiently(() => openRun(db), { signal })
  const vectors = openVectors(db, embedder, space.id)
  const parser = openParser(embedder.model)
  const room = openRoom(passagesAhead)
  const writer: Writer = { db, run, vectors, room, spaceId: space.id, signal, givenUp: null }
  const sync: Sync = {
    ...comparisonOf(db, collection.id, all, signal),
    ...{ job, parser, writer, failed: new Set(failures.map((failure) => keyOf(failure.placeHash))) },
  }
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
      const taken = await takeFile(file, sync)
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
  if (writer.givenUp && options.insist) throw writer.givenUp
  if (!signal?.aborted && !writer.givenUp) {
    await tellVanished(sync, all, report, files.length, options)
    await forgetGoneFailures({ ...sync, survey: all })
  }
  const { added, replaced } = report.totals
  // The documents are in whether or not this succeeds: the next run does it as well.
  if (added + replaced > 0 && !signal?.aborted) await maintainIndexes(db, space).catch(() => undefined)
  return { ...report.totals, embedded: vectors.embedded(), ms: Math.round(performance.now() - started) }
}

interface Sync extends Comparison {
  job: string | null
  parser: Parser
  writer: Writer
  /** Hashes, in hex, of the places that a former run has failed at. */
  failed: ReadonlySet<string>
}

/**
 * Reads and parses a file that has changed, and sets its passages on their way. Returns when the next file can be
 * taken; what becomes of this one follows, null when it was stopped by the signal.
 */
async function takeFile(file: FoundFile, sync: Sync): Promise<{ outcome: Promise<Outcome | null> }> {
  const { collectionId, parser, writer, signal } = sync
  const { outcome, failed: failure } = openOutcome()
  const now = (of: Outcome | null) => ({ outcome: Promise.resolve(of) })
  const failed = async (error: unknown): Promise<Outcome | null> => {
    if (error instanceof DatabaseUnavailable || error instanceof DatabaseFull) writer.givenUp ??= error
    if (signal?.aborted) return null
    await remember(file, error, sync)
    return failure(error)
  }

  if (writer.givenUp) return now(await failed(writer.givenUp))
  try {
    if (file.refusal) {
      if (file.refusal.status === 'skipped') await forget(file, sync)
      return now(outcome(file.refusal))
    }
    const bytes = await readFile(file.path)
    const contentHash = sha256(bytes)
    const standing = await compare(file, contentHash, sync)
    let before = standing.status === 'replaced' || standing.status === 'unchanged' ? standing.current : null
    if (standing.status === 'moved' && (await move(sync.db, standing.from, file, signal))) {
      before = standing.from
      if (before.pipeline === pipelineRevision) {
        await forget(file, sync)
        const { documentId: document, passages } = before
        return now(outcome({ status: 'moved', document, passages, reason: wayOf(standing) }))
      }
    }
    if (standing.status === 'unchanged') {
      await forget(file, sync)
      const { documentId: document, passages } = standing.current
      return now(outcome({ status: 'unchanged', document, passages }))
    }

    const parsed = await parser.open({ name: file.source, bytes })
    const { text, mediaType, title, language, warnings, metadata } = parsed
    const { origin, place, source } = file
    const version = {
      ...{ collectionId, origin, place, source, contentHash, pipeline: pipelineRevision },
      ...{ mediaType, title, language, bytes: bytes.length, text, length: text.length, warnings, metadata },
    }
    const { published } = await writeVersion(parsed, version, before, writer)
    const done = published.then(async (written) => {
      await forget(file, sync)
      return outcome({ ...written, warnings })
    })
    return { outcome: done.catch(failed) }
  } catch (error) {
    return now(await failed(error))
  }
}

/** Keeps a failure for `--retry-failed`. It is lost with a database that is away: then a sync finds the file again. */
async function remember(file: FoundFile, error: unknown, { db, collectionId, job }: Sync): Promise<void> {
  if (file.refusal) return
  const { origin, place, source, path } = file
  // What an upload's bytes themselves forbid will never pass, and they need not be kept.
  const mayPass = !(error instanceof Refused) || ['crashed', 'too_slow'].includes(error.code)
  if (origin === 'upload' && !mayPass) return
  const failure = { collectionId, origin, place, source, path: path.toString(), reason: reasonOf(error), job }
  await recordFailure(db, failure).catch(() => undefined)
}

async function forget(
  { origin, place }: FoundFile,
  { db, collectionId, failed, signal }: Sync,
): Promise<void> {
  if (!failed.has(keyOf(placeHash({ origin, place })))) return
  await patiently(() => forgetFailure(db, { collectionId, origin, place }), { signal })
}

const keyOf = (hash: Uint8Array) => Buffer.from(hash).toString('hex')
