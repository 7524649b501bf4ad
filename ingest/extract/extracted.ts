/** What every format is turned into: one text, and the spans of it that are worth reading. */

export type BlockKind = 'heading' | 'paragraph' | 'list-item' | 'table-row' | 'code' | 'quote'

export interface Block {
  kind: BlockKind
  /** Headings: 1 (outermost) to 6. List items: how deep they are nested, from 1. Otherwise 0. */
  level: number
  /** UTF-16 code units into `Extracted.text`, end exclusive, without outer white space. */
  start: number
  end: number
  /** 1-based, for formats that have pages. */
  page: number | null
  /** Headings above, outermost first. Blocks of one section share one array. */
  heading: readonly string[]
  /** A table row below a header row: the header, which is embedded along with the row. */
  header: string | null
}

export interface Extracted {
  /** The text that is stored and that all offsets point into. */
  text: string
  mediaType: string
  /** From the document itself; null when it has none, and the file name must do. */
  title: string | null
  /** BCP 47 primary subtag, where the document says in which language it is written. */
  language?: string | null
  /** What else the document says of itself: author, date, tags, the columns of its front matter. */
  metadata?: Metadata
  blocks: Block[]
  /** What was accepted with a reservation, in words. */
  warnings: string[]
}

/** Without a prototype, so that a document may name any key, `__proto__` too. */
export type Metadata = Record<string, string | string[]>

/** At most 50 entries of at most 500 code units each; empty ones are left out. */
export function metadataOf(
  entries: Iterable<[key: string, value: string | string[] | null | undefined]>,
): Metadata {
  const metadata: Metadata = Object.create(null)
  let size = 0
  for (const [name, given] of entries) {
    const key = oneLine(name, 60).toLowerCase()
    const value = Array.isArray(given)
      ? given
          .slice(0, 50)
          .map((one) => oneLine(one, 500))
          .filter((one) => one)
      : oneLine(given ?? '', 500)
    if (key && value.length > 0 && size++ < 50) metadata[key] = value
  }
  return metadata
}

/** `de` of `de-AT`, `de_DE` or `DE`; null for what is no language. */
export function languageTag(declared: string | null | undefined): string | null {
  const tag = /^\s*([a-z]{2,3})(?:[-_][a-z0-9-_]+)?\s*$/i.exec(declared ?? '')?.[1]?.toLowerCase()
  return tag && tag !== 'und' && tag !== 'mul' ? tag : null
}

/** A file that is not taken, and why. The message is `code: what was wrong, what to do`. */
export class Refused extends Error {
  override readonly name = 'Refused'
  constructor(
    readonly code: string,
    explanation: string,
  ) {
    super(`${code}: ${explanation}`)
  }
}

/** `text` without what follows its first `limit` code units, never cut inside a surrogate pair. */
export function clip(text: string, limit: number): string {
  if (text.length <= limit) return text
  const last = text.charCodeAt(limit - 1)
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? limit - 1 : limit)
}

/** One line, single spaces, at most `limit` code units: for titles and headings. */
export function oneLine(text: string, limit = 200): string {
  return clip(
    clip(text, 10 * limit)
      .replace(/\s+/gu, ' ')
      .trim(),
    limit,
  ).trim()
}

/** `1 byte`, `2 bytes`. */
export function counted(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}
