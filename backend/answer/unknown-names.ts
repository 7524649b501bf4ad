/** Names and identifiers of a question that the searched collections hold nowhere. */
import { analyse } from '../../db/lexical/terms.ts'
import type { TermStatistics } from '../../db/search.ts'

/** In German and Luxembourgish every noun is written like a name. */
const nounsAreCapital = new Set(['de', 'lb'])

/**
 * Words that name one particular thing and occur in no passage: identifiers (`E09`, letters and digits together) and
 * capitalised words inside the question (`Paris`). What stands nowhere cannot have been answered, however near the
 * rest of the question comes.
 */
export function unknownNames(question: string, statistics: TermStatistics[]): string[] {
  const languages = [...new Set(statistics.map(({ language }) => language))]
  const frequencies = new Map(statistics.map(({ language, term, df }) => [`${language} ${term}`, df]))
  const capitalsTell = !nounsAreCapital.has(likeliest(statistics)) && !mostlyCapitals(question)
  const occurs = (word: string) =>
    languages.some((language) =>
      analyse(word, language).some((term) => frequencies.get(`${language} ${term}`)),
    )
  return [...question.matchAll(/[\p{L}\p{N}][\p{L}\p{M}\p{N}_/-]*/gu)]
    .filter(
      ({ 0: word, index }) => isIdentifier(word) || (capitalsTell && isName(word, question.slice(0, index))),
    )
    .map(([word]) => word)
    .filter((word) => !occurs(word))
}

const isIdentifier = (word: string) => /\p{L}/u.test(word) && /\p{N}/u.test(word)

/** Capitalised, and not because a sentence or a quotation begins with it; a letter alone ("I") names nothing. */
const isName = (word: string, before: string) => /^\p{Lu}./u.test(word) && /[\p{L}\p{N},]\s+$/u.test(before)

function mostlyCapitals(question: string): boolean {
  const words = question.match(/\p{L}+/gu) ?? []
  return words.filter((word) => /^\p{Lu}/u.test(word)).length > 0.75 * words.length
}

/** The language in which most of the question's terms occur. */
function likeliest(statistics: TermStatistics[]): string {
  const found = new Map<string, number>()
  for (const { language, df } of statistics)
    found.set(language, (found.get(language) ?? 0) + (df > 0 ? 1 : 0))
  return [...found].sort(([, a], [, b]) => b - a)[0]?.[0] ?? 'und'
}
