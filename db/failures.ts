/** Files that could not be ingested, each with its reason, until they are: what a retry reads again. */
import { storable } from './arrays.ts'
import { type Place, placeHash } from './ingest.ts'
import type { JobInput } from './jobs.ts'
import type { Database } from './open.ts'
import { reach } from './reach.ts'

export interface Failure extends Place {
  source: string
  /** Where its bytes lie. */
  path: string
  reason: string
  /** The job it failed in. */
  job: string | null
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Keeps the newest reason of a place. A collection that was deleted meanwhile keeps nothing. */
export async function recordFailure(db: Database, failure: Failure): Promise<void> {
  const { collectionId, origin, place, source, path, reason, job } = failure
  await reach(
    db,
    (sql) => sql`
      insert into ingest_failures (collection_id, origin, place, place_hash, source, path, reason, job_id)
      select id, ${origin}, ${storable(place)}, ${placeHash(failure)}, ${storable(source)}, ${storable(path)},
        ${storable(reason)}, (select id from jobs where id = ${job}::uuid)
      from collections where id = ${collectionId}
      on conflict (collection_id, place_hash) do update set
        source = excluded.source, path = excluded.path, reason = excluded.reason, job_id = excluded.job_id,
        failed_at = now()`,
  )
}

/** Forgets what failed at a place: the file is in, or gone. */
export async function forgetFailure(db: Database, place: Place): Promise<void> {
  await reach(
    db,
    (sql) => sql`
      delete from ingest_failures
      where collection_id = ${place.collectionId} and place_hash = ${placeHash(place)}`,
  )
}

/** Failures of a collection, by place. */
export async function listFailures(
  db: Database,
  collectionId: number,
): Promise<(Pick<Failure, 'origin' | 'place' | 'source' | 'path' | 'reason'> & { placeHash: Uint8Array })[]> {
  const rows = await reach(
    db,
    (sql) => sql<
      (Pick<Failure, 'origin' | 'place' | 'source' | 'path' | 'reason'> & { placeHash: Uint8Array })[]
    >`
      select origin, place, place_hash as "placeHash", source, path, reason
      from ingest_failures where collection_id = ${collectionId} order by place, place_hash`,
  )
  return rows.map((row) => ({ ...row }))
}

/** What is left to try again of a job: nothing when all its files are in by now. */
export async function failuresOfJob(db: Database, job: string): Promise<JobInput[]> {
  if (!uuid.test(job)) return []
  const rows = await reach(
    db,
    (sql) => sql<{ origin: 'path' | 'upload'; path: string; source: string }[]>`
      select origin, path, source from ingest_failures where job_id = ${job}::uuid order by place, place_hash`,
  )
  return rows.map(({ origin, path, source }) =>
    origin === 'upload' ? { path, name: source } : { path, source },
  )
}

/** Uploads that are kept for a retry. */
export async function failedUploads(db: Database): Promise<string[]> {
  const rows = await reach(
    db,
    (sql) => sql<{ path: string }[]>`select path from ingest_failures where origin = 'upload'`,
  )
  return rows.map(({ path }) => path)
}
