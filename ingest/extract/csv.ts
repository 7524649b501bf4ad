/** Comma-separated values after RFC 4180, with the separators that programs really use. */
import { decodeText } from './decode.ts'
import { counted, type Extracted, Refused } from './extracted.ts'
import { createLayout } from './layout.ts'
import { addTable } from './records.ts'

/** As many columns as a worksheet can have. */
const mostColumns = 16_384

export function extractCsv(bytes: Uint8Array, separator: '\t' | null): Extracted {
  const { text, warnings } = decodeText(bytes)
  const named = /^sep=(.)\r?\n/.exec(text) // Excel's own first line
  const body = named ? text.slice(named[0].length) : text
  const ragged = { width: 0, rows: 0, first: 0 }
  const layout = createLayout()
  addTable(layout, noticing(csvRows(body, separator ?? named?.[1] ?? separatorOf(body)), ragged), {
    header: 'likely',
  })
  if (ragged.rows > 0)
    warnings.push(
      `${counted(ragged.rows, 'row')} with another number of cells than the ${ragged.width} columns (row ${ragged.first} first)`,
    )
  const mediaType = separator ? 'text/tab-separated-values' : 'text/csv'
  return { ...layout.finish(), mediaType, title: null, warnings }
}

/** Counts rows that have another number of cells than the first one with more than one. */
function* noticing(
  rows: Iterable<string[]>,
  ragged: { width: number; rows: number; first: number },
): Generator<string[]> {
  let number = 0
  for (const row of rows) {
    number++
    if (row.length > mostColumns)
      throw new Refused(
        'too_wide',
        `a row has more than ${mostColumns} columns: export only the ones that people read`,
      )
    const isBlank = row.length === 1 && row[0]?.trim() === ''
    if (!ragged.width && row.length > 1) ragged.width = row.length
    else if (ragged.width && !isBlank && row.length !== ragged.width) {
      ragged.rows++
      ragged.first ||= number
    }
    yield row
  }
}

/**
 * Rows of cells. A quote counts only at the beginning of a cell; inside, two of them are one.
 * Refuses a quote that is never closed: from there on nobody knows where a cell ends.
 */
export function* csvRows(text: string, separator: string): Generator<string[]> {
  let row: string[] = []
  let at = 0
  let line = 1
  while (at <= text.length) {
    let cell: string
    if (text[at] === '"') {
      const opened = line
      const quoted = quotedCell(text, at)
      if (!quoted)
        throw new Refused(
          'unclosed_quote',
          `the quote that opens in line ${opened} is never closed: export the table again, or close it`,
        )
      cell = quoted.cell
      for (const letter of cell) if (letter === '\n') line++
      at = quoted.end
      // What stands between the closing quote and the separator belongs to the cell.
      const rest = endOfCell(text, at, separator)
      cell += text.slice(at, rest).trimEnd()
      at = rest
    } else {
      const end = endOfCell(text, at, separator)
      cell = text.slice(at, end)
      at = end
    }
    row.push(cell)
    if (row.length > mostColumns + 1) yield row
    if (text[at] === separator) {
      at++
      continue
    }
    if (at >= text.length && row.length === 1 && cell === '') return
    yield row
    row = []
    line++
    if (at >= text.length) return
    at += text.startsWith('\r\n', at) ? 2 : 1
  }
}

function endOfCell(text: string, from: number, separator: string): number {
  for (let at = from; at < text.length; at++) {
    const letter = text[at]
    if (letter === separator || letter === '\n' || letter === '\r') return at
  }
  return text.length
}

function quotedCell(text: string, from: number): { cell: string; end: number } | null {
  let cell = ''
  let at = from + 1
  for (;;) {
    const quote = text.indexOf('"', at)
    if (quote < 0) return null
    cell += text.slice(at, quote)
    if (text[quote + 1] !== '"') return { cell, end: quote + 1 }
    cell += '"'
    at = quote + 2
  }
}

/** The separator that cuts the first lines into the most cells, equally many in each. */
function separatorOf(text: string): string {
  const head = text.slice(0, 20_000)
  const last = head.lastIndexOf('\n')
  const sample = text.length > head.length && last > 0 ? head.slice(0, last) : head
  let best = { separator: ',', score: 0 }
  for (const separator of [',', ';', '\t', '|']) {
    const widths: number[] = []
    try {
      for (const row of csvRows(sample, separator)) if (widths.push(row.length) === 50) break
    } catch (error) {
      if (!(error instanceof Refused)) throw error // cut inside of quotes
    }
    const usual = widths.toSorted((one, other) => one - other)[widths.length >> 1] ?? 1
    const alike = widths.filter((width) => width === usual).length / Math.max(1, widths.length)
    const score = usual > 1 ? alike * Math.log2(usual + 1) : 0
    if (score > best.score) best = { separator, score }
  }
  return best.separator
}
