/** `mentor ingest`: the lines, the progress bar and the exit code around `ingestPaths`. */
import { stat } from 'node:fs/promises'
import { collectionName } from '../db/collections.ts'
import type { IngestLine, Totals } from '../db/jobs.ts'
import type { Database } from '../db/open.ts'
import type { Embedder } from '../embedding/embedder.ts'
import { ingestPaths } from './ingest.ts'
import { lineText, totalsText } from './line-text.ts'
import { openProgressBar } from './progress-bar.ts'

export interface IngestCommand {
  db: Database
  embedder: Embedder
  paths: string[]
  collection: string
  /** Lines of JSON on stdout; people read stderr in any case. */
  json: boolean
  /** Whether to draw the progress bar, which only a terminal can. */
  tty: boolean
  signal?: AbortSignal
}

/**
 * Exit code: 0 all in (what was skipped or unchanged included), 1 some files failed, each named with its reason, 2 wrong
 * use (a bad collection name, no path, or none of them there), 130 stopped.
 */
export async function runIngest(command: IngestCommand): Promise<0 | 1 | 2 | 130> {
  const { db, embedder, paths, collection, json, signal } = command
  if (!collectionName.test(collection)) {
    tell(
      `"${collection}" cannot be a collection's name: use 1 to 64 of a-z, 0-9, ".", "_" and "-", beginning with a letter or digit.`,
    )
    return 2
  }
  if (paths.length === 0) {
    tell('Name at least one file or folder to ingest.')
    return 2
  }
  const drawn = command.tty && process.stderr.isTTY === true
  const bar = openProgressBar(process.stderr, drawn)
  let told = json ? 'remarkable' : 'changed'
  const totals = await ingestPaths(
    { db, embedder },
    {
      inputs: paths.map((path) => ({ path })),
      collection,
      ...(signal ? { signal } : {}),
      onTotal(files) {
        // Where a bar shows how far it is, a screenful of names tells nobody anything.
        if (drawn && files > fewFiles) told = 'remarkable'
      },
      onProgress: bar.show,
      onLine(line) {
        if (json) process.stdout.write(`${JSON.stringify(line)}\n`)
        if (isRemarkable(line) || (told === 'changed' && line.status !== 'unchanged'))
          bar.above(lineText(line))
      },
    },
  ).finally(bar.clear)
  if (json) process.stdout.write(`${JSON.stringify({ totals })}\n`)
  tell(totalsText(totals, signal?.aborted ?? false))
  return await exitCode(totals, paths, signal)
}

/** So many files are named one by one above a progress bar. */
const fewFiles = 20

function isRemarkable(line: IngestLine): boolean {
  return line.status === 'failed' || line.status === 'skipped' || line.warnings.length > 0
}

async function exitCode(
  totals: Totals,
  paths: string[],
  signal: AbortSignal | undefined,
): Promise<0 | 1 | 2 | 130> {
  if (signal?.aborted) return 130
  if (totals.failed === 0) return 0
  const missing = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        () => false,
        (error) => error.code === 'ENOENT',
      ),
    ),
  )
  return missing.every((isMissing) => isMissing) ? 2 : 1
}

function tell(text: string): void {
  process.stderr.write(`${text}\n`)
}
