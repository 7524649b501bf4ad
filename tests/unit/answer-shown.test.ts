import { describe, expect, test } from 'bun:test'
import { sentencesOf } from '../../backend/answer/sentences.ts'
import { shownText } from '../../backend/answer/shown.ts'

const shown = (text: string) => sentencesOf({ text, start: 0, language: 'en' }).map(shownText)

describe('a quote as it is shown', () => {
  test.each([
    ['The **spare key** hangs *behind* the barometer.', 'The spare key hangs behind the barometer.'],
    ['Run `mentor start` first.', 'Run mentor start first.'],
    ['See [the manual](https://example.org/a_(b)) for more.', 'See the manual for more.'],
    ['It is ~~old~~ and __strong__.', 'It is old and strong.'],
    [
      'Compute 2 * 3 * 4 with snake_case_name and a_b_c.',
      'Compute 2 * 3 * 4 with snake_case_name and a_b_c.',
    ],
    ['Five stars ***** and one * here.', 'Five stars ***** and one * here.'],
    ['It was proved in 1996.[4]', 'It was proved in 1996.[4]'],
  ])('%s', (text, expected) => {
    expect(shown(text)).toEqual([expected])
  })

  test('a row of a table has the names of its columns', () => {
    const table = '| Season | **Garden** |\n|---|---|\n| Summer | 9:00 to 19:00 |\n| Winter | |\n'
    expect(shown(table)).toEqual(['Season: Summer · Garden: 9:00 to 19:00', 'Season: Winter'])
  })

  test('a row without its header, or of another table, has its cells', () => {
    expect(shown('| Summer | a \\| b |')).toEqual(['Summer · a | b'])
    expect(shown('| A | B |\n|---|---|\n| 1 | 2 |\n\nText between them.\n\n| 3 | 4 |')).toEqual([
      'A: 1 · B: 2',
      'Text between them.',
      '3 · 4',
    ])
  })

  test('code stays as it is', () => {
    expect(shown('```\nlet a = `**x**`\n```')).toEqual(['let a = `**x**`'])
  })

  test('the sentence itself stays the source to the letter', () => {
    const text = 'Words. The **key** is *here*.\n\n| a | b |\n'
    for (const sentence of sentencesOf({ text, start: 0 }))
      expect(text.slice(sentence.start, sentence.end)).toBe(sentence.text)
  })
})
