import type { Database } from './open.ts'
import { reach } from './reach.ts'
import type { Space } from './spaces.ts'

/** Makes the space's HNSW index when it is missing. */
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
