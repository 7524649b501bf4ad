import { storable, storableJson } from './arrays.ts'
import { JobGone } from './errors.ts'
import type { Database } from './open.ts'
import { hasDied, type Owner, thisProcess } from './owner.ts'
import { reach } from './reach.ts'

/** A line of `ingest --json`: what became of one file. */
export interface IngestLine {
  file: string
  status: 'added' | 'replaced' | 'moved' | 'unchanged' | 'removed' | 'skipped' | 'failed'
  reason: string | null
  warnings: string[]
  document: string | null
  passages: number
  ms: number
}

/** The last line of `ingest --json`: files by status, passages, texts embedded, milliseconds. */
export interface Totals {
  files: number
  added: number
  replaced: number
  moved: number
  unchanged: number
  removed: number
  skipped: number
  failed: number
  passages: number
  embedded: number
  ms: number
}

export interface JobInput {
  path: string
  /** The name an upload came with. */
  name?: string
  /** Of a file that is tried again: what it is called below the folder that was ingested. */
  source?: string
}

export interface Job {
  job: string
  state: 'queued' | 'running' | 'done' | 'failed'
  collection: string
  kind: 'upload' | 'paths'
  reason: string | null
  total: number | null
  lines: IngestLine[]
  totals: Totals | null
  createdAt: Date
  finishedAt: Date | null
}

export interface ClaimedJob {
  job: string
  collection: string
  kind: 'upload' | 'paths'
  inputs: JobInput[]
}

/** A worker says every few seconds that it lives; after so long without, another may take its job. */
const deadAfterSeconds = 60
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Queues ingestion; once this returns the job survives everything but the loss of the database. */
export async function createJob(
  db: Database,
  job: { kind: 'upload' | 'paths'; collection: string; inputs: JobInput[] },
): Promise<string> {
  const [row] = await reach(
    db,
    (sql) => sql<{ id: string }[]>`
      insert into jobs (kind, collection, inputs)
      values (${job.kind}, ${storable(job.collection)}, ${storableJson(job.inputs)}::text::jsonb)
      returning id`,
  )
  if (!row) throw new Error('createJob: the insert returned nothing')
  return row.id
}

/** A job with its lines so far, in order, from line `after` on. Null when there is none of that id. */
export async function readJob(db: Database, id: string, after = 0): Promise<Job | null> {
  if (!uuid.test(id)) return null
  const [row] = await reach(
    db,
    (sql) => sql<
      (Omit<Job, 'createdAt' | 'finishedAt'> & { createdMs: number; finishedMs: number | null })[]
    >`
      select j.id as job, j.state, j.collection, j.kind, j.reason, j.total, j.totals,
        (extract(epoch from j.created_at) * 1000)::float8 as "createdMs",
        (extract(epoch from j.finished_at) * 1000)::float8 as "finishedMs",
        (select coalesce(jsonb_agg(line order by n), '[]') from job_lines l where l.job_id = j.id and l.n >= ${after}) as lines
      from jobs j where j.id = ${id}`,
  )
  if (!row) return null
  const { createdMs, finishedMs, ...job } = row
  return {
    ...job,
    createdAt: new Date(createdMs),
    finishedAt: finishedMs === null ? null : new Date(finishedMs),
  }
}

/** What a worker of this process calls itself: it says whether the worker has died (`owner.ts`). */
export function jobOwner(): string {
  const { host, pid } = thisProcess()
  return `${host} ${pid}`
}

/**
 * Takes the oldest job that waits, or one whose worker has died (its lines begin anew: the files it had done are
 * unchanged by now). Null when there is none. No job has two owners.
 */
export async function claimJob(db: Database, owner: string): Promise<ClaimedJob | null> {
  await releaseDead(db)
  const [row] = await reach(
    db,
    (sql) => sql<ClaimedJob[]>`
      with claimed as (
        update jobs set state = 'running', owner = ${owner}, heartbeat_at = now(), total = null
        where id = (
          select id from jobs where state = 'queued'
          order by created_at, id limit 1 for update skip locked
        )
        returning id, collection, kind, inputs
      ),
      cleared as (delete from job_lines where job_id in (select id from claimed))
      select id as job, collection, kind, inputs from claimed`,
  )
  return row ? { ...row } : null
}

/** Files of uploads that are not ingested yet, or are kept to be tried again. */
export async function waitingUploads(db: Database): Promise<string[]> {
  const rows = await reach(
    db,
    (sql) => sql<{ path: string }[]>`
      select input ->> 'path' as path from jobs, jsonb_array_elements(inputs) as input
      where kind = 'upload' and state in ('queued', 'running')
      union select path from ingest_failures where origin = 'upload'`,
  )
  return rows.map(({ path }) => path)
}

/** Jobs that wait for a worker, or have lost theirs. */
export async function pendingJobs(db: Database): Promise<number> {
  await releaseDead(db)
  const [row] = await reach(
    db,
    (sql) => sql<{ waiting: number }[]>`select count(*) as waiting from jobs where state = 'queued'`,
  )
  return row?.waiting ?? 0
}

/** Throws `JobGone` when the job is no longer `owner`'s: then the worker leaves it alone. */
export async function heartbeatJob(db: Database, id: string, owner: string): Promise<void> {
  const beaten = await reach(
    db,
    (sql) =>
      sql`update jobs set heartbeat_at = now() where id = ${id} and owner = ${owner} and state = 'running'`,
  )
  if (beaten.count === 0) throw new JobGone(`Job ${id} was deleted or taken over by another worker.`)
}

/** Files found by the walk. */
export async function setJobTotal(db: Database, id: string, total: number): Promise<void> {
  await reach(db, (sql) => sql`update jobs set total = ${total} where id = ${id}`)
}

/** Adds a line; it is also a sign of life. Throws `JobGone` when the job was cancelled or deleted. */
export async function appendJobLine(db: Database, id: string, line: IngestLine): Promise<void> {
  const added = await reach(
    db,
    (sql) => sql`
      with job as (update jobs set heartbeat_at = now() where id = ${id} and finished_at is null returning id)
      insert into job_lines (job_id, n, line)
      select id, (select coalesce(max(n) + 1, 0) from job_lines where job_id = job.id), ${storableJson(line)}::text::jsonb
      from job`,
  )
  if (added.count === 0) throw new JobGone(`Job ${id} was cancelled or deleted.`)
}

/**
 * Ends a job that waits or runs: what is published stays, the rest is dropped by its worker within a heartbeat. Returns
 * the files of its upload that nobody needs any more, none when it was over before, null when there is no such job.
 */
export async function cancelJob(db: Database, id: string): Promise<string[] | null> {
  if (!uuid.test(id)) return null
  const [cancelled] = await reach(
    db,
    (sql) => sql<{ uploads: string[] }[]>`
      update jobs set state = 'failed', finished_at = now(), owner = null,
        reason = 'cancelled: the files that have a line are done, the others were not taken'
      where id = ${id} and finished_at is null
      returning coalesce((
        select jsonb_agg(input ->> 'path') from jsonb_array_elements(inputs) as input
        where kind = 'upload' and not exists (select from ingest_failures where path = input ->> 'path')
      ), '[]') as uploads`,
  )
  if (cancelled) return cancelled.uploads
  return (await readJob(db, id)) === null ? null : []
}

/** Ends a job, unless it was cancelled: done with its totals, or failed as a whole for the reason given. */
export async function finishJob(db: Database, id: string, outcome: Totals | string): Promise<void> {
  const failed = typeof outcome === 'string'
  await reach(
    db,
    (sql) => sql`
      update jobs set state = ${failed ? 'failed' : 'done'}, finished_at = now(), owner = null,
        reason = ${failed ? storable(outcome) : null},
        totals = ${failed ? null : storableJson(outcome)}::text::jsonb
      where id = ${id} and finished_at is null`,
  )
}

/** Puts jobs of dead workers back into the queue. */
async function releaseDead(db: Database): Promise<void> {
  const self = thisProcess()
  const running = await reach(
    db,
    (sql) => sql<{ id: string; owner: string; stale: boolean }[]>`
      select id, coalesce(owner, '') as owner,
        coalesce(heartbeat_at < now() - ${deadAfterSeconds} * interval '1 second', true) as stale
      from jobs where state = 'running'`,
  )
  for (const job of running) {
    if (!job.stale && !hasDied(parseOwner(job.owner), self)) continue
    await reach(
      db,
      (sql) => sql`
        update jobs set state = 'queued', owner = null
        where id = ${job.id} and state = 'running' and owner is not distinct from nullif(${job.owner}, '')`,
    )
  }
}

/** An owner of another form is nobody this process can ask about. */
function parseOwner(owner: string): Owner {
  const [host = '', pid = ''] = owner.split(' ')
  return /^\d+$/.test(pid) ? { host, pid: Number(pid) } : { host: '', pid: 0 }
}
