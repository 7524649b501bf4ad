import { afterEach, describe, expect, test } from 'bun:test'
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import postgres from 'postgres'
import { counts, listDocuments } from '../../db/documents.ts'
import { embeddedPaths } from '../../db/embedded/paths.ts'
import { DatabaseFull, DatabaseUnavailable } from '../../db/errors.ts'
import { type Database, openDatabase } from '../../db/open.ts'
import { reach } from '../../db/reach.ts'
import { sweepAbandoned } from '../../db/runs.ts'
import { openWriter, publish, recount, statistics, type Writer } from './corpus.ts'
import { freshDataDir, removeDataDir, serverGone } from './databases.ts'

const long = Boolean(process.env.MENTOR_TEST_LONG)
const open: Database[] = []
const children: Bun.Subprocess[] = []
const dataDirs: string[] = []
const folders: string[] = []

afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill('SIGKILL')
    await child.exited
  }
  for (const db of open.splice(0)) await db.close()
  for (const dataDir of dataDirs.splice(0)) await removeDataDir(dataDir)
  for (const path of folders.splice(0)) await rm(path, { recursive: true })
}, 30_000)

async function dataDirectory(parent?: string): Promise<string> {
  const dataDir = await freshDataDir(parent)
  dataDirs.push(dataDir)
  return dataDir
}

async function folder(prefix: string): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), prefix))
  folders.push(path)
  return path
}

async function database(dataDir: string): Promise<Database> {
  const db = await openDatabase({ dataDir })
  open.push(db)
  return db
}

/** Process ids of the servers that served a directory, in order. */
function servers(dataDir: string): number[] {
  const log = readFileSync(join(dataDir, 'logs', 'database.log'), 'utf8')
  return [...log.matchAll(/process (\d+) serves/g)].map((match) => Number(match[1]))
}

function killServer(dataDir: string, signal: NodeJS.Signals = 'SIGKILL'): void {
  const pid = servers(dataDir).at(-1)
  if (pid === undefined) throw new Error('no server has served yet')
  process.kill(pid, signal)
}

/** A client of the socket's own, as psql or another program would be. */
function client(dataDir: string, options: postgres.Options<Record<string, never>> = {}): postgres.Sql {
  const path = embeddedPaths(dataDir).socket
  return postgres({ path, user: 'somebody', database: 'any', max: 1, fetch_types: false, ...options })
}

function writerProcess(
  dataDir: string,
  collection: string,
): { child: Bun.Subprocess; said: string[]; opened: Promise<void> } {
  const child = Bun.spawn(
    [process.execPath, join(import.meta.dir, 'writer-process.ts'), dataDir, collection],
    {
      stdout: 'pipe',
      stderr: 'ignore',
    },
  )
  children.push(child)
  const said: string[] = []
  const opened = Promise.withResolvers<void>()
  void (async () => {
    let rest = ''
    const decoder = new TextDecoder()
    for await (const chunk of child.stdout) {
      const lines = (rest + decoder.decode(chunk)).split('\n')
      rest = lines.pop() ?? ''
      said.push(...lines)
      if (said.length > 0) opened.resolve()
    }
    opened.reject(new Error('the writer ended before it opened the database'))
  })()
  return { child, said, opened: opened.promise }
}

describe('the embedded database', () => {
  test('made from nothing by three that open it at once is one, with one server', async () => {
    const dataDir = join(await folder('mentor-none-'), 'not', 'there', 'yet')
    dataDirs.push(dataDir)
    const opened = await Promise.all([database(dataDir), database(dataDir), database(dataDir)])
    expect(servers(dataDir).length).toBe(1)
    for (const db of opened) expect(await counts(db)).toEqual({ collections: 0, documents: 0, passages: 0 })
    expect(JSON.parse(readFileSync(join(dataDir, 'mentor.json'), 'utf8'))).toEqual({
      schema: expect.any(Number),
      postgres: 18,
    })
    const files = (await readdir(dataDir)).filter((name) => !name.startsWith('database.lock'))
    expect(files.toSorted()).toEqual(['database', 'logs', 'mentor.json', 'socket'])
  }, 60_000)

  test('is found by a second process, and both write into one', async () => {
    const dataDir = await dataDirectory()
    const writers = [writerProcess(dataDir, 'first'), writerProcess(dataDir, 'second')]
    await Promise.all(writers.map((writer) => writer.opened))
    const db = await database(dataDir)
    while (writers.some((writer) => writer.said.length < 10)) await Bun.sleep(20)
    for (const writer of writers) writer.child.kill('SIGKILL')
    await Promise.all(writers.map((writer) => writer.child.exited))
    await Bun.sleep(50)
    expect(servers(dataDir).length).toBe(1)
    expect(await statistics(db)).toEqual(await recount(db))
    const found = await counts(db)
    expect(found.collections).toBe(2)
    // The first line each says is that it is open.
    const said = writers.reduce((sum, writer) => sum + writer.said.length, 0)
    expect(found.documents).toBeGreaterThanOrEqual(said - 2)
  }, 60_000)

  test('leaves when its last user leaves, its socket with it', async () => {
    const dataDir = await dataDirectory()
    const [first, second] = [await openDatabase({ dataDir }), await openDatabase({ dataDir })]
    await first.close()
    await Bun.sleep(3_000)
    expect((await second.sql`select 1 as one`)[0]?.one).toBe(1)
    await second.close()
    await serverGone(dataDir)
    expect(existsSync(embeddedPaths(dataDir).socket)).toBe(false)
    expect(servers(dataDir).length).toBe(1)
  }, 30_000)

  test('asks for no password, so its socket is for its owner alone', async () => {
    const dataDir = await dataDirectory()
    await database(dataDir)
    const { socketDir } = embeddedPaths(dataDir)
    expect(statSync(socketDir).mode & 0o777).toBe(0o700)
  })

  test('works below a path that is too long for a socket', async () => {
    const deep = join(await folder('mentor-deep-'), 'häuser/'.repeat(30))
    await mkdir(deep, { recursive: true })
    const dataDir = await dataDirectory(deep)
    const db = await database(dataDir)
    expect((await db.sql`select 1 as one`)[0]?.one).toBe(1)
    const { socketDir, socket } = embeddedPaths(dataDir)
    expect(dirname(socketDir)).toBe(tmpdir())
    expect(Buffer.byteLength(socket)).toBeLessThan(101)
    expect(statSync(socketDir).mode & 0o777).toBe(0o700)
    await db.close()
    await serverGone(dataDir)
    rmSync(socketDir, { recursive: true })
  }, 30_000)

  test('killed while it writes loses nothing that was acknowledged, and needs no hand', async () => {
    const dataDir = await dataDirectory()
    const db = await database(dataDir)
    const writer = await openWriter(db)
    const acknowledged = new Set<string>()
    const rounds = long ? 10 : 4
    let failures = 0
    for (let round = 0; round < rounds; round++) {
      let running = true
      const writing = Array.from({ length: 3 }, async (_, lane) => {
        for (let i = 0; running; i++) {
          const place = `/${round}/${lane}/${i}`
          try {
            await publish(writer, {
              collection: 'killed',
              place,
              passages: [{ text: `at ${place}` }, { text: 'more' }],
            })
            acknowledged.add(place)
          } catch (error) {
            expect(error).toBeInstanceOf(DatabaseUnavailable)
            failures++
          }
        }
      })
      await Bun.sleep(150 + Math.random() * 300)
      const before = acknowledged.size
      killServer(dataDir)
      const killedAt = performance.now()
      while (acknowledged.size === before) await Bun.sleep(10)
      expect(performance.now() - killedAt).toBeLessThan(5_000)
      running = false
      await Promise.all(writing)
    }
    expect(servers(dataDir).length).toBe(rounds + 1)
    expect(failures).toBeGreaterThan(0)
    const found = new Set<string>()
    let cursor: string | undefined
    do {
      const page = await listDocuments(db, { limit: 200, ...(cursor !== undefined && { cursor }) })
      for (const document of page.documents) {
        expect(document.passages).toBe(2)
        found.add(document.source)
      }
      cursor = page.next ?? undefined
    } while (cursor !== undefined)
    expect([...acknowledged].filter((place) => !found.has(place))).toEqual([])
    expect(await statistics(db)).toEqual(await recount(db))
    await writer.run.close()
    expect((await db.sql`select 1 from document_versions where run_id is not null`).length).toBe(0)
  }, 120_000)

  test('a writer killed in the middle leaves nothing half visible, and its remains are swept', async () => {
    const dataDir = await dataDirectory()
    const db = await database(dataDir)
    for (let round = 0; round < (long ? 10 : 3); round++) {
      const { child, said, opened } = writerProcess(dataDir, `round${round}`)
      await opened
      while (said.length < 5) await Bun.sleep(5)
      child.kill('SIGKILL')
      await child.exited
      await Bun.sleep(50)
      const { documents } = await listDocuments(db, { collection: `round${round}`, limit: 200 })
      expect(documents.length).toBeGreaterThanOrEqual(Number(said.at(-1)) + 1)
      for (const document of documents) expect(document.passages).toBe(2)
      await sweepAbandoned(db)
      expect((await db.sql`select 1 from document_versions where run_id is not null`).length).toBe(0)
    }
    expect(await statistics(db)).toEqual(await recount(db))
    expect(servers(dataDir).length).toBe(1)
  }, 60_000)

  test('a question in flight when it is killed ends with an error, in a transaction or not', async () => {
    const dataDir = await dataDirectory()
    const db = await database(dataDir)
    const slow = () => reach(db, (sql) => sql`select count(*) from generate_series(1, 400000000)`)
    const transaction = () =>
      reach(db, (sql) =>
        sql.begin(async (tx) => {
          await tx`create temp table t (n int)`
          await tx`select count(*) from generate_series(1, 400000000)`
          await tx`insert into t values (1)`
        }),
      )
    for (const question of [slow, transaction]) {
      const settled = Promise.allSettled([question(), slow(), slow()])
      await Bun.sleep(300)
      killServer(dataDir)
      for (const one of await settled) {
        expect(one.status).toBe('rejected')
        expect((one as PromiseRejectedResult).reason).toBeInstanceOf(DatabaseUnavailable)
      }
      expect((await reach(db, (sql) => sql`select 1 as one`))[0]?.one).toBe(1)
    }
  }, 30_000)

  test('ended by a signal closes properly; the next question starts it anew', async () => {
    const dataDir = await dataDirectory()
    const db = await database(dataDir)
    await db.sql`create table kept (n int)`
    await db.sql`insert into kept values (7)`
    killServer(dataDir, 'SIGTERM')
    await Bun.sleep(50)
    expect((await reach(db, (sql) => sql`select n from kept`))[0]?.n).toBe(7)
    expect(servers(dataDir).length).toBe(2)
    expect(readFileSync(join(dataDir, 'logs', 'database.log'), 'utf8')).toContain('leaving: SIGTERM')
  }, 30_000)
})

/** Mounts a small file system, which only root may; null without. */
async function smallDisk(
  megabytes: number,
): Promise<{ path: string; grow(to: number): void; unmount(): void } | null> {
  const path = await mkdtemp(join(tmpdir(), 'mentor-disk-'))
  const mount = (...options: string[]) =>
    Bun.spawnSync(['mount', '-t', 'tmpfs', '-o', options.join(), 'tmpfs', path]).exitCode === 0
  const unmount = () => {
    Bun.spawnSync(['umount', '--lazy', path]) // the server lingers for two seconds
    rmSync(path, { recursive: true, force: true })
  }
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || !mount(`size=${megabytes}m`)) {
    rmSync(path, { recursive: true })
    return null
  }
  return { path, grow: (to) => void mount('remount', `size=${to}m`), unmount }
}

const probe = await smallDisk(1)
probe?.unmount()
if (probe === null)
  console.error('skipped: the embedded database on a full disk: mounting a small one needs root on Linux')

test.skipIf(probe === null)(
  'on a full disk it says so, loses nothing, is read on, opened anew too, and written once there is room',
  async () => {
    const disk = await smallDisk(90)
    if (disk === null) throw new Error('the small disk could be mounted a moment ago')
    let acknowledged = 0
    const fill = async (writer: Writer, documents: number) => {
      for (let i = 0; i < documents; i++) {
        const text = Array.from({ length: 30_000 }, () => Math.random().toString(36)).join(' ')
        await publish(writer, { collection: 'full', place: `/${acknowledged}`, passages: [{ text }] })
        acknowledged++
      }
    }
    try {
      const dataDir = await freshDataDir(disk.path)
      const first = await openDatabase({ dataDir })
      await expect(fill(await openWriter(first), 100)).rejects.toBeInstanceOf(DatabaseFull)
      expect((await counts(first)).documents).toBe(acknowledged)
      await first.close()
      await serverGone(dataDir)

      const second = await openDatabase({ dataDir })
      expect((await counts(second)).documents).toBe(acknowledged)
      disk.grow(300)
      await fill(await openWriter(second), 1)
      expect((await counts(second)).documents).toBe(acknowledged)
      expect(await statistics(second)).toEqual(await recount(second))
      await second.close()
      await serverGone(dataDir)
    } finally {
      disk.unmount()
    }
  },
  60_000,
)

describe('clients that share the one session', () => {
  test('get the answers to their own questions, with unnamed statements and named ones', async () => {
    const dataDir = await dataDirectory()
    await database(dataDir)
    const clients = [false, false, false, true, true].map((prepare) => client(dataDir, { prepare, max: 2 }))
    let wrong = 0
    await Promise.all(
      clients.map(async (sql, c) => {
        for (let i = 0; i < 150; i++) {
          const text = `client ${c} asks ${i}`
          // Columns of different kinds: a mixed-up answer would not even be of the right shape.
          const [row] =
            c % 2 === 0
              ? await sql`select ${text}::text as said`
              : await sql`select ${text}::text as said, ${i}::int as n`
          if (row?.said !== text) wrong++
        }
      }),
    )
    expect(wrong).toBe(0)
    await Promise.all(clients.map((sql) => sql.end()))
  }, 30_000)

  test('wait for a transaction and never see into it; a client killed in one is rolled back', async () => {
    const dataDir = await dataDirectory()
    const db = await database(dataDir)
    await db.sql`create table ledger (n int)`
    const other = client(dataDir)
    let looked: number | undefined
    const looking = { done: Promise.resolve() }
    await db.sql.begin(async (tx) => {
      await tx`insert into ledger values (1)`
      looking.done = other`select count(*)::int as n from ledger`.then(([row]) => {
        looked = row?.n
      })
      await Bun.sleep(100)
      expect(looked).toBeUndefined()
      await tx`insert into ledger values (2)`
    })
    await looking.done
    expect(looked).toBe(2)
    await expect(
      db.sql.begin(async (tx) => {
        await tx`insert into ledger values (3)`
        throw new Error('changed my mind')
      }),
    ).rejects.toThrow('changed my mind')

    const script = `
      import postgres from 'postgres'
      const sql = postgres({ path: ${JSON.stringify(embeddedPaths(dataDir).socket)}, max: 1, fetch_types: false })
      await sql.begin(async (tx) => { await tx\`insert into ledger values (4)\`; console.log('in'); await Bun.sleep(60000) })`
    const child = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe', cwd: import.meta.dir })
    children.push(child)
    const { done } = await child.stdout.getReader().read()
    expect(done).toBe(false)
    child.kill('SIGKILL')
    const rows = await other`select n from ledger order by n`
    expect(rows.map((row) => row.n)).toEqual([1, 2])
    await other.end()
  }, 30_000)

  test('leave no prepared statement behind', async () => {
    const dataDir = await dataDirectory()
    const db = await database(dataDir)
    const other = client(dataDir)
    for (let i = 0; i < 20; i++) await other.unsafe(`select ${i}, $1::int`, [1], { prepare: true })
    await expect(other.unsafe('select nonsense($1)', [1], { prepare: true })).rejects.toThrow()
    const prepared = async () => (await db.sql`select name from pg_prepared_statements`).length
    expect(await prepared()).toBeGreaterThanOrEqual(20)
    await other.end()
    await Bun.sleep(100)
    expect(await prepared()).toBeLessThan(6)
  })

  test('one that talks no Postgres is sent away, the others are served on', async () => {
    const dataDir = await dataDirectory()
    const db = await database(dataDir)
    const { promise: closed, resolve } = Promise.withResolvers<void>()
    const socket = await Bun.connect({
      unix: embeddedPaths(dataDir).socket,
      socket: {
        open: (s) => void s.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
        close: () => resolve(),
        data: () => {},
      },
    })
    await closed
    socket.end()
    expect((await db.sql`select 1 as one`)[0]?.one).toBe(1)
  })
})
