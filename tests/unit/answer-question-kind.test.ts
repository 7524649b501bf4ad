import { describe, expect, test } from 'bun:test'
import { asksForNumber, hasOwnNumber } from '../../backend/answer/question-kind.ts'

describe('what a question asks for', () => {
  test.each([
    'How many seeds may a bag hold?',
    'When was the pond dug?',
    'Wie viele Völker gibt es?',
    'Wann öffnet der Garten?',
    'Combien coûte un billet ?',
    '¿Cuántos sacos muele?',
    'Сколько стоит билет?',
    '参加采茶每人收费多少？',
    'Câți elevi sunt?',
  ])('a number: %s', (question) => {
    expect(asksForNumber(question)).toBe(true)
  })

  test.each([
    'Who dug the pond?',
    'What is the wenn for?',
    'Welche Farbe hat der Punkt?',
    'Where is the key?',
    '谁每天炒三十斤鲜叶？',
  ])('no number: %s', (question) => {
    expect(asksForNumber(question)).toBe(false)
  })

  test('a number of the question is no answer to it', () => {
    expect(hasOwnNumber('It opened in 1931.', 'When did it open?')).toBe(true)
    expect(hasOwnNumber('In 1931 it rained.', 'How much did it rain in 1931?')).toBe(false)
    expect(hasOwnNumber('Nothing is known.', 'When?')).toBe(false)
    expect(hasOwnNumber('Twelve turns are enough.', 'How many turns?')).toBe(true)
  })
})
