/** Answer text cut into what is shown: runs of text and `[number]` markers. */

export type Segment = { kind: 'text'; text: string } | { kind: 'marker'; number: number }

/**
 * Cuts a text at its `[1]` markers. Segments only grow at the end while a text streams in, so a
 * segment's index is a stable key, and assistive technology hears each run once.
 */
export function segments(text: string): Segment[] {
  const found: Segment[] = []
  for (const [index, piece] of text.split(/\[(\d{1,3})\]/).entries()) {
    if (index % 2 === 1) found.push({ kind: 'marker', number: Number(piece) })
    else if (piece !== '') found.push({ kind: 'text', text: piece })
  }
  return found
}

/** The numbers that a text's markers name. */
export function markedNumbers(text: string): Set<number> {
  return new Set(segments(text).flatMap((segment) => (segment.kind === 'marker' ? [segment.number] : [])))
}

/** A text without its markers, and without the space before each. */
export function withoutMarkers(text: string): string {
  return text.replaceAll(/[ \t]*\[\d{1,3}\]/g, '')
}

/** Paragraphs of a text, without the empty lines between them and without the line breaks of wrapped prose. */
export function paragraphs(text: string): string[] {
  return text
    .split(/\n{2,}/)
    .filter((paragraph) => paragraph.trim() !== '')
    .map(unwrapped)
}

/**
 * A quote keeps the line breaks of a text that its editor wrapped at some column; shown at another width they make
 * ragged lines. After a line of 20 letters or more, one that goes on in lower case is joined to it; items and rows stay.
 */
export function unwrapped(paragraph: string): string {
  return paragraph.replaceAll(/(?<=[^\n]{20})[ \t]*\r?\n[ \t]*(?=\p{Ll})/gu, ' ')
}

const rightToLeft = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u

/**
 * The direction of a text by its first letter. `dir="auto"` cannot tell it where every run is isolated
 * (isolates are skipped), and runs are isolated so that an override in one cannot turn its neighbours round.
 */
export function direction(text: string): 'ltr' | 'rtl' {
  const letter = /\p{L}/u.exec(text)?.[0]
  return letter !== undefined && rightToLeft.test(letter) ? 'rtl' : 'ltr'
}
