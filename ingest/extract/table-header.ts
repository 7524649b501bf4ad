/** All words and no figures above at least one figure: what people write over columns. */
export function readsAsHeader(header: string[], rows: string[][]): boolean {
  const named =
    header.length > 1 && header.every((cell) => cell.length > 0 && cell.length <= 60 && !/\d/.test(cell))
  return named && rows.some((row) => row.some((cell) => /\d/.test(cell)))
}
