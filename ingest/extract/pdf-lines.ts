/** The pieces of text that pdf.js finds on a page, put together into lines in reading order. */
import type { TextContent, TextItem } from 'pdfjs-dist/types/src/display/api.js'
import { unweaveColumns } from './pdf-columns.ts'

export interface PdfLine {
  page: number
  text: string
  /** Left and right edge and baseline, in points; y grows upwards. */
  left: number
  right: number
  y: number
  /** Size of most of its letters, in points. */
  size: number
  /** More than one cell, far apart on one baseline: a row of a table. */
  isRow: boolean
}

/** A run of text on one baseline without a wide gap. */
export interface Run {
  text: string
  left: number
  right: number
  y: number
  size: number
}

interface Piece {
  text: string
  x: number
  y: number
  width: number
  size: number
  turned: boolean
  leftwards: boolean
}

/** Gaps in parts of the letter size: above the first a space is missing, above the second a new cell begins. */
const spaceGap = 0.16
const cellGap = 1.6

export function linesOfPage(content: TextContent, page: number): PdfLine[] {
  const pieces = content.items.flatMap((item) => ('str' in item ? [pieceOf(item)] : []))
  const upright = runsOf(pieces.filter((piece) => !piece.turned))
  const turned = runsOf(pieces.filter((piece) => piece.turned))
  const rows = rowsOf(inReadingOrder(upright))
  const lines = unweaveColumns(rows)
  return [...lines, ...turned.map((run) => [run])].map((row) => lineOf(row, page)).filter((line) => line.text)
}

function pieceOf(item: TextItem): Piece {
  const [a = 0, b = 0, c = 0, d = 0, x = 0, y = 0] = item.transform as number[]
  const size = Math.hypot(c, d) || Math.hypot(a, b) || 1
  return {
    text: item.str.replaceAll('\0', '\uFFFD'),
    x,
    y,
    width: item.width,
    size,
    turned: Math.abs(b) > Math.abs(a),
    leftwards: item.dir === 'rtl',
  }
}

/** Pieces join while they stay on the baseline and go on where the last one ended. */
function runsOf(pieces: Piece[]): Run[] {
  const runs: Run[] = []
  let run: Run | null = null
  let spaced = false
  for (const piece of pieces) {
    if (piece.text.trim() === '') {
      spaced ||= piece.text !== ''
      continue
    }
    const gap = run ? gapBefore(run, piece) : Number.POSITIVE_INFINITY
    const size = Math.max(run?.size ?? 0, piece.size)
    if (run && Math.abs(piece.y - run.y) < 0.5 * size && gap > -1 * size && gap < cellGap * size) {
      const apart = spaced || gap > spaceGap * size
      run.text += (apart && !run.text.endsWith(' ') && !piece.text.startsWith(' ') ? ' ' : '') + piece.text
      run.left = Math.min(run.left, piece.x)
      run.right = Math.max(run.right, piece.x + piece.width)
      if (piece.size > run.size) {
        run.size = piece.size
        run.y = piece.y
      }
    } else {
      run = { text: piece.text, left: piece.x, right: piece.x + piece.width, y: piece.y, size: piece.size }
      runs.push(run)
    }
    spaced = false
  }
  return runs
}

function gapBefore(run: Run, piece: Piece): number {
  return piece.leftwards && piece.x < run.left ? run.left - (piece.x + piece.width) : piece.x - run.right
}

/**
 * The order in which a page draws its text is mostly the reading order, columns included, and better than any guess
 * from positions. Only a page that keeps jumping up within the same column is sorted from top to bottom.
 */
function inReadingOrder(runs: Run[]): Run[] {
  let jumps = 0
  for (const [i, run] of runs.entries()) {
    const before = runs[i - 1]
    const overlaps = before && run.left < before.right && before.left < run.right
    if (before && overlaps && run.y > before.y + 0.5 * run.size) jumps++
  }
  if (jumps <= 0.3 * runs.length) return runs
  return runs.toSorted((one, other) => {
    const level = Math.abs(one.y - other.y) < 0.4 * Math.max(one.size, other.size)
    return level ? one.left - other.left : other.y - one.y
  })
}

/** Runs side by side on one baseline. */
function rowsOf(runs: Run[]): Run[][] {
  const rows: Run[][] = []
  for (const run of runs) {
    const row = rows.at(-1)
    const last = row?.at(-1)
    if (row && last && Math.abs(last.y - run.y) < 0.4 * last.size && run.left >= last.right) row.push(run)
    else rows.push([run])
  }
  return rows
}

function lineOf(row: Run[], page: number): PdfLine {
  const widest = row.reduce((one, other) => (other.text.length > one.text.length ? other : one))
  return {
    page,
    text: row
      .map((run) => run.text.replace(/\s+/gu, ' ').trim())
      .filter((text) => text)
      .join(' | '),
    left: Math.min(...row.map((run) => run.left)),
    right: Math.max(...row.map((run) => run.right)),
    y: widest.y,
    size: Math.round(2 * widest.size) / 2,
    isRow: row.length > 1,
  }
}
