import { describe, expect, test } from 'bun:test'
import { direction, markedNumbers, paragraphs, segments, withoutMarkers } from '../../web/markers.ts'

describe('segments', () => {
  test('cut at the markers, in order', () => {
    expect(segments('One. [1] Two. [12][3]')).toEqual([
      { kind: 'text', text: 'One. ' },
      { kind: 'marker', number: 1 },
      { kind: 'text', text: ' Two. ' },
      { kind: 'marker', number: 12 },
      { kind: 'marker', number: 3 },
    ])
  })

  test('other brackets are text', () => {
    for (const text of ['see [a]', '[1a]', '[]', '[ 1 ]', '[1234]', 'a[1']) {
      expect(segments(text)).toEqual([{ kind: 'text', text }])
    }
    expect(segments('')).toEqual([])
  })

  test('put together again they are the text', () => {
    const text = 'A [1][2] b\n\n[3] c [x] \u{1F41D} [4]'
    const again = segments(text).map((one) => (one.kind === 'text' ? one.text : `[${one.number}]`))
    expect(again.join('')).toBe(text)
  })

  test('keep their places while a text grows by whole pieces', () => {
    const pieces = ['One. ', '[1]', ' Two.', ' [2]', ' Three.']
    let before = segments('')
    for (let count = 1; count <= pieces.length; count += 1) {
      const now = segments(pieces.slice(0, count).join(''))
      const settled = before.slice(0, -1)
      expect(now.slice(0, settled.length)).toEqual(settled)
      before = now
    }
  })
})

test('the numbers that are marked', () => {
  expect([...markedNumbers('a [2] b [1] c [2]')]).toEqual([2, 1])
})

test('markers leave with the space before them, other text stays', () => {
  expect(withoutMarkers('Leave is 28 days. [1] Ask early. [2]\nSee [appendix].')).toBe(
    'Leave is 28 days. Ask early.\nSee [appendix].',
  )
})

test('paragraphs are parted by empty lines; single line ends stay inside', () => {
  expect(paragraphs('a\nb\n\n\nc\n\n')).toEqual(['a\nb', 'c'])
})

describe('direction', () => {
  test.each([
    ['Leave is 28 days', 'ltr'],
    ['28 (…) ימי חופשה', 'rtl'],
    ['١٢ يوم', 'rtl'],
    ['Отпуск', 'ltr'],
    ['\u202Ehidden override', 'ltr'],
    ['12345', 'ltr'],
    ['', 'ltr'],
  ] as const)('of %j is %s', (text, expected) => {
    expect(direction(text)).toBe(expected)
  })
})

describe('paragraphs', () => {
  test('lines of wrapped prose run on, items and rows stay lines', () => {
    expect(paragraphs('when the last keeper left\nthe island. [1]\n\n- One\n- Two\n| a | b |')).toEqual([
      'when the last keeper left the island. [1]',
      '- One\n- Two\n| a | b |',
    ])
  })
})
