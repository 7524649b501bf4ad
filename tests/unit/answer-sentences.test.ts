import { describe, expect, test } from 'bun:test'
import { sentencesOf } from '../../backend/answer/sentences.ts'

const quotes = (text: string, language = 'en') => sentencesOf({ text, start: 0, language }).map((s) => s.text)
const kinds = (text: string) => sentencesOf({ text, start: 0 }).map((s) => s.kind)

describe('sentences of prose', () => {
  test.each([
    ['Dr. Ada Byron met Mr. C. Babbage. They talked.', ['Dr. Ada Byron met Mr. C. Babbage.', 'They talked.']],
    ['See Fig. 3 and No. 7. Both matter.', ['See Fig. 3 and No. 7.', 'Both matter.']],
    ['It costs 3.50 euros. Not 4.', ['It costs 3.50 euros.', 'Not 4.']],
    ['J. R. R. Tolkien wrote it. So did C. S. Lewis.', ['J. R. R. Tolkien wrote it.', 'So did C. S. Lewis.']],
    [
      'Brown v. Board of Education was decided in 1954. It was unanimous.',
      ['Brown v. Board of Education was decided in 1954.', 'It was unanimous.'],
    ],
    ['Use tools, e.g. Spades. Then rest.', ['Use tools, e.g. Spades.', 'Then rest.']],
    ['“Stop!” he said. She did.', ['“Stop!” he said.', 'She did.']],
    ['It was proved in 1996.[4] Nobody doubts it.', ['It was proved in 1996.[4]', 'Nobody doubts it.']],
    ['华沙是波兰的首都。它位于维斯瓦河畔。', ['华沙是波兰的首都。', '它位于维斯瓦河畔。']],
    [
      'Он родился в 1828 г. в Ясной Поляне. Умер в 1910 году.',
      ['Он родился в 1828 г. в Ясной Поляне.', 'Умер в 1910 году.'],
    ],
  ])('%s', (text, expected) => {
    expect(quotes(text)).toEqual(expected)
  })

  test('an ordinal with a full stop ends no sentence where the language writes them so', () => {
    const text = 'Er kam am 3. Oktober an. Dann ging er.'
    expect(quotes(text, 'de')).toEqual(['Er kam am 3. Oktober an.', 'Dann ging er.'])
    expect(quotes('They won 2. Then they lost.', 'en')).toEqual(['They won 2.', 'Then they lost.'])
  })

  test('hard-wrapped lines are one sentence, quoted with their line breaks', () => {
    const text =
      'This sentence is broken by an editor at about\nsixty characters a line, as mail is. The next\none follows.'
    expect(quotes(text)).toEqual([
      'This sentence is broken by an editor at about\nsixty characters a line, as mail is.',
      'The next\none follows.',
    ])
  })

  test('short lines before a capital are lines of their own', () => {
    expect(quotes('Lindenmoor Garden\nBrickyard Lane 4\nOpen daily')).toEqual([
      'Lindenmoor Garden',
      'Brickyard Lane 4',
      'Open daily',
    ])
  })

  test('text without full stops is cut at clauses', () => {
    const clause = 'the pump runs until the tank is full and then it stops by itself; '
    const pieces = quotes(clause.repeat(30).trim())
    expect(pieces.length).toBeGreaterThan(2)
    for (const piece of pieces) expect(piece.endsWith(';')).toBe(true)
  })

  test('what has neither letters nor digits is not worth quoting', () => {
    expect(quotes('😀😀😀 … ---')).toEqual([])
  })
})

describe('structure', () => {
  test('list items are quoted whole, without their marker; headings, rulers and fences are not quoted', () => {
    const text = '# Tools\n\n- Spades: bay 1. Clean them.\n- Rakes\n  and hoes\n\n---\n\n1. First\n2) Second'
    expect(quotes(text)).toEqual(['Spades: bay 1. Clean them.', 'Rakes\n  and hoes', 'First', 'Second'])
    expect(kinds(text)).toEqual(['item', 'item', 'item', 'item'])
  })

  test('a long list item is quoted by the sentence', () => {
    const long =
      'This sentence of the item is long enough to count as a sentence of its own in any document. '
    expect(kinds(`- ${long.repeat(4)}`)).toEqual(['sentence', 'sentence', 'sentence', 'sentence'])
  })

  test('table rows one by one, without the header and the ruler below it', () => {
    const text = '| Day | Opens |\n|-----|------:|\n| Monday | 9:00 |\n| Sunday | 11:00 |'
    expect(quotes(text)).toEqual(['| Monday | 9:00 |', '| Sunday | 11:00 |'])
    expect(kinds('Day: Monday | Opens: 9:00\nDay: Sunday | Opens: 11:00')).toEqual(['row', 'row'])
  })

  test('code line by line, its comments no headings', () => {
    expect(quotes('Run:\n\n```sh\n# starts it\nmentor start\n```\n\nDone.')).toEqual([
      'Run:',
      '# starts it',
      'mentor start',
      'Done.',
    ])
  })

  test('quote marks are left out where the quote begins', () => {
    expect(quotes('> A wise word.\n> Another one.')).toEqual(['A wise word.', 'Another one.'])
  })

  test('underlined headings are headings', () => {
    expect(quotes('Opening times\n=============\n\nDaily at nine.')).toEqual(['Daily at nine.'])
  })

  test('a passage of a heading alone is quoted whole', () => {
    expect(quotes('## Appendix B')).toEqual(['## Appendix B'])
  })
})

test('bait for backtracking takes no time', () => {
  const began = performance.now()
  for (const bait of [
    `${'|  '.repeat(650)}x`,
    `|--|${'  |  '.repeat(400)}x`,
    `${'- '.repeat(900)}x`,
    '> '.repeat(900),
    '[1'.repeat(900),
    '?"'.repeat(900),
  ])
    sentencesOf({ text: bait, start: 0 })
  expect(performance.now() - began).toBeLessThan(5_000)
})

describe('offsets', () => {
  const documents = [
    'Plain. Text! With 😀 emoji? Yes.',
    '\r\n\r\n  Windows line ends.\r\nSecond line of it goes on for a while, so it is wrapped\r\nhere.\r\n',
    '- a\n- b 😀\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\n```\ncode 😀\n```\n\n> quote',
    `no full stop ${'word '.repeat(600)}`,
    `${'letters'.repeat(400)}😀${'letters'.repeat(400)}`,
    `a${'😀'.repeat(2000)}`,
    '中文。没有空格。😀好。',
    '1. 2. 3.',
  ]
  test.each(documents)('every piece is the text at its place, trimmed, no half letters: %#', (text) => {
    const start = 1234
    const document = ' '.repeat(start) + text
    for (const piece of sentencesOf({ text, start })) {
      expect(document.slice(piece.start, piece.end)).toBe(piece.text)
      expect(piece.text.trim()).toBe(piece.text)
      expect(piece.text.isWellFormed()).toBe(true)
      expect(piece.text.length).toBeLessThanOrEqual(1_100)
    }
  })

  test.each(documents)('pieces come in order and do not overlap: %#', (text) => {
    const pieces = sentencesOf({ text, start: 0 })
    for (const [i, piece] of pieces.entries())
      expect(piece.start).toBeGreaterThanOrEqual(pieces[i - 1]?.end ?? 0)
    expect(pieces.length).toBeGreaterThan(0)
  })
})
