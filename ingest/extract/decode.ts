/** Bytes to text, for the formats that are text. Every guess is told as a warning. */
import { counted, Refused } from './extracted.ts'

export interface Decoded {
  text: string
  warnings: string[]
}

/**
 * Decodes a text file: UTF-8 and UTF-16 by their byte order mark, else UTF-8 when it is valid, else the
 * `declared` encoding (an HTML page's own word), else the likeliest guess. No byte order mark is kept, line ends
 * are, a NUL becomes U+FFFD, and the result is well-formed UTF-16.
 * Refuses UTF-32, what is binary, and what holds nothing to read.
 */
export function decodeText(bytes: Uint8Array, declared: string | null = null): Decoded {
  const warnings: string[] = []
  const text = visible(decodeBytes(bytes, declared, warnings), warnings)
  return { text, warnings }
}

function decodeBytes(bytes: Uint8Array, declared: string | null, warnings: string[]): string {
  const [a, b, c, d] = bytes
  if ((a === 0xff && b === 0xfe && c === 0 && d === 0) || (a === 0 && b === 0 && c === 0xfe && d === 0xff))
    throw new Refused('encoding', 'the text is UTF-32, which is not read: save it as UTF-8')
  if (a === 0xef && b === 0xbb && c === 0xbf) return decodeUtf8(bytes.subarray(3), null, warnings)
  if (a === 0xff && b === 0xfe) return decodeUtf16(bytes.subarray(2), 'utf-16le', warnings)
  if (a === 0xfe && b === 0xff) return decodeUtf16(bytes.subarray(2), 'utf-16be', warnings)
  const unmarked = unmarkedUtf16(bytes)
  if (unmarked) {
    warnings.push('no byte order mark: read as UTF-16')
    return decodeUtf16(bytes, unmarked, warnings)
  }
  return decodeUtf8(bytes, declared, warnings)
}

function decodeUtf8(bytes: Uint8Array, declared: string | null, warnings: string[]): string {
  const strict = decodeStrictly(bytes, 'utf-8')
  if (strict !== null) return strict
  if (declared) {
    const text = decodeStrictly(bytes, declared)
    if (text !== null) return text
  }
  const lossy = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  const broken = count(lossy, /\uFFFD/g)
  // More whole multi-byte characters than broken ones: UTF-8 with damage, and a single-byte reading would spoil
  // every good one of them.
  if (count(lossy, /[^\0-\x7F\uFFFD]/gu) > broken) {
    warnings.push(`${counted(broken, 'place')} not valid as UTF-8: shown as U+FFFD`)
    return lossy
  }
  const japanese = decodeStrictly(bytes, 'shift_jis')
  // Western text is often valid Shift-JIS by accident, but it never comes out as kana.
  if (japanese !== null && count(japanese, /[\u3041-\u30FF]/g) >= 0.2 * count(japanese, /[^\0-\x7F]/gu)) {
    warnings.push('not valid UTF-8: read as Shift-JIS')
    return japanese
  }
  warnings.push('not valid UTF-8: read as windows-1252 (Latin-1)')
  return new TextDecoder('windows-1252').decode(bytes)
}

function decodeUtf16(bytes: Uint8Array, encoding: 'utf-16le' | 'utf-16be', warnings: string[]): string {
  const text = new TextDecoder(encoding, { ignoreBOM: true }).decode(bytes)
  const whole = bytes.length % 2 === 0 && decodeStrictly(bytes, encoding) !== null
  if (!whole) warnings.push('not valid UTF-16: what could not be read is shown as U+FFFD')
  return text
}

/** Null when the bytes are not of that encoding, or nobody knows it. */
function decodeStrictly(bytes: Uint8Array, encoding: string): string | null {
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) return null
    throw error
  }
}

/** UTF-16 of mostly Latin text has a NUL in every other byte; nothing else has. */
function unmarkedUtf16(bytes: Uint8Array): 'utf-16le' | 'utf-16be' | null {
  const sample = bytes.subarray(0, 4096)
  const nuls = [0, 0]
  sample.forEach((byte, i) => {
    if (byte === 0) nuls[i % 2] = (nuls[i % 2] ?? 0) + 1
  })
  const [even = 0, odd = 0] = nuls
  if (bytes.length < 8 || bytes.length % 2 !== 0 || even + odd < 0.3 * sample.length) return null
  if (even === 0) return 'utf-16le'
  return odd === 0 ? 'utf-16be' : null
}

/** Checks what was decoded: something to read, no binary, NULs replaced, invisible characters told. */
function visible(decoded: string, warnings: string[]): string {
  refuseEmpty(decoded)
  const sample = decoded.slice(0, 65_536)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  const controls = count(sample, /[\0-\x07\x0E-\x1A\x1C-\x1F]/g)
  // Random bytes have 10 % of them, text none; a handful in a short file may be an accident.
  if (controls > 8 && controls > 0.04 * sample.length)
    throw new Refused('binary', 'the file holds binary data, not text: give the document it came from')
  const nuls = count(decoded, /\0/g)
  if (nuls > 0) warnings.push(`${counted(nuls, 'NUL character')} shown as U+FFFD`)
  const text = decoded.replaceAll('\0', '\uFFFD').toWellFormed()
  const hidden = count(text, /[\u200B\u2060\uFEFF\u202A-\u202E\u2066-\u2069]|[\u{E0000}-\u{E007F}]/gu)
  if (hidden > 0)
    warnings.push(
      `${counted(hidden, 'invisible character')} (zero-width, direction or tag characters) in the text`,
    )
  return text
}

/** Refuses white space, NULs, byte order marks and zero-width characters when there is nothing else. */
export function refuseEmpty(text: string): void {
  if (!/[^\s\0\uFEFF\u200B-\u200F\u2060\uFFFD]/u.test(text))
    throw new Refused('empty', 'there is no text in the file: nothing to ingest')
}

function count(text: string, pattern: RegExp): number {
  let n = 0
  for (const _ of text.matchAll(pattern)) n++
  return n
}
