import { fold, lowerCase, normaliseText, prepare } from './folding.ts'
import { type Lexicon, lexiconOf } from './languages.ts'
import { pieces } from './words.ts'

/** Longer terms are cut: a line of base64 is one word, and an index key must stay small. */
const TERM_LIMIT = 64

/**
 * The BM25 terms of a text: in order, repeated as often as they occur, each at most 64 UTF-16 code units.
 * Passages and questions go through the same function, so equal words meet as equal terms.
 *
 * `language` is a BCP 47 primary subtag; an unknown one (`und`) has no stemmer and no stop words. Stop words are
 * left out unless nothing else is there: a question made of them alone still has terms.
 */
export function analyse(text: string, language: string): string[] {
  const lexicon = lexiconOf(language)
  const terms: string[] = []
  const stopped: string[] = []
  const normal = normaliseText(text)
  const shouts = once(() => isMostlyCapitals(normal))
  for (const piece of pieces(normal)) {
    if (piece.kind === 'code') {
      terms.push(cut(fold(prepare(lowerCase(piece.text, language), language), language)))
      continue
    }
    for (const word of wordsOf(piece.text, lexicon)) {
      const isStop = lexicon.stopWords.has(word) && !(ACRONYM.test(piece.text) && !shouts())
      ;(isStop ? stopped : terms).push(termOf(word, lexicon))
    }
  }
  return terms.length > 0 ? terms : stopped
}

/** IT, WHO and US are no stop words, except in a text that is all capitals. */
const ACRONYM = /^\p{Lu}{2,5}$/u

function isMostlyCapitals(text: string): boolean {
  const capitals = text.match(/\p{Lu}/gu)?.length ?? 0
  const small = text.match(/\p{Ll}/gu)?.length ?? 0
  return capitals > small
}

function once(compute: () => boolean): () => boolean {
  let value: boolean | undefined
  return () => {
    value ??= compute()
    return value
  }
}

/**
 * A word with an apostrophe is a word and its ending or article: `aircraft's`, `l'avion`, `rock'n'roll`; single
 * letters are left out. Turkish puts the case ending of a name there, Ukrainian and Belarusian a letter's sound.
 */
function wordsOf(surface: string, lexicon: Lexicon): string[] {
  const { language, stopWords } = lexicon
  const word = prepare(lowerCase(surface, language), language)
  if (!word.includes("'") || stopWords.has(word)) return [word]
  if (language === 'uk' || language === 'be') return [word.replaceAll("'", '')]
  const parts = word.split("'")
  if (language === 'tr') return parts.slice(0, 1)
  const longer = parts.filter((part) => part.length > 1)
  return longer.length > 0 ? longer : [parts.join('')]
}

function termOf(word: string, lexicon: Lexicon): string {
  const { language, stem } = lexicon
  // No word of a language is so long; some stemmers take quadratic time over what is none.
  if (!stem || word.length > TERM_LIMIT) return cut(fold(word, language))
  // A stemmer may take a whole word for a suffix and leave nothing.
  if (lexicon.foldsFirst) {
    const folded = fold(word, language)
    return cut(stem(folded) || folded)
  }
  return cut(fold(stem(word) || word, language))
}

/** At most 64 code units, never half a surrogate pair. */
function cut(term: string): string {
  if (term.length <= TERM_LIMIT) return term
  const end = /[\ud800-\udbff]/.test(term[TERM_LIMIT - 1] ?? '') ? TERM_LIMIT - 1 : TERM_LIMIT
  return term.slice(0, end)
}
