import { PGlite } from '@electric-sql/pglite'
import { vector } from '@electric-sql/pglite-pgvector'
import { DataDirMismatch } from '../errors.ts'
import { type Migratable, migrate } from '../migrate.ts'
import { embeddedSettings } from '../settings.ts'
import { postgresMajor } from './record.ts'

/** Opens a PGlite directory (made when missing) and brings its schema up to date. The caller holds the lock. */
export async function openEngine(directory: string, where: string): Promise<PGlite> {
  const engine = await PGlite.create({ dataDir: directory, extensions: { vector } })
  try {
    await checkMajor(engine)
    await migrate(migratable(engine), where)
    // One session serves all clients, so what a server is told by each connection is set here once.
    for (const [name, value] of Object.entries(embeddedSettings)) {
      await engine.query('select set_config($1, $2, false)', [name, String(value)])
    }
  } catch (error) {
    await engine.close()
    throw error
  }
  return engine
}

async function checkMajor(engine: PGlite): Promise<void> {
  const { rows } = await engine.query<{ major: number }>(
    "select current_setting('server_version_num')::int / 10000 as major",
  )
  const major = rows[0]?.major
  if (major === postgresMajor) return
  throw new DataDirMismatch(
    `The installed @electric-sql/pglite is Postgres ${major}, and this Mentor expects ${postgresMajor}. ` +
      'Install the locked dependencies again: bun install --frozen-lockfile',
  )
}

function migratable(engine: PGlite): Migratable {
  return {
    transaction: (work) =>
      engine.transaction((tx) =>
        work(async (statement) => {
          const results = await tx.exec(statement)
          return (results.at(-1)?.rows ?? []) as Record<string, unknown>[]
        }),
      ),
  }
}
