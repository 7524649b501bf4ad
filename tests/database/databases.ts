/** Both databases for the contract suite: the same cases run against each, in a database of their own. */
import { afterAll, beforeAll, describe } from 'bun:test'
import { cp, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { type Database, type OpenOptions, openDatabase } from '../../db/open.ts'

/** How to open a database again, as another process would. */
export interface Opened {
  db: Database
  options: OpenOptions
}

const serverUrl = process.env.MENTOR_TEST_DATABASE_URL ?? ''
const noServer = 'MENTOR_TEST_DATABASE_URL names no Postgres server (./mentor test starts one)'

/** Runs `cases` once a database. `database()` is there from the first `beforeAll` of the cases on. */
export function onBothDatabases(title: string, cases: (database: () => Opened) => void): void {
  describe(`${title}, embedded`, () => withDatabase(openEmbedded, cases))
  onServer(`${title}, server`, cases)
}

export function onServer(title: string, cases: (database: () => Opened) => void): void {
  if (serverUrl === '') console.error(`skipped: ${title}: ${noServer}`)
  describe.skipIf(serverUrl === '')(title, () => withDatabase(openServer, cases))
}

function withDatabase(
  open: () => Promise<Opened & Removable>,
  cases: (database: () => Opened) => void,
): void {
  let opened: (Opened & Removable) | undefined
  beforeAll(async () => {
    opened = await open()
  }, 60_000)
  afterAll(async () => {
    await opened?.db.close()
    await opened?.remove()
  }, 30_000)
  cases(() => {
    if (!opened) throw new Error('the database is not open yet')
    return opened
  })
}

interface Removable {
  remove(): Promise<void>
}

async function openEmbedded(): Promise<Opened & Removable> {
  const dataDir = await freshDataDir()
  const options = { dataDir }
  return { db: await openDatabase(options), options, remove: () => removeDataDir(dataDir) }
}

async function openServer(): Promise<Opened & Removable> {
  const { url, remove } = await createServerDatabase()
  const options = { dataDir: tmpdir(), databaseUrl: url }
  return { db: await openDatabase(options), options, remove }
}

/** An empty database on the test server, to be dropped by `remove`. */
export async function createServerDatabase(): Promise<{ url: string; remove(): Promise<void> }> {
  const name = `mentor_${crypto.randomUUID().replaceAll('-', '')}`
  await asAdmin((sql) => sql.unsafe(`create database ${name}`))
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return {
    url: url.href,
    remove: () => asAdmin((sql) => sql.unsafe(`drop database if exists ${name} with (force)`)),
  }
}

async function asAdmin(work: (sql: postgres.Sql) => Promise<unknown>): Promise<void> {
  const sql = postgres(serverUrl, { max: 1, onnotice: () => {} })
  await work(sql)
  await sql.end()
}

let template: Promise<string> | undefined

/** A data directory with an empty embedded database in it; made once (4 s) and copied after that. */
export async function freshDataDir(parent = tmpdir()): Promise<string> {
  template ??= makeTemplate()
  const from = await template
  const dataDir = await mkdtemp(join(parent, 'mentor-data-'))
  await cp(join(from, 'database'), join(dataDir, 'database'), { recursive: true })
  await cp(join(from, 'mentor.json'), join(dataDir, 'mentor.json'))
  return dataDir
}

async function makeTemplate(): Promise<string> {
  await removeOldTemplates()
  const dataDir = await mkdtemp(join(tmpdir(), 'mentor-template-'))
  const db = await openDatabase({ dataDir })
  await db.close()
  await serverGone(dataDir)
  return dataDir
}

/** Of runs that are over: nothing tells a helper file when all tests are done. */
async function removeOldTemplates(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const path = join(tmpdir(), name)
    if (!name.startsWith('mentor-template-')) continue
    const hours = (Date.now() - (await stat(path)).mtimeMs) / 3_600_000
    if (hours > 1) await rm(path, { recursive: true, force: true })
  }
}

/** Waits until no server holds the directory any more: its last client has left. */
export async function serverGone(dataDir: string): Promise<void> {
  const { holdLock } = await import('../../db/lock.ts')
  for (let waited = 0; waited < 15_000; waited += 50) {
    const lock = holdLock(join(dataDir, 'database.lock'))
    if (lock) return lock.release()
    await Bun.sleep(50)
  }
  throw new Error(`the server of ${dataDir} is still there after 15 s`)
}

export async function removeDataDir(dataDir: string): Promise<void> {
  await serverGone(dataDir)
  await rm(dataDir, { recursive: true, force: true })
}
