/** Rows of tables as lines that can be read alone: `Name: Ada | Born: 1815`. */
import { clip, oneLine } from './extracted.ts'
import type { Layout } from './layout.ts'
import { readsAsHeader } from './table-header.ts'

/** A cell with the name of its column. */
export type Field = [label: string, value: string]

/** Code units of one piece of a row: about two thirds of a passage, so that a title and headings fit beside it. */
const longestPiece = 600
const longestName = 100

/**
 * Adds a row. A long one becomes several pieces, cut between cells; each further piece carries the row's first
 * cell as its header, so that it still says whose values these are.
 */
export function addRecord(
  layout: Layout,
  fields: readonly Field[],
  page: number | null,
  isFirst: boolean,
): void {
  const cells = fields.flatMap(([label, value]) => {
    const text = value
      .split(/[\r\n]+/)
      .map((line) => line.trim())
      .join(' ')
      .trim()
    return text ? [label && label !== text ? `${label}: ${text}` : text] : []
  })
  let piece: string[] = []
  let length = 0
  let pieces = 0
  const flush = () => {
    if (piece.length === 0) return
    const header = pieces > 0 ? oneLine(clip(cells[0] ?? '', 1000), longestName) : null
    const separator = pieces === 0 && isFirst ? '\n\n' : '\n'
    layout.add({ kind: 'table-row', text: piece.join(' | '), header, page, separator })
    pieces++
    piece = []
    length = 0
  }
  for (const cell of cells) {
    if (length + cell.length > longestPiece) flush()
    piece.push(cell)
    length += cell.length + 3
  }
  flush()
}

export interface TableSettings {
  /** `yes`: the file says that the first row names the columns. `likely`: it does unless it holds values itself. */
  header: 'yes' | 'likely' | 'if-it-reads-like-one'
  page?: number | null
}

/** Rows that are looked at to tell whether the first one is a header. */
const looked = 50

/** Adds a table; rows of a single cell above its first full row are its caption. Empty rows are left out. */
export function addTable(layout: Layout, rows: Iterable<readonly string[]>, settings: TableSettings): void {
  const page = settings.page ?? null
  const ahead: (readonly string[])[] = []
  let labels: readonly string[] | null = null
  let isFirst = true
  const write = (row: readonly string[]) => {
    addRecord(
      layout,
      row.map((cell, i): Field => [labels?.[i] ?? '', cell]),
      page,
      isFirst,
    )
    isFirst = false
  }
  const begin = () => {
    const wide = ahead.filter((row) => filled(row) > 1).length
    while (wide > 0 && ahead[0] && filled(ahead[0]) === 1) {
      const caption = ahead.shift()?.find((cell) => cell.trim()) ?? ''
      layout.add({ kind: 'paragraph', text: caption, page })
    }
    const [first, ...rest] = ahead
    labels = first && isHeader(first, rest, settings.header) ? first.map((cell) => oneLine(cell, 100)) : []
    for (const row of labels.length > 0 ? rest : ahead) write(row)
    // A table of a header alone has nothing below it to be read with.
    if (labels.length > 0 && rest.length === 0 && first) write(first)
    ahead.length = 0
  }
  for (const row of rows) {
    if (filled(row) === 0) continue
    if (labels) write(row)
    else if (ahead.push(row) === looked) begin()
  }
  if (!labels) begin()
}

function filled(row: readonly string[]): number {
  let n = 0
  for (const cell of row) if (cell.trim() !== '') n++
  return n
}

/** A number, an amount, a date, a time, an address: what stands in a column, not above it. */
const value = /^[-+(]?[\p{Sc}\s]*\d[\d.,'\s:/TZ+-]*[)%\p{Sc}]?$|^\S+@\S+$|^https?:/u

function isHeader(
  first: readonly string[],
  rest: readonly (readonly string[])[],
  mode: TableSettings['header'],
): boolean {
  if (mode === 'yes') return true
  if (mode === 'if-it-reads-like-one')
    return readsAsHeader(
      [...first],
      rest.map((row) => [...row]),
    )
  const names = first.map((cell) => clip(cell.trim(), 201)).filter((cell) => cell)
  const widest = Math.max(...rest.map(filled), 0)
  return (
    rest.length > 0 &&
    names.length >= Math.max(1, 0.6 * Math.min(first.length, widest)) &&
    // A year may name a column; a row of nothing but years or numbers is one of values.
    names.filter((name) => value.test(name)).length <= 0.5 * names.length &&
    new Set(names).size >= 0.8 * names.length &&
    names.every((name) => name.length <= 200)
  )
}
