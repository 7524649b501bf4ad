import type { Database } from './open.ts'
import { hasDied, type Owner, thisProcess } from './owner.ts'
import { reach } from './reach.ts'

/** One run of the ingestion: what it has written and not published is swept once it is dead. */
export interface Run {
  readonly id: string
  /** Drops what it left unpublished and ends its heartbeat. */
  close(): Promise<void>
}

const heartbeatMs = 15_000
/** Four heartbeats: a process that was merely slow is not taken for dead. */
const deadAfterSeconds = 60
/** Versions deleted a statement. */
const sweepBatch = 20

export async function openRun(db: Database): Promise<Run> {
  const id = crypto.randomUUID()
  const owner = thisProcess()
  await beat(db, id, owner)
  const timer = setInterval(() => {
    // A run that cannot reach the database cannot write either, and hears of it there; the next heartbeat tries again.
    beat(db, id, owner).catch(() => undefined)
  }, heartbeatMs)
  timer.unref()
  return {
    id,
    async close() {
      clearInterval(timer)
      await reach(db, (sql) => sql`delete from ingest_runs where id = ${id}`)
      await sweepVersions(db)
    },
  }
}

/** Inserted anew when it was swept: a laptop that slept is alive again. */
function beat(db: Database, id: string, owner: Owner): Promise<unknown> {
  return reach(
    db,
    (sql) => sql`
      insert into ingest_runs (id, host, pid) values (${id}, ${owner.host}, ${owner.pid})
      on conflict (id) do update set heartbeat_at = now()`,
  )
}

/**
 * Removes what dead runs left: those without a heartbeat for 60 s, and at once those whose process on this host
 * is gone. Returns how many unpublished versions it removed. Nobody ever saw them.
 */
export async function sweepAbandoned(db: Database): Promise<number> {
  const self = thisProcess()
  const runs = await reach(
    db,
    (sql) => sql<({ id: string } & Owner)[]>`select id, host, pid from ingest_runs`,
  )
  const dead = runs.filter((run) => hasDied(run, self)).map((run) => run.id)
  await reach(
    db,
    (sql) => sql`
      delete from ingest_runs
      where heartbeat_at < now() - ${deadAfterSeconds} * interval '1 second' or id = any(${`{${dead.join(',')}}`}::uuid[])`,
  )
  return sweepVersions(db)
}

async function sweepVersions(db: Database): Promise<number> {
  let swept = 0
  for (;;) {
    const batch = await reach(
      db,
      (sql) => sql`
        delete from document_versions where id in (
          select id from document_versions v
          where v.run_id is not null and not exists (select from ingest_runs r where r.id = v.run_id)
          limit ${sweepBatch}
        ) and run_id is not null`,
    )
    swept += batch.count
    if (batch.count < sweepBatch) break
  }
  await reach(db, (sql) => sql`select sweep_documents()`)
  return swept
}
