/** Cuts a model's text, as it comes, into sentences that are complete with the citations behind them. */
import { belongsTogether } from './sentences.ts'

/** `[1]`, `[1, 2]`, `[1-3]`, `[^1]`, `【1】`, `【1†source】`. Two digits: `[1990]` is a year. */
export const MARKERS =
  /[ \t]{0,2}[[【]\s*\^?(?:passages?\s*)?(\d{1,2}(?:\s*(?:[,;–-]|and)\s*\^?\d{1,2})*)\s*(?:†[^\]】]{0,40})?[\]】]/gi

const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' })

/**
 * Splits off what is complete. The pieces and the rest joined are the text, white space and all; a piece is complete
 * once words of the next one have come, since citations follow the full stop as often as they precede it.
 */
export function completeSentences(text: string): { pieces: string[]; rest: string } {
  // Citations, whole or still coming, are read as the spaces they mean to the sentence before them.
  const plain = text
    .replace(MARKERS, (marker) => ' '.repeat(marker.length))
    .replace(/[[【][^\]】\n]{0,40}$/, (marker) => ' '.repeat(marker.length))
  const ends: number[] = []
  for (const { segment, index } of segmenter.segment(plain)) {
    const end = index + segment.length
    const before = plain.slice(ends.at(-2) ?? 0, index)
    if (ends.length > 0 && goesOn(before, segment)) ends[ends.length - 1] = end
    else ends.push(end)
  }
  const pieces = ends.map((end, i) => text.slice(ends[i - 1] ?? 0, end))
  const rest = pieces.pop() ?? ''
  // A few characters decide nothing yet: "2" may become a year.
  const words = plain.slice(text.length - rest.length).trim()
  if (words.length < 3) return { pieces: pieces.slice(0, -1), rest: (pieces.at(-1) ?? '') + rest }
  return { pieces, rest }
}

/** The numbers that a piece cites, in order, each once. */
export function citedNumbers(piece: string): number[] {
  return [...new Set([...piece.matchAll(MARKERS)].flatMap((match) => numbersIn(match[1] ?? '')))]
}

export function withoutMarkers(piece: string): string {
  return piece.replace(MARKERS, '')
}

/** Without a citation at its end that was begun and not closed: the model's tokens were used up inside of it. */
export function withoutOpenMarker(text: string): string {
  return text.replace(OPEN_MARKER, '')
}

const OPEN_MARKER =
  /[ \t]{0,2}[[【]\s*\^?(?:passages?\s*)?(?:\d{1,2}(?:\s*(?:[,;–-]|and)\s*\^?\d{0,2})*\s*(?:†[^\]】]{0,40})?)?$/i

export function numbersIn(list: string): number[] {
  return list.split(/[,;]|and/i).flatMap((part) => {
    const [from, to] = part.split(/[–-]/).map((n) => Number(n.replace(/\D/g, '')))
    if (from === undefined) return []
    if (to === undefined || to < from) return [from]
    return Array.from({ length: to - from + 1 }, (_, i) => from + i)
  })
}

/** A paragraph's end is one, whatever follows; a list's marker alone is not. */
function goesOn(before: string, after: string): boolean {
  if (!/[\p{L}\p{N}]/u.test(after)) return true
  return !/\n\s*$/.test(before) && belongsTogether(before, after, 'und')
}
