import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DataDirMismatch } from '../errors.ts'
import { refuseNewer, schemaVersion } from '../migrate.ts'
import type { EmbeddedPaths } from './paths.ts'

/** Postgres of the PGlite this code is built with: a directory of another major version cannot be opened. */
export const postgresMajor = 18

/** Throws `DataDirMismatch` when the directory was made by a newer Mentor or another Postgres. */
export function checkRecord(paths: EmbeddedPaths): void {
  const record = readRecord(paths.record)
  if (record) refuseNewer(record.schema, paths.dataDir)
  const versionFile = join(paths.database, 'PG_VERSION')
  const found = existsSync(versionFile)
    ? Number.parseInt(readFileSync(versionFile, 'utf8'), 10)
    : (record?.postgres ?? postgresMajor)
  if (found === postgresMajor) return
  throw new DataDirMismatch(
    `The database in ${paths.dataDir} was made by Postgres ${found}, and this Mentor brings Postgres ${postgresMajor}. ` +
      'Run the version of Mentor that made it, or name another data directory (--data) and ingest again.',
  )
}

/**
 * Written through a rename: never half there. Only when it is not what stands there: on a full disk the database
 * can still be opened and read.
 */
export function writeRecord(paths: EmbeddedPaths): void {
  const record = readRecord(paths.record)
  if (record?.schema === schemaVersion && record.postgres === postgresMajor) return
  const next = `${paths.record}.tmp`
  writeFileSync(next, `${JSON.stringify({ schema: schemaVersion, postgres: postgresMajor })}\n`)
  renameSync(next, paths.record)
}

function readRecord(path: string): { schema: number; postgres: number } | null {
  if (!existsSync(path)) return null
  try {
    const record = JSON.parse(readFileSync(path, 'utf8'))
    if (Number.isInteger(record?.schema) && Number.isInteger(record?.postgres)) return record
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new DataDirMismatch(
    `${path} is damaged: it should hold {"schema": …, "postgres": …}. ` +
      'Delete the file (it is written anew at the next start), or name another data directory (--data).',
  )
}
