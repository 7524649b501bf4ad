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
  const pieces: string[] = []
  for (const { segment } of segmenter.segment(text)) {
    const last = pieces.at(-1)
    if (last === undefined) {
      pieces.push(segment)
      continue
    }
    // The segmenter gives "One. [1] Two." the marker of the first sentence as the beginning of the second.
    const markers = /\n\s*$/.test(last) ? '' : leadingMarkers(segment)
    const words = segment.slice(markers.length)
    pieces[pieces.length - 1] = last + markers
    if (words === '') continue
    if (isWordless(words) || goesOn(last, words)) pieces[pieces.length - 1] += words
    else pieces.push(words)
  }
  const rest = pieces.pop() ?? ''
  // A few characters decide nothing yet: "2" may become a year, "[" a citation of the sentence before.
  if (rest.trim().length < 3 || /^\s*[[【]/.test(rest))
    return { pieces: pieces.slice(0, -1), rest: (pieces.at(-1) ?? '') + rest }
  return { pieces, rest }
}

/** The numbers that a piece cites, in order, each once. */
export function citedNumbers(piece: string): number[] {
  return [...new Set([...piece.matchAll(MARKERS)].flatMap((match) => numbersIn(match[1] ?? '')))]
}

export function withoutMarkers(piece: string): string {
  return piece.replace(MARKERS, '')
}

export function numbersIn(list: string): number[] {
  return list.split(/[,;]|and/i).flatMap((part) => {
    const [from, to] = part.split(/[–-]/).map((n) => Number(n.replace(/\D/g, '')))
    if (from === undefined) return []
    if (to === undefined || to < from) return [from]
    return Array.from({ length: to - from + 1 }, (_, i) => from + i)
  })
}

/** The markers that a segment begins with, and the white space behind them. */
function leadingMarkers(segment: string): string {
  let end = 0
  for (const marker of segment.matchAll(MARKERS)) {
    if (segment.slice(end, marker.index).trim() !== '') break
    end = marker.index + marker[0].length
  }
  return segment.slice(0, end) + (end === 0 ? '' : (/^\s*/.exec(segment.slice(end))?.[0] ?? ''))
}

function isWordless(segment: string): boolean {
  return !/[\p{L}\p{N}]/u.test(withoutMarkers(segment))
}

function goesOn(before: string, after: string): boolean {
  return !/\n\s*$/.test(before) && belongsTogether(before, after, 'und')
}
