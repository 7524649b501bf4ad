/**
 * Arrays and text as Postgres reads them. Many rows go in by one statement through `unnest` of arrays: bound as
 * literals of our own, so that no connection has to ask the server for the types of its arrays first (a question
 * whose failure nobody would hear).
 */

/** For `${…}::text[]`; null stays null. */
export function textArray(values: readonly (string | null)[]): string {
  const parts = values.map((value) =>
    value === null ? 'NULL' : `"${storable(value).replace(/["\\]/g, '\\$&')}"`,
  )
  return `{${parts.join(',')}}`
}

/** For `${…}::int[]`, `::bigint[]`, `::float8[]`; null stays null. */
export function numberArray(values: readonly (number | null)[]): string {
  return `{${values.map((value) => (value === null ? 'NULL' : String(value))).join(',')}}`
}

/** For `${…}::bytea[]`. */
export function bytesArray(values: readonly Uint8Array[]): string {
  return `{${values.map((value) => `"\\\\x${Buffer.from(value).toString('hex')}"`).join(',')}}`
}

/**
 * Text that Postgres can hold: it refuses NUL, and half a surrogate pair has no UTF-8. Both become U+FFFD, one
 * code unit for one, so offsets stay right.
 */
export function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\uFFFD')
}

/** For `${…}::text::jsonb` (through text: the driver would encode a string for jsonb once more). */
export function storableJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner) => (typeof inner === 'string' ? storable(inner) : inner))
}
