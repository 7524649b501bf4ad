/** `mentor ingest`: the lines, the progress bar and the exit code around `ingestPaths`. */
import { realpath, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { collectionName, findCollection } from '../db/collections.ts'
import { listFailures } from '../db/failures.ts'
import type { IngestLine, Totals } from '../db/jobs.ts'
import type { Database } from '../db/open.ts'
import type { Embedder } from '../embedding/embedder.ts'
import type { Globs } from './choice.ts'
import { type IngestOptions, ingestPaths } from './ingest.ts'
import { lineText, totalsText } from './line-text.ts'
import { openProgressBar } from './progress-bar.ts'
import { openReport } from './report.ts'
import type { Input } from './walk.ts'
import { watchPaths } from './watch.ts'

export interface IngestCommand {
  db: Database
  embedder: Embedder
  paths: string[]
  collection: string
  globs?: Globs
  /** Removes documents whose files have vanished. */
  prune?: boolean
  /** Shows what would be done. */
  dryRun?: boolean
  /** Takes the files that failed before, and nothing else. */
  retryFailed?: boolean
  /** Goes on until it is stopped, and takes what changes. */
  watch?: boolean
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
  const { paths, collection, retryFailed = false, dryRun = false, watch = false, json, signal } = command
  const wrong = wrongUse(command)
  if (wrong !== null) {
    tell(wrong)
    return 2
  }
  const inputs = retryFailed ? await failedBefore(command) : paths.map((path) => ({ path }))
  if (retryFailed && inputs.length === 0) {
    const { totals } = openReport([], { onLine: () => {} })
    if (json) process.stdout.write(`${JSON.stringify({ totals: { ...totals, embedded: 0, ms: 0 } })}\n`)
    tell(`Nothing that failed waits for another try in the collection ${collection}.`)
    return 0
  }
  if (watch) {
    await watchPaths({
      inputs,
      globs: command.globs ?? {},
      take: (only, isTold) =>
        ingestOnce(command, { inputs, insist: true, ...(only ? { only } : {}) }, isTold),
      tell,
      ...(signal ? { signal } : {}),
    })
    return 130
  }
  const totals = await ingestOnce(command, { inputs, dryRun })
  return await exitCode(totals, retryFailed ? [] : paths, signal)
}

/** What is wrong with the command as it was given, in words; null when nothing is. */
export function wrongUse({
  paths,
  collection,
  retryFailed,
  dryRun,
  watch,
}: Omit<IngestCommand, 'db' | 'embedder' | 'tty'>): string | null {
  if (!collectionName.test(collection)) {
    return `"${collection}" cannot be a collection's name: use 1 to 64 of a-z, 0-9, ".", "_" and "-", beginning with a letter or digit.`
  }
  if (retryFailed && (dryRun || watch)) return '--retry-failed goes with neither --dry-run nor --watch.'
  if (watch && dryRun) return '--watch and --dry-run do not go together: a dry run ends.'
  if (paths.length === 0 && !retryFailed) return 'Name at least one file or folder to ingest.'
  return null
}

/** What failed in the collection; with paths, what failed there. */
async function failedBefore({ db, collection, paths }: IngestCommand): Promise<Input[]> {
  const found = await findCollection(db, collection)
  if (found === null) return []
  const named = (await Promise.all(paths.map((path) => realpath(path).catch(() => resolve(path))))).map(
    (path) => path.replace(/\/+$/, ''),
  )
  return (await listFailures(db, found.id))
    .filter(
      ({ place }) =>
        named.length === 0 || named.some((path) => place === path || place.startsWith(`${path}/`)),
    )
    .map(({ origin, path, source }) => (origin === 'upload' ? { path, name: source } : { path, source }))
}

/** One run with its lines, its bar and its totals. `isTold` says of a line whether people have read it before. */
async function ingestOnce(
  { db, embedder, collection, globs, prune, json, tty, signal }: IngestCommand,
  run: Pick<IngestOptions, 'inputs' | 'only' | 'dryRun' | 'insist'>,
  isTold: (line: IngestLine) => boolean = () => false,
): Promise<Totals> {
  const drawn = tty && process.stderr.isTTY === true
  const bar = openProgressBar(process.stderr, drawn)
  let told = json ? 'remarkable' : 'changed'
  const totals = await ingestPaths(
    { db, embedder },
    {
      ...run,
      collection,
      ...(globs ? { globs } : {}),
      ...(prune ? { prune } : {}),
      ...(signal ? { signal } : {}),
      onTotal(files) {
        // Where a bar shows how far it is, a screenful of names tells nobody anything.
        if (drawn && files > fewFiles && !run.dryRun) told = 'remarkable'
      },
      onProgress: bar.show,
      onLine(line) {
        if (isTold(line)) return
        if (json) process.stdout.write(`${JSON.stringify(line)}\n`)
        if (isRemarkable(line) || (told === 'changed' && line.status !== 'unchanged'))
          bar.above(lineText(line))
      },
    },
  ).finally(bar.clear)
  if (json) process.stdout.write(`${JSON.stringify({ totals })}\n`)
  tell(totalsText(totals, { stopped: signal?.aborted ?? false, dryRun: run.dryRun ?? false }))
  return totals
}

/** So many files are named one by one above a progress bar. */
const fewFiles = 20

function isRemarkable(line: IngestLine): boolean {
  return ['failed', 'skipped', 'removed'].includes(line.status) || line.warnings.length > 0
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
  return missing.length > 0 && missing.every((isMissing) => isMissing) ? 2 : 1
}

function tell(text: string): void {
  process.stderr.write(`${text}\n`)
}
