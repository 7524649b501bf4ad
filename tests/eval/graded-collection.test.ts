/** `mentor eval` on a collection written for this project: five languages, eight invented places, known figures. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEmbedder } from '../../embedding/embedder.ts'
import { allMiniLM } from '../../models/bundled.ts'
import { type Evaluation, evaluate } from '../../scripts/eval/evaluate.ts'
import { readGradedCollection } from '../../scripts/eval/graded-collection.ts'
import { CommandFailed } from '../../scripts/terminal.ts'

const folder = join(import.meta.dir, '../data/graded')

describe('a small graded collection', () => {
  const embedder = openEmbedder({ model: allMiniLM })
  let found: Evaluation
  beforeAll(async () => {
    const collection = await readGradedCollection(folder)
    found = await evaluate(collection, embedder, () => undefined, new AbortController().signal)
  }, 120_000)
  afterAll(() => embedder.close())

  test('every document is a passage, every question is judged', () => {
    expect(found).toMatchObject({ documents: 62, passages: 62, questions: 63 })
  })

  test('hybrid ranks as measured, and not below the better side', () => {
    const { dense, lexical, hybrid } = found.ranking
    expect(hybrid.ndcg10.mean).toBeGreaterThanOrEqual(0.99)
    expect(hybrid.ndcg10.mean).toBeGreaterThanOrEqual(
      Math.max(dense.ndcg10.mean, lexical.ndcg10.mean) - 0.002,
    )
    expect(hybrid.recall5.mean).toBeGreaterThanOrEqual(0.99)
    expect(hybrid.ndcg10.low).toBeLessThanOrEqual(hybrid.ndcg10.mean)
    expect(hybrid.ndcg10.high).toBeGreaterThanOrEqual(hybrid.ndcg10.mean)
  })

  test('quotes hold the answers, and stand where they say', () => {
    expect(found.quoting?.questions).toBe(63)
    expect(found.quoting?.first.mean).toBeGreaterThanOrEqual(0.9)
    expect(found.quoting?.any.mean).toBeGreaterThanOrEqual(0.97)
    expect(found.quoting?.citationsHold).toBe(1)
  })

  test('most questions whose documents are missing are refused, most others answered', () => {
    const [inForce] = found.abstention?.curve ?? []
    expect(inForce?.answered).toBeGreaterThanOrEqual(0.9)
    expect(inForce?.refused).toBeGreaterThanOrEqual(0.9)
  })
})

describe('a folder that is no collection is refused by name', () => {
  let root = ''
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'mentor-collection-'))
  })
  afterAll(() => rm(root, { recursive: true, force: true }))

  async function collection(files: Record<string, string>): Promise<string> {
    const made = await mkdtemp(join(root, 'c-'))
    await mkdir(join(made, 'qrels'))
    for (const [name, text] of Object.entries(files)) await Bun.write(join(made, name), text)
    return made
  }
  const corpus = '{"_id":"d","text":"Ducks."}\n'
  const queries = '{"_id":"q","text":"What swims?"}\n'

  test.each<[string, Record<string, string>, string]>([
    ['nothing in it', {}, 'corpus.jsonl cannot be read'],
    ['a line that is no JSON', { 'corpus.jsonl': '{"_id":' }, 'line 1: not a JSON object'],
    ['a document without text', { 'corpus.jsonl': '{"_id":"d"}' }, '"text" is missing'],
    ['no judgements', { 'corpus.jsonl': corpus, 'queries.jsonl': queries }, 'has no .tsv file'],
    [
      'judgements of other ids',
      { 'corpus.jsonl': corpus, 'queries.jsonl': queries, 'qrels/test.tsv': 'x\ty\t1\n' },
      'has a judgement above 0',
    ],
    [
      'a gain that is no number',
      { 'corpus.jsonl': corpus, 'queries.jsonl': queries, 'qrels/test.tsv': 'a\tb\tc\nq\td\tmuch\n' },
      'line 2',
    ],
  ])('%s', async (_, files, message) => {
    const made = await collection(files)
    const error = await readGradedCollection(made).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(CommandFailed)
    expect(String(error)).toContain(message)
  })

  test('TREC’s four columns are read as well, and test.tsv before others', async () => {
    const made = await collection({
      'corpus.jsonl': corpus,
      'queries.jsonl': queries,
      'qrels/dev.tsv': 'q\td\t0\n',
      'qrels/test.tsv': 'q 0 d 2\n',
    })
    const { questions } = await readGradedCollection(made)
    expect(questions.map(({ id, gains }) => [id, [...gains]])).toEqual([['q', [['d', 2]]]])
  })
})
