/** Exit codes and streams of the command line without a running backend: the same routes inside the process. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { runMentor, temporaryFolder } from '../../scripts/bench/mentor-process.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let data: string[]
beforeAll(async () => {
  folder = await temporaryFolder('command-line')
  data = ['--data', join(folder.path, 'data')]
  await Bun.write(
    join(folder.path, 'kiln.md'),
    '# Kiln\n\n## Firing\n\nThe kiln is fired at 1,240 degrees for nine hours.\n',
  )
})
afterAll(() => folder.remove())

describe('wrong use', () => {
  test.each([
    [['frobnicate'], 'unknown command'],
    [['ask'], 'missing required argument'],
    [['ask', 'why', '--colour'], 'unknown option'],
    [['ask', 'why', '--rung', 'psychic'], 'context-only'],
    [['search', 'why', '-k', 'many'], 'Not a whole number'],
    [['ingest', '--data', '/tmp/never-made', '--watch', '--dry-run', '.'], 'do not go together'],
    [['documents', 'delete'], 'missing required argument'],
    [['collections', 'delete'], 'missing required argument'],
    [['start', '--port', '70000'], '--port 70000 is not a whole number from 0 to 65535'],
  ])('%j exits with 2 and says why', async (args, expected) => {
    const ran = await runMentor(args)
    expect(ran).toMatchObject({ code: 2, out: '' })
    expect(ran.err).toContain(expected)
  })

  test('an unknown command shows the help, on stderr', async () => {
    expect((await runMentor(['frobnicate'])).err).toContain('Usage: mentor')
  })

  test('help is no error', async () => {
    for (const args of [['help'], ['--help'], ['help', 'ask'], ['ask', '--help']]) {
      const ran = await runMentor(args)
      expect(ran).toMatchObject({ code: 0, err: '' })
      expect(ran.out).toContain('Usage: mentor')
    }
  })
})

describe('documents in and out', () => {
  test('ingest, list, ask, search, delete', async () => {
    const ingested = await runMentor(['ingest', join(folder.path, 'kiln.md'), '--json', ...data])
    expect(ingested.code).toBe(0)
    const [line, last] = ingested.out
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text))
    expect(line).toMatchObject({ status: 'added', reason: null })
    expect(last.totals).toMatchObject({ files: 1, added: 1 })

    const { documents } = JSON.parse((await runMentor(['documents', 'list', '--json', ...data])).out)
    expect(documents).toHaveLength(1)

    const asked = await runMentor(['ask', 'How hot is the kiln fired?', '--json', ...data])
    expect(asked.code).toBe(0)
    expect(JSON.parse(asked.out)).toMatchObject({ abstained: false, rung: 'context-only', model: null })

    const streamed = await runMentor(['ask', 'How', 'hot', 'is the kiln fired?', ...data])
    expect(streamed).toMatchObject({ code: 0, out: '' })
    expect(streamed.err).toContain('The kiln is fired at 1,240 degrees for nine hours.')
    expect(streamed.err).toContain('kiln.md, Kiln › Firing')

    const found = await runMentor(['search', 'kiln', '-k', '1', '--mode', 'lexical', '--json', ...data])
    expect(JSON.parse(found.out).passages).toHaveLength(1)

    const gone = await runMentor(['documents', 'delete', documents[0].id, '--json', ...data])
    expect(gone).toMatchObject({
      code: 0,
      out: `${JSON.stringify({ deleted: [documents[0].id], refused: [] })}\n`,
    })
    const again = await runMentor(['documents', 'delete', documents[0].id, ...data])
    expect(again).toMatchObject({ code: 1, out: '' })
    expect(again.err).toContain('documents lists the ids')
  }, 60_000)

  test('a folder is synced: dry run, globs, prune; a failed file is tried again alone', async () => {
    const files = join(folder.path, 'files')
    for (const [name, text] of [
      ['a.md', '---\nauthor: Ada\n---\nThe potter is in.'],
      ['b.txt', 'The clay is red.'],
      ['bad.md', ''],
    ] as const)
      await Bun.write(join(files, name), text)
    const sync = async (...args: string[]) => {
      const ran = await runMentor(['ingest', ...args, '--collection', 'synced', '--json', ...data])
      const last = ran.out.trim().split('\n').at(-1) ?? '{}'
      return { ...ran, totals: JSON.parse(last).totals }
    }
    const dry = await sync(files, '--dry-run', '--include', '*.md', '--include', '*.txt', '--exclude', 'b*')
    expect(dry).toMatchObject({ code: 0, totals: { files: 1, added: 1, embedded: 0 } })
    expect(dry.err).toContain('Dry run, nothing was written.')
    expect(await sync(files)).toMatchObject({ code: 1, totals: { added: 2, failed: 1 } })
    await Bun.write(join(files, 'bad.md'), 'The wheel turns.')
    expect(await sync('--retry-failed')).toMatchObject({ code: 0, totals: { files: 1, added: 1 } })
    const none = await sync('--retry-failed')
    expect(none.code).toBe(0)
    expect(none.err).toContain('Nothing that failed')
    await rm(join(files, 'b.txt'))
    const kept = await sync(files)
    expect(kept).toMatchObject({ code: 0, totals: { unchanged: 2, skipped: 1, removed: 0 } })
    expect(kept.err).toContain('--prune removes it')
    expect(await sync(files, '--prune')).toMatchObject({ code: 0, totals: { unchanged: 2, removed: 1 } })

    const listed = async (...args: string[]) =>
      JSON.parse((await runMentor(['documents', '--json', '--collection', 'synced', ...args, ...data])).out)
        .documents
    expect(await listed('--where', 'author=ada')).toMatchObject([{ source: 'a.md' }])
    expect(await listed('--path', 'bad')).toMatchObject([{ source: 'bad.md' }])
    const ids = (await listed()).map(({ id }: { id: string }) => id)
    const nobody = crypto.randomUUID()
    const deleted = await runMentor(['documents', 'delete', ...ids, nobody, '--json', ...data])
    expect(deleted.code).toBe(1)
    expect(JSON.parse(deleted.out)).toMatchObject({ deleted: ids, refused: [{ id: nobody }] })
    expect(deleted.err).toContain(`${nobody}: There is no such document`)
  }, 90_000)

  test('collections are listed and deleted; one that is not there is answered in words of the command line', async () => {
    await runMentor(['ingest', join(folder.path, 'kiln.md'), '--collection', 'passing', ...data])
    const { collections } = JSON.parse((await runMentor(['collections', '--json', ...data])).out)
    expect(collections).toContainEqual(expect.objectContaining({ name: 'passing', documents: 1 }))
    expect((await runMentor(['collections', 'list', ...data])).err).toMatch(/passing +1 document, 1 passage/)
    const gone = await runMentor(['collections', 'delete', 'passing', '--json', ...data])
    expect(gone).toMatchObject({ code: 0, out: '{"deleted":"passing"}\n' })
    const again = await runMentor(['collections', 'delete', 'passing', ...data])
    const listed = await runMentor(['documents', '--collection', 'passing', ...data])
    for (const refused of [again, listed]) {
      expect(refused).toMatchObject({ code: 1, out: '' })
      expect(refused.err).toContain('./mentor collections lists')
      expect(refused.err).not.toContain('/api/')
    }
  }, 60_000)

  test('a question that the API refuses exits with 2, an unknown collection with 1', async () => {
    const blank = await runMentor(['ask', '  ', ...data])
    expect(blank).toMatchObject({ code: 2, out: '' })
    const unknown = await runMentor(['search', 'kiln', '--collection', 'nowhere', '--json', ...data])
    expect(unknown).toMatchObject({ code: 1, out: '' })
    expect(unknown.err).toContain('collection')
    const named = await runMentor(['ask', 'kiln?', '--rung', 'local-model', ...data])
    expect(named.code).toBe(1)
  }, 30_000)
})
