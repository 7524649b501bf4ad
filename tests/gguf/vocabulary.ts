/** What the vocabularies of the test models have in common: the byte alphabet of GPT-2, and English words. */
import { join } from 'node:path'
import { allMiniLM } from '../../models/bundled.ts'

/** llama.cpp's numbers for the kinds of a token. */
export const tokenTypes = { normal: 1, control: 3, userDefined: 4, unused: 5 } as const

/**
 * The letter that stands for each byte in a GPT-2 vocabulary: printable bytes stand for themselves, the other 68
 * take the code points from 256 on, in order (bytes_to_unicode in https://github.com/openai/gpt-2/blob/master/src/encoder.py).
 */
export const byteLetters: string[] = letters()

function letters(): string[] {
  const printable = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff)
  let others = 0
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCodePoint(printable(byte) ? byte : 256 + others++),
  )
}

/** The text as a GPT-2 vocabulary writes it: a letter for each byte of its UTF-8, `Ġ` for a space. */
export function byteSpelling(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => byteLetters[byte]).join('')
}

/** English words in small letters, the most frequent first: the whole words of the bundled word-piece vocabulary. */
export async function commonWords(limit: number): Promise<string[]> {
  const tokenizer: unknown = await Bun.file(join(allMiniLM.directory, 'tokenizer.json')).json()
  return Object.entries(wordPieces(tokenizer))
    .sort(([, a], [, b]) => Number(a) - Number(b))
    .map(([word]) => word)
    .filter((word) => /^[a-z]{2,}$|^[ai]$/.test(word))
    .slice(0, limit)
}

function wordPieces(tokenizer: unknown): object {
  if (typeof tokenizer === 'object' && tokenizer !== null && 'model' in tokenizer) {
    const { model } = tokenizer
    if (typeof model === 'object' && model !== null && 'vocab' in model) {
      if (typeof model.vocab === 'object' && model.vocab !== null) return model.vocab
    }
  }
  throw new Error(`${allMiniLM.directory}/tokenizer.json has no model.vocab`)
}
