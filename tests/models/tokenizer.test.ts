import { describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Tokenizer as WordPieceTokenizer } from '@huggingface/tokenizers'
import { loadTokenizer } from '../../embedding/tokenizer.ts'
import { allMiniLM } from '../../models/bundled.ts'

const tokenizer = await loadTokenizer(allMiniLM)

describe('word pieces', () => {
  test('are those of the model', () => {
    expect([...tokenizer.encode('A man is eating food.')]).toEqual([
      101, 1037, 2158, 2003, 5983, 2833, 1012, 102,
    ])
    expect(tokenizer.count('A man is eating food.')).toBe(6)
    // em ##bed ##ding ##s
    expect(tokenizer.count('embeddings')).toBe(4)
    expect([...tokenizer.encode('')]).toEqual([101, 102])
    expect(tokenizer.count('')).toBe(0)
    expect(tokenizer.count('Café')).toBe(tokenizer.count('cafe'))
  })

  test('are counted beyond the 128 that the file names, and cut at the 256 of the model', () => {
    for (const words of [127, 128, 129, 253, 254, 255, 256, 257, 5000]) {
      const text = 'word '.repeat(words)
      expect(tokenizer.count(text)).toBe(words)
      const ids = tokenizer.encode(text)
      expect(ids).toHaveLength(Math.min(words + 2, 256))
      expect([ids[0], ids.at(-1)]).toEqual([101, 102])
    }
  })

  test('of a long text are those of its beginning, wherever its white space is', () => {
    const texts = [
      `${'a'.repeat(5000)} ${'some more words '.repeat(2000)}`,
      `${'x'.repeat(50_000)}`,
      `${' '.repeat(10_000)}${'embeddings '.repeat(4000)}`,
      'tab\tand\nline\r\n'.repeat(3000),
      'no.spaces,at-all;'.repeat(3000),
      `${'naïve café '.repeat(100)}${'水'.repeat(10_000)}`,
    ]
    const read = (file: string) => JSON.parse(readFileSync(join(allMiniLM.directory, file), 'utf8')) as object
    const library = new WordPieceTokenizer(read('tokenizer.json'), read('tokenizer_config.json'))
    for (const text of texts) {
      const whole = library.encode(text, { add_special_tokens: false }).ids
      expect(tokenizer.count(text)).toBe(whole.length)
      expect([...tokenizer.encode(text)]).toEqual([101, ...whole.slice(0, 254), 102])
    }
  })
})

describe('how well the model knows a language', () => {
  const share = (text: string) => {
    const { words, wordPieces } = tokenizer.coverage(text)
    return words / wordPieces
  }
  const english = share('All human beings are born free and equal in dignity and rights.')
  const romanian = share('Toate ființele umane se nasc libere și egale în demnitate și în drepturi.')
  const russian = share('Все люди рождаются свободными и равными в своем достоинстве и правах.')
  const chinese = share('人人生而自由，在尊严和权利上一律平等。')
  const hindi = share('सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता प्राप्त है')

  test('English best, then what shares its letters, then the rest', () => {
    expect(english).toBeGreaterThan(0.9)
    expect(romanian).toBeWithin(0.3, 0.7)
    for (const other of [russian, chinese, hindi]) expect(other).toBeLessThan(0.3)
  })

  test('numbers and punctuation say nothing', () => {
    expect(tokenizer.coverage('12,345.67 (8) — … !!! 😀')).toEqual({ words: 0, wordPieces: 0 })
    expect(tokenizer.coverage('')).toEqual({ words: 0, wordPieces: 0 })
  })

  test('a word that the vocabulary lacks is no word that it knows', () => {
    expect(tokenizer.coverage('ཨོཾ')).toEqual({ words: 1, wordPieces: 3 })
  })
})
