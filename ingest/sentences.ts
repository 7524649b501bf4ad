/** Where a long text can be cut: spans in order, trimmed, that together hold all of it but white space. */
import { trimmed } from './extract/plain-text.ts'

export interface Span {
  start: number
  end: number
}

export type Cutter = (text: string, span: Span) => Iterable<Span>

const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' })
/** Longest stretch that is given to the segmenter at once. */
const stretch = 50_000

/** Sentences after Unicode's rules (UAX 29), the line breaks of hard-wrapped text read as spaces. */
export function* sentences(text: string, span: Span): Iterable<Span> {
  for (const { start, end } of stretches(text, span)) {
    const slice = text.slice(start, end)
    // The same length, so that offsets stay true.
    const flat = isHardWrapped(slice) ? slice.replace(/[\r\n]/g, ' ') : slice
    let open: Span | null = null
    for (const { segment, index } of segmenter.segment(flat)) {
      const sentence = trimmed(text, start + index, start + index + segment.length)
      if (sentence.start === sentence.end) continue
      if (open && endsInAbbreviation(text, open)) open = { start: open.start, end: sentence.end }
      else {
        if (open) yield open
        open = sentence
      }
    }
    if (open) yield open
  }
}

/** UAX 29 ends a sentence after "Dr." and "J." before a capital. */
function endsInAbbreviation(text: string, { start, end }: Span): boolean {
  return /(?:^|[\s(])(?:\p{Lu}|Dr|Mr|Mrs|Ms|Prof|St|No|Nr|Fig|vs|approx|e\.g|i\.e)\.$/u.test(
    text.slice(Math.max(start, end - 10), end),
  )
}

/** Lines of about one length, as an editor or a mail program breaks them. */
function isHardWrapped(text: string): boolean {
  const lines = text.split('\n', 200).map((line) => line.trim().length)
  lines.pop()
  const longest = Math.max(0, ...lines)
  return longest <= 130 && lines.filter((length) => length >= 0.7 * longest).length >= 0.6 * lines.length
}

export function* lines(text: string, span: Span): Iterable<Span> {
  let from = span.start
  while (from < span.end) {
    const found = text.indexOf('\n', from)
    const to = found < 0 || found >= span.end ? span.end : found
    const line = trimmed(text, from, to)
    if (line.start < line.end) yield line
    from = to + 1
  }
}

export function* words(text: string, span: Span): Iterable<Span> {
  const gaps = /\s+/gu
  gaps.lastIndex = span.start
  let from = span.start
  for (let gap = gaps.exec(text); gap && gap.index < span.end; gap = gaps.exec(text)) {
    if (gap.index > from) yield { start: from, end: gap.index }
    from = gap.index + gap[0].length
  }
  if (from < span.end) yield { start: from, end: span.end }
}

/** Pieces of at most `length` code units: for what has no white space in it. Never inside a letter. */
export function* letters(text: string, span: Span, length: number): Iterable<Span> {
  for (let from = span.start; from < span.end; ) {
    const at = from + Math.max(1, length)
    const to = at >= span.end ? span.end : letterBoundary(text, at, from + 1)
    yield { start: from, end: to }
    from = to
  }
}

/**
 * The nearest place at or before `at` that is not before `least` and splits no surrogate pair and no joined or marked
 * letter; past `at` when a pair leaves no other.
 */
export function letterBoundary(text: string, at: number, least: number): number {
  let place = at
  // Sixteen marks on one letter are more than any script has; a longer run is cut where it may be cut.
  for (let step = 0; step < 16 && place > least && joins(text, place); step++) place--
  if (!joins(text, place)) return place
  if (!isLowSurrogate(text.charCodeAt(at))) return at
  return at > least ? at - 1 : at + 1
}

function joins(text: string, at: number): boolean {
  return (
    isLowSurrogate(text.charCodeAt(at)) ||
    text[at - 1] === '\u200D' ||
    /^[\p{M}\u200D]/u.test(text.slice(at, at + 2))
  )
}

function isLowSurrogate(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff
}

/** A long span in parts that end at a line or a word. */
function* stretches(text: string, span: Span): Iterable<Span> {
  let from = span.start
  while (span.end - from > stretch) {
    const line = text.lastIndexOf('\n', from + stretch)
    const space = text.lastIndexOf(' ', from + stretch)
    const cut =
      line > from + stretch / 2 ? line : space > from ? space : letterBoundary(text, from + stretch, from + 1)
    yield { start: from, end: cut }
    from = cut
  }
  yield { start: from, end: span.end }
}
