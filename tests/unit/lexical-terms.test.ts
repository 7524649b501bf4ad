import { describe, expect, test } from 'bun:test'
import { analyse } from '../../db/lexical/terms.ts'

/** Every term of the question is a term of the text. */
function finds(question: string, text: string, language = 'en'): boolean {
  const terms = new Set(analyse(text, language))
  const asked = analyse(question, language)
  return asked.length > 0 && asked.every((term) => terms.has(term))
}

describe('words', () => {
  test('terms come in order and as often as they occur', () => {
    expect(analyse('The wing lifts, wings lifted a wing.', 'en')).toEqual([
      'wing',
      'lift',
      'wing',
      'lift',
      'wing',
    ])
  })

  test.each([
    ['en', 'aircraft', "the AIRCRAFT's wing"],
    ['en', 'aerodynamics', 'aero-\n  dynamics'],
    ['en', 'softhyphen', 'soft\u00adhyphen'],
    ['en', 'file', 'ﬁle'],
    ['en', 'hello', '𝐇𝐞𝐥𝐥𝐨'],
    ['en', 'cafe', 'café'],
    ['en', 'cafe\u0301', 'café'],
    ['en', 'Brien', "O'Brien’s"],
    ['en', 'don`t panic', 'don’t panic'],
    ['fr', 'avion', 'l’avion'],
    ['fr', 'etes', 'étés'],
    ['de', 'strasse', 'Straße'],
    ['de', 'Haus', 'Häuser'],
    ['ro', 'masina', 'mașină'],
    ['ro', 'maşina', 'mașina'],
    ['ro', 'ţară', 'țară'],
    ['tr', 'istanbul', 'İSTANBUL’da'],
    ['ru', 'елка', 'ёлка'],
    ['ru', 'молоко', 'молоко\u0301'],
    ['uk', "п'ять", 'п’ять'],
    ['sr', 'Srbija', 'Србија'],
    ['el', 'ΑΘΗΝΑ', 'Αθήνα'],
    ['he', 'שלום', 'שָׁלוֹם'],
    ['ar', 'كتاب', 'كِتَاب'],
    ['ar', '345', '٣٤٥'],
    ['fa', 'كتاب', 'کتاب'],
    ['hi', 'किताब', 'किताबें'],
    ['und', 'wings', 'Wings'],
  ])('%s: %p is found in %p', (language, question, text) => {
    expect(finds(question, text, language)).toBe(true)
  })

  test('letters that only look accented stay themselves', () => {
    expect(finds('мои', 'мой', 'und')).toBe(false)
    expect(finds('ma', 'mã', 'vi')).toBe(false)
    expect(finds('की', 'का', 'und')).toBe(false)
  })
})

describe('identifiers are found whole and by part', () => {
  test.each([
    ['E-1042', 'error E-1042: no such file'],
    ['E1042', 'error E-1042'],
    ['1042', 'error E-1042'],
    ['node.js', 'runs on Node.js'],
    ['NodeJS', 'runs on node.js'],
    ['AN/TPQ-36', 'the AN/TPQ-36 radar'],
    ['TPQ', 'the AN/TPQ-36 radar'],
    ['v1.2.3', 'since v1.2.3'],
    ['1.2.3', 'since 1.2.3'],
    ['user_id', 'the column user_id'],
    ['user', 'the column user_id'],
    ['getUserName', 'call getUserName()'],
    ['name', 'call getUserName()'],
    ['factory', 'a HttpClientFactory'],
    ['example.com', 'see https://example.com'],
    ['C++', 'written in C++.'],
    ['covid19', 'COVID-19'],
    ['email', 'e-mails'],
  ])('%p in %p', (question, text) => {
    expect(finds(question, text)).toBe(true)
  })

  test('numbers keep their points', () => {
    expect(finds('12.3', 'version 1.2.3')).toBe(false)
    expect(finds('v12.3', 'v1.2.3')).toBe(false)
    expect(analyse('3.14', 'en')).toContain('3.14')
  })

  test('a language is not its neighbour', () => {
    expect(finds('C++', 'written in C')).toBe(false)
    expect(finds('C#', 'written in C++')).toBe(false)
  })
})

describe('stop words', () => {
  test('are left out', () => {
    expect(analyse('what is the lift of a wing', 'en')).toEqual(['lift', 'wing'])
    expect(analyse('care este capitala țării', 'ro')).not.toContain('care')
    expect(analyse('како и kako', 'sr')).not.toContain('kako')
  })
  test('stay when a question has nothing else', () => {
    expect(analyse('To be or not to be', 'en')).toEqual(['to', 'be', 'or', 'not', 'to', 'be'])
  })
  test('acronyms are none, except where everything is in capitals', () => {
    expect(analyse('WHO advises the IT department', 'en')).toEqual(['who', 'advis', 'it', 'depart'])
    expect(analyse('WHAT IS IT FOR THE DEPARTMENT', 'en')).toEqual(['depart'])
  })
})

describe('scripts without spaces', () => {
  test.each([
    ['zh', '北京', '我爱北京天安门'],
    ['zh', '门', '我爱北京天安门'],
    ['zh', 'iPhone手机', '新的iPhone手机'],
    ['zh', '𠮷野', '𠮷野家'],
    ['ja', '東京', '東京タワーは高い'],
    ['ja', 'ﾀﾜｰ', '東京タワー'],
    ['ko', '한국', '한국어를 배운다'],
    ['th', 'ไทย', 'ภาษาไทย'],
  ])('%s: %p is found in %p', (language, question, text) => {
    expect(finds(question, text, language)).toBe(true)
  })
  test('pairs do not reach over what divides them', () => {
    expect(finds('京天', '北京，天安门', 'ja')).toBe(false)
  })
  test('marks stay with their letter', () => {
    for (const term of analyse('ที่นี่ กำลัง', 'th')) expect(term).not.toMatch(/^\p{M}/u)
  })
})

describe('odd texts', () => {
  test('without words there are no terms; pictures are terms', () => {
    for (const text of ['', ' \n\t', '--- ... !?', '\0\0', '\u200b\ufeff'])
      expect(analyse(text, 'en')).toEqual([])
    expect(analyse('😀 and 🎉', 'en')).toEqual(['😀', '🎉'])
  })

  test('no term is empty, longer than 64 code units, or ends in half a character', () => {
    const texts = [
      'a'.repeat(100),
      `x${'𐐀'.repeat(100)}`,
      'A1/'.repeat(1000),
      '水'.repeat(200),
      `${'é'.repeat(70)}'s`,
    ]
    for (const text of texts)
      for (const language of ['en', 'tr', 'zh', 'und'])
        for (const term of analyse(text, language)) {
          expect(term.length).toBeWithin(1, 65)
          expect(term.isWellFormed()).toBe(true)
        }
  })

  test('long words and long lines of code take no time to speak of', () => {
    const texts = ['a'.repeat(2_000_000), 'aB'.repeat(200_000), 'QUJD/'.repeat(100_000), "l'".repeat(100_000)]
    const started = performance.now()
    for (const text of texts) for (const language of ['en', 'fr', 'el', 'hy']) analyse(text, language)
    // What is quadratic takes minutes here; what is linear a second or two.
    expect(performance.now() - started).toBeLessThan(30_000)
  }, 60_000)

  test('every stemmer survives words of any script', () => {
    const words = [
      'a',
      'ab',
      'ss',
      'ing',
      'ość',
      'ий',
      'ς',
      'ة',
      'ाओं',
      "d'",
      'ı',
      'ß',
      'ﬃ',
      'zażółć',
      '1a',
      'ÿ',
    ]
    const languages =
      'ar bg bs da de el en es fi fr ga hi hr hu hy id it lt ms nb ne nl nn no pt ro ru sa sl sr sv ta tr uk und xx'
    for (const language of languages.split(' '))
      for (const a of words)
        for (const b of words)
          for (const term of analyse(`${a}${b} ${b}`, language)) expect(term).not.toBe('')
  })

  test('a language from anywhere is taken as unknown', () => {
    for (const language of ['', 'constructor', '__proto__', 'toString', 'en-US']) {
      expect(analyse('wings', language)).toEqual(['wings'])
    }
  })
})
