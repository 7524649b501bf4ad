import { expect, test } from 'bun:test'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import postgres from 'postgres'
import { DataDirMismatch } from '../../db/errors.ts'
import { type Migratable, migrate, schemaVersion } from '../../db/migrate.ts'
import { openDatabase } from '../../db/open.ts'
import {
  createServerDatabase,
  freshDataDir,
  onBothDatabases,
  onServer,
  removeDataDir,
  serverGone,
} from './databases.ts'

onBothDatabases('migrations', (database) => {
  const again: Migratable = {
    transaction: async (work) => {
      await database().db.sql.begin((tx) => work((statement) => tx.unsafe(statement)))
    },
  }
  const applied = async () =>
    (await database().db.sql`select position from mentor_migrations order by 1`).length
  const tables = async () =>
    (
      await database().db
        .sql`select 1 from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace`
    ).length

  test('are all applied by the time the database is open', async () => {
    expect(await applied()).toBe(schemaVersion)
  })

  test('do nothing the second time, whoever comes and how many', async () => {
    const before = await tables()
    await Promise.all(Array.from({ length: 3 }, () => migrate(again, 'here')))
    expect(await applied()).toBe(schemaVersion)
    expect(await tables()).toBe(before)
  })

  test('of a newer or a changed Mentor are refused by name', async () => {
    const { sql } = database().db
    await sql`insert into mentor_migrations (position, hash) values (${schemaVersion}, 'from the future')`
    await expect(migrate(again, 'this database')).rejects.toThrow(
      /this database was made by a newer Mentor \(schema \d+; this one knows \d+\)/,
    )
    await sql`delete from mentor_migrations where position = ${schemaVersion}`
    const [first] = await sql`update mentor_migrations set hash = 'changed' where position = 0 returning 1`
    expect(first).toBeDefined()
    await expect(migrate(again, 'this database')).rejects.toBeInstanceOf(DataDirMismatch)
  })
})

/** A transaction that is given up after so many statements, as by a kill. */
function killedAfter(statements: number, transaction: Migratable['transaction']): Migratable {
  let left = statements
  return {
    transaction: (work) =>
      transaction((execute) =>
        work(async (statement) => {
          if (left-- === 0) throw new Error('killed')
          return execute(statement)
        }),
      ),
  }
}

onServer('migrations from nothing', () => {
  test('killed at any point leave nothing behind, and the next start completes them', async () => {
    const { url, remove } = await createServerDatabase()
    const sql = postgres(url, { max: 2, onnotice: () => {} })
    const transaction: Migratable['transaction'] = async (work) => {
      await sql.begin((tx) => work((statement) => tx.unsafe(statement)))
    }
    for (const statements of [1, 3, 8, 20, 40]) {
      await expect(migrate(killedAfter(statements, transaction), 'here')).rejects.toThrow('killed')
      const left = await sql`select relname from pg_class where relnamespace = 'public'::regnamespace`
      expect(left.length).toBe(0)
    }
    await migrate({ transaction }, 'here')
    expect((await sql`select 1 from mentor_migrations`).length).toBe(schemaVersion)
    await sql.end()
    await remove()
  })

  test('are applied once by two processes that start at once', async () => {
    const { url, remove } = await createServerDatabase()
    const opened = await Promise.all(
      Array.from({ length: 3 }, () => openDatabase({ dataDir: '/nowhere', databaseUrl: url })),
    )
    for (const db of opened) {
      expect((await db.sql`select 1 from mentor_migrations`).length).toBe(schemaVersion)
      await db.close()
    }
    await remove()
  })
})

test('an embedded database of a newer schema or another Postgres is refused before it is opened', async () => {
  const dataDir = await freshDataDir()
  const record = (content: unknown) => writeFile(join(dataDir, 'mentor.json'), JSON.stringify(content))
  await record({ schema: schemaVersion + 1, postgres: 18 })
  await expect(openDatabase({ dataDir })).rejects.toThrow(/newer Mentor/)
  await expect(openDatabase({ dataDir })).rejects.toBeInstanceOf(DataDirMismatch)
  await record('damaged')
  await expect(openDatabase({ dataDir })).rejects.toThrow(/damaged/)
  await record({ schema: schemaVersion, postgres: 18 })
  await writeFile(join(dataDir, 'database', 'PG_VERSION'), '17\n')
  await expect(openDatabase({ dataDir })).rejects.toThrow(/Postgres 17.*Postgres 18/)
  await writeFile(join(dataDir, 'database', 'PG_VERSION'), '18\n')
  const db = await openDatabase({ dataDir })
  await db.close()
  await serverGone(dataDir)
  await removeDataDir(dataDir)
}, 60_000)
