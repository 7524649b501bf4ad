/** What the sync of a folder asks and changes beside the versions themselves: documents that moved or have gone. */
import { bytesArray, storable, textArray } from './arrays.ts'
import { type Current, placeHash } from './ingest.ts'
import type { Database } from './open.ts'
import { reach } from './reach.ts'

/** A published document of a file. */
export interface StoredFile extends Current {
  place: string
  placeHash: Uint8Array
  source: string
  title: string
}

/** So many files of the same bytes are looked at for the one that moved. */
const mostTwins = 100
/** Documents deleted a statement: on the embedded database everybody waits while one runs. */
const deleteBatch = 100

/** Published documents of files with these bytes (their SHA-256), oldest first. */
export async function documentsOfContent(
  db: Database,
  collectionId: number,
  contentHash: Uint8Array,
): Promise<StoredFile[]> {
  const rows = await reach(
    db,
    (sql) => sql<StoredFile[]>`
      ${storedFiles(sql)}
      where d.collection_id = ${collectionId} and d.origin = 'path' and v.content_hash = ${contentHash}
      order by d.created_at, d.id
      limit ${mostTwins}`,
  )
  return rows.map((row) => ({ ...row }))
}

/** Published documents of files below a folder, named by its real absolute path, in the order of their places. */
export async function documentsBelow(
  db: Database,
  collectionId: number,
  folder: string,
): Promise<StoredFile[]> {
  const prefix = folder.endsWith('/') ? folder : `${folder}/`
  const rows = await reach(
    db,
    (sql) => sql<StoredFile[]>`
      ${storedFiles(sql)}
      where d.collection_id = ${collectionId} and d.origin = 'path' and starts_with(d.place, ${storable(prefix)})
      order by d.place`,
  )
  return rows.map((row) => ({ ...row }))
}

/**
 * Gives a document the place its file was moved to; its id, passages and vectors stay. False when it is not as it was
 * found any more, or the new place has a document: then nothing is changed.
 */
export async function moveDocument(
  db: Database,
  document: Pick<StoredFile, 'documentId' | 'versionId' | 'placeHash'>,
  to: { place: string; source: string; title: string },
): Promise<boolean> {
  const hash = placeHash({ origin: 'path', place: to.place })
  const [row] = await reach(
    db,
    (sql) => sql<{ moved: boolean }[]>`
      select move_document(${document.documentId}::uuid, ${document.versionId}::bigint, ${document.placeHash},
        ${storable(to.place)}, ${hash}, ${storable(to.source)}, ${storable(to.title)}) as moved`,
  )
  return row?.moved ?? false
}

/** Deletes documents, but for those that have another place by now. */
export async function removeDocuments(
  db: Database,
  documents: readonly Pick<StoredFile, 'documentId' | 'placeHash'>[],
): Promise<void> {
  for (let at = 0; at < documents.length; at += deleteBatch) {
    const batch = documents.slice(at, at + deleteBatch)
    await reach(
      db,
      (sql) => sql`
        select delete_documents(coalesce(array_agg(d.id), '{}'))
        from unnest(
          ${textArray(batch.map((one) => one.documentId))}::uuid[],
          ${bytesArray(batch.map((one) => one.placeHash))}::bytea[]
        ) as gone (id, place_hash)
        join documents d on d.id = gone.id and d.place_hash = gone.place_hash`,
    )
  }
}

const storedFiles = (sql: Database['sql']) => sql`
  select d.id as "documentId", v.id as "versionId", v.content_hash as "contentHash", v.pipeline, v.passages,
    d.place, d.place_hash as "placeHash", d.source, v.title
  from documents d join document_versions v on v.id = d.version_id`
