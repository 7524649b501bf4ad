/** Lays extracted text out for reading and keeps the span of every block: for formats whose bytes are no text. */
import type { Block, BlockKind } from './extracted.ts'
import { followSections } from './sections.ts'

export interface LaidOut {
  kind: BlockKind
  text: string
  level?: number
  page?: number | null
  header?: string | null
  /** A list item's bullet or number: the beginning of the block. */
  marker?: string
  /** White space before the block, no part of it. */
  indent?: string
  /** Between this block and the one before; a blank line where nothing is said. */
  separator?: '\n\n' | '\n' | ' '
}

export interface Layout {
  add(block: LaidOut): void
  /** Another document's text and blocks, below the headings that are open here: a chapter, a mail, a cell. */
  append(part: { text: string; blocks: readonly Block[] }, page?: number | null): void
  /** Ends all sections of this level and deeper, so that what follows stands below none of their headings. */
  leave(level: number): void
  finish(): { text: string; blocks: Block[] }
}

export function createLayout(): Layout {
  const parts: string[] = []
  const blocks: Block[] = []
  const sections = followSections()
  let length = 0

  function write(text: string): void {
    parts.push(text)
    length += text.length
  }

  return {
    add({ kind, text, level = 0, page = null, header = null, marker = '', indent = '', separator = '\n\n' }) {
      // Postgres takes neither a NUL nor half a surrogate pair, and offsets must survive the storing.
      const clean = text.replaceAll('\0', '\uFFFD').toWellFormed().trim()
      if (!clean) return
      if (length > 0) write(separator)
      write(indent)
      const start = length
      write(marker + clean)
      const heading = kind === 'heading' ? sections.enter(level, clean) : sections.path()
      blocks.push({ kind, level, start, end: length, page, heading, header })
    },
    append(part, page = null) {
      if (part.blocks.length === 0) return
      if (length > 0) write('\n\n')
      const offset = length
      const above = sections.path()
      const paths = new Map<readonly string[], readonly string[]>()
      write(part.text)
      for (const block of part.blocks) {
        let heading = paths.get(block.heading)
        if (!heading) {
          heading = [...above, ...block.heading]
          paths.set(block.heading, heading)
        }
        const level = block.kind === 'heading' ? Math.min(6, block.level + above.length) : block.level
        const span = { start: block.start + offset, end: block.end + offset }
        blocks.push({ ...block, ...span, level, heading, page: page ?? block.page })
      }
    },
    leave: (level) => void sections.enter(level, ''),
    finish: () => ({ text: parts.join(''), blocks }),
  }
}
