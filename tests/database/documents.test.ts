import { beforeAll, describe, expect, test } from 'bun:test'
import { deleteCollection, ensureCollection, findCollection, listCollections } from '../../db/collections.ts'
import { counts, deleteDocument, getDocument, listDocuments, readText } from '../../db/documents.ts'
import { CollectionGone, InvalidCollectionName, InvalidCursor, VersionGone } from '../../db/errors.ts'
import {
  beginVersion,
  discardVersion,
  existingVectors,
  findCurrent,
  placeHash,
  publishVersion,
} from '../../db/ingest.ts'
import { openRun, sweepAbandoned } from '../../db/runs.ts'
import { activeSpace } from '../../db/spaces.ts'
import { toHalfvec } from '../../embedding/halfvec.ts'
import {
  model,
  openWriter,
  publish,
  recount,
  sha256,
  statistics,
  vectorOf,
  type Writer,
  write,
} from './corpus.ts'
import { onBothDatabases } from './databases.ts'

onBothDatabases('documents and versions', (database) => {
  let writer: Writer
  const db = () => database().db
  beforeAll(async () => {
    writer = await openWriter(db())
  })

  test('a collection is made once, found by name, and refused under a bad name', async () => {
    const made = await Promise.all(Array.from({ length: 8 }, () => ensureCollection(db(), 'made-once')))
    expect(new Set(made.map((c) => c.id)).size).toBe(1)
    expect(await findCollection(db(), 'made-once')).toEqual({ id: made[0]?.id ?? 0, name: 'made-once' })
    expect(await findCollection(db(), 'nobody')).toBeNull()
    for (const name of ['', 'Upper', '-dash', 'a'.repeat(65), 'a b', 'a\0b', 'ä']) {
      await expect(ensureCollection(db(), name)).rejects.toBeInstanceOf(InvalidCollectionName)
    }
  })

  test('a version is seen by nobody until it is published, then as a whole', async () => {
    const before = await counts(db())
    const begun = await write(writer, {
      collection: 'flip',
      place: '/flip.txt',
      passages: [{ text: 'one' }, { text: 'two' }],
    })
    expect(await getDocument(db(), begun.documentId)).toBeNull()
    expect(await readText(db(), begun.documentId)).toBeNull()
    expect(await listDocuments(db(), { collection: 'flip', limit: 10 })).toEqual({
      documents: [],
      next: null,
    })
    expect(await counts(db())).toEqual({ ...before, collections: before.collections + 1 })

    expect(await publishVersion(db(), { versionId: begun.versionId, source: 'shown.txt' })).toBe('added')
    const row = await getDocument(db(), begun.documentId)
    expect(row).toMatchObject({
      id: begun.documentId,
      collection: 'flip',
      source: 'shown.txt',
      version: begun.versionId,
      passages: 2,
      length: 7,
      bytes: 7,
      mediaType: 'text/plain',
      warnings: [],
    })
    expect(Math.abs(Date.now() - (row?.createdAt.getTime() ?? 0))).toBeLessThan(60_000)
    expect(await readText(db(), begun.documentId)).toMatchObject({
      text: 'one\ntwo',
      start: 0,
      end: 7,
      length: 7,
    })
  })

  test('a new version replaces the old one, whose text is gone', async () => {
    const first = await publish(writer, {
      collection: 'replace',
      place: '/r',
      passages: [{ text: 'old words' }],
    })
    expect(first.outcome).toBe('added')
    const second = await publish(writer, {
      collection: 'replace',
      place: '/r',
      passages: [{ text: 'new words' }],
    })
    expect(second.outcome).toBe('replaced')
    expect(second.documentId).toBe(first.documentId)
    expect(await readText(db(), first.documentId, { version: first.versionId })).toBe('gone')
    expect(await readText(db(), first.documentId, { version: second.versionId })).toMatchObject({
      text: 'new words',
    })
    const left = await db().sql`select 1 from passages where version_id = ${first.versionId}`
    expect(left.length).toBe(0)
  })

  test('the same bytes by the same code are unchanged, by newer code a new version', async () => {
    const document = { collection: 'same', place: '/s', passages: [{ text: 'same words' }] }
    const first = await publish(writer, document)
    expect((await publish(writer, document)).outcome).toBe('unchanged')
    const collection = await ensureCollection(db(), 'same')
    const current = await findCurrent(db(), collection.id, placeHash({ origin: 'path', place: '/s' }))
    expect(current).toMatchObject({ documentId: first.documentId, versionId: first.versionId, pipeline: 1 })
    expect(Buffer.from(current?.contentHash ?? []).equals(sha256('same words'))).toBe(true)
    expect((await publish(writer, { ...document, pipeline: 2 })).outcome).toBe('replaced')
  })

  test('a reader that looks all the while sees the old version or the new one, never a mixture', async () => {
    const texts = (n: number) => Array.from({ length: 5 }, (_, i) => ({ text: `edition${n} passage${i}` }))
    const { documentId } = await publish(writer, { collection: 'atomic', place: '/a', passages: texts(0) })
    let reading = true
    let looks = 0
    const reader = (async () => {
      while (reading) {
        const rows = await db().sql<{ text: string; whole: string }[]>`
          select p.text, v.text as whole from documents d
          join document_versions v on v.id = d.version_id join passages p on p.version_id = v.id
          where d.id = ${documentId}`
        const editions = new Set(rows.flatMap((row) => [row.text.split(' ')[0], row.whole.split(' ')[0]]))
        expect(rows.length).toBe(5)
        expect(editions.size).toBe(1)
        looks++
      }
    })()
    for (let n = 1; n <= 20; n++)
      await publish(writer, { collection: 'atomic', place: '/a', passages: texts(n) })
    reading = false
    await reader
    expect(looks).toBeGreaterThan(5)
  })

  test('50 ingests of one document at once leave one document with one version', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, () =>
        publish(writer, { collection: 'crowd', place: '/c', passages: [{ text: 'the same file' }] }),
      ),
    )
    expect(outcomes.filter((o) => o.outcome === 'added').length).toBe(1)
    expect(outcomes.filter((o) => o.outcome === 'unchanged').length).toBe(49)
    expect((await listDocuments(db(), { collection: 'crowd', limit: 10 })).documents.length).toBe(1)
    const versions = await db().sql`
      select v.id from document_versions v join documents d on d.id = v.document_id
      join collections c on c.id = d.collection_id where c.name = 'crowd'`
    expect(versions.length).toBe(1)
    expect(await statistics(db())).toEqual(await recount(db()))
  })

  test('statistics equal a recount after inserts, replacements and deletes at once', async () => {
    const passages = (n: number) => [
      { text: `alpha beta ${'gamma '.repeat(n)}`, language: 'en', words: 7, wordPieces: 9 },
      { text: `один два ${'три '.repeat(n)}`, language: 'ru', words: 3, wordPieces: 20 },
    ]
    const work = Array.from({ length: 40 }, async (_, i) => {
      const place = `/stat${i % 8}`
      const { documentId } = await publish(writer, {
        collection: `stat${i % 3}`,
        place,
        passages: passages(i),
      })
      if (i % 5 === 0) await deleteDocument(db(), documentId)
    })
    const settled = await Promise.allSettled(work)
    for (const one of settled) {
      // Its document was deleted by another while it was written.
      if (one.status === 'rejected') expect(one.reason).toBeInstanceOf(VersionGone)
    }
    const now = await statistics(db())
    expect(now).toEqual(await recount(db()))
    expect(now.length).toBeGreaterThan(3)
  })

  test('a language that leaves a collection leaves its statistics', async () => {
    const both = [{ text: 'hello' }, { text: 'bună', language: 'ro' }]
    await publish(writer, { collection: 'leaves', place: '/l', passages: both })
    await publish(writer, { collection: 'leaves', place: '/l', passages: [{ text: 'hello again' }] })
    const { id } = await ensureCollection(db(), 'leaves')
    const rows = await db().sql`select language from collection_languages where collection_id = ${id}`
    expect(rows.map((row) => row.language)).toEqual(['en'])
  })

  test('a deleted document is gone with everything of it, at once', async () => {
    const { documentId, versionId } = await publish(writer, {
      collection: 'delete',
      place: '/d',
      passages: [{ text: 'secret words' }],
    })
    expect(await deleteDocument(db(), documentId)).toBe(true)
    expect(await deleteDocument(db(), documentId)).toBe(false)
    expect(await getDocument(db(), documentId)).toBeNull()
    const rest = await db().sql`
      select 'passages' from passages where version_id = ${versionId}
      union all select 'vectors' from passage_vectors where version_id = ${versionId}
      union all select 'postings' from postings where version_id = ${versionId}
      union all select 'version' from document_versions where id = ${versionId}`
    expect(rest.length).toBe(0)
    expect(await statistics(db())).toEqual(await recount(db()))
  })

  test('a document deleted while it is ingested fails by name, or comes back whole', async () => {
    const first = await publish(writer, { collection: 'race', place: '/x', passages: [{ text: 'first' }] })
    const second = await write(writer, { collection: 'race', place: '/x', passages: [{ text: 'second' }] })
    await deleteDocument(db(), first.documentId)
    await expect(publishVersion(db(), { versionId: second.versionId, source: 'x' })).rejects.toBeInstanceOf(
      VersionGone,
    )
    const again = await publish(writer, { collection: 'race', place: '/x', passages: [{ text: 'second' }] })
    expect(again.outcome).toBe('added')
    expect(await statistics(db())).toEqual(await recount(db()))
  })

  test('a deleted collection takes its documents along; what was being added to it fails by name', async () => {
    for (let i = 0; i < 5; i++)
      await publish(writer, { collection: 'gone', place: `/g${i}`, passages: [{ text: `g ${i}` }] })
    const { id } = await ensureCollection(db(), 'gone')
    const begun = await write(writer, { collection: 'gone', place: '/late', passages: [{ text: 'late' }] })
    expect(await deleteCollection(db(), 'gone')).toBe(true)
    expect(await deleteCollection(db(), 'gone')).toBe(false)
    await expect(publishVersion(db(), { versionId: begun.versionId, source: 'late' })).rejects.toBeInstanceOf(
      VersionGone,
    )
    const version = {
      collectionId: id,
      origin: 'path' as const,
      place: '/later',
      source: 'later',
      contentHash: sha256('x'),
      pipeline: 1,
      mediaType: 'text/plain',
      title: 'x',
      language: 'en',
      bytes: 1,
      text: 'x',
      length: 1,
      warnings: [],
    }
    await expect(beginVersion(db(), writer.run, version)).rejects.toBeInstanceOf(CollectionGone)
    expect((await listCollections(db())).map((c) => c.name)).not.toContain('gone')
    expect(await statistics(db())).toEqual(await recount(db()))
  })

  test('what a dead run left is swept, what a living one writes is not', async () => {
    const dead = { ...writer, run: await openRun(db()) }
    const abandoned = await write(dead, {
      collection: 'sweep',
      place: '/abandoned',
      passages: [{ text: 'half' }],
    })
    const living = await write(writer, {
      collection: 'sweep',
      place: '/living',
      passages: [{ text: 'growing' }],
    })
    expect(await sweepAbandoned(db())).toBe(0)
    await db()
      .sql`update ingest_runs set heartbeat_at = now() - interval '61 seconds' where id = ${dead.run.id}`
    expect(await sweepAbandoned(db())).toBe(1)
    const rows = await db()
      .sql`select id from documents where id in (${abandoned.documentId}, ${living.documentId})`
    expect(rows.map((row) => row.id)).toEqual([living.documentId])
    expect(await publishVersion(db(), { versionId: living.versionId, source: 'l' })).toBe('added')
    await dead.run.close()
  })

  test('a run of a process that has ended on this host is swept at once', async () => {
    const child = Bun.spawn(['true'])
    await child.exited
    const dead = { ...writer, run: await openRun(db()) }
    await write(dead, { collection: 'sweep', place: '/killed', passages: [{ text: 'half' }] })
    await db().sql`update ingest_runs set pid = ${child.pid} where id = ${dead.run.id}`
    expect(await sweepAbandoned(db())).toBe(1)
    await dead.run.close()
  })

  test('a discarded version leaves no document behind', async () => {
    const { documentId, versionId } = await write(writer, {
      collection: 'discard',
      place: '/d',
      passages: [{ text: 'd' }],
    })
    await discardVersion(db(), versionId)
    expect((await db().sql`select 1 from documents where id = ${documentId}`).length).toBe(0)
  })

  test('pages are stable while documents come and go', async () => {
    for (let i = 0; i < 25; i++)
      await publish(writer, { collection: 'pages', place: `/p${i}`, passages: [{ text: `p ${i}` }] })
    const all = (await listDocuments(db(), { collection: 'pages', limit: 100 })).documents
    expect(all.length).toBe(25)
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await listDocuments(db(), { collection: 'pages', limit: 4, ...(cursor && { cursor }) })
      seen.push(...page.documents.map((d) => d.id))
      cursor = page.next ?? undefined
      // One that was on a page already, and one that is newer than all of them.
      if (seen.length === 8 && seen[0]) await deleteDocument(db(), seen[0])
      if (seen.length === 12)
        await publish(writer, { collection: 'pages', place: '/new', passages: [{ text: 'new' }] })
    } while (cursor !== undefined)
    expect(seen).toEqual(all.map((d) => d.id))
    for (const bad of ['', 'x', 'AAAA', Buffer.from('1 2').toString('base64url')]) {
      await expect(listDocuments(db(), { limit: 4, cursor: bad })).rejects.toBeInstanceOf(InvalidCursor)
    }
  })

  test('long paths, other scripts, emoji and right-to-left names come back as they were', async () => {
    const names = [
      `/${'päth/'.repeat(680)}end.md`,
      '/🦜/família.pdf',
      '/שלום/مرحبا.txt',
      "/'; drop table documents; --",
      '/new\nline',
    ]
    for (const place of names) {
      const { documentId } = await publish(writer, {
        collection: 'names',
        place,
        passages: [{ text: `at ${place}` }],
      })
      expect((await getDocument(db(), documentId))?.source).toBe(place)
      expect(
        (await publish(writer, { collection: 'names', place, passages: [{ text: `at ${place}` }] })).outcome,
      ).toBe('unchanged')
    }
    expect((await listDocuments(db(), { collection: 'names', limit: 100 })).documents.length).toBe(
      names.length,
    )
  })

  test('a path and an upload of one name are two documents', async () => {
    const passages = [{ text: 'equal' }]
    const path = await publish(writer, { collection: 'twins', place: 'a.txt', passages })
    const upload = await publish(writer, { collection: 'twins', place: 'a.txt', passages, origin: 'upload' })
    expect(upload.outcome).toBe('added')
    expect(upload.documentId).not.toBe(path.documentId)
  })

  test('NUL and half surrogate pairs are stored as U+FFFD, one code unit for one', async () => {
    const text = 'a\0b \ud83d c "quote" \\ back {brace}, comma'
    const { documentId } = await publish(writer, { collection: 'nul', place: '/nul', passages: [{ text }] })
    const read = await readText(db(), documentId)
    const expected = 'a\uFFFDb \uFFFD c "quote" \\ back {brace}, comma'
    expect(read).toMatchObject({ text: expected, length: text.length })
    const [passage] = await db().sql`
      select p.text, to_jsonb(p.heading) as heading from passages p join documents d on d.version_id = p.version_id where d.id = ${documentId}`
    expect(passage).toMatchObject({ text: expected, heading: ['Chapter', 'Section "0"'] })
  })

  test('a range is cut by UTF-16 code units, never through a surrogate pair', async () => {
    const { documentId } = await publish(writer, {
      collection: 'cut',
      place: '/cut',
      passages: [{ text: 'ab🦜cd' }],
    })
    const cut = async (start?: number, end?: number) =>
      readText(db(), documentId, { ...(start !== undefined && { start }), ...(end !== undefined && { end }) })
    expect(await cut(0, 2)).toMatchObject({ text: 'ab', start: 0, end: 2, length: 6 })
    expect(await cut(3, 5)).toMatchObject({ text: '🦜c', start: 2, end: 5 })
    expect(await cut(0, 3)).toMatchObject({ text: 'ab🦜', start: 0, end: 4 })
    expect(await cut(4)).toMatchObject({ text: 'cd', start: 4, end: 6 })
    expect(await cut(100, 200)).toMatchObject({ text: '', start: 6, end: 6 })
    expect(await cut(5, 2)).toMatchObject({ text: '', start: 5, end: 5 })
  })

  test('an id that is none finds nothing', async () => {
    for (const id of ['', 'x', "'; drop table documents; --", '00000000-0000-0000-0000-000000000000']) {
      expect(await getDocument(db(), id)).toBeNull()
      expect(await readText(db(), id)).toBeNull()
      expect(await deleteDocument(db(), id)).toBe(false)
    }
  })

  test('vectors that are there are found by the hash of their input, exactly as stored', async () => {
    await publish(writer, { collection: 'vectors', place: '/v', passages: [{ text: 'embedded once' }] })
    const found = await existingVectors(db(), writer.space.id, [sha256('embedded once'), sha256('never')])
    expect([...found.keys()]).toEqual([Buffer.from(sha256('embedded once')).toString('hex')])
    const [stored] = [...found.values()]
    const numbers = Float32Array.from(JSON.parse(stored ?? '[]'))
    expect(toHalfvec(numbers)).toBe(toHalfvec(vectorOf('embedded once')))
    expect(await existingVectors(db(), writer.space.id, [])).toEqual(new Map())
  })

  test('a passage list longer than a statement is whole, with one set of statistics', async () => {
    const passages = Array.from({ length: 150 }, (_, i) => ({
      text: `common word${i} ${i % 2 ? 'odd' : 'even'}`,
    }))
    const { documentId, versionId } = await publish(writer, { collection: 'long', place: '/long', passages })
    expect((await getDocument(db(), documentId))?.passages).toBe(150)
    const [row] = await db().sql`
      select sum(cardinality(passage_ids))::int as entries, bool_and(cardinality(passage_ids) = cardinality(lengths)) as even
      from postings where version_id = ${versionId} and term = 'common'`
    expect(row).toEqual({ entries: 150, even: true })
    expect(await statistics(db())).toEqual(await recount(db()))
  })

  describe('the embedding space', () => {
    test('is made once by many at once, and stays', async () => {
      const spaces = await Promise.all(Array.from({ length: 6 }, () => activeSpace(db(), model)))
      expect(new Set(spaces.map((space) => space.id)).size).toBe(1)
      expect(spaces[0]).toMatchObject({ model: 'test-model', dimensions: 8, tokenLimit: 256 })
    })

    test('of another model is refused by name', async () => {
      const other = { ...model, name: 'other-model', revision: 'b'.repeat(64) }
      await expect(activeSpace(db(), other)).rejects.toThrow(/test-model.*other-model/s)
    })
  })
})
