/** Documents of the folders that were synced whose files are there no more, or are ignored by now. */
import { forgetFailure, listFailures } from '../db/failures.ts'
import type { Database } from '../db/open.ts'
import { documentsBelow, removeDocuments, type StoredFile } from '../db/sync.ts'
import { ignoreFile } from './choice.ts'
import { type Comparison, isGone } from './compare.ts'
import { patiently } from './patience.ts'
import type { Outcome, Report } from './report.ts'
import type { Survey } from './walk.ts'

interface Vanished {
  document: StoredFile
  /** As it would be named if it were still there. */
  file: string
  reason: string
  /** Nothing at all is in its folder: more likely a disk that is not mounted than a wish to forget everything. */
  isDoubtful: boolean
}

interface Sync {
  db: Database
  collectionId: number
  survey: Survey
  /** Documents that have moved, though the database does not know it yet (a dry run). */
  claimed: ReadonlySet<string>
  signal: AbortSignal | undefined
}

interface Wish {
  prune?: boolean
  dryRun?: boolean
  onTotal?(files: number): void | Promise<void>
}

/** Settles the documents whose files have vanished, a line for each. `files`: how many lines there are without them. */
export async function tellVanished(
  { db, collectionId, claimed, signal }: Comparison,
  all: Survey,
  report: Report,
  files: number,
  { prune = false, dryRun = false, onTotal }: Wish,
): Promise<void> {
  const vanished = await findVanished({ db, collectionId, claimed, signal, survey: all })
  if (vanished.length > 0) await onTotal?.(files + vanished.length)
  const settled = await settleVanished(db, vanished, { prune, dryRun, signal })
  for (const { file, outcome } of settled) await report.gone(file, outcome)
}

/** In the order of the folders, and by place. What globs leave out is nobody's to remove. */
async function findVanished({ db, collectionId, survey, claimed, signal }: Sync): Promise<Vanished[]> {
  const found = new Set(survey.files.map((file) => file.place))
  const vanished = new Map<string, Vanished>()
  for (const folder of survey.folders) {
    const prefix = folder.place.endsWith('/') ? folder.place : `${folder.place}/`
    const isEmpty = !survey.files.some((file) => file.place.startsWith(prefix))
    for (const document of await patiently(() => documentsBelow(db, collectionId, folder.place), {
      signal,
    })) {
      const { place, documentId } = document
      const below = place.slice(prefix.length)
      if (found.has(place) || claimed.has(documentId) || vanished.has(documentId)) continue
      if (!folder.choice.takesFile(below)) continue
      const reason = isLeftOut(place, survey.ignored)
        ? `ignored: a ${ignoreFile} leaves it out`
        : (await isGone(place))
          ? 'vanished: the file is not there any more'
          : null
      if (reason === null) continue // it is there, and its own line says why it is not read
      vanished.set(documentId, { document, file: `${folder.file}/${below}`, reason, isDoubtful: isEmpty })
    }
  }
  return [...vanished.values()]
}

/** What becomes of them: kept, or with `prune` removed. Nothing is written in a dry run. */
async function settleVanished(
  db: Database,
  vanished: readonly Vanished[],
  { prune, dryRun, signal }: { prune: boolean; dryRun: boolean; signal: AbortSignal | undefined },
): Promise<{ file: string; outcome: Outcome }[]> {
  const removed = prune ? vanished.filter((one) => !one.isDoubtful) : []
  if (!dryRun) {
    const documents = removed.map(({ document }) => document)
    await patiently(() => removeDocuments(db, documents), { signal })
  }
  return vanished.map(({ document, file, reason, isDoubtful }) => {
    const isRemoved = prune && !isDoubtful
    const outcome: Outcome = {
      status: isRemoved ? 'removed' : 'skipped',
      reason: isRemoved ? reason : `${reason}: ${isDoubtful ? doubtful : kept}`,
      warnings: [],
      document: document.documentId,
      passages: document.passages,
      ms: 0,
    }
    return { file, outcome }
  })
}

const kept = 'its document is kept, --prune removes it'
const doubtful =
  'nothing else is in the folder either, so its document is kept even with --prune; is a disk not mounted? ' +
  './mentor documents delete removes it'

/** Files that failed once and are gone need no other try. */
export async function forgetGoneFailures({ db, collectionId, survey, signal }: Sync): Promise<void> {
  const found = new Set(survey.files.map((file) => file.place))
  for (const { origin, place } of await patiently(() => listFailures(db, collectionId), { signal })) {
    const isBelow = survey.folders.some((folder) => place.startsWith(`${folder.place}/`))
    if (origin !== 'path' || !isBelow || found.has(place)) continue
    if (!isLeftOut(place, survey.ignored) && !(await isGone(place))) continue
    await patiently(() => forgetFailure(db, { collectionId, origin, place }), { signal })
  }
}

function isLeftOut(place: string, ignored: ReadonlySet<string>): boolean {
  for (let at = place.length; at > 0; at = place.lastIndexOf('/', at - 1))
    if (ignored.has(place.slice(0, at))) return true
  return false
}
