/** What a file is to the collection: new, changed, the same as before, or a document's file at another place. */
import { createHash } from 'node:crypto'
import { lstat } from 'node:fs/promises'
import { type Current, findCurrent, placeHash } from '../db/ingest.ts'
import type { Database } from '../db/open.ts'
import { documentsOfContent, moveDocument, type StoredFile } from '../db/sync.ts'
import { titleFromName } from './extract/title.ts'
import { patiently } from './patience.ts'
import { pipelineRevision } from './pipeline-revision.ts'
import type { FoundFile, Survey } from './walk.ts'

export type Standing =
  | { status: 'added' }
  | { status: 'replaced' | 'unchanged'; current: Current }
  | { status: 'moved'; from: StoredFile }

export interface Comparison {
  db: Database
  collectionId: number
  /** The places of all files that this run has found: what lies there has not moved away. */
  found: ReadonlySet<string>
  /** Documents whose new place is known: a second copy of the file is a new document. */
  claimed: Set<string>
  signal: AbortSignal | undefined
}

export function comparisonOf(
  db: Database,
  collectionId: number,
  { files }: Pick<Survey, 'files'>,
  signal: AbortSignal | undefined,
): Comparison {
  return { db, collectionId, found: new Set(files.map((file) => file.place)), claimed: new Set(), signal }
}

/** @param contentHash SHA-256 of the file's bytes */
export async function compare(
  file: FoundFile,
  contentHash: Uint8Array,
  comparison: Comparison,
): Promise<Standing> {
  const { db, collectionId, signal } = comparison
  const current = await patiently(() => findCurrent(db, collectionId, placeHash(file)), { signal })
  if (current) {
    const same =
      current.pipeline === pipelineRevision && Buffer.compare(contentHash, current.contentHash) === 0
    return { status: same ? 'unchanged' : 'replaced', current }
  }
  const from = file.origin === 'path' ? await movedFrom(file, contentHash, comparison) : null
  return from ? { status: 'moved', from } : { status: 'added' }
}

/**
 * The document of a file with the same bytes that is no longer where it was. A name with another ending is read in
 * another way, and makes another document.
 */
async function movedFrom(
  file: FoundFile,
  contentHash: Uint8Array,
  { db, collectionId, found, claimed, signal }: Comparison,
): Promise<StoredFile | null> {
  const twins = await patiently(() => documentsOfContent(db, collectionId, contentHash), { signal })
  for (const twin of twins) {
    if (claimed.has(twin.documentId) || found.has(twin.place)) continue
    if (ending(twin.place) !== ending(file.place) || !(await isGone(twin.place))) continue
    if (claimed.has(twin.documentId)) continue // while this one waited for the disk
    claimed.add(twin.documentId)
    return twin
  }
  return null
}

/** False when the document was deleted or moved by another run meanwhile: then the file is a new one. */
export function move(
  db: Database,
  from: StoredFile,
  file: FoundFile,
  signal?: AbortSignal,
): Promise<boolean> {
  const { place, source } = file
  // A title that was made of the old name is made of the new one. The passages keep the words of the old name, which
  // were embedded with them, until the file changes.
  const title = from.title === titleFromName(from.source) ? titleFromName(source) : from.title
  return patiently(() => moveDocument(db, from, { place, source, title }), { signal })
}

/** For the line of a file that moved. */
export function wayOf(standing: Standing): string | null {
  return standing.status === 'moved' ? `moved: it was ${standing.from.source}` : null
}

export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest()

/** Whether nothing is at this path any more; a folder that cannot be looked into says nothing. */
export async function isGone(place: string): Promise<boolean> {
  try {
    await lstat(place)
    return false
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null
    return code === 'ENOENT' || code === 'ENOTDIR'
  }
}

function ending(place: string): string {
  const name = place.slice(place.lastIndexOf('/') + 1)
  return name.includes('.') ? name.slice(name.lastIndexOf('.')).toLowerCase() : ''
}
