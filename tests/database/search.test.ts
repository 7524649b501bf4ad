import { beforeAll, describe, expect, test } from 'bun:test'
import { ensureCollection } from '../../db/collections.ts'
import { deleteDocument } from '../../db/documents.ts'
import { defaultFusion, denseWeight } from '../../db/fusion.ts'
import { analyse } from '../../db/lexical/terms.ts'
import { hybridSearch, queryTerms, type SearchHit, type SearchQuestion } from '../../db/search.ts'
import { openWriter, type Passage, publish, vectorOf, type Writer, write } from './corpus.ts'
import { onBothDatabases } from './databases.ts'

/** Words that the stemmer and the stop words leave as they are, so that the test can count them itself. */
const vocabulary = ['rotor', 'valv', 'lamp', 'brick', 'copper', 'gypsum', 'magnet', 'tundra', 'pump', 'jazz']

/** Reproducible texts: word `i` is about twice as frequent as word `i + 1`, lengths from 3 to 30. */
function corpus(size: number): string[] {
  let state = 42
  const random = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return state / 0x7fffffff
  }
  return Array.from({ length: size }, () =>
    Array.from({ length: 3 + Math.floor(random() * 28) }, () => {
      const at = Math.min(vocabulary.length - 1, Math.floor(-Math.log2(1 - random() * 0.999)))
      return vocabulary[at]
    }).join(' '),
  )
}

/** BM25 written down a second time, from the formula and not from the SQL. */
function bm25(texts: readonly string[], query: string): number[] {
  const documents = texts.map((text) => text.split(' '))
  const average = documents.reduce((sum, words) => sum + words.length, 0) / documents.length
  return documents.map((words) => {
    let score = 0
    for (const term of query.split(' ')) {
      const df = documents.filter((other) => other.includes(term)).length
      const f = words.filter((word) => word === term).length
      const idf = Math.log(1 + (documents.length - df + 0.5) / (df + 0.5))
      score += (idf * f * 2.2) / (f + 1.2 * (0.25 + (0.75 * words.length) / average))
    }
    return score
  })
}

const cosine = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0)

onBothDatabases('search', (database) => {
  let writer: Writer
  const db = () => database().db
  const texts = corpus(120)
  beforeAll(async () => {
    writer = await openWriter(db())
    // Ten documents of twelve passages; a second collection with other statistics; a third, nearly empty.
    for (let i = 0; i < 10; i++) {
      await publish(writer, {
        collection: 'main',
        place: `/m${i}`,
        passages: texts.slice(i * 12, i * 12 + 12).map(asPassage),
      })
    }
    await publish(writer, {
      collection: 'side',
      place: '/s',
      passages: Array.from({ length: 30 }, () => ({ text: 'jazz jazz tundra' })),
    })
    await publish(writer, { collection: 'tiny', place: '/t', passages: [{ text: 'gypsum lamp' }] })
    // Written and not published: must change nothing anywhere.
    await write(writer, {
      collection: 'main',
      place: '/unpublished',
      passages: [{ text: 'tundra tundra pump' }],
    })
  }, 30_000)

  const asPassage = (text: string): Passage => ({ text })
  const ids = async (...names: string[]) =>
    Promise.all(names.map(async (name) => (await ensureCollection(db(), name)).id))
  async function search(options: Partial<SearchQuestion> & { query: string }): Promise<SearchHit[]> {
    return hybridSearch(db(), {
      space: writer.space,
      mode: 'hybrid',
      vector: vectorOf(options.query),
      collectionIds: null,
      k: 10,
      ...options,
    })
  }

  test('the words of this test are their own terms', () => {
    expect(analyse(vocabulary.join(' '), 'en')).toEqual(vocabulary)
  })

  test('BM25 is that of the formula, over exactly the collections searched', async () => {
    const [main, side] = await ids('main', 'side')
    const scopes: [number[], string[]][] = [
      [[main as number], texts],
      [[side as number], Array.from({ length: 30 }, () => 'jazz jazz tundra')],
      [
        [main as number, side as number],
        [...texts, ...Array.from({ length: 30 }, () => 'jazz jazz tundra')],
      ],
    ]
    for (const [collectionIds, passages] of scopes) {
      for (const query of [
        'tundra',
        'jazz tundra rotor',
        'rotor rotor lamp',
        'pump copper magnet brick gypsum valv',
      ]) {
        const expected = bm25(passages, query)
          .sort((a, b) => b - a)
          .filter((score) => score > 0)
        const hits = await search({ query, mode: 'lexical', collectionIds, k: 100 })
        expect(hits.length).toBe(Math.min(100, expected.length))
        for (const [i, hit] of hits.entries()) {
          expect(hit.scores.lexical).toBeCloseTo(expected[i] ?? 0, 9)
          expect(hit.ranks).toEqual({ dense: null, lexical: i + 1 })
        }
      }
    }
  })

  test('cosines are those of the stored vectors, best first', async () => {
    const query = 'which rotor'
    const [main] = await ids('main')
    const expected = texts.map((text) => cosine(vectorOf(text), vectorOf(query))).sort((a, b) => b - a)
    const hits = await search({ query, mode: 'dense', collectionIds: [main as number], k: 50 })
    expect(hits.length).toBe(50)
    for (const [i, hit] of hits.entries()) {
      expect(hit.scores.dense).toBeCloseTo(expected[i] ?? 0, 2)
      expect(hit.ranks).toEqual({ dense: i + 1, lexical: null })
      expect(hit.scores.lexical).toBeNull()
    }
  })

  test('the fused score is the formula of fusion.ts, over both scores of every candidate', async () => {
    const [main] = await ids('main')
    const query = 'tundra rotor'
    const fusion = { ...defaultFusion, feedback: 0 }
    const hits = await search({ query, collectionIds: [main as number], k: 100, fusion })
    const lexical = await search({ query, mode: 'lexical', collectionIds: [main as number], k: 1 })
    const best = lexical[0]?.scores.lexical ?? Number.NaN
    // Every passage of the corpus has n words and n + 1 word pieces.
    const words = texts.reduce((sum, text) => sum + text.split(' ').length, 0)
    const w = denseWeight(words / (words + texts.length), defaultFusion)
    expect(w).toBeGreaterThan(0)
    for (const hit of hits) {
      const { dense, lexical } = hit.scores
      expect(dense).not.toBeNull()
      expect(hit.score).toBeCloseTo(w * Math.max(0, dense ?? 0) + ((1 - w) * (lexical ?? 0)) / best, 6)
    }
    expect(hits.map((hit) => hit.score)).toEqual(hits.map((hit) => hit.score).sort((a, b) => b - a))
  })

  test('feedback scores the candidates with the question moved towards the best of them', async () => {
    const [main] = await ids('main')
    const [query, k] = ['tundra rotor', 100]
    const plain = { ...defaultFusion, feedback: 0 }
    const before = await search({ query, collectionIds: [main as number], k, fusion: plain })
    const after = await search({ query, collectionIds: [main as number], k, fusion: defaultFusion })
    const best = Math.max(...before.map((hit) => hit.scores.lexical ?? 0))
    const words = texts.reduce((sum, text) => sum + text.split(' ').length, 0)
    const w = denseWeight(words / (words + texts.length), defaultFusion)
    const share = (defaultFusion.feedback * w) / defaultFusion.denseWeight
    const top = before.slice(0, defaultFusion.feedbackPassages)
    const weights = top.map((hit) =>
      Math.exp((hit.score - (before[0]?.score ?? 0)) / defaultFusion.feedbackSpread),
    )
    const sum = weights.reduce((a, b) => a + b, 0)
    const moved = vectorOf(query).map(
      (x, i) =>
        (1 - share) * x +
        top.reduce((y, hit, n) => y + (share * (weights[n] ?? 0) * (vectorOf(hit.text)[i] ?? 0)) / sum, 0),
    )
    const length = Math.sqrt(cosine(moved, moved))
    for (const hit of after) {
      const dense = Math.max(0, cosine(moved, vectorOf(hit.text)) / length)
      expect(hit.score).toBeCloseTo(w * dense + ((1 - w) * (hit.scores.lexical ?? 0)) / best, 2)
      // What is shown as the cosine stays that of the question.
      expect(hit.scores.dense).toBeCloseTo(cosine(vectorOf(query), vectorOf(hit.text)), 2)
    }
    expect(after.map((hit) => hit.score)).not.toEqual(before.map((hit) => hit.score))
    expect(after.map((hit) => hit.score)).toEqual(after.map((hit) => hit.score).sort((a, b) => b - a))
  })

  test('a language that the model does not know is ranked by its words', async () => {
    const passages = [
      { text: 'кот спит', language: 'ru', words: 2, wordPieces: 20, vector: vectorOf('far away') },
      { text: 'пёс лает', language: 'ru', words: 2, wordPieces: 20, vector: vectorOf('кот') },
    ]
    await publish(writer, { collection: 'russian', place: '/ru', passages })
    const hits = await search({
      query: 'кот',
      vector: vectorOf('кот'),
      collectionIds: await ids('russian'),
    })
    expect(hits.map((hit) => hit.text)).toEqual(['кот спит', 'пёс лает'])
    expect(hits[0]?.score).toBeCloseTo(1, 6)
  })

  test('a hit says where it is, in full', async () => {
    const [hit] = await search({ query: 'gypsum', collectionIds: await ids('tiny') })
    expect(hit).toMatchObject({
      title: 'Title of /t',
      source: '/t',
      collection: 'tiny',
      text: 'gypsum lamp',
      start: 0,
      end: 11,
      page: null,
      heading: ['Chapter', 'Section "0"'],
      language: 'en',
      ordinal: 0,
      ranks: { dense: 1, lexical: 1 },
    })
    expect(typeof hit?.passageId).toBe('number')
    expect(typeof hit?.versionId).toBe('number')
  })

  test('only the collections asked for are searched; none of them finds nothing', async () => {
    for (const mode of ['hybrid', 'dense', 'lexical'] as const) {
      const hits = await search({
        query: 'jazz tundra',
        mode,
        collectionIds: await ids('side', 'tiny'),
        k: 100,
      })
      expect(new Set(hits.map((hit) => hit.collection))).toEqual(
        new Set(mode === 'lexical' ? ['side'] : ['side', 'tiny']),
      )
      expect(await search({ query: 'jazz', mode, collectionIds: [] })).toEqual([])
      expect(await search({ query: 'jazz', mode, collectionIds: [2_000_000_000] })).toEqual([])
    }
  })

  test('every mode gives k passages when there are so many, each once', async () => {
    for (const k of [1, 10, 100]) {
      const hits = await search({ query: 'rotor', k })
      expect(hits.length).toBe(k)
      expect(new Set(hits.map((hit) => hit.passageId)).size).toBe(k)
    }
  })

  test('equal passages come in the order they were written, every time', async () => {
    const collectionIds = await ids('side')
    const orders = await Promise.all(
      Array.from({ length: 5 }, async () =>
        (await search({ query: 'jazz', collectionIds, k: 30 })).map((hit) => hit.ordinal),
      ),
    )
    for (const order of orders) expect(order).toEqual(Array.from({ length: 30 }, (_, i) => i))
  })

  test('a question of no known word is answered by vectors, one without a vector by words', async () => {
    const [main] = await ids('main')
    const unknown = await search({ query: 'xylophone', collectionIds: [main as number] })
    expect(unknown.length).toBe(10)
    expect(unknown.every((hit) => hit.scores.lexical === null)).toBe(true)
    const wordless = await search({ query: 'tundra', vector: null, collectionIds: [main as number] })
    expect(wordless.length).toBeGreaterThan(0)
    expect(wordless.every((hit) => hit.scores.dense === null && hit.ranks.lexical !== null)).toBe(true)
    expect(await search({ query: 'xylophone', vector: null })).toEqual([])
  })

  test('any text can be asked', async () => {
    for (const query of [
      "'; drop table passages; --",
      '{"a":[1]}',
      '\\',
      '🦜',
      'a\0b',
      '\ud800',
      '%_',
      '"',
      '{}',
      'NULL',
      '٤',
    ]) {
      expect((await search({ query, k: 3 })).length).toBe(3)
    }
  })

  test('what is not published is not counted', async () => {
    const [main] = await ids('main')
    const terms = await queryTerms(db(), 'tundra xylophone', [main as number])
    const df = texts.filter((text) => text.split(' ').includes('tundra')).length
    expect(terms.map(({ term, language, passages }) => ({ term, language, passages }))).toEqual([
      { term: 'xylophon', language: 'en', passages: 120 },
      { term: 'tundra', language: 'en', passages: 120 },
    ])
    expect(terms.map((term) => term.df)).toEqual([0, df])
    expect(terms[1]?.idf).toBeCloseTo(Math.log(1 + (120 - df + 0.5) / (df + 0.5)), 9)
  })

  test('a deleted document is found no more from the moment its deletion returns', async () => {
    const collectionIds = await ids('deleted')
    for (let round = 0; round < 5; round++) {
      const { documentId } = await publish(writer, {
        collection: 'deleted',
        place: `/${round}`,
        passages: [{ text: 'magnet secret' }],
      })
      expect((await search({ query: 'magnet secret', collectionIds })).length).toBe(1)
      await deleteDocument(db(), documentId)
      expect(await search({ query: 'magnet secret', collectionIds })).toEqual([])
      expect(
        (await search({ query: 'magnet secret', k: 100 })).some((hit) => hit.documentId === documentId),
      ).toBe(false)
    }
  })

  test('a question during replacements sees one edition or the other', async () => {
    const collectionIds = await ids('editions')
    const edition = (n: number) => ({
      collection: 'editions',
      place: '/e',
      passages: Array.from({ length: 3 }, () => ({ text: `lamp brick edition${n}` })),
    })
    await publish(writer, edition(0))
    let writing = true
    const asking = (async () => {
      while (writing) {
        const hits = await search({ query: 'lamp brick', collectionIds })
        expect(hits.length).toBe(3)
        expect(new Set(hits.map((hit) => hit.text)).size).toBe(1)
      }
    })()
    for (let n = 1; n <= 15; n++) await publish(writer, edition(n))
    writing = false
    await asking
  })

  describe('a small collection beside large ones', () => {
    test('gives its k passages though it is a hundredth of the whole', async () => {
      const passages = Array.from({ length: 3_000 }, (_, i) => ({ text: `copper filler${i}` }))
      await publish(writer, { collection: 'crowd', place: '/crowd', passages })
      await publish(writer, {
        collection: 'crowd',
        place: '/crowd2',
        passages: passages.map((p) => ({ text: `${p.text} b` })),
      })
      await publish(writer, {
        collection: 'few',
        place: '/few',
        passages: passages.slice(0, 30).map((p) => ({ text: `${p.text} c` })),
      })
      const collectionIds = await ids('few')
      for (let i = 0; i < 20; i++) {
        const hits = await search({ query: `filler${i * 100}`, mode: 'dense', collectionIds, k: 10 })
        expect(hits.length).toBe(10)
        expect(hits.every((hit) => hit.collection === 'few')).toBe(true)
      }
      expect((await search({ query: 'copper', k: 100 })).length).toBe(100)
    }, 60_000)
  })
})
