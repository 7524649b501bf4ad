/** How the page names places, times, sizes and who answers. */
import type { Texts } from './texts/en.ts'
import type { Answer, Citation, RungHealth } from './wire.ts'

/** Who answered, as one phrase. */
export function answeredBy({ rung, model, abstained }: Answer, { trust }: Texts): string {
  if (abstained) return trust.looked
  return rung === 'context-only' ? trust.quoted : trust.written(model)
}

/** Who will answer the next question, as one phrase. */
export function willAnswer(rung: RungHealth | undefined, { status, rungs }: Texts): string {
  if (rung === undefined) return status.nobody
  return rung.rung === 'context-only' ? status.byQuoting : status.with(rung.model ?? rungs[rung.rung])
}

/** `84 ms`, `2.3 s`. */
export function duration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}

/** `20 s`, `3 min`: what is left of something long, no more exact than it is known. */
export function remaining(ms: number): string {
  const seconds = Math.ceil(ms / 1000)
  return seconds < 60 ? `${Math.ceil(seconds / 5) * 5} s` : `${Math.ceil(seconds / 60)} min`
}

/** `812 B`, `48 kB`, `3.1 MB`, in powers of a thousand. */
export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  if (bytes < 1e6) return `${Math.round(bytes / 1000)} kB`
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`
}

/** Where in its document a citation stands: `page 3 · Annual leave`; empty when nothing is known. */
export function place(
  { page, heading, document }: Pick<Citation, 'page' | 'heading' | 'document'>,
  { turn }: Texts,
): string {
  const headings = (heading ?? '').split(' › ')
  // The first heading is mostly the title, which stands beside it already.
  if (headings[0] === document.title) headings.shift()
  return [...(page === null ? [] : [turn.page(page)]), headings.join(' › ')].filter(Boolean).join(' · ')
}

/** The name of every button that opens a citation. */
export function sourceName(citation: Citation, { turn }: Texts): string {
  return turn.source(citation.number, citation.document.title)
}
