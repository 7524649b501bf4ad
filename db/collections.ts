import { storable } from './arrays.ts'
import { InvalidCollectionName } from './errors.ts'
import type { Database } from './open.ts'
import { reach } from './reach.ts'

/** What a collection may be called. */
export const collectionName = /^[a-z0-9][a-z0-9._-]{0,63}$/

export interface Collection {
  id: number
  name: string
}

export interface CollectionSummary extends Collection {
  documents: number
  passages: number
  createdAt: Date
}

/** Documents deleted a statement: on the embedded database everybody waits while one runs. */
const deleteBatch = 100

/** All collections by name, with what readers can see in them. */
export async function listCollections(db: Database): Promise<CollectionSummary[]> {
  const rows = await reach(
    db,
    (sql) => sql<(Omit<CollectionSummary, 'createdAt'> & { createdMs: number })[]>`
      select c.id, c.name, (extract(epoch from c.created_at) * 1000)::float8 as "createdMs",
        (select count(*) from documents d where d.collection_id = c.id and d.version_id is not null) as documents,
        (select coalesce(sum(passages), 0)::bigint from collection_languages l where l.collection_id = c.id) as passages
      from collections c
      order by c.name`,
  )
  return rows.map(({ createdMs, ...row }) => ({ ...row, createdAt: new Date(createdMs) }))
}

export async function findCollection(db: Database, name: string): Promise<Collection | null> {
  const [row] = await reach(
    db,
    (sql) => sql<Collection[]>`select id, name from collections where name = ${storable(name)}`,
  )
  return row ? { id: row.id, name: row.name } : null
}

/** Finds a collection or makes it. Throws `InvalidCollectionName`. */
export async function ensureCollection(db: Database, name: string): Promise<Collection> {
  if (!collectionName.test(name)) {
    throw new InvalidCollectionName(
      `${JSON.stringify(name.slice(0, 80))} cannot be a collection's name. Use 1 to 64 of a-z, 0-9, ".", "_" and "-", ` +
        'beginning with a letter or digit.',
    )
  }
  for (;;) {
    const found = await findCollection(db, name)
    if (found) return found
    // Somebody else may make it, or delete it again, between the two statements: then look once more.
    const [made] = await reach(
      db,
      (sql) =>
        sql<
          Collection[]
        >`insert into collections (name) values (${name}) on conflict do nothing returning id, name`,
    )
    if (made) return { id: made.id, name: made.name }
  }
}

/** Deletes a collection with all its documents, a batch at a time; false when there is none of that name. */
export async function deleteCollection(db: Database, name: string): Promise<boolean> {
  const collection = await findCollection(db, name)
  if (!collection) return false
  for (;;) {
    const [batch] = await reach(
      db,
      (sql) => sql<{ taken: number }[]>`
        with taken as (select id from documents where collection_id = ${collection.id} limit ${deleteBatch})
        select count(*) as taken, delete_documents(coalesce(array_agg(id), '{}')) from taken`,
    )
    if (!batch || batch.taken < deleteBatch) break
  }
  // What was added meanwhile goes with it.
  const deleted = await reach(db, (sql) => sql`delete from collections where id = ${collection.id}`)
  return deleted.count > 0
}
