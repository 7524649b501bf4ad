import type { Database } from './open.ts'
import { reach } from './reach.ts'
import type { Space } from './spaces.ts'

/**
 * To be called once after a run of ingestion has changed something. The embedded database has nobody who collects
 * its dead rows and its statistics, so this does, table by table (everybody waits while one is cleaned: 12,000
 * passages take 0.3 s in all), and only tables that changed enough, by the rule of Postgres' own autovacuum. On a
 * server it brings the statistics up to date, without which the first minute's searches are planned blindly.
 */
export async function maintainIndexes(db: Database, space: Space): Promise<void> {
  if (db.kind === 'server') await ensureVectorIndex(db, space)
  const work = db.kind === 'server' ? 'analyze' : 'vacuum (analyze)'
  for (const table of await changedTables(db)) await reach(db, (sql) => sql.unsafe(`${work} ${table}`))
}

const searched = [
  'passage_vectors',
  'postings',
  'passages',
  'document_versions',
  'documents',
  'collection_languages',
]

/** Tables never looked at, or with more than 500 rows and a tenth of their rows changed since. */
async function changedTables(db: Database): Promise<string[]> {
  const rows = await reach(
    db,
    (sql) => sql<{ table: string }[]>`
      select c.relname as table
      from pg_class c left join pg_stat_user_tables s on s.relid = c.oid
      where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
        and (c.reltuples <= 0 or coalesce(s.n_mod_since_analyze, 0) > 500 + c.reltuples / 10)`,
  )
  const changed = new Set(rows.map((row) => row.table))
  return searched.filter((table) => changed.has(table))
}

/** Makes the space's HNSW index when it is missing; on a server, where every insert then keeps it. */
export async function ensureVectorIndex(db: Database, space: Space): Promise<void> {
  const name = `passage_vectors_space_${space.id}`
  await reach(db, async (sql) => {
    const [found] = await sql`select 1 from pg_class where relname = ${name} and relkind = 'i'`
    if (found) return
    await sql.begin(async (tx) => {
      await tx`set local statement_timeout = 0`
      // `if not exists` alone fails when two make it at once.
      await tx`select pg_advisory_xact_lock(6363010018)`
      await tx.unsafe(
        `create index if not exists ${name} on passage_vectors ` +
          `using hnsw ((embedding::halfvec(${space.dimensions})) halfvec_cosine_ops) where space_id = ${space.id}`,
      )
    })
  })
}
