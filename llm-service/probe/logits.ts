/** Whether a device computes what it should: its logits against those of the CPU, and against the answers known beforehand. */
import { probeAnswers, probeVocabulary } from './probe-model.ts'

/**
 * Length of the difference of two rows, as a share of the row's own. Devices round activations in their own ways:
 * the CPU's kernels for SSE4.2, AVX2 and AVX-512 differ by 0.012 to 0.024 from each other and by 0.023 to 0.029 from
 * the same weights in 32-bit floats, each row of the probe model. Rows of another computation differ by about 1.4.
 */
const mostDifference = 0.1
/** The best token of a row must be the same where it leads by more than the largest difference seen (0.45), three times over. */
export const clearLead = 1.5

/** @param reference null where the CPU is what is judged, or does not work. @returns what is wrong, in words; null: nothing */
export function problemWithLogits(
  rows: readonly (readonly (number | null)[])[],
  reference: readonly (readonly number[])[] | null,
): string | null {
  if (rows.length !== probeAnswers.length)
    return `gave ${rows.length} rows of logits instead of ${probeAnswers.length}`
  const whole = rows.filter(isWhole)
  if (whole.length < rows.length) return 'computes wrongly: some logits are no numbers'
  for (const [at, row] of whole.entries()) {
    const [best] = leaders(row)
    const answer = probeAnswers[at] ?? null
    if (answer !== null && best !== answer)
      return `computes wrongly: another token than it must be is the likeliest`
    const right = reference?.[at]
    if (right === undefined) continue
    const [rightBest, lead] = leaders(right)
    if (lead > clearLead && best !== rightBest)
      return 'computes wrongly: another token than on the CPU is the likeliest'
    const difference = relativeDifference(row, right)
    if (difference > mostDifference) {
      return `computes wrongly: its logits differ by ${Math.round(difference * 100)} % from the CPU's, ${mostDifference * 100} % at most are rounding`
    }
  }
  return null
}

/** ‖row − right‖ / ‖right‖ */
export function relativeDifference(row: readonly number[], right: readonly number[]): number {
  const squares = right.reduce((sum, value, at) => sum + (value - (row[at] ?? 0)) ** 2, 0)
  return Math.sqrt(squares / right.reduce((sum, value) => sum + value ** 2, 0))
}

/** The likeliest token, and by how much it leads. */
function leaders(row: readonly number[]): [token: number, lead: number] {
  const best = Math.max(...row)
  const token = row.indexOf(best)
  return [token, best - Math.max(...row.filter((_, at) => at !== token))]
}

function isWhole(row: readonly (number | null)[]): row is readonly number[] {
  return row.length === probeVocabulary && row.every((value) => value !== null && Number.isFinite(value))
}
