import { expect, test } from 'bun:test'
import { unknownNames } from '../../backend/answer/unknown-names.ts'
import { analyse } from '../../db/lexical/terms.ts'
import type { TermStatistics } from '../../db/search.ts'

const manual =
  'Error E07 means that the tank is empty. The offices in Berlin and Vienna have ten public holidays.'

function statisticsOf(question: string, language: string, text = manual): TermStatistics[] {
  const known = new Set(analyse(text, language))
  return analyse(question, language).map((term) => ({
    language,
    term,
    df: known.has(term) ? 1 : 0,
    passages: 1,
    idf: 1,
    coverage: 0.9,
  }))
}

test.each([
  ['What does error E09 mean?', ['E09']],
  ['What does error E07 mean?', []],
  ['How many public holidays are there in Paris?', ['Paris']],
  ['How many public holidays are there in Vienna?', []],
  ['Paris has how many holidays?', []], // every sentence begins like that
  ['HOW MANY HOLIDAYS ARE THERE IN PARIS?', []],
  ['How many litres does the boiler hold?', []], // a common word may be said in others
  ['Are there 12 holidays?', []], // a number is no name
])('%s', (question, expected) => {
  expect(unknownNames(question, statisticsOf(question, 'en'))).toEqual(expected)
})

test('German nouns are no names, identifiers are', () => {
  const text = 'Der Fehler E07 bedeutet, dass der Behälter leer ist.'
  const question = 'Welcher Fehler hat die Kennung E09?'
  expect(unknownNames(question, statisticsOf(question, 'de', text))).toEqual(['E09'])
})

test('a name that another language of the collection has is known', () => {
  const question = 'How many holidays are there in Paris?'
  const statistics = [...statisticsOf(question, 'en'), ...statisticsOf(question, 'fr', 'Le bureau de Paris.')]
  expect(unknownNames(question, statistics)).toEqual([])
})
