/** The bad files of the fault catalogue, through the real ingestion: parser process, model, database. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getDocument, listDocuments, readText } from '../../db/documents.ts'
import type { IngestLine } from '../../db/jobs.ts'
import { type Database, openDatabase } from '../../db/open.ts'
import { type Embedder, openEmbedder } from '../../embedding/embedder.ts'
import { openParser } from '../../ingest/extract/parser.ts'
import { ingestPaths } from '../../ingest/ingest.ts'
import { explain } from '../../ingest/read-file.ts'
import { allMiniLM } from '../../models/bundled.ts'
import { type BadFile, badFiles } from './bad-files.ts'

let place: string
let db: Database
let embedder: Embedder
let files: BadFile[]
const lines = new Map<string, IngestLine>()

beforeAll(async () => {
  place = realpathSync(mkdtempSync(join(tmpdir(), 'mentor-files-')))
  const canary = join(place, 'canary.txt')
  await writeFile(canary, 'CANARY: this file is outside of every document')
  files = badFiles(canary)
  const folder = join(place, 'files')
  await mkdir(folder)
  for (const { name, bytes } of files) await writeFile(join(folder, name), bytes)
  await writeFile(join(folder, 'zz-good.md'), '# Good\n\nThe last file is as good as any.\n')
  db = await openDatabase({ dataDir: join(place, 'data') })
  embedder = openEmbedder({ model: allMiniLM })
  const options = {
    inputs: [{ path: folder }],
    collection: 'bad',
    onLine: (line: IngestLine) => void lines.set(line.file.slice(folder.length + 1), line),
  }
  await ingestPaths({ db, embedder }, options)
}, 120_000)

afterAll(async () => {
  await embedder.close()
  await db.close()
  rmSync(place, { recursive: true, force: true })
}, 30_000)

async function storedText(line: IngestLine | undefined): Promise<string> {
  const stored = await readText(db, line?.document ?? '', {})
  if (stored === null || stored === 'gone') throw new Error(`no text for ${line?.file}`)
  return stored.text
}

describe('bad files', () => {
  test('every file has its line, and the last one is in', () => {
    expect(lines.size).toBe(files.length + 1)
    expect(lines.get('zz-good.md')?.status).toBe('added')
  })

  // The names only, so that the cases are known before the files are made.
  for (const { name } of badFiles('/dev/null'))
    test(name, async () => {
      const file = files.find((one) => one.name === name)
      const line = lines.get(name)
      if (!file || !line) throw new Error(`${name} was not ingested`)
      if (typeof file.fate === 'object' && 'refused' in file.fate) {
        expect(`${line.status} ${line.reason}`).toStartWith(`failed ${file.fate.refused}: `)
        expect(line.document).toBeNull()
        return
      }
      expect(`${line.status} ${line.reason}`).toBe('added null')
      const text = await storedText(line)
      if (file.fate === 'accepted') expect(line.warnings).toEqual([])
      else expect(line.warnings.join('; ')).toContain(file.fate.warned)
      if (file.holds) expect(text).toContain(file.holds)
      if (file.lacks) expect(text).not.toContain(file.lacks)
      const rows = await db.sql<{ text: string; start: number; end: number }[]>`
        select p.text, start_offset as start, end_offset as "end" from passages p
        join documents d on d.version_id = p.version_id where d.id = ${line.document}`
      expect(rows.length).toBe(line.passages)
      for (const row of rows) expect(text.slice(row.start, row.end)).toBe(row.text)
    })

  test('nothing of a refused file is to be seen', async () => {
    const { documents } = await listDocuments(db, { limit: 200 })
    const refused = files
      .filter((file) => typeof file.fate === 'object' && 'refused' in file.fate)
      .map((file) => file.name)
    expect(documents.map((document) => document.source).filter((source) => refused.includes(source))).toEqual(
      [],
    )
    const [left] = await db.sql<
      { n: number }[]
    >`select count(*)::int as n from document_versions where run_id is not null`
    expect(left?.n).toBe(0)
  })

  test('an unreadable file is named', async () => {
    const path = join(place, 'locked.md')
    await writeFile(path, 'words')
    await chmod(path, 0)
    // Root reads everything: then what the system would have said to anybody else is put into words.
    if (process.getuid?.() === 0) {
      const denied = explain(Object.assign(new Error('EACCES'), { code: 'EACCES' }))
      expect(String(denied)).toContain('unreadable: permission denied')
      return
    }
    const seen: IngestLine[] = []
    await ingestPaths(
      { db, embedder },
      { inputs: [{ path }], collection: 'bad', onLine: (line) => void seen.push(line) },
    )
    expect(seen[0]?.reason).toStartWith('unreadable: permission denied')
  })

  test('names that mean harm are names', async () => {
    const folder = join(place, 'names')
    await mkdir(folder)
    const names = [
      "'; drop table documents; --.md",
      '$(touch pwned).md',
      'a\nb.md',
      '..md.md',
      '%2e%2e%2f.md',
    ]
    for (const name of names) await writeFile(join(folder, name), `About ${name.length} things.`)
    const seen: IngestLine[] = []
    await ingestPaths(
      { db, embedder },
      { inputs: [{ path: folder }], collection: 'names', onLine: (line) => void seen.push(line) },
    )
    expect(seen.map((line) => line.status)).toEqual(
      names.filter((name) => !name.startsWith('.')).map(() => 'added'),
    )
    const sources = await Promise.all(
      seen.map(async (line) => (await getDocument(db, line.document ?? ''))?.source),
    )
    expect(sources.sort()).toEqual(names.filter((name) => !name.startsWith('.')).sort())
  })
})

describe('a file that takes too much', () => {
  const encode = (text: string) => new TextEncoder().encode(text)
  const good = { name: 'good.md', bytes: encode('# Good\n\nWords.') }
  const all = async (passages: AsyncGenerator<unknown[]>) => {
    let n = 0
    for await (const some of passages) n += some.length
    return n
  }

  test('of time is read as plain text when it is Markdown, and the next one is read', async () => {
    const parser = openParser(allMiniLM, { timeMs: 1500, memory: 2 * 1024 ** 3 })
    const slow = await parser.open({ name: 'bait.md', bytes: encode('*a_'.repeat(20_000)) })
    expect(slow.warnings.join()).toContain('too_slow')
    expect(await all(slow.passages())).toBeGreaterThan(10)
    const next = await parser.open(good)
    expect(await all(next.passages())).toBe(1)
    await parser.close()
  }, 30_000)

  test('of memory is refused, and the next one is read', async () => {
    const parser = openParser(allMiniLM, { timeMs: 30_000, memory: 700 * 1024 ** 2 })
    const huge = { name: 'huge.html', bytes: encode('<p>a<b>c</b>'.repeat(2_000_000)) }
    await expect(parser.open(huge)).rejects.toThrow('too_large: reading it took more than 700 MB of memory')
    expect(await all((await parser.open(good)).passages())).toBe(1)
    await parser.close()
  }, 60_000)

  test('costs that file alone when the parser is killed over it', async () => {
    const parser = openParser(allMiniLM)
    const children = () =>
      execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' })
        .split('\n')
        .map((line) => line.trim().split(/\s+/))
        .filter(
          ([, parent, ...args]) =>
            parent === String(process.pid) && args.join(' ').includes('extract/child.ts'),
        )
        .map(([pid]) => Number(pid))
    const file = await parser.open({
      name: 'bait.txt',
      bytes: encode('word and more words. '.repeat(200_000)),
    })
    const reading = (async () => {
      for await (const portion of file.passages()) {
        expect(portion.length).toBeGreaterThan(0)
        for (const pid of children()) process.kill(pid, 'SIGKILL')
      }
    })()
    await expect(reading).rejects.toThrow('crashed: ')
    expect(await all((await parser.open(good)).passages())).toBe(1)
    await parser.close()
    expect(children()).toEqual([])
  }, 60_000)
})
