/** kill -9 in the middle of an ingestion: of itself, of its parser, of the database. Nothing acknowledged is lost. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { listDocuments } from '../../db/documents.ts'
import type { IngestLine } from '../../db/jobs.ts'
import { type Database, openDatabase } from '../../db/open.ts'

const files = 120
let place: string
let folder: string
let db: Database

beforeAll(async () => {
  place = realpathSync(mkdtempSync(join(tmpdir(), 'mentor-killed-')))
  folder = join(place, 'files')
  await mkdir(folder)
  for (let i = 0; i < files; i++) {
    const beds = Array.from(
      { length: 1 + (i % 5) },
      (_, bed) => `## Bed ${bed}\n\nBed ${bed} of garden ${i} holds ${i * 13 + bed} tulips.\n`,
    )
    await writeFile(join(folder, `${i}.md`), `# Garden ${i}\n\n${beds.join('\n')}`)
  }
  db = await openDatabase({ dataDir: join(place, 'data') })
}, 60_000)

afterAll(async () => {
  await db.close()
  rmSync(place, { recursive: true, force: true })
}, 30_000)

interface Running {
  pid: number
  lines: IngestLine[]
  exited: Promise<number>
}

/** An ingestion whose lines are heard as they come. */
function start(collection: string): Running {
  const script = join(import.meta.dir, 'files-ingest-process.ts')
  const child = Bun.spawn([process.execPath, script, join(place, 'data'), collection, folder], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const lines: IngestLine[] = []
  const heard = (async () => {
    let rest = ''
    for await (const chunk of child.stdout) {
      const parts = (rest + new TextDecoder().decode(chunk)).split('\n')
      rest = parts.pop() ?? ''
      for (const part of parts) if (!part.startsWith('{"totals"')) lines.push(JSON.parse(part))
    }
  })()
  return { pid: child.pid, lines, exited: Promise.all([child.exited, heard]).then(([code]) => code) }
}

function processes(words: string): number[] {
  return execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(words))
    .map((line) => Number.parseInt(line, 10))
}

const childrenOf = (parent: number, words: string) =>
  execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, ppid, ...args]) => ppid === String(parent) && args.join(' ').includes(words))
    .map(([pid]) => Number(pid))

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await Bun.sleep(10)
}

/** All that readers and the ranking can see of a collection, without the ids. */
async function stateOf(collection: string) {
  const passages = await db.sql`
    select d.source, v.title, p.ordinal, p.text, p.start_offset, p.end_offset, p.heading, p.language, encode(x.input_hash, 'hex') as hash
    from passages p join documents d on d.version_id = p.version_id join document_versions v on v.id = p.version_id
    join passage_vectors x on x.passage_id = p.id
    join collections c on c.id = d.collection_id where c.name = ${collection} order by d.source, p.ordinal`
  const postings = await db.sql`
    select d.source, t.term, t.language, t.frequencies, t.lengths
    from postings t join documents d on d.version_id = t.version_id
    join collections c on c.id = d.collection_id where c.name = ${collection} order by d.source, t.term, t.language`
  const statistics = await db.sql`
    select language, passages, terms, words, word_pieces from collection_languages l
    join collections c on c.id = l.collection_id where c.name = ${collection} order by language`
  return { passages: [...passages], postings: [...postings], statistics: [...statistics] }
}

/** Every file that was told to be in is to be seen, and nothing that was begun and not finished is. */
async function nothingLost(lines: IngestLine[], collection: string): Promise<void> {
  const { documents } = await listDocuments(db, { collection, limit: 200 })
  const visible = new Set(documents.map((document) => document.id))
  for (const line of lines)
    if (line.document && !visible.has(line.document))
      throw new Error(`${line.file} was acknowledged and is lost`)
  const [half] = await db.sql<{ n: number }[]>`
    select count(*)::int as n from documents d join document_versions v on v.id = d.version_id
    where v.passages <> (select count(*) from passages p where p.version_id = v.id) or v.run_id is not null`
  expect(half?.n).toBe(0)
}

test('an ingestion that is killed again and again ends where an undisturbed one does', async () => {
  const clean = start('clean')
  expect(await clean.exited).toBe(0)
  expect(clean.lines).toHaveLength(files)

  const acknowledged: IngestLine[] = []
  const helpers: number[] = []
  for (const after of [1, 25, 20]) {
    const run = start('killed')
    await until(() => run.lines.filter((line) => line.status === 'added').length >= after)
    helpers.push(...childrenOf(run.pid, 'extract/child.ts'))
    process.kill(run.pid, 'SIGKILL')
    await run.exited
    acknowledged.push(...run.lines)
    await nothingLost(acknowledged, 'killed')
  }
  // Its helpers end by themselves: nobody is left to end them.
  await until(() => processes('extract/child.ts').every((pid) => !helpers.includes(pid)))

  const last = start('killed')
  expect(await last.exited).toBe(0)
  await nothingLost([...acknowledged, ...last.lines], 'killed')
  expect(last.lines.filter((line) => line.status === 'unchanged').length).toBeGreaterThanOrEqual(46)
  expect(await stateOf('killed')).toEqual(await stateOf('clean'))
  const [left] = await db.sql<
    { n: number }[]
  >`select count(*)::int as n from document_versions where run_id is not null`
  expect(left?.n).toBe(0)
}, 120_000)

test('the database killed in the middle comes back, and the ingestion goes on by itself', async () => {
  const run = start('database')
  await until(() => run.lines.length >= 20)
  for (const pid of processes(join(place, 'data')).filter((pid) => pid !== run.pid && pid !== process.pid))
    process.kill(pid, 'SIGKILL')
  expect(await run.exited).toBe(0)
  expect(run.lines.filter((line) => line.status === 'added')).toHaveLength(files)
  await nothingLost(run.lines, 'database')
  expect(await stateOf('database')).toEqual(await stateOf('clean'))
}, 120_000)

test('its parser killed in the middle costs at most the file it had', async () => {
  const run = start('parser')
  await until(() => run.lines.length >= 20)
  for (const pid of childrenOf(run.pid, 'extract/child.ts')) process.kill(pid, 'SIGKILL')
  const code = await run.exited
  const failed = run.lines.filter((line) => line.status === 'failed')
  expect(failed.length).toBeLessThanOrEqual(1)
  expect(code).toBe(failed.length)
  const again = start('parser')
  expect(await again.exited).toBe(0)
  expect(await stateOf('parser')).toEqual(await stateOf('clean'))
}, 120_000)

test('Ctrl-C ends it with 130 and nothing half done', async () => {
  const run = start('interrupted')
  await until(() => run.lines.length >= 10)
  process.kill(run.pid, 'SIGINT')
  expect(await run.exited).toBe(130)
  expect(run.lines.some((line) => line.status === 'failed')).toBe(false)
  await nothingLost(run.lines, 'interrupted')
  const { documents } = await listDocuments(db, { collection: 'interrupted', limit: 200 })
  expect(documents).toHaveLength(run.lines.length)
}, 60_000)
