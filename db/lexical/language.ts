import { eld } from 'eld/extrasmall'

/** Code units read of a text: the detector looks at 350 bytes, and what is no prose is left out before. */
const READ = 4000
/** What the detector reads of a text in one byte a letter. */
const WINDOW = 350
/** Below so many letters the detector guesses: `Table 2` has no language. */
const FEWEST_LETTERS = 12

/** Addresses, markup, and Latin words with digits or underscores say nothing about the language around them. */
const NO_PROSE = /(?:https?:\/\/|www\.)\S+|\S+@\S+|<[^<>]{0,200}>|&\w{1,10};|[A-Za-z\d_]*[\d_][A-Za-z\d_]*/gu
const LETTERS = /\p{L}/gu

/**
 * Scripts that one widely written language has to itself are told at sight. Chinese and Japanese share characters,
 * so the kana decide; a Chinese question with an English name in it the detector takes for German.
 */
const SCRIPTS: { letters: RegExp; share: number; language: string }[] = [
  { letters: /[\p{Script=Hiragana}\p{Script=Katakana}]/gu, share: 0.1, language: 'ja' },
  { letters: /\p{Script=Han}/gu, share: 0.3, language: 'zh' },
  { letters: /\p{Script=Hangul}/gu, share: 0.3, language: 'ko' },
  { letters: /\p{Script=Thai}/gu, share: 0.5, language: 'th' },
  { letters: /\p{Script=Greek}/gu, share: 0.5, language: 'el' },
]

/** A passage of names looks like any language: with a share this near to the best one, the document's own is kept. */
const NEAR = 0.85

/**
 * The language that most of a text is written in, as a BCP 47 primary subtag: one of 60, `und` for a text without
 * letters, too short, or in a language the detector does not know.
 *
 * `expected` is the language of what surrounds the text, its document: it stands unless another is clearly better,
 * and for texts too short to tell. A passage in a language of its own has statistics of its own in the index, so a
 * wrong guess would hide it.
 *
 * Importing this file costs 60 to 70 MB of memory, the detector's n-grams: only ingestion does it, questions are analysed
 * in the languages that their collections hold.
 */
export function detectLanguage(text: string, expected?: string): string {
  const prose = text.slice(0, READ).replace(NO_PROSE, ' ')
  const letters = prose.match(LETTERS)?.length ?? 0
  for (const { letters: script, share, language } of SCRIPTS) {
    const found = prose.match(script)?.length ?? 0
    if (found > 0 && found >= share * letters) return language
  }
  if (letters < FEWEST_LETTERS) return expected ?? 'und'
  return bestOf(scoresOf(prose), expected)
}

/** Two places of a long text: a list of Spanish names at its start made a page of English Spanish. */
function scoresOf(prose: string): Map<string, number> {
  const sum = new Map<string, number>()
  const middle = Math.floor(prose.length / 2)
  for (const window of prose.length > 2 * WINDOW ? [prose, prose.slice(middle, middle + WINDOW)] : [prose])
    for (const [language, score] of Object.entries(eld.detect(window).getScores()))
      sum.set(language, (sum.get(language) ?? 0) + score)
  return sum
}

function bestOf(scores: Map<string, number>, expected: string | undefined): string {
  let best = expected ?? 'und'
  let most = (scores.get(best) ?? 0) / NEAR
  for (const [language, score] of scores) if (score > most) [best, most] = [language, score]
  return best
}
