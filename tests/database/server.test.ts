import { afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { ensureCollection } from '../../db/collections.ts'
import { counts } from '../../db/documents.ts'
import { DatabaseTimeout, DatabaseUnavailable, DataDirMismatch } from '../../db/errors.ts'
import { maintainIndexes } from '../../db/indexes.ts'
import { type Database, openDatabase } from '../../db/open.ts'
import { reach } from '../../db/reach.ts'
import { hybridSearch } from '../../db/search.ts'
import { checkServer, withoutPassword } from '../../db/server.ts'
import { openWriter, publish, vectorOf } from './corpus.ts'
import { onServer } from './databases.ts'

/** Stands between a client and the server, and can fail in the ways a network does. */
async function openProxy(target: URL): Promise<{
  url: string
  server: Server
  cut(): void
  hang(hanging: boolean): void
  down(): Promise<void>
  up(): Promise<void>
}> {
  const sockets = new Set<Socket>()
  let hanging = false
  const server = createServer((client) => {
    sockets.add(client)
    client.on('error', () => client.destroy())
    client.on('close', () => sockets.delete(client))
    if (hanging) return
    const upstream = connect(Number(target.port || 5432), target.hostname)
    upstream.on('error', () => client.destroy())
    upstream.pipe(client)
    client.pipe(upstream)
    client.on('close', () => upstream.destroy())
  })
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  await listen(0)
  const { port } = server.address() as { port: number }
  const url = new URL(target)
  url.host = `127.0.0.1:${port}`
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: url.href,
    server,
    cut,
    hang(now) {
      hanging = now
    },
    async down() {
      const closed = new Promise((resolve) => server.close(resolve))
      cut()
      await closed
    },
    up: () => listen(port),
  }
}

async function timed<T>(work: () => Promise<T>): Promise<{ error: unknown; ms: number }> {
  const start = performance.now()
  try {
    await work()
    return { error: null, ms: performance.now() - start }
  } catch (error) {
    return { error, ms: performance.now() - start }
  }
}

onServer('a server that fails', (database) => {
  const closing: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close()
  })
  async function throughProxy(): Promise<{ db: Database; proxy: Awaited<ReturnType<typeof openProxy>> }> {
    const proxy = await openProxy(new URL(database().options.databaseUrl ?? ''))
    const db = await openDatabase({ dataDir: '/nowhere', databaseUrl: proxy.url })
    closing.push(
      async () => {
        proxy.cut()
        proxy.server.close()
      },
      () => db.close(),
    )
    return { db, proxy }
  }
  const slow = (db: Database) => reach(db, (sql) => sql`select pg_sleep(20)`)

  test('is reported at once when it is not there, and used again as soon as it is back', async () => {
    const { db, proxy } = await throughProxy()
    await proxy.down()
    const away = await Promise.all(Array.from({ length: 40 }, () => timed(() => counts(db))))
    for (const { error, ms } of away) {
      expect(error).toBeInstanceOf(DatabaseUnavailable)
      expect(ms).toBeLessThan(2_000)
    }
    const opening = await timed(() => openDatabase({ dataDir: '/nowhere', databaseUrl: proxy.url }))
    expect(opening.error).toBeInstanceOf(DatabaseUnavailable)
    expect(opening.ms).toBeLessThan(2_000)
    await Bun.sleep(300)
    await proxy.up()
    const back = performance.now()
    while ((await timed(() => counts(db))).error !== null) await Bun.sleep(50)
    expect(performance.now() - back).toBeLessThan(5_000)
  }, 20_000)

  test('is reported within 2 s when it takes connections and says nothing', async () => {
    const { db, proxy } = await throughProxy()
    proxy.hang(true)
    proxy.cut()
    await Bun.sleep(50)
    const asked = await Promise.all(Array.from({ length: 30 }, () => timed(() => counts(db))))
    for (const { error, ms } of asked) {
      expect(error).toBeInstanceOf(DatabaseUnavailable)
      expect(ms).toBeLessThan(2_500)
    }
    proxy.hang(false)
    const back = performance.now()
    while ((await timed(() => counts(db))).error !== null) await Bun.sleep(50)
    expect(performance.now() - back).toBeLessThan(5_000)
  }, 20_000)

  test('ends everything in flight with an error when its connections are cut', async () => {
    const { db, proxy } = await throughProxy()
    const transaction = () =>
      reach(db, (sql) =>
        sql.begin(async (tx) => {
          await tx`select 1`
          await tx`select pg_sleep(20)`
          await tx`select 2`
        }),
      )
    // More than there are connections, so that some wait for one.
    const flying = Promise.allSettled(
      Array.from({ length: 16 }, (_, i) => (i % 2 ? slow(db) : transaction())),
    )
    await Bun.sleep(300)
    await proxy.down()
    for (const one of await flying) {
      expect(one.status).toBe('rejected')
      expect((one as PromiseRejectedResult).reason).toBeInstanceOf(DatabaseUnavailable)
    }
    await proxy.up()
    expect((await counts(db)).collections).toBeGreaterThanOrEqual(0)
  }, 20_000)

  test('loses no question when it kills one connection after the other under load', async () => {
    const { db } = database()
    const application = new URL(database().options.databaseUrl ?? '')
    const other = await openDatabase({ dataDir: '/nowhere', databaseUrl: application.href })
    closing.push(() => other.close())
    let running = true
    let answered = 0
    let failed = 0
    const asking = Array.from({ length: 12 }, async () => {
      while (running) {
        const { error } = await timed(() =>
          reach(other, (sql) =>
            sql.begin(async (tx) => [await tx`select 1`, await tx`select pg_sleep(0.01)`]),
          ),
        )
        if (error === null) answered++
        else {
          expect(error).toBeInstanceOf(DatabaseUnavailable)
          failed++
        }
      }
    })
    for (let i = 0; i < 15; i++) {
      await Bun.sleep(60)
      await db.sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle' limit 4`
    }
    const before = answered
    await Bun.sleep(500)
    running = false
    await Promise.all(asking)
    expect(answered).toBeGreaterThan(before)
    expect(failed).toBeGreaterThan(0)
  }, 30_000)

  test('cancels a statement at its time limit', async () => {
    const db = await openDatabase({ ...database().options, statementTimeoutMs: 200 })
    closing.push(() => db.close())
    const { error, ms } = await timed(() => slow(db))
    expect(error).toBeInstanceOf(DatabaseTimeout)
    expect(ms).toBeLessThan(2_000)
  })

  test('says what to check when the database is not there or the address is none', async () => {
    const missing = new URL(database().options.databaseUrl ?? '')
    missing.pathname = '/no_such_database'
    await expect(openDatabase({ dataDir: '/nowhere', databaseUrl: missing.href })).rejects.toThrow(
      /no such database.*createdb/s,
    )
    await expect(openDatabase({ dataDir: '/nowhere', databaseUrl: 'nonsense' })).rejects.toThrow(
      /postgres:\/\/USER/,
    )
  })
})

onServer('the vector index of a server', (database) => {
  beforeAll(async () => {
    const { db } = database()
    const writer = await openWriter(db)
    const texts = (from: number, n: number) =>
      Array.from({ length: n }, (_, i) => ({ text: `filler${from + i}` }))
    await publish(writer, { collection: 'big', place: '/big', passages: texts(0, 5_000) })
    await publish(writer, { collection: 'small', place: '/small', passages: texts(50_000, 50) })
    await maintainIndexes(db, writer.space)
    await writer.run.close()
  }, 60_000)

  test('is asked in a large collection, not in a small one, and fills k in both', async () => {
    const { options } = database()
    const db = await openDatabase({ ...options, connections: 1 })
    const { space, run } = await openWriter(db)
    for (const [name, indexed] of [
      ['big', true],
      ['small', false],
    ] as const) {
      const { id } = await ensureCollection(db, name)
      const before = await scans(db)
      const hits = await hybridSearch(db, {
        space,
        mode: 'dense',
        vector: vectorOf('filler7'),
        query: '',
        collectionIds: [id],
        k: 40,
      })
      expect(hits.length).toBe(40)
      expect(hits.every((hit) => hit.collection === name)).toBe(true)
      expect((await scans(db)) - before).toBe(indexed ? 1 : 0)
    }
    await run.close()
    await db.close()
  })

  /** How often the HNSW index has been asked, the current connection included. */
  async function scans(db: Database): Promise<number> {
    await db.sql`select pg_stat_force_next_flush()`
    const [row] = await db.sql`
      select idx_scan::int as scans from pg_stat_user_indexes where indexrelname ~ '^passage_vectors_space_[0-9]+$'`
    return row?.scans ?? -1
  }
})

describe('what a server must have', () => {
  const says = (found: object) => checkServer((async () => [found]) as never, 'db.example')
  const good = { major: 17, vector: '0.8.0', installed: true, mayCreate: false }

  test('is Postgres 17 with pgvector 0.8, and advice says what to run', async () => {
    await says(good)
    await says({ ...good, major: 18, vector: '0.10.1', installed: false, mayCreate: true })
    await says({ ...good, vector: '1.0' })
    await expect(says({ ...good, major: 16 })).rejects.toThrow(/Postgres 16; Mentor needs 17/)
    await expect(says({ ...good, vector: null })).rejects.toThrow(/apt-get install postgresql-17-pgvector/)
    await expect(says({ ...good, vector: '0.7.4' })).rejects.toThrow(/alter extension vector update/)
    await expect(says({ ...good, installed: false })).rejects.toThrow(/create extension vector/)
    await expect(says({ ...good, installed: false })).rejects.toBeInstanceOf(DataDirMismatch)
  })

  test('its password is shown to nobody', () => {
    const shown = withoutPassword('postgres://me:s3cr%40t@db.example:5433/app?sslpassword=other')
    expect(shown).toBe('postgres://me@db.example:5433/app')
  })
})
