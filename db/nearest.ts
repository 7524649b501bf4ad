import { toHalfvec } from '../embedding/halfvec.ts'
import { among, type Fragment, literal, type Sql, visible } from './fragments.ts'
import type { Space } from './spaces.ts'

/**
 * Up to this many passages in the searched collections, vectors are compared one by one, exactly; beyond it the
 * HNSW index is asked. Decided inside the statement, from the statistics: a question in a small collection of a
 * large database is exact too, where an index that knows nothing of collections would have to be walked for long.
 */
export const exactUpTo = 4_000

/** `asked`: the question's vector, read from its text once a statement (null: none). */
export function asked(sql: Sql, space: Space, vector: Float32Array | null): Fragment {
  const text = vector === null ? null : toHalfvec(vector)
  return sql`asked as materialized (select ${text}::halfvec(${literal(sql, space.dimensions)}) as vector)`
}

/** Cosine distance to `asked`, written as the space's index has it: another cast would not find the index. */
export function distanceTo(sql: Sql, space: Space): Fragment {
  return sql`(v.embedding::halfvec(${literal(sql, space.dimensions)}) <=> (select vector from asked))`
}

/** `dense_best`: the candidates, with distance and rank; none unless `look`. Reads `asked` and `scope`. */
export function denseSide(
  sql: Sql,
  space: Space,
  look: boolean,
  collectionIds: readonly number[] | null,
  candidates: number,
): Fragment {
  if (!look) {
    return sql`dense_best as (select null::bigint as passage_id, null::float8 as distance, null::bigint as rank limit 0)`
  }
  const distance = distanceTo(sql, space)
  const from = sql`
    from passage_vectors v
    where v.space_id = ${literal(sql, space.id)} and ${among(sql, sql`v.collection_id`, collectionIds)}
      and ${visible(sql, sql`v.version_id`)}`
  const passages = sql`(select coalesce(sum(passages), 0) from scope)`
  const limit = literal(sql, candidates)
  return sql`
    exact as (
      -- The sum keeps the planner from the index, whose answer would be approximate.
      select v.passage_id, ${distance} + 0 as distance ${from} and ${passages} <= ${exactUpTo}
      order by distance, v.passage_id limit ${limit}
    ),
    indexed as (
      select v.passage_id, ${distance} as distance ${from} and ${passages} > ${exactUpTo}
      order by distance limit ${limit}
    ),
    dense_best as materialized (
      select passage_id, distance, row_number() over (order by distance, passage_id) as rank
      from (select * from exact union all select * from indexed) as found
    )`
}
