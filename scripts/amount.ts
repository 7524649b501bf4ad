/** Bytes for people: `396.7 MB`, `1.1 GB`, with decimal units as the model hub shows them. */
export function amount(bytes: number): string {
  const of = (value: number, digits: number) =>
    value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
  if (bytes >= 1e9) return `${of(bytes / 1e9, 1)} GB`
  if (bytes >= 1e6) return `${of(bytes / 1e6, bytes < 1e7 ? 1 : 0)} MB`
  return bytes >= 1000 ? `${of(bytes / 1000, 0)} kB` : `${of(bytes, 0)} bytes`
}
