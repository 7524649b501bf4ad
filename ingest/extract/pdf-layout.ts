/** Lines of a PDF's pages as headings, paragraphs, list items and table rows. */
import type { Block, BlockKind } from './extracted.ts'
import { createLayout } from './layout.ts'
import type { PdfLine } from './pdf-lines.ts'
import { readsAsHeader } from './table-header.ts'

interface Paragraph {
  kind: BlockKind
  level: number
  page: number
  text: string
  /** Its last line, whose place decides whether the next one belongs to it. */
  last: PdfLine
  /** Goes on in the middle of a paragraph that began on the page before. */
  continues: boolean
}

const bullet = /^(?:[•‣◦▪■●–*-]|\(?\d{1,3}[.)]|\(?[a-z]\))\s+\S/u

/** `pages`: the lines of each page. `outline`: titles of the bookmarks with their depth. */
export function layOutPdf(
  pages: PdfLine[][],
  outline: Map<string, number>,
): { text: string; blocks: Block[]; title: string | null } {
  const kept = withoutFurniture(pages)
  const levels = headingLevels(kept.flat())
  const spacing = usualSpacing(kept)
  const paragraphs: Paragraph[] = []
  for (const lines of kept) {
    const before = paragraphs.at(-1)
    const own = paragraphsOf(lines, { levels, outline, spacing })
    const [first] = own
    if (before && first && runsOver(before, first)) own.splice(0, 1, ...carryOver(before, first))
    paragraphs.push(...own)
  }
  nameCells(paragraphs)
  const layout = createLayout()
  for (const [i, { kind, level, page, text, continues }] of paragraphs.entries()) {
    const near = kind === paragraphs[i - 1]?.kind && (kind === 'list-item' || kind === 'table-row')
    layout.add({ kind, level, page, text, separator: continues ? ' ' : near ? '\n' : '\n\n' })
  }
  const title = paragraphs.find(({ kind, page }) => kind === 'heading' && page <= 2)?.text ?? null
  return { ...layout.finish(), title }
}

/**
 * Drops running heads, feet and page numbers from the outer lines of pages: those that are equal, page numbers aside,
 * on most pages, or at the very same height on at least three, and short ones that hold the number of the page. What
 * repeats in words stays where it comes first, so that no words are lost.
 */
function withoutFurniture(pages: PdfLine[][]): PdfLine[][] {
  const written = pages.filter((lines) => lines.length > 0)
  if (written.length < 3) return pages
  const outer = written.map((lines) => lines.toSorted((one, other) => other.y - one.y))
  const edges = new Set(outer.flatMap((lines) => [...lines.slice(0, 2), ...lines.slice(-2)]))
  const outermost = new Set(outer.flatMap((lines) => [...lines.slice(0, 1), ...lines.slice(-1)]))
  const shift = numberingOf([...outermost], written.length)
  /** Its words, without the number of its page and of all pages; other numbers are what the page is about. */
  const pattern = (line: PdfLine) =>
    line.text.replace(/\d+/g, (digits) => {
      const number = Number(digits)
      return number === line.page + (shift ?? 0) || number === pages.length ? '#' : digits
    })
  /** Its words and its height: a chapter's name above every page of the chapter. */
  const placed = (line: PdfLine) => `${Math.round(line.y)} ${pattern(line)}`
  const repeats = countBy([...edges], pattern)
  const places = countBy([...outermost], placed)
  const isFurniture = (line: PdfLine) =>
    (edges.has(line) && (repeats.get(pattern(line)) ?? 0) >= 0.6 * written.length) ||
    (outermost.has(line) && line.text.length < 120 && (places.get(placed(line)) ?? 0) >= 3)
  const isPageNumber = (line: PdfLine) =>
    shift !== null &&
    outermost.has(line) &&
    line.text.length < 100 &&
    numbersIn(line).includes(line.page + shift)
  const met = new Set<string>()
  return pages.map((lines) =>
    lines.filter((line) => {
      if (isPageNumber(line)) return false
      if (!isFurniture(line)) return true
      const words = pattern(line)
      const isNew = !met.has(words) && /\p{L}{3}/u.test(words) && !words.includes('#')
      met.add(words)
      return isNew
    }),
  )
}

function countBy<T, K>(items: T[], key: (item: T) => K): Map<K, number> {
  const counts = new Map<K, number>()
  for (const item of items) counts.set(key(item), (counts.get(key(item)) ?? 0) + 1)
  return counts
}

function numbersIn(line: PdfLine): number[] {
  return (line.text.match(/\d{1,5}/g) ?? []).map(Number)
}

/** What is added to a page's place to give its printed number; null when the pages are not numbered. */
function numberingOf(edges: PdfLine[], pages: number): number | null {
  const short = edges.filter((line) => line.text.length < 100)
  const shifts = countBy(
    short.flatMap((line) => [...new Set(numbersIn(line))].map((number) => number - line.page)),
    (shift) => shift,
  )
  const [shift, seen] = [...shifts].reduce((one, other) => (other[1] > one[1] ? other : one), [0, 0])
  return seen >= 3 && seen >= 0.5 * pages ? shift : null
}

/** Sizes clearly above that of most letters, the largest first: 1, 2, 3 … */
function headingLevels(lines: PdfLine[]): Map<number, number> {
  const letters = new Map<number, number>()
  for (const line of lines) letters.set(line.size, (letters.get(line.size) ?? 0) + line.text.length)
  const body = [...letters].reduce((one, other) => (other[1] > one[1] ? other : one), [0, 0])[0]
  const larger = [...letters.keys()]
    .filter((size) => size >= 1.14 * body)
    .toSorted((one, other) => other - one)
  return new Map(larger.map((size, i) => [size, Math.min(i + 1, 6)]))
}

/** Median distance of neighbouring lines, in parts of the letter size. */
function usualSpacing(pages: PdfLine[][]): number {
  const distances = pages.flatMap((lines) =>
    lines.flatMap((line, i) => {
      const before = lines[i - 1]
      const distance = before && before.size === line.size ? (before.y - line.y) / line.size : 0
      return distance > 0.8 && distance < 3 ? [distance] : []
    }),
  )
  return distances.toSorted((one, other) => one - other)[distances.length >> 1] ?? 1.2
}

interface Measures {
  levels: Map<number, number>
  outline: Map<string, number>
  spacing: number
}

function paragraphsOf(lines: PdfLine[], measures: Measures): Paragraph[] {
  const paragraphs: Paragraph[] = []
  const left = Math.min(...lines.map((line) => line.left))
  for (const line of lines) {
    const { kind, level } = kindOf(line, measures)
    const open = paragraphs.at(-1)
    if (open && goesOn(open, line, kind, measures.spacing, left)) {
      open.text = joinLines(open.text, line.text)
      open.last = line
    } else paragraphs.push({ kind, level, page: line.page, text: line.text, last: line, continues: false })
  }
  return paragraphs.map((paragraph) =>
    paragraph.kind === 'heading' && !readsAsHeading(paragraph.text) ? asText(paragraph) : paragraph,
  )
}

function kindOf(line: PdfLine, { levels, outline }: Measures): { kind: BlockKind; level: number } {
  if (line.isRow) return { kind: 'table-row', level: 0 }
  if (/(?:\.\s?){5,}\s*\S{0,8}$/.test(line.text)) return { kind: 'list-item', level: 1 } // a line of the contents
  const depth = outline.get(line.text) ?? levels.get(line.size)
  if (depth && line.text.length <= 160) return { kind: 'heading', level: depth }
  return bullet.test(line.text) ? { kind: 'list-item', level: 1 } : { kind: 'paragraph', level: 0 }
}

/** Whether a line belongs to the open paragraph: same column, usual distance, no sign of a new beginning. */
function goesOn(open: Paragraph, line: PdfLine, kind: BlockKind, spacing: number, left: number): boolean {
  const { last } = open
  if (kind === 'table-row' || open.kind === 'table-row' || kind === 'list-item') return false
  if (
    (open.kind === 'heading') !== (kind === 'heading') ||
    Math.abs(last.size - line.size) > 0.15 * last.size
  )
    return false
  const distance = (last.y - line.y) / line.size
  const ended = /[.!?:;。！？]["'”’)\]]?$/u.test(open.text)
  if (distance < 0.3) return !ended && kind === 'paragraph' && line.left > last.left // the next column
  if (distance > Math.max(1.35 * spacing, spacing + 0.35)) return false
  if (open.kind === 'list-item') return line.left > left + 0.3 * line.size || !ended
  const indented = line.left > last.left + 0.8 * line.size && line.left < last.left + 4 * line.size
  const endedShort = last.right < line.right - 6 * line.size
  return !(ended && (indented || endedShort))
}

/** A word divided at the end of a line is put together again. */
function joinLines(before: string, after: string): string {
  if (before.endsWith('\u00AD')) return before.slice(0, -1) + after
  if (/\p{L}-$/u.test(before) && /^\p{Ll}/u.test(after)) return before.slice(0, -1) + after
  const unspaced =
    /[\u3040-\u30FF\u4E00-\u9FFF，。、]$/u.test(before) && /^[\u3040-\u30FF\u4E00-\u9FFF]/u.test(after)
  return before + (unspaced ? '' : ' ') + after
}

/** Large letters make a heading only when they read like one. */
function readsAsHeading(text: string): boolean {
  return text.length <= 160 && /\p{L}/u.test(text) && !/[.!;,。！]$/u.test(text)
}

/**
 * Puts the words of a table's first row before the cells below them, as `Day: Monday | Opens: 9:00`, where that row
 * reads like a header and every row has as many cells: a row that is quoted alone still says what it means.
 */
function nameCells(paragraphs: Paragraph[]): void {
  for (let at = 0; at < paragraphs.length; at++) {
    let end = at
    while (paragraphs[end]?.kind === 'table-row' && paragraphs[end]?.page === paragraphs[at]?.page) end++
    const [header, ...rows] = paragraphs.slice(at, end).map((row) => row.text.split(' | '))
    if (
      header &&
      rows.length > 0 &&
      rows.every((row) => row.length === header.length) &&
      readsAsHeader(header, rows)
    ) {
      for (const [i, row] of rows.entries()) {
        const paragraph = paragraphs[at + 1 + i]
        if (paragraph) paragraph.text = row.map((cell, column) => `${header[column]}: ${cell}`).join(' | ')
      }
      paragraphs.splice(at, 1)
      end--
    }
    at = Math.max(at, end)
  }
}

function asText(paragraph: Paragraph): Paragraph {
  return { ...paragraph, kind: bullet.test(paragraph.text) ? 'list-item' : 'paragraph', level: 0 }
}

/** A sentence that the page's end cut in two. */
function runsOver(before: Paragraph, first: Paragraph): boolean {
  const alike =
    before.kind === 'paragraph' && first.kind === 'paragraph' && before.last.size === first.last.size
  return alike && /^\p{Ll}/u.test(first.text) && !/[.!?:;]["'”’)\]]?$/u.test(before.text)
}

/** The sentence goes to the page where it begins; what follows it stays on the page where it stands. */
function carryOver(before: Paragraph, first: Paragraph): Paragraph[] {
  const end = /[.!?]["'”’)\]]?(?=\s)/u.exec(first.text)
  const cut = end ? end.index + end[0].length : first.text.length
  before.text = joinLines(before.text, first.text.slice(0, cut))
  const rest = first.text.slice(cut).trim()
  return rest ? [{ ...first, text: rest, continues: true }] : []
}
