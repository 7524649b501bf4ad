import { describe, expect, test } from 'bun:test'
import { citedNumbers, completeSentences, withoutOpenMarker } from '../../backend/answer/spoken.ts'

describe('a marker behind the full stop belongs to the sentence before it', () => {
  test.each([
    ['One is here. [1] Two is', ['One is here. [1] '], 'Two is'],
    [
      'One is here. [1][2] Two is there. [3] Three is',
      ['One is here. [1][2] ', 'Two is there. [3] '],
      'Three is',
    ],
    ['One is here [1]. Two is', ['One is here [1]. '], 'Two is'],
    ['One is here. [1]', [], 'One is here. [1]'],
    ['One is here.\n[1] begins a line. Two is', ['One is here.\n', '[1] begins a line. '], 'Two is'],
  ])('%j', (text, pieces, rest) => {
    expect(completeSentences(text)).toEqual({ pieces, rest })
  })

  test('however the text is cut on its way, the same sentences cite the same passages', () => {
    const text = 'Leave is 28 days a year. [1] Ask for it early. [2, 3] The office decides [4]. And so on'
    for (let size = 1; size <= text.length; size += 1) {
      const cited: number[][] = []
      let unfinished = ''
      for (let at = 0; at < text.length; at += size) {
        const { pieces, rest } = completeSentences(unfinished + text.slice(at, at + size))
        cited.push(...pieces.map(citedNumbers))
        unfinished = rest
      }
      expect(cited).toEqual([[1], [2, 3], [4]])
    }
  })
})

test.each([
  ['It opens at nine [', 'It opens at nine'],
  ['It opens at nine [1', 'It opens at nine'],
  ['It opens at nine [1, ', 'It opens at nine'],
  ['It opens at nine [passage 2', 'It opens at nine'],
  ['It opens at nine 【3†source', 'It opens at nine'],
  ['It opens at nine [1] [2', 'It opens at nine [1]'],
  ['It opens at nine [1]', 'It opens at nine [1]'],
  ['In [1990', 'In [1990'],
  ['The list [a', 'The list [a'],
])('a marker that was begun and not closed is no text: %j', (text, kept) => {
  expect(withoutOpenMarker(text)).toBe(kept)
})
