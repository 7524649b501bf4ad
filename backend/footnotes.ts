/** An answer's `[1]` markers as Markdown footnotes, for clients that show Markdown and know nothing of citations. */
import type { Citation } from './answer/types.ts'
import { placeParts } from './places.ts'

/** A whole sentence at a time: a marker is never cut in two. */
export function footnoteMarkers(text: string): string {
  return text.replaceAll(/\[(\d{1,3})\]/g, '[^$1]')
}

/** What stands below the text; empty without citations. */
export function footnotes(citations: Citation[]): string {
  if (citations.length === 0) return ''
  return `\n\n${citations.map((one) => `[^${one.number}]: ${placeParts(one).map(escaped).join(', ')}: “${escaped(one.quote)}”`).join('\n')}`
}

/** One line, and nothing in it that Markdown would make a link, an image, HTML or emphasis of. */
function escaped(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll(/[\\`*_[\]<>!#|~]/g, '\\$&')
}
