import { numberArray } from './arrays.ts'
import type { Database } from './open.ts'

/** Parts of a statement, bound parameters included, that are put together into one. */
export type Sql = Database['sql']
export type Fragment = ReturnType<Sql>

/** True for rows whose `column` is one of `ids`; for all of them when `ids` is null. */
export function among(sql: Sql, column: Fragment, ids: readonly number[] | null): Fragment {
  return ids === null ? sql`true` : sql`${column} = any(${numberArray(ids)}::int[])`
}

/** A whole number of our own where Postgres takes no parameter: a vector's length, an index's condition. */
export function literal(sql: Sql, value: number): Fragment {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} cannot stand in a statement`)
  return sql.unsafe(String(value)) as unknown as Fragment
}

/**
 * True for rows of published versions: those that are not in the making. There are a handful of the latter, read
 * once a statement; a join with documents for each posting of a question cost as much as reading the postings.
 */
export function visible(sql: Sql, version: Fragment): Fragment {
  // The coalesce changes nothing but the planner's mind: it would take the unknown list for ten of the versions
  // there are, so that next to no row is left where there are few, and pass the vector index by.
  return sql`coalesce(${version} <> all (array(select id from document_versions where run_id is not null)), true)`
}
