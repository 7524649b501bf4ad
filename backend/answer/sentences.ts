/**
 * Cuts a passage into what can be quoted: sentences, list items, table rows, lines of code. Headings, rulers, code
 * fences and a table's header are left out: alone they answer nothing.
 *
 * Sentences follow Unicode's rules (UAX 29, `Intl.Segmenter`), repaired where these are known to cut too much:
 * abbreviations, initials, ordinals, and hard-wrapped lines.
 */
import { cellsOf } from './shown.ts'

export interface Sentence {
  /** UTF-16 code units into the document version's text, end exclusive, trimmed, never inside a surrogate pair. */
  start: number
  end: number
  /** `documentText.slice(start, end)` */
  text: string
  kind: 'sentence' | 'item' | 'row' | 'code'
  /** The names of a table's columns, for a row of it whose header is in the passage. */
  header?: string[]
}

interface Span {
  from: number
  to: number
}
interface Line extends Span {
  text: string
}

/** A list item longer than this is quoted by the sentence. */
const LONGEST_ITEM = 320
/** Text without full stops is cut at clauses, then at spaces, near this length. */
const LONGEST_SENTENCE = 700

const FENCE = /^\s*(`{3,}|~{3,})/
const HEADING = /^\s{0,3}#{1,6}(\s|$)/
const RULER = /^\s*([-=_*])(\s*\1){2,}\s*$/
const TABLE_RULER = /^\s*\|?\s*:?-{2,}:?\s*(?:\|\s*(?::?-+:?\s*)?)*$/
const ITEM = /^[\s>]*(?:[-*+•‣◦▪–—]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s+(?:\[[ xX]\]\s+)?/
const ROW = /^\s*\|.*\||\S \| \S/
const QUOTE_MARK = /^\s*(?:>\s?)+/

/**
 * The quotable pieces of a passage, in order; of one that has none (a heading by itself) all of it.
 * @param passage its text and where that begins in the document; `language` (BCP 47 primary subtag) decides on ordinals.
 */
export function sentencesOf(passage: { text: string; start: number; language?: string }): Sentence[] {
  const found: Sentence[] = []
  const add = (kind: Sentence['kind'], { from, to }: Span, header?: string[]) => {
    const span = trimmed(passage.text, from, to)
    const text = passage.text.slice(span.from, span.to)
    if (!/[\p{L}\p{N}]/u.test(text)) return
    const place = { start: passage.start + span.from, end: passage.start + span.to }
    found.push({ ...place, text, kind, ...(header && { header }) })
  }
  for (const block of blocksOf(passage.text)) {
    if (block.kind === 'row' || block.kind === 'code') add(block.kind, block, block.header)
    else if (block.kind === 'item' && block.to - block.from <= LONGEST_ITEM) add('item', block)
    else for (const span of prose(passage.text, block, passage.language ?? 'und')) add('sentence', span)
  }
  if (found.length === 0) add('sentence', { from: 0, to: passage.text.length })
  return found
}

interface Block extends Span {
  kind: 'prose' | 'item' | 'row' | 'code'
  header?: string[]
}

/** The passage's lines put together: a paragraph's, an item's with its continuation; rows and code by the line. */
function blocksOf(text: string): Block[] {
  const lines = linesOf(text)
  const blocks: Block[] = []
  let open: Block | null = null
  let fence: string | null = null
  let header: string[] | null = null
  const close = () => {
    if (open) blocks.push(open)
    open = null
  }
  for (const [i, line] of lines.entries()) {
    const mark = FENCE.exec(line.text)?.[1]
    if (fence !== null ? mark?.startsWith(fence) : mark) {
      close()
      fence = fence === null ? (mark ?? null) : null
    } else if (fence !== null) {
      blocks.push({ kind: 'code', from: line.from, to: line.to })
    } else if (line.text.trim() === '' || isFurniture(lines, i)) {
      close()
      const heads = line.text.includes('|') && TABLE_RULER.test(lines[i + 1]?.text ?? '')
      header = heads ? cellsOf(line.text) : line.text.trim() === '' ? null : header
    } else if (ROW.test(line.text)) {
      close()
      blocks.push({ kind: 'row', from: line.from, to: line.to, ...(header && { header }) })
    } else if (ITEM.test(line.text)) {
      close()
      open = { kind: 'item', from: line.from + (ITEM.exec(line.text)?.[0].length ?? 0), to: line.to }
    } else if (open !== null && goesOn(lines, i)) {
      open = { ...(open as Block), to: line.to }
    } else {
      close()
      const indent = QUOTE_MARK.exec(line.text)?.[0].length ?? 0
      open = { kind: 'prose', from: line.from + indent, to: line.to }
    }
  }
  close()
  return blocks
}

/** Headings, rulers, and the two lines above a table's body. */
function isFurniture(lines: Line[], i: number): boolean {
  const line = lines[i]?.text ?? ''
  const next = lines[i + 1]?.text ?? ''
  if (HEADING.test(line) || RULER.test(line)) return true
  if (line.includes('|') && (TABLE_RULER.test(line) || (next.includes('|') && TABLE_RULER.test(next))))
    return true
  return /^\s{0,3}(=+|-{2,})\s*$/.test(next) && line.trim().length < 120
}

/**
 * Whether a line continues the one before. Lines that are broken by an editor are long or end in the middle of a
 * sentence; a short line before a capital is a line of its own (an address, a name and a value).
 */
function goesOn(lines: Line[], i: number): boolean {
  const before = lines[i - 1]?.text.trim() ?? ''
  const line = (lines[i]?.text ?? '').replace(QUOTE_MARK, '').trim()
  return before.length >= 45 || /^[\p{Ll}\p{Lo}\d(,;]/u.test(line) || /[,;\-–]$/.test(before)
}

function linesOf(text: string): Line[] {
  const lines: Line[] = []
  for (const match of text.matchAll(/[^\n\r]*(?:\r\n|[\n\r]|$)/g)) {
    if (match[0] === '') continue
    const content = match[0].replace(/[\r\n]+$/, '')
    lines.push({ from: match.index, to: match.index + content.length, text: content })
  }
  return lines
}

const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' })

function* prose(text: string, block: Span, language: string): Generator<Span> {
  // The same length, so that offsets stay true: a line break within a paragraph is a space, quote marks too, and so
  // are a source's footnotes behind a full stop (`1996.[4]`), which UAX 29 would cut in two.
  const flat = text
    .slice(block.from, block.to)
    .replace(/[\r\n]+(?:[ \t]*>)*/g, (gap) => ' '.repeat(gap.length))
    .replace(/(?<=[.!?。！？])(?:\[[^\]\s]{1,20}\])+(?=\s|$)/g, (notes) => ' '.repeat(notes.length))
  let open: Span | null = null
  for (const { segment, index } of segmenter.segment(flat)) {
    const piece = { from: index, to: index + segment.length }
    if (open && belongsTogether(flat.slice(open.from, open.to), segment, language))
      open = { from: open.from, to: piece.to }
    else {
      if (open) yield* shortened(text, block.from, open)
      open = piece
    }
  }
  if (open) yield* shortened(text, block.from, open)
}

const ABBREVIATION = new RegExp(
  String.raw`(?:^|[\s("“„'’«/\-])(?:\p{Lu}|(?:\p{L}\.){1,4}\p{L}|` +
    // Before names and numbers, in the languages that the samples of the tests are in.
    'Dr|Mr|Mrs|Ms|Prof|St|Sr|Jr|Gen|Col|Lt|Sgt|Capt|Rev|Hon|Gov|Sen|Rep|Pres|Mt|Ft|No|Nos|Nr|Fig|Figs|Eq|Eqs|' +
    'Sec|Ch|Vol|pp?|cf|ca|approx|vs?|viz|al|esp|incl|resp|est|Inc|Ltd|Corp|Bros|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|' +
    String.raw`Oct|Nov|Dec|bzw|Hr|Fr|Abs|Art|Bd|ul|str|им|св|ул|гг?|проф|акад|н|э)\.\s*$`,
  'u',
)
/** Languages that write ordinals with a full stop: `am 3. Oktober`. */
const ORDINAL_STOP = new Set('de da nb nn no fi cs sk sl hr sr bs hu et lv lt is tr pl'.split(' '))

/** Whether what UAX 29 took for two sentences is one. */
export function belongsTogether(before: string, after: string, language: string): boolean {
  const next = after.trimStart()
  if (/^[\p{Ll}]/u.test(next)) return true
  // A footnote's number, a closing bracket, dots: nothing that could be a sentence.
  if (!/\p{L}/u.test(next) && next.trim().length < 12) return true
  if (!/\p{L}{2}/u.test(before)) return true
  if (ORDINAL_STOP.has(language) && /(?:^|\s)\d{1,2}\.\s*$/.test(before)) return true
  return ABBREVIATION.test(before.slice(-16)) && /^[\p{Lu}\p{Lo}\d"“„'(«]/u.test(next)
}

/** A sentence in pieces of bearable length: text without full stops, tables read as text, base64. */
function* shortened(text: string, offset: number, { from, to }: Span): Generator<Span> {
  let start = offset + from
  const end = offset + to
  while (end - start > LONGEST_SENTENCE * 1.5) {
    const window = text.slice(start, start + LONGEST_SENTENCE)
    const clause = Math.max(...[...';:,、，；'].map((mark) => window.lastIndexOf(mark)))
    const space = window.lastIndexOf(' ')
    const cut =
      clause > LONGEST_SENTENCE / 2 ? clause + 1 : space > LONGEST_SENTENCE / 2 ? space : window.length
    const at = isLowSurrogate(text.charCodeAt(start + cut)) ? start + cut - 1 : start + cut
    yield { from: start, to: at }
    start = at
  }
  yield { from: start, to: end }
}

function trimmed(text: string, from: number, to: number): Span {
  const slice = text.slice(from, to)
  const lead = slice.length - slice.trimStart().length
  return lead === slice.length ? { from, to: from } : { from: from + lead, to: from + slice.trimEnd().length }
}

function isLowSurrogate(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff
}
