/** A folder that changes, synced: what is embedded again, what moves, what is kept, what is removed. On both databases. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { chmod, cp, mkdir, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findCollection } from '../../db/collections.ts'
import { listDocuments } from '../../db/documents.ts'
import { listFailures } from '../../db/failures.ts'
import type { IngestLine, Totals } from '../../db/jobs.ts'
import { type Embedder, openEmbedder } from '../../embedding/embedder.ts'
import { runIngest } from '../../ingest/command.ts'
import { type IngestOptions, ingestPaths } from '../../ingest/ingest.ts'
import { allMiniLM } from '../../models/bundled.ts'
import { onBothDatabases } from '../database/databases.ts'

let place: string
let embedder: Embedder
beforeAll(() => {
  place = realpathSync(mkdtempSync(join(tmpdir(), 'mentor-sync-')))
  embedder = openEmbedder({ model: allMiniLM, workers: 1 })
})
afterAll(async () => {
  await embedder.close()
  rmSync(place, { recursive: true, force: true })
})

onBothDatabases('a sync', (database) => {
  const db = () => database().db

  async function sync(
    collection: string,
    path: string,
    options: Partial<IngestOptions> = {},
  ): Promise<{ lines: IngestLine[]; totals: Totals; told: Record<string, string> }> {
    const lines: IngestLine[] = []
    const totals = await ingestPaths(
      { db: db(), embedder },
      { inputs: [{ path }], collection, ...options, onLine: (line) => void lines.push(line) },
    )
    const told = Object.fromEntries(
      lines.map((line) => [line.file.slice(path.length + 1), `${line.status}`] as const).sort(),
    )
    return { lines, totals, told }
  }

  async function folder(name: string, files: Record<string, string>): Promise<string> {
    const path = join(place, `${db().kind}-${name}`)
    for (const [file, content] of Object.entries(files)) {
      await mkdir(join(path, file, '..'), { recursive: true })
      await writeFile(join(path, file), content)
    }
    return path
  }

  const sources = async (collection: string) =>
    (await listDocuments(db(), { collection, limit: 200 })).documents.map((one) => one.source).sort()
  const vectorIds = async (document: string | null) =>
    (
      await db().sql<{ id: number }[]>`
        select p.id from passages p join documents d on d.version_id = p.version_id
        where d.id = ${document} order by p.ordinal`
    ).map((row) => row.id)

  test('takes what is new, changed and moved, and names what has vanished', async () => {
    const path = await folder('states', {
      'same.md': '# Same\n\nThe mill stands still in winter.\n',
      'changed.md': '# Changed\n\nThe weir is open.\n',
      'old/moved.md': '# Moved\n\nThe sluice was built in 1840.\n\n## Gates\n\nIt has four gates of oak.\n',
      'gone.md': '# Gone\n\nThe bridge has three arches.\n',
    })
    const first = await sync('states', path)
    const moved = first.lines.find((line) => line.file.endsWith('moved.md'))
    const before = await vectorIds(moved?.document ?? null)
    expect(before).toHaveLength(2)

    await writeFile(join(path, 'changed.md'), '# Changed\n\nThe weir is shut.\n')
    await writeFile(join(path, 'new.md'), '# New\n\nThe towpath is closed.\n')
    await mkdir(join(path, 'new place'))
    await rename(join(path, 'old/moved.md'), join(path, 'new place/sluice.md'))
    await unlink(join(path, 'gone.md'))
    const shown = await sync('states', path, { dryRun: true })
    const expected = {
      'changed.md': 'replaced',
      'gone.md': 'skipped',
      'new place/sluice.md': 'moved',
      'new.md': 'added',
      'same.md': 'unchanged',
    }
    expect(shown.told).toEqual(expected)
    expect(await sources('states')).toEqual(['changed.md', 'gone.md', 'old/moved.md', 'same.md'])

    const second = await sync('states', path)
    expect(second.told).toEqual(expected)
    expect(second.totals).toMatchObject({ added: 1, replaced: 1, moved: 1, unchanged: 1, embedded: 2 })
    const after = second.lines.find((line) => line.status === 'moved')
    expect(after).toMatchObject({
      document: moved?.document,
      passages: 2,
      reason: 'moved: it was old/moved.md',
    })
    expect(await vectorIds(after?.document ?? null)).toEqual(before)
    expect(second.lines.find((line) => line.status === 'skipped')?.reason).toContain('--prune removes it')
    expect(second.lines.find((line) => line.status === 'unchanged')?.passages).toBe(1)
    expect(await sources('states')).toEqual([
      'changed.md',
      'gone.md',
      'new place/sluice.md',
      'new.md',
      'same.md',
    ])

    expect((await sync('states', path, { dryRun: true, prune: true })).told['gone.md']).toBe('removed')
    expect(await sources('states')).toContain('gone.md')
    const third = await sync('states', path, { prune: true })
    expect(third.totals).toMatchObject({ unchanged: 4, removed: 1, embedded: 0, files: 4 })
    expect(await sources('states')).toEqual(['changed.md', 'new place/sluice.md', 'new.md', 'same.md'])
  }, 60_000)

  test('a dry run makes no collection', async () => {
    const path = await folder('dry', { 'a.md': 'Nothing is to be written.' })
    expect((await sync('dry', path, { dryRun: true })).told).toEqual({ 'a.md': 'added' })
    expect(await findCollection(db(), 'dry')).toBeNull()
  })

  test('a copy is a document of its own, and of two copies of a moved file one is the old document', async () => {
    const path = await folder('copies', { 'a.md': 'The ferry leaves at seven.\n' })
    const [original] = (await sync('copies', path)).lines
    await cp(join(path, 'a.md'), join(path, 'b.md'))
    const copied = await sync('copies', path)
    expect(copied.told).toEqual({ 'a.md': 'unchanged', 'b.md': 'added' })
    await rename(join(path, 'a.md'), join(path, 'c.md'))
    await cp(join(path, 'c.md'), join(path, 'd.md'))
    const moved = await sync('copies', path)
    expect(Object.values(moved.told).sort()).toEqual(['added', 'moved', 'unchanged'])
    expect(moved.lines.find((line) => line.status === 'moved')?.document).toBe(original?.document ?? '')
    expect(await sources('copies')).toEqual(['b.md', 'c.md', 'd.md'])
  }, 60_000)

  test('a folder that was renamed keeps its documents, though it is named by its new name', async () => {
    const path = await folder('before', { 'a/one.md': 'One boat.\n', 'a/two.md': 'Two boats.\n' })
    const first = await sync('renamed', path)
    await rename(path, `${path}-after`)
    const second = await sync('renamed', `${path}-after`)
    expect(second.totals).toMatchObject({ moved: 2, embedded: 0 })
    expect(second.lines.map((line) => line.document).sort()).toEqual(
      first.lines.map((line) => line.document).sort(),
    )
  }, 60_000)

  test('a title that was made of the name follows it; another ending is another document', async () => {
    const path = await folder('titles', { 'lock-keeper.txt': 'He opens the gates at dawn.\n' })
    await sync('titles', path)
    await rename(join(path, 'lock-keeper.txt'), join(path, 'gate-keeper.txt'))
    expect((await sync('titles', path)).told).toEqual({ 'gate-keeper.txt': 'moved' })
    const { documents } = await listDocuments(db(), { collection: 'titles', limit: 5 })
    expect(documents[0]).toMatchObject({ title: 'gate keeper', source: 'gate-keeper.txt' })
    await rename(join(path, 'gate-keeper.txt'), join(path, 'gate-keeper.md'))
    expect((await sync('titles', path, { prune: true })).told).toEqual({
      'gate-keeper.md': 'added',
      'gate-keeper.txt': 'removed',
    })
  }, 60_000)

  test('prunes what is ignored by now, nothing that globs leave out, nothing of an empty folder', async () => {
    const path = await folder('pruned', {
      'a.md': 'Kept.\n',
      'b.txt': 'Of another kind.\n',
      'drafts/c.md': 'A draft.\n',
    })
    await sync('pruned', path)
    const narrowed = await sync('pruned', path, {
      prune: true,
      globs: { include: ['*.md'], exclude: ['drafts/'] },
    })
    expect(narrowed.told).toEqual({ 'a.md': 'unchanged' })
    await writeFile(join(path, '.mentorignore'), 'drafts/\n')
    const ignored = await sync('pruned', path, { prune: true })
    expect(ignored.told).toEqual({ 'a.md': 'unchanged', 'b.txt': 'unchanged', 'drafts/c.md': 'removed' })
    expect(ignored.lines.at(-1)?.reason).toStartWith('ignored: ')
    await rm(path, { recursive: true })
    await mkdir(path)
    const emptied = await sync('pruned', path, { prune: true })
    expect(emptied.told).toEqual({ 'a.md': 'skipped', 'b.txt': 'skipped' })
    expect(emptied.lines[0]?.reason).toContain('is a disk not mounted?')
    expect((await sync('pruned', join(path, 'nowhere'), { prune: true })).totals.removed).toBe(0)
    expect(await sources('pruned')).toEqual(['a.md', 'b.txt'])
  }, 60_000)

  test('a document that says things of itself can be found by them, and by its path', async () => {
    const path = await folder('metadata', {
      'one.md': '---\nauthor: Ada\ntags: [rivers, locks]\n---\n# One\n\nThe lock is deep.\n',
      'sub/two.md': '---\nauthor: Grace\n---\n# Two\n\nThe lock is shallow.\n',
    })
    await sync('metadata', path)
    const found = async (filter: { path?: string; where?: { key: string; value: string } }) =>
      (await listDocuments(db(), { collection: 'metadata', limit: 5, ...filter })).documents.map(
        (d) => d.source,
      )
    expect(await found({ where: { key: 'author', value: 'ada' } })).toEqual(['one.md'])
    expect(await found({ where: { key: 'tags', value: 'locks' } })).toEqual(['one.md'])
    expect(await found({ where: { key: 'author', value: 'Alan' } })).toEqual([])
    expect(await found({ path: 'sub/' })).toEqual(['sub/two.md'])
  }, 60_000)

  describe('what failed', () => {
    const failures = async (collection: string) =>
      listFailures(db(), (await findCollection(db(), collection))?.id ?? 0)
    const retry = (collection: string, paths: string[] = []) =>
      runIngest({ db: db(), embedder, paths, collection, retryFailed: true, json: false, tty: false })

    test('keeps its reason, and is tried again alone', async () => {
      const path = await folder('failed', { 'good.md': 'Fine.\n', 'sub/bad.md': '', 'worse.md': '' })
      expect((await sync('failed', path)).totals).toMatchObject({ added: 1, failed: 2 })
      expect(await failures('failed')).toMatchObject([
        { place: join(path, 'sub/bad.md'), source: 'sub/bad.md', reason: expect.stringContaining('empty') },
        { place: join(path, 'worse.md') },
      ])
      await writeFile(join(path, 'sub/bad.md'), 'Mended.\n')
      await writeFile(join(path, 'good.md'), 'Changed, and not to be taken by a retry.\n')
      expect(await retry('failed', [join(path, 'sub')])).toBe(0)
      expect(await sources('failed')).toEqual(['good.md', 'sub/bad.md'])
      expect((await failures('failed')).map((one) => one.source)).toEqual(['worse.md'])
      expect(await retry('failed')).toBe(1)
      await unlink(join(path, 'worse.md'))
      expect(await retry('failed')).toBe(0)
      expect(await failures('failed')).toEqual([])
      expect((await sync('failed', path)).told).toEqual({ 'good.md': 'replaced', 'sub/bad.md': 'unchanged' })
    }, 60_000)

    test('is forgotten when a sync finds it gone or in', async () => {
      const path = await folder('forgotten', { 'a.md': '', 'b.md': '', 'c.md': 'Fine.\n' })
      await sync('forgotten', path)
      expect(await failures('forgotten')).toHaveLength(2)
      await unlink(join(path, 'a.md'))
      await writeFile(join(path, 'b.md'), 'Mended.\n')
      await sync('forgotten', path)
      expect(await failures('forgotten')).toEqual([])
    }, 60_000)

    test('a folder that cannot be read takes nothing from anybody', async () => {
      const path = await folder('closed', { 'a.md': 'Fine.\n', 'sub/b.md': 'Fine too.\n' })
      await sync('closed', path)
      await chmod(join(path, 'sub'), 0)
      const { totals } = await sync('closed', path, { prune: true })
      await chmod(join(path, 'sub'), 0o755)
      // Root reads everything: then nothing is closed, and nothing is removed either.
      const asRoot = process.getuid?.() === 0
      expect(totals).toMatchObject({ removed: 0, failed: asRoot ? 0 : 1 })
    }, 60_000)
  })
})
