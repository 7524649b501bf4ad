/** Tables as lines that can be read alone: `Day: Monday | Opens: 9:00`. */
import { attribute, type Element, isElement, wordsOf } from './html-tree.ts'
import { readsAsHeader } from './table-header.ts'

interface Cell {
  text: string
  isHeader: boolean
}

/** False for a table that only lays a page out: its cells hold headings, lists or further tables. */
export function isDataTable(table: Element): boolean {
  const pending = [...table.childNodes]
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (!isElement(node)) continue
    if (/^(table|h[1-6]|ul|ol|pre|blockquote)$/.test(node.tagName)) return false
    pending.push(...node.childNodes)
  }
  return true
}

/**
 * The rows of a table, each value behind its column's header, so that a row still says what it means when it is
 * quoted alone. A caption comes first. Without a header the cells stand side by side.
 */
export function tableRows(table: Element, firstRowIsHeader: boolean): string[] {
  const { caption, rows, marked } = collect(table)
  const grid = spread(rows)
  const [first, ...rest] = grid
  const lines = caption ? [caption] : []
  if (!first) return lines
  const isHeader =
    rest.length > 0 &&
    (marked ||
      first.every((c) => c.isHeader) ||
      (firstRowIsHeader && readsAsHeader(wordsIn(first), rest.map(wordsIn))))
  const labels = isHeader ? first.map((c) => c.text) : []
  for (const row of isHeader ? rest : grid) {
    const line = lineOf(row, labels)
    if (line) lines.push(line)
  }
  return lines
}

function lineOf(row: Cell[], labels: string[]): string {
  const [name, value] = row
  if (
    labels.length === 0 &&
    row.length === 2 &&
    name?.isHeader &&
    !value?.isHeader &&
    name.text &&
    value?.text
  )
    return `${name.text}: ${value.text}`
  const parts = row.map(({ text }, i) =>
    text && labels[i] && labels[i] !== text ? `${labels[i]}: ${text}` : text,
  )
  return parts.filter((part) => part).join(' | ')
}

function wordsIn(row: Cell[]): string[] {
  return row.map((cell) => cell.text)
}

interface Collected {
  caption: string
  rows: Element[]
  /** The first row is in a <thead>. */
  marked: boolean
}

function collect(table: Element): Collected {
  const found: Collected = { caption: '', rows: [], marked: false }
  for (const child of table.childNodes) {
    if (!isElement(child)) continue
    if (child.tagName === 'caption') found.caption = wordsOf(child)
    const rows = child.childNodes.filter((n): n is Element => isElement(n) && n.tagName === 'tr')
    if (child.tagName === 'thead' && found.rows.length === 0 && rows.length > 0) found.marked = true
    found.rows.push(...(child.tagName === 'tr' ? [child] : rows))
  }
  return found
}

const widest = 1000

/** Cells by column: one that spans rows is repeated in each of them, one that spans columns leaves them empty. */
function spread(rows: Element[]): Cell[][] {
  let carried: { cell: Cell; rows: number }[] = []
  return rows.map((row) => {
    const cells = row.childNodes.filter((n): n is Element => isElement(n) && /^t[hd]$/.test(n.tagName))
    const line: Cell[] = []
    const next: typeof carried = []
    const place = (cell: Cell, spanned: number) => {
      if (spanned > 1) next[line.length] = { cell, rows: spanned - 1 }
      line.push(cell)
    }
    const carry = () => {
      for (let above = carried[line.length]; above && above.rows > 0; above = carried[line.length])
        place(above.cell, above.rows)
    }
    for (const element of cells) {
      carry()
      if (line.length >= widest) break
      place({ text: wordsOf(element), isHeader: element.tagName === 'th' }, spanOf(element, 'rowspan'))
      for (let i = spanOf(element, 'colspan'); i > 1 && line.length < widest; i--)
        line.push({ text: '', isHeader: element.tagName === 'th' })
    }
    carry()
    carried = next
    return line
  })
}

function spanOf(element: Element, name: string): number {
  const span = Number.parseInt(attribute(element, name) ?? '1', 10)
  return span >= 1 && span <= widest ? span : 1
}
