import { describe, expect, test } from 'bun:test'
import { decodeText } from '../../ingest/extract/decode.ts'
import { Refused } from '../../ingest/extract/extracted.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)
const bytes = (...values: number[]) => new Uint8Array(values)
const utf16 = (text: string, order: 'le' | 'be', mark = true) => {
  const buffer = Buffer.from((mark ? '\uFEFF' : '') + text, 'utf16le')
  return new Uint8Array(order === 'le' ? buffer : buffer.swap16())
}
const refusal = (input: Uint8Array) => {
  try {
    decodeText(input)
  } catch (error) {
    if (error instanceof Refused) return error.code
    throw error
  }
  return 'accepted'
}

describe('encodings', () => {
  test('UTF-8 as it is, its byte order mark gone, its line ends kept', () => {
    expect(decodeText(utf8('Grüße\r\nzwei\n'))).toEqual({ text: 'Grüße\r\nzwei\n', warnings: [] })
    expect(decodeText(utf8('\uFEFFGrüße')).text).toBe('Grüße')
  })

  test('UTF-16 in both orders, with and without its mark', () => {
    expect(decodeText(utf16('Привет, мир', 'le'))).toEqual({ text: 'Привет, мир', warnings: [] })
    expect(decodeText(utf16('Привет, мир', 'be')).text).toBe('Привет, мир')
    const unmarked = decodeText(utf16('plain words without a mark', 'be', false))
    expect(unmarked.text).toBe('plain words without a mark')
    expect(unmarked.warnings).toEqual(['no byte order mark: read as UTF-16'])
  })

  test('UTF-32 is refused by name', () => {
    expect(refusal(bytes(0xff, 0xfe, 0, 0, 0x41, 0, 0, 0))).toBe('encoding')
    expect(refusal(bytes(0, 0, 0xfe, 0xff, 0, 0, 0, 0x41))).toBe('encoding')
  })

  test('Latin-1 is read as windows-1252, and said so', () => {
    const { text, warnings } = decodeText(bytes(...Buffer.from('Stra\xDFe caf\xE9 \x80 5', 'latin1')))
    expect(text).toBe('Straße café € 5')
    expect(warnings[0]).toContain('windows-1252')
  })

  test('an encoding that the file declares is believed when it fits', () => {
    const cyrillic = bytes(0xcf, 0xf0, 0xe8, 0xe2, 0xe5, 0xf2)
    expect(decodeText(cyrillic, 'windows-1251')).toEqual({ text: 'Привет', warnings: [] })
    expect(decodeText(cyrillic, 'no-such-encoding').warnings[0]).toContain('windows-1252')
  })

  test('Shift-JIS is recognised by its kana', () => {
    // "これはペンです" in Shift-JIS
    const japanese = bytes(0x82, 0xb1, 0x82, 0xea, 0x82, 0xcd, 0x83, 0x79, 0x83, 0x93, 0x82, 0xc5, 0x82, 0xb7)
    expect(decodeText(japanese).text).toBe('これはペンです')
    expect(decodeText(japanese).warnings[0]).toContain('Shift-JIS')
  })

  test('a broken byte in UTF-8 costs that byte, not every accent of the file', () => {
    const broken = new Uint8Array([...utf8('Grüße aus Köln, schöne '), 0xff, ...utf8(' Wörter')])
    const { text, warnings } = decodeText(broken)
    expect(text).toBe('Grüße aus Köln, schöne \uFFFD Wörter')
    expect(warnings[0]).toContain('1 place not valid as UTF-8')
  })

  test('half a surrogate pair becomes U+FFFD', () => {
    const { text, warnings } = decodeText(bytes(0xff, 0xfe, 0x41, 0, 0x3d, 0xd8, 0x42, 0))
    expect(text).toBe('A\uFFFDB')
    expect(text.isWellFormed()).toBe(true)
    expect(warnings).toHaveLength(1)
  })

  test('a NUL inside becomes U+FFFD, and offsets stay where they were', () => {
    const { text, warnings } = decodeText(utf8('one\0two three'))
    expect(text).toBe('one\uFFFDtwo three')
    expect(warnings).toEqual(['1 NUL character shown as U+FFFD'])
  })

  test('invisible characters are kept and told; joined emoji are nothing to tell', () => {
    expect(decodeText(utf8('pay\u200Bload \u202Egnp.exe\u202C')).warnings[0]).toContain(
      '3 invisible characters',
    )
    expect(decodeText(utf8('a family: 👨‍👩‍👧')).warnings).toEqual([])
  })
})

describe('nothing to read', () => {
  test.each([
    ['zero bytes', bytes()],
    ['white space', utf8(' \n\t\r\n ')],
    ['a byte order mark alone', bytes(0xef, 0xbb, 0xbf)],
    ['a UTF-16 mark alone', bytes(0xff, 0xfe)],
    ['NULs alone', new Uint8Array(5000)],
    ['zero-width characters alone', utf8('\u200B\u200B\u2060')],
  ])('%s is empty', (_, input) => {
    expect(refusal(input)).toBe('empty')
  })

  test('random bytes are binary', () => {
    const noise = Uint8Array.from({ length: 4000 }, (_, i) => (i * 7919 + (i >> 3) * 31) & 0xff)
    expect(refusal(noise)).toBe('binary')
  })
})
