import { afterAll, describe, expect, test } from 'bun:test'
import { chooseQuotes } from '../../backend/answer/3-context-only.ts'
import { openDraft } from '../../backend/answer/citations.ts'
import { type Evidence, gatherEvidence } from '../../backend/answer/evidence.ts'
import { supportAnywhere, supportIn } from '../../backend/answer/support.ts'
import type { RetrievedPassage } from '../../backend/answer/types.ts'
import { analyse } from '../../db/lexical/terms.ts'
import type { TermStatistics } from '../../db/search.ts'
import { openEmbedder } from '../../embedding/embedder.ts'
import { allMiniLM } from '../../models/bundled.ts'

const embedder = openEmbedder({ model: allMiniLM, workers: 1 })
afterAll(() => embedder.close())

function passage(text: string, more: Partial<RetrievedPassage> = {}): RetrievedPassage {
  return {
    id: 1,
    document: { id: 'd', title: 'Notes', source: 'notes.md', version: 1 },
    text,
    start: 100,
    end: 100 + text.length,
    page: null,
    heading: null,
    language: 'en',
    score: 0.5,
    scores: { dense: null, lexical: 1 },
    ranks: { dense: null, lexical: 1 },
    ...more,
  }
}

/** Statistics as the database gives them for a collection of these passages alone. */
function statisticsOf(question: string, passages: RetrievedPassage[]): TermStatistics[] {
  const languages = [...new Set(passages.map(({ language }) => language))]
  return languages.flatMap((language) => {
    const here = passages.filter((one) => one.language === language)
    return [...new Set(analyse(question, language))].map((term) => {
      const df = here.filter(({ text }) => analyse(text, language).includes(term)).length
      return { language, term, df, passages: here.length, idf: 1, coverage: language === 'en' ? 0.9 : 0.15 }
    })
  })
}

async function evidenceFor(
  question: string,
  passages: RetrievedPassage[],
  embedded = false,
): Promise<Evidence> {
  const [vector = null] = embedded ? await embedder.embed([question]) : []
  return gatherEvidence(embedder, {
    question,
    passages,
    vector,
    statistics: statisticsOf(question, passages),
  })
}

const first = (evidence: Evidence) => evidence.sentences[0]?.text

describe('the best sentence', () => {
  test('carries the question’s words', async () => {
    const text = 'The garden is old. The pond was dug in 1931 by two gardeners. Ducks came later.'
    expect(first(await evidenceFor('When was the pond dug?', [passage(text)]))).toBe(
      'The pond was dug in 1931 by two gardeners.',
    )
  })

  test('may be the one that goes on about what the sentence before named', async () => {
    const text = 'Mr. Iqbal wrote poems. He was a sharp critic of empires. Rain fell.'
    expect(first(await evidenceFor('Who was Iqbal a critic of?', [passage(text)]))).toBe(
      'He was a sharp critic of empires.',
    )
  })

  test('is the answer below a question, not the question', async () => {
    const text = 'How do I open the boat house?\n\nTake the key behind the barometer.'
    expect(first(await evidenceFor('How do I open the boat house?', [passage(text)]))).toBe(
      'Take the key behind the barometer.',
    )
  })

  test('is the row of a table under the heading that was asked for', async () => {
    const winter = passage('Day: Monday | Opens: 10:00\nDay: Sunday | Opens: 11:00', {
      heading: 'Visits › Winter times',
    })
    const summer = passage('Day: Monday | Opens: 9:00\nDay: Sunday | Opens: 8:00', {
      heading: 'Visits › Summer times',
    })
    const evidence = await evidenceFor('When does it open on Sunday in winter?', [summer, winter])
    expect(first(evidence)).toBe('Day: Sunday | Opens: 11:00')
  })

  test('is found in a language that the model does not know', async () => {
    const text = 'Сад очень старый. Пруд выкопали в 1931 году. Потом прилетели утки.'
    expect(first(await evidenceFor('Когда выкопали пруд?', [passage(text, { language: 'ru' })], true))).toBe(
      'Пруд выкопали в 1931 году.',
    )
  })

  test('is found by its meaning where the words differ', async () => {
    const text = 'The barometer is blue. Canines must be kept on a leash everywhere. Tea is served at four.'
    expect(first(await evidenceFor('May I let my dog run free?', [passage(text)], true))).toBe(
      'Canines must be kept on a leash everywhere.',
    )
  })
})

describe('enough evidence', () => {
  const key = passage('The spare key of the boat house hangs behind the blue barometer.', {
    scores: { dense: 0.7, lexical: 1 },
  })

  test('in a collection of one passage, for what it says', async () => {
    expect((await evidenceFor('Where is the spare key of the boat house?', [key])).margin).toBeGreaterThan(0)
    const other = passage(key.text, { scores: { dense: 0.05, lexical: null } })
    expect((await evidenceFor('What is the capital of Mongolia?', [other], true)).margin).toBeLessThan(0)
  })

  test('is never there without a passage', async () => {
    expect(await evidenceFor('Anything?', [])).toEqual({ sentences: [], margin: -1, unknown: [] })
  })
})

describe('quotes', () => {
  test('do not say the same twice, and stop where little is left', async () => {
    const text =
      'The pond was dug in 1931. The pond was dug in 1931! In 1931 the pond was dug by hand. Ducks came later.'
    const quotes = chooseQuotes(
      await evidenceFor('When was the pond dug?', [passage(text), passage(text, { id: 2 })]),
    )
    expect(quotes.map((quote) => quote.text)).toHaveLength(new Set(quotes.map((quote) => quote.text)).size)
    expect(quotes.map((quote) => quote.text)).not.toContain('The pond was dug in 1931!')
    expect(quotes.length).toBeLessThanOrEqual(3)
    expect(quotes.map((quote) => quote.text)).not.toContain('Ducks came later.')
  })
})

describe('support for a claim', () => {
  const pond = passage(
    'The pond was dug in 1931 by two gardeners. It holds 1,200 litres. Its five carp came from Utrecht in 1950. In room 4 200 people met.',
  )
  const bees = passage('The bees live in eleven hives behind the wall. Nobody may feed them.', { id: 2 })
  const passages = [pond, bees]
  const context = async () => ({
    question: 'What about the pond?',
    passages,
    evidence: await evidenceFor('What about the pond?', passages),
    embedder,
    signal: new AbortController().signal,
  })
  const supported = async (claim: string, index = 0) =>
    (await supportIn(await context(), index, claim)) !== null

  test.each([
    'The pond was dug in 1931.',
    'Two gardeners dug the pond.',
    'It holds 1200 litres.',
    'The pond holds 1 200 litres.',
    'There are 5 carp from Utrecht.',
    'People met in room 4.',
    'Die Karpfen kamen 1950 aus Utrecht.', // its names and numbers are all there
  ])('holds: %s', async (claim) => {
    expect(await supported(claim)).toBe(true)
  })

  test.each([
    'The pond was dug in 1932.',
    'It holds 12,000 litres.',
    'It holds 200.5 litres.',
    'There are 6 carp from Utrecht.',
    'Penguins were never seen in the glasshouse.',
    '...',
  ])('does not hold: %s', async (claim) => {
    expect(await supported(claim)).toBe(false)
  })

  test('a paraphrase holds by its meaning', async () => {
    expect(await supported('It is forbidden for anybody to feed the bees.', 1)).toBe(true)
  })

  test('is looked for in all passages, and spans the sentences that share it', async () => {
    const found = await supportAnywhere(
      await context(),
      'The pond was dug in 1931 and its carp came from Utrecht in 1950.',
    )
    expect(found?.passage).toBe(0)
    expect(pond.text.slice((found?.start ?? 0) - 100, (found?.end ?? 0) - 100)).toContain('Utrecht')
  })

  test('a draft numbers citations by first use and shows nothing before one holds', async () => {
    const draft = openDraft(await context())
    expect(await draft.speak('Well now. ')).toBe('')
    expect(await draft.speak('The bees live behind the wall [2]. ')).toBe(
      'Well now. The bees live behind the wall [1]. ',
    )
    expect(await draft.speak('The pond was dug in 1931 [1][2].')).toBe('The pond was dug in 1931 [2].')
    expect(draft.dropped).toBe(1)
    expect(draft.citations.map(({ number, quote }) => [number, quote])).toEqual([
      [1, 'The bees live in eleven hives behind the wall.'],
      [2, 'The pond was dug in 1931 by two gardeners.'],
    ])
    expect(draft.text).toBe('Well now. The bees live behind the wall [1]. The pond was dug in 1931 [2].')
  })
})
