import { decodeText } from './decode.ts'
import { leaveOutEmbeddedFiles } from './embedded-files.ts'
import { type Block, type Extracted, oneLine } from './extracted.ts'
import { followSections, type Sections } from './sections.ts'

export function extractPlainText(bytes: Uint8Array): Extracted {
  const { text, warnings } = decodeText(bytes)
  return plainText(text, warnings)
}

/** Any text read as plain text: also what a Markdown file becomes when its mark-up cannot be read. */
export function plainText(text: string, warnings: string[]): Extracted {
  const found = plainBlocks(text, 0, text.length, followSections())
  const blocks = leaveOutEmbeddedFiles(text, found, warnings)
  return { text, mediaType: 'text/plain', title: titleOf(text, blocks), blocks, warnings }
}

interface Line {
  start: number
  end: number
}

/** The paragraphs, list items and plain headings between two offsets. */
export function plainBlocks(text: string, from: number, to: number, sections: Sections): Block[] {
  const blocks: Block[] = []
  let paragraph: Line[] = []
  for (const line of linesOf(text, from, to)) {
    if (line.start < line.end) paragraph.push(line)
    else {
      addParagraph(text, paragraph, sections, blocks)
      paragraph = []
    }
  }
  addParagraph(text, paragraph, sections, blocks)
  return blocks
}

/** Lines without their outer white space; a blank one has start = end. A form feed ends a paragraph too. */
function* linesOf(text: string, from: number, to: number): Generator<Line> {
  const ends = /\r\n|\n|\r|\f|\u2029/g
  ends.lastIndex = from
  let at = from
  while (at <= to) {
    const match = ends.exec(text)
    const end = match && match.index < to ? match.index : to
    yield trimmed(text, at, end)
    if (match?.[0] === '\f' || match?.[0] === '\u2029') yield { start: end, end }
    if (!match || end === to) return
    at = ends.lastIndex
  }
}

/** The span without its outer white space. */
export function trimmed(text: string, from: number, to: number): Line {
  let start = from
  let end = to
  while (start < end && isSpace(text.charCodeAt(start))) start++
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--
  return { start, end }
}

/** White space as `String.prototype.trim` sees it, without the byte order mark that it counts in. */
function isSpace(code: number): boolean {
  return (
    code === 0x20 ||
    (code >= 9 && code <= 13) ||
    code === 0xa0 ||
    code === 0x1680 ||
    (code >= 0x2000 && code <= 0x200a) ||
    code === 0x2028 ||
    code === 0x2029 ||
    code === 0x202f ||
    code === 0x205f ||
    code === 0x3000
  )
}

const bullet = /^(?:[-*+•‣◦▪–]|\(?\d{1,3}[.)]|\(?[a-z]\))\s+\S/u

function addParagraph(text: string, lines: Line[], sections: Sections, blocks: Block[]): void {
  const [first, second] = lines
  if (!first) return
  const underline =
    second && /^([=\-~])\1{2,}$/.exec(text.slice(second.start, Math.min(second.end, second.start + 200)))
  if (underline && first.end - first.start <= 120) {
    addHeading(text, first, underline[1] === '=' ? 1 : 2, sections, blocks)
    addParagraph(text, lines.slice(2), sections, blocks)
  } else if (lines.length === 1 && isShouted(text, first)) addHeading(text, first, 2, sections, blocks)
  else addLines(text, lines, sections, blocks)
}

/** A line of its own in capitals, without the end of a sentence: how plain text marks a heading. */
function isShouted(text: string, { start, end }: Line): boolean {
  if (end - start > 80) return false
  const line = text.slice(start, end)
  return !/\p{Ll}|[.!?,;:]$/u.test(line) && (line.match(/\p{Lu}/gu)?.length ?? 0) >= 4
}

function addHeading(text: string, line: Line, level: number, sections: Sections, blocks: Block[]): void {
  const heading = sections.enter(level, text.slice(line.start, line.end))
  blocks.push({ kind: 'heading', level, ...line, page: null, heading, header: null })
}

/** A paragraph is one block; from its first bullet on, every bullet begins one. */
function addLines(text: string, lines: Line[], sections: Sections, blocks: Block[]): void {
  let open: Block | null = null
  for (const line of lines) {
    const isItem = bullet.test(text.slice(line.start, Math.min(line.end, line.start + 12)))
    if (open && !isItem) open.end = line.end
    else {
      open = {
        kind: isItem ? 'list-item' : 'paragraph',
        level: isItem ? 1 : 0,
        ...line,
        page: null,
        heading: sections.path(),
        header: null,
      }
      blocks.push(open)
    }
  }
}

/** The first heading, or a first line that stands alone above the rest. */
function titleOf(text: string, blocks: Block[]): string | null {
  const [first, second] = blocks
  if (!first || !second) return null
  const line = text.slice(first.start, Math.min(first.end, first.start + 201))
  const alone = line.length <= 200 && !/[\n\r]/.test(line) && first.kind !== 'list-item'
  return alone && /\p{L}/u.test(line) ? oneLine(line) : null
}
