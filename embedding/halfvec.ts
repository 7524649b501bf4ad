import { toSql } from 'pgvector'

/**
 * A vector as pgvector's `halfvec` literal, `[0.0123,-0.4,…]`: each number rounded to half precision, as the column
 * stores it, and written with the five digits that are enough to read any half back. A third of the length of float32.
 *
 * @throws RangeError when a number is not finite in half precision (its largest is 65504).
 */
export function toHalfvec(vector: Float32Array): string {
  const halves = Array.from(vector, (value, i) => {
    const half = Math.f16round(value)
    if (!Number.isFinite(half))
      throw new RangeError(`Number ${i} of the vector is ${value}: half precision cannot hold it.`)
    return Number(half.toPrecision(5))
  })
  return toSql(halves) as string
}
