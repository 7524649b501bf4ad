/** The whole ingestion on real parts: parser process, embedding workers, embedded database. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { listDocuments, readText } from '../../db/documents.ts'
import { createJob, type IngestLine, readJob, type Totals } from '../../db/jobs.ts'
import { type Database, openDatabase } from '../../db/open.ts'
import { type Embedder, openEmbedder } from '../../embedding/embedder.ts'
import { runIngest } from '../../ingest/command.ts'
import { ingestPaths } from '../../ingest/ingest.ts'
import { allMiniLM } from '../../models/bundled.ts'
import questions from '../data/handbook-questions.json'
import { randomManual, seeded, writers } from './ingest-random-document.ts'

const samples = join(import.meta.dir, '..', '..', 'samples')
let place: string
let db: Database
let embedder: Embedder

beforeAll(async () => {
  place = realpathSync(mkdtempSync(join(tmpdir(), 'mentor-run-')))
  db = await openDatabase({ dataDir: join(place, 'data') })
  embedder = openEmbedder({ model: allMiniLM })
}, 60_000)

afterAll(async () => {
  await embedder.close()
  await db.close()
  rmSync(place, { recursive: true, force: true })
}, 30_000)

async function ingest(
  collection: string,
  paths: string[],
  options: { signal?: AbortSignal; onLine?: (line: IngestLine) => void } = {},
): Promise<{ lines: IngestLine[]; totals: Totals }> {
  const lines: IngestLine[] = []
  const totals = await ingestPaths(
    { db, embedder },
    {
      inputs: paths.map((path) => ({ path })),
      collection,
      ...(options.signal ? { signal: options.signal } : {}),
      onLine: (line) => {
        lines.push(line)
        options.onLine?.(line)
      },
    },
  )
  return { lines, totals }
}

async function folder(name: string, files: Record<string, string | Uint8Array>): Promise<string> {
  const path = join(place, name)
  await mkdir(path, { recursive: true })
  for (const [file, content] of Object.entries(files)) await writeFile(join(path, file), content)
  return path
}

async function textOf(document: string | null): Promise<string> {
  const stored = await readText(db, document ?? '', {})
  if (stored === null || stored === 'gone') throw new Error(`document ${document} has no text`)
  return stored.text
}

const passagesOf = (document: string | null) => db.sql<
  { text: string; start: number; end: number; page: number | null }[]
>`
  select p.text, start_offset as start, end_offset as "end", page from passages p
  join documents d on d.version_id = p.version_id where d.id = ${document} order by ordinal`

const unpublished = async () => {
  const [row] = await db.sql<
    { n: number }[]
  >`select count(*)::int as n from document_versions where run_id is not null`
  return row?.n
}

describe('the handbook', () => {
  let lines: IngestLine[]
  beforeAll(async () => {
    lines = (await ingest('handbook', [samples])).lines
  }, 60_000)

  test('is taken in whole, without a warning', () => {
    expect(lines.map((line) => `${line.status} ${line.warnings.join()}`)).toEqual(Array(7).fill('added '))
    expect(new Set(lines.map((line) => line.file.split('.').at(-1)))).toEqual(
      new Set(['md', 'txt', 'html', 'pdf', 'docx']),
    )
  })

  test('keeps its promise in the database: every passage is its slice of the stored text', async () => {
    for (const line of lines) {
      const text = await textOf(line.document)
      const passages = await passagesOf(line.document)
      expect(passages.length).toBe(line.passages)
      for (const passage of passages) expect(text.slice(passage.start, passage.end)).toBe(passage.text)
      expect(passages.every((p) => (p.page !== null) === line.file.endsWith('.pdf'))).toBe(true)
    }
  })

  test('holds the answer to each of its questions, in one passage', async () => {
    for (const { question, file, contains } of questions) {
      const line = lines.find((one) => one.file.endsWith(`/${file}`))
      const passages = await passagesOf(line?.document ?? null)
      if (!passages.some((passage) => passage.text.includes(contains)))
        throw new Error(`${question}: "${contains}" is not in ${file}`)
    }
  })

  test('is unchanged the second time, and nothing is embedded', async () => {
    const again = await ingest('handbook', [samples])
    expect(again.lines.map((line) => line.status)).toEqual(Array(7).fill('unchanged'))
    expect(again.lines.map((line) => line.document).sort()).toEqual(lines.map((line) => line.document).sort())
    expect(again.totals).toMatchObject({ files: 7, unchanged: 7, passages: 0, embedded: 0 })
  })

  test('has sources relative to the folder that was named', async () => {
    const { documents } = await listDocuments(db, { collection: 'handbook', limit: 50 })
    expect(documents.map((document) => document.source).sort()).toEqual(
      lines.map((line) => line.file.slice(samples.length + 1)).sort(),
    )
    expect(documents.find((d) => d.source === 'glasshouses.pdf')).toMatchObject({
      title: 'Care of the glasshouses',
      language: 'en',
      mediaType: 'application/pdf',
    })
  })
})

describe('documents', () => {
  test('of every format keep the offset promise through the database', async () => {
    const files: Record<string, Uint8Array> = {}
    for (let seed = 1; seed <= 3; seed++)
      for (const [format, write] of Object.entries(writers))
        files[`${seed}.${format}`] = write(
          randomManual(seeded(seed), format === 'pdf' ? 'latin' : 'every'),
          seeded(seed),
        )
    const { lines } = await ingest('random', [await folder('random', files)])
    expect(lines.map((line) => `${line.status} ${line.reason ?? ''}`)).toEqual(
      Object.keys(files).map(() => 'added '),
    )
    for (const line of lines) {
      const text = await textOf(line.document)
      for (const passage of await passagesOf(line.document))
        expect(text.slice(passage.start, passage.end)).toBe(passage.text)
    }
  }, 60_000)

  test('are replaced when they change: the id stays, the old passages go', async () => {
    const path = await folder('changing', { 'a.md': '# A\n\nThe gate is red.\n' })
    const first = await ingest('changing', [path])
    await writeFile(join(path, 'a.md'), '# A\n\nThe gate is green.\n')
    const second = await ingest('changing', [path])
    expect([first.lines[0]?.status, second.lines[0]?.status]).toEqual(['added', 'replaced'])
    expect(second.lines[0]?.document).toBe(first.lines[0]?.document ?? '')
    expect((await passagesOf(first.lines[0]?.document ?? null)).map((p) => p.text)).toEqual([
      'The gate is green.',
    ])
    const [old] = await db.sql<
      { n: number }[]
    >`select count(*)::int as n from passages where text = 'The gate is red.'`
    expect(old?.n).toBe(0)
  })

  test('keep their old version when the new one cannot be read', async () => {
    const path = await folder('spoilt', { 'a.md': 'The shed is locked.\n' })
    const first = await ingest('spoilt', [path])
    await writeFile(join(path, 'a.md'), '')
    const second = await ingest('spoilt', [path])
    expect(second.lines[0]).toMatchObject({ status: 'failed', reason: expect.stringMatching(/^empty: /) })
    expect(await textOf(first.lines[0]?.document ?? null)).toBe('The shed is locked.\n')
  })

  test('of equal content are two documents and embedded once, in one run and in the next', async () => {
    const words = '# Hoses\n\nHoses are rolled up on Fridays and hung on the hook.\n'
    const path = await folder('equal', { 'one.md': words, 'two.md': words })
    const { lines, totals } = await ingest('equal', [path])
    expect(new Set(lines.map((line) => line.document)).size).toBe(2)
    expect(totals).toMatchObject({ added: 2, passages: 2, embedded: 1 })
    const other = await ingest('equal-elsewhere', [path])
    expect(other.totals).toMatchObject({ added: 2, passages: 2, embedded: 0 })
  })

  test('ingested fifty times at once are one', async () => {
    const path = await folder('at-once', { 'a.md': '# A\n\nOne well, one pump.\n' })
    const runs = await Promise.all(
      Array.from({ length: 5 }, () => ingest('at-once', Array(10).fill(join(path, 'a.md')))),
    )
    const statuses = runs.flatMap((run) => run.lines.map((line) => line.status))
    expect(statuses.filter((status) => status === 'added')).toHaveLength(1)
    expect(statuses.filter((status) => status === 'unchanged')).toHaveLength(4)
    expect((await listDocuments(db, { collection: 'at-once', limit: 10 })).documents).toHaveLength(1)
    expect(await unpublished()).toBe(0)
  }, 60_000)
})

describe('a run that is stopped', () => {
  test('leaves nothing half visible, and the next one goes on', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 80 }, (_, i) => [
        `${i}.txt`,
        `Bed ${i} holds ${i * 7} tulips, planted in week ${i % 52}.`,
      ]),
    )
    const path = await folder('stopped', files)
    const stop = new AbortController()
    let seen = 0
    const first = await ingest('stopped', [path], {
      signal: stop.signal,
      onLine: () => ++seen === 20 && stop.abort(),
    })
    expect(first.totals.added).toBeGreaterThanOrEqual(20)
    expect(first.totals.added).toBeLessThan(80)
    expect(first.totals.failed).toBe(0)
    expect(await unpublished()).toBe(0)
    const visible = await listDocuments(db, { collection: 'stopped', limit: 200 })
    expect(visible.documents).toHaveLength(first.totals.added)
    const second = await ingest('stopped', [path])
    expect(second.totals).toMatchObject({
      files: 80,
      unchanged: first.totals.added,
      added: 80 - first.totals.added,
    })
  }, 60_000)
})

describe('the command', () => {
  const run = (paths: string[], collection = 'command') =>
    runIngest({ db, embedder, paths, collection, json: false, tty: false })

  test('tells by its exit code how it went', async () => {
    const path = await folder('command', { 'a.md': 'Fine.', 'picture.png': 'skipped' })
    expect(await run([path])).toBe(0)
    expect(await run([path, join(place, 'nowhere')])).toBe(1)
    expect(await run([join(path, 'picture.png')])).toBe(1)
    expect(await run([join(place, 'nowhere')])).toBe(2)
    expect(await run([path], 'No Such Name')).toBe(2)
    expect(await run([])).toBe(2)
    const stopped = runIngest({
      db,
      embedder,
      paths: [path],
      collection: 'command',
      json: false,
      tty: false,
      signal: AbortSignal.abort(),
    })
    expect(await stopped).toBe(130)
  })
})

describe('the worker', () => {
  const work = () =>
    Bun.spawn([process.execPath, join(import.meta.dir, '..', '..', 'ingest', 'worker.ts')], {
      stdin: Buffer.from(JSON.stringify({ dataDir: join(place, 'data'), workers: 1 })),
      stdout: 'inherit',
      stderr: 'inherit',
    })

  async function upload(id: string, files: number): Promise<string> {
    const at = join(place, 'data', 'uploads', id)
    await mkdir(at, { recursive: true })
    const inputs = await Promise.all(
      Array.from({ length: files }, async (_, i) => {
        await writeFile(
          join(at, String(i)),
          `# Note ${i}\n\nThe key of shed ${i} hangs on hook ${i + 3} by the door.\n`,
        )
        return { path: join(at, String(i)), name: `note ${i}.md` }
      }),
    )
    return createJob(db, { kind: 'upload', collection: `uploads-${id}`, inputs })
  }

  test('carries out jobs until none is left, and removes the uploads', async () => {
    const job = await upload('first', 2)
    await cp(samples, join(place, 'copied'), { recursive: true })
    const paths = await createJob(db, {
      kind: 'paths',
      collection: 'copied',
      inputs: [{ path: join(place, 'copied') }],
    })
    expect(await work().exited).toBe(0)
    const done = await readJob(db, job)
    expect(done).toMatchObject({ state: 'done', total: 2, totals: { files: 2, added: 2 } })
    expect(done?.lines.map((line) => line.file).sort()).toEqual(['note 0.md', 'note 1.md'])
    expect((await readJob(db, paths))?.totals).toMatchObject({ files: 7, added: 7, embedded: 0 })
    expect(await Bun.file(join(place, 'data', 'uploads', 'first', '0')).exists()).toBe(false)
    const { documents } = await listDocuments(db, { collection: 'uploads-first', limit: 10 })
    expect(documents.map((document) => document.source).sort()).toEqual(['note 0.md', 'note 1.md'])
  }, 60_000)

  test.each(['SIGKILL', 'SIGTERM'] as const)(
    'ended by %s in the middle, the next one finishes its job',
    async (signal) => {
      const job = await upload(signal.toLowerCase(), 150)
      const first = work()
      while (((await readJob(db, job))?.lines.length ?? 0) < 5) await Bun.sleep(20)
      first.kill(signal)
      await first.exited
      expect((await readJob(db, job))?.state).toBe('running')
      expect(await work().exited).toBe(0)
      const done = await readJob(db, job)
      expect(done?.state).toBe('done')
      expect(done?.totals).toMatchObject({ files: 150, failed: 0 })
      expect(done?.lines).toHaveLength(150)
      expect(
        (await listDocuments(db, { collection: `uploads-${signal.toLowerCase()}`, limit: 200 })).documents,
      ).toHaveLength(150)
      expect(await unpublished()).toBe(0)
    },
    60_000,
  )

  test('says why a job as a whole cannot be done', async () => {
    const job = await createJob(db, { kind: 'paths', collection: 'Not A Name', inputs: [{ path: samples }] })
    expect(await work().exited).toBe(0)
    expect(await readJob(db, job)).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('cannot be a collection'),
    })
  }, 30_000)

  test('refuses to start without settings', async () => {
    const lost = Bun.spawn([process.execPath, join(import.meta.dir, '..', '..', 'ingest', 'worker.ts')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    expect(await lost.exited).toBe(1)
    expect(await new Response(lost.stderr).text()).toContain('settings as JSON')
    await rm(join(place, 'copied'), { recursive: true, force: true })
  })
})
