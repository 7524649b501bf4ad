/** Columns of text on a page whose lines were drawn across all of them. */
import type { Run } from './pdf-lines.ts'

/** Rows that stand one below the other over the same columns. */
interface Stretch {
  from: number
  to: number
  /** Left edges of the columns. */
  edges: number[]
}

const fewestRows = 4
const mostColumns = 4
/** How far a line may begin beside the edge of its column (an indented paragraph), in points. */
const indent = 24

/**
 * Puts rows that go across columns of text into the order in which they are read: the left column of each stretch,
 * then the next. Rows of tables stay as they are: their cells are short, and none goes on in the middle of a sentence.
 */
export function unweaveColumns(rows: Run[][]): Run[][] {
  const lines: Run[][] = []
  let at = 0
  for (const { from, to, edges } of stretches(rows)) {
    lines.push(...rows.slice(at, from))
    const columns: Run[][][] = edges.map(() => [])
    for (const row of rows.slice(from, to)) for (const run of row) columns[columnOf(run, edges)]?.push([run])
    lines.push(...columns.flat())
    at = to
  }
  return [...lines, ...rows.slice(at)]
}

function columnOf(run: Run, edges: number[]): number {
  return Math.max(
    0,
    edges.findLastIndex((edge) => run.left >= edge - 3),
  )
}

function* stretches(rows: Run[][]): Generator<Stretch> {
  for (let from = 0; from < rows.length; from++) {
    const edges = edgesFrom(rows, from)
    if (!edges) continue
    let to = from
    while (to < rows.length && rows[to]?.every((run) => staysInColumn(run, edges))) to++
    // Single lines at the end belong to what follows as well as to a column.
    while (to > from && (rows[to - 1]?.length ?? 0) < 2 && !follows(rows, to - 1)) to--
    if (readsAsText(rows.slice(from, to))) {
      yield { from, to, edges }
      from = to - 1
    }
  }
}

/** A short line right below the one before it: the end of a column that is longer than its neighbour. */
function follows(rows: Run[][], at: number): boolean {
  const [run] = rows[at] ?? []
  const [above] = rows[at - 1] ?? []
  return !!run && !!above && above.y - run.y > 0 && above.y - run.y < 1.8 * run.size
}

/** Left edges that the rows from here on share; null when they do not stand in columns. */
function edgesFrom(rows: Run[][], from: number): number[] | null {
  const first = rows[from] ?? []
  if (first.length < 2 || first.length > mostColumns) return null
  const alike = rows.slice(from, from + 12).filter((row) => row.length === first.length)
  if (alike.length < fewestRows) return null
  return first.map((_, column) =>
    Math.min(...alike.map((row) => row[column]?.left ?? Number.POSITIVE_INFINITY)),
  )
}

function staysInColumn(run: Run, edges: number[]): boolean {
  const column = columnOf(run, edges)
  const edge = edges[column] ?? 0
  const next = edges[column + 1] ?? Number.POSITIVE_INFINITY
  return run.left >= edge - 3 && run.left <= edge + indent && run.right < next
}

/** Cells as long as lines, and many that begin in the middle of a sentence. */
function readsAsText(rows: Run[][]): boolean {
  const woven = rows.filter((row) => row.length > 1)
  const cells = woven.flat().map((run) => run.text.trim())
  if (woven.length < fewestRows || cells.length === 0) return false
  const letters = cells.reduce((sum, text) => sum + text.length, 0) / cells.length
  const goingOn = cells.filter((text) => /^[\p{Ll}\p{Lo}]/u.test(text)).length / cells.length
  return letters >= 18 && goingOn >= 0.3 && letters * (cells.length / woven.length) >= 50
}
