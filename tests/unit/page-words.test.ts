import { describe, expect, test } from 'bun:test'
import { RequestFailed } from '../../web/api.ts'
import { adviceFor } from '../../web/failure.ts'
import { defaultSettings } from '../../web/settings.ts'
import { suggestedQuestions } from '../../web/suggestions.ts'
import { en } from '../../web/texts/en.ts'
import { es } from '../../web/texts/es.ts'
import { askBody } from '../../web/use-conversation.ts'
import type { Answer, Citation } from '../../web/wire.ts'
import { duration, place, remaining, size } from '../../web/wording.ts'

describe('advice', () => {
  test('a backend that is gone: how to start it', () => {
    expect(adviceFor(new RequestFailed(0, 'nothing answered'), 'The question', en).text).toContain(
      './mentor start',
    )
  })

  test("the backend's own words are shown", () => {
    const said = 'The upload is larger than 100 MB.'
    for (const status of [400, 413, 422, 503, 507, 500]) {
      expect(adviceFor(new RequestFailed(status, said), 'The upload', en).text).toBe(said)
    }
  })

  test('without words it says when to try again', () => {
    expect(adviceFor(new RequestFailed(503, '', 5), 'The question', en).text).toContain('5 seconds')
    expect(adviceFor(new RequestFailed(429, ''), 'The question', en).text).toContain('a moment')
  })

  test("a browser's words for a cut connection are replaced", () => {
    expect(adviceFor(new TypeError('Load failed'), 'The question', en).text).not.toContain('Load failed')
    expect(adviceFor(new Error('The model stopped.'), 'The question', en).text).toBe('The model stopped.')
  })
})

describe('the body of a question', () => {
  const user = (text: string) => ({
    id: text,
    role: 'user' as const,
    parts: [{ type: 'text' as const, text }],
  })
  const reply = (answer: string, abstained = false) => ({
    id: `reply ${answer}`,
    role: 'assistant' as const,
    parts: [{ type: 'data-answer' as const, data: { answer, abstained } as Answer }],
  })

  test('the first has no history', () => {
    expect(askBody([user('one?')], defaultSettings)).toEqual({ question: 'one?', stream: true })
  })

  test('finished turns go along, without their markers', () => {
    expect(askBody([user('one?'), reply('One. [1]'), user('two?')], defaultSettings)).toEqual({
      question: 'two?',
      stream: true,
      history: [
        { role: 'user', content: 'one?' },
        { role: 'assistant', content: 'One.' },
      ],
    })
  })

  test('abstained and broken turns stay behind', () => {
    const broken = { ...reply('x'), parts: [{ type: 'text' as const, text: 'half' }] }
    const body = askBody(
      [user('one?'), reply('No.', true), user('two?'), broken, user('three?')],
      defaultSettings,
    )
    expect(body).toEqual({ question: 'three?', stream: true })
  })

  test('never more than the 20 messages that the API takes, and the newest of them', () => {
    const turns = Array.from({ length: 30 }, (_, n) => [user(`q${n}`), reply(`a${n}`)]).flat()
    const { history } = askBody([...turns, user('last?')], defaultSettings)
    expect(history?.length).toBe(20)
    expect(history?.[0]).toEqual({ role: 'user', content: 'q20' })
    expect(history?.at(-1)).toEqual({ role: 'assistant', content: 'a29' })
  })

  test('settings go along where they ask for something', () => {
    const chosen = { length: 'short', rung: 'context-only', collection: 'notes' } as const
    expect(askBody([user('one?')], chosen)).toEqual({
      question: 'one?',
      stream: true,
      max_tokens: 160,
      rung: 'context-only',
      collection: 'notes',
    })
  })

  test('a long answer is cut, never inside a surrogate pair', () => {
    const { history } = askBody(
      [user('one?'), reply(`a${'\u{1F41D}'.repeat(3_000)}`), user('two?')],
      defaultSettings,
    )
    expect(history?.[1]?.content.length).toBeLessThanOrEqual(4_000)
    expect(history?.[1]?.content.isWellFormed()).toBe(true)
  })
})

describe('suggested questions', () => {
  test('the handbook has its own', () => {
    const documents = [{ title: 'Welcome to Lindenmoor', source: 'welcome.md' }]
    expect(suggestedQuestions(documents, [], en)).toEqual(['How many days of leave do I get?'])
  })

  test('another welcome.md is not the handbook', () => {
    const documents = [{ title: 'Welcome', source: 'docs/welcome.md' }]
    expect(suggestedQuestions(documents, [], en)).toEqual(['What does “Welcome” say?'])
  })

  test('a heading within a document makes its question', () => {
    const documents = [{ title: 'Bees', source: 'bees.md' }]
    const headings = [
      { title: 'Wasps', heading: 'Wasps › Nests' },
      { title: 'Bees', heading: 'Bees' },
      { title: 'Bees', heading: 'Bees › Winter feed' },
    ]
    expect(suggestedQuestions(documents, headings, en)).toEqual(['What does “Bees” say about “Winter feed”?'])
    expect(suggestedQuestions(documents, headings, es)).toEqual(['¿Qué dice «Bees» sobre «Winter feed»?'])
  })

  test('at most four, each once, none of a title that is a whole paragraph', () => {
    const titles = ['A', 'Alpha', 'Alpha', 'Beta', 'Gamma', 'Delta', 'Epsilon', 'x'.repeat(200)]
    const found = suggestedQuestions(
      titles.map((title) => ({ title, source: 'x.txt' })),
      [],
      en,
    )
    expect(found).toEqual(['Alpha', 'Beta', 'Gamma', 'Delta'].map((title) => `What does “${title}” say?`))
  })
})

test('numbers in words', () => {
  expect([duration(84.4), duration(2_345)]).toEqual(['84 ms', '2.3 s'])
  expect([en.documents(1), en.documents(1_234)]).toEqual(['1 document', '1,234 documents'])
  expect([es.documents(1), es.documents(12_345)]).toEqual(['1 documento', '12.345 documentos'])
  expect([size(812), size(48_200), size(3_140_000)]).toEqual(['812 B', '48 kB', '3.1 MB'])
  expect([remaining(12_300), remaining(125_000)]).toEqual(['15 s', '3 min'])
})

describe('the place of a citation', () => {
  const at = (page: number | null, heading: string | null) =>
    place({ page, heading, document: { title: 'Handbook' } } as Citation, en)

  test('page and headings, without the title again', () => {
    expect(at(3, 'Handbook › Leave › Annual leave')).toBe('page 3 · Leave › Annual leave')
    expect(at(null, 'Leave')).toBe('Leave')
    expect(at(3, null)).toBe('page 3')
    expect(at(null, 'Handbook')).toBe('')
    expect(at(null, null)).toBe('')
  })
})
