import { join } from 'node:path'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { DataDirMismatch } from './errors.ts'

const migrations = readMigrationFiles({ migrationsFolder: join(import.meta.dir, 'migrations') })

/** Number of migrations this code knows: what `mentor.json` records as `schema`. */
export const schemaVersion = migrations.length

/** Runs SQL inside one transaction: rows back, or an error that rolls all of it back. */
export type Execute = (statement: string) => Promise<Record<string, unknown>[]>

/** Something that can run a function inside one transaction: postgres.js, or PGlite before it serves. */
export interface Migratable {
  transaction(work: (execute: Execute) => Promise<void>): Promise<void>
}

/** `pg_advisory_xact_lock` key of "migrating Mentor": any fixed number of our own. */
const migrationLock = 6_363_010_017

/**
 * Brings the schema up to date. All that is missing is applied in one transaction under a lock: killed in the
 * middle it leaves nothing behind, and of two processes that start at once the second waits and finds it done.
 * The record of what was applied is a table of our own: a database that is shared with another program may
 * already hold the one of drizzle's migrator, with that program's migrations in it.
 * Throws `DataDirMismatch` when a newer Mentor, or one with other migrations, has been here.
 */
export async function migrate(database: Migratable, where: string): Promise<void> {
  await database.transaction(async (execute) => {
    await execute(`select pg_advisory_xact_lock(${migrationLock})`)
    await execute(
      'create table if not exists mentor_migrations ' +
        '(position integer primary key, hash text not null, applied_at timestamptz not null default now())',
    )
    const applied = await execute('select hash from mentor_migrations order by position')
    refuseNewer(applied.length, where)
    for (const [position, migration] of migrations.entries()) {
      const before = applied[position]
      if (before !== undefined) {
        refuseOther(position, String(before.hash), migration.hash, where)
        continue
      }
      for (const statement of migration.sql) await execute(statement)
      await execute(
        `insert into mentor_migrations (position, hash) values (${position}, '${migration.hash}')`,
      )
    }
  })
}

/** Throws `DataDirMismatch` when `schema` counts more migrations than this code has. */
export function refuseNewer(schema: number, where: string): void {
  if (schema <= schemaVersion) return
  throw new DataDirMismatch(
    `The database in ${where} was made by a newer Mentor (schema ${schema}; this one knows ${schemaVersion}). ` +
      'Run that version of Mentor, or name another database or data directory (--data) and ingest again.',
  )
}

function refuseOther(position: number, found: string, known: string, where: string): void {
  if (found === known) return
  throw new DataDirMismatch(
    `Migration ${position} of the database in ${where} is not the one this Mentor has ` +
      `(${found.slice(0, 12)}, not ${known.slice(0, 12)}): it was made by an unreleased or changed version. ` +
      'Run that version, or name another database or data directory (--data) and ingest again.',
  )
}
