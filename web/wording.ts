/** How the page names rungs, places and times. */
import type { Answer, Citation, LadderStep, RungHealth, RungName } from './wire.ts'

const rungs: Record<RungName, string> = {
  'llm-service': 'language model service',
  'local-model': 'local model',
  'context-only': 'your documents alone',
}

export function rungName(rung: RungName): string {
  return rungs[rung]
}

/** Who answered, as one phrase. */
export function answeredBy({ rung, model, abstained }: Answer): string {
  if (abstained) return 'Looked through your documents'
  if (rung === 'context-only') return 'Quoted from your documents, no language model'
  return `Written by ${model ?? 'a language model'}`
}

/** Who will answer the next question, as one phrase. */
export function willAnswer(rung: RungHealth | undefined): string {
  if (rung === undefined) return 'Nothing can answer now'
  if (rung.rung === 'context-only') return 'Answers by quoting'
  return `Answers with ${rung.model ?? rungs[rung.rung]}`
}

const outcomes: Record<LadderStep['outcome'], string> = {
  answered: 'answered',
  unavailable: 'not available',
  failed: 'failed',
  timeout: 'took too long',
  skipped: 'not asked',
}

export function outcomeName(outcome: LadderStep['outcome']): string {
  return outcomes[outcome]
}

/** `given 3 of 5 passages, 1,240 tokens`. */
export function given({ passages, of, tokens }: NonNullable<LadderStep['prompt']>): string {
  const which = passages === of ? counted(of, 'passage') : `${passages} of ${counted(of, 'passage')}`
  return `given ${which}, ${counted(tokens, 'token')}`
}

/** `84 ms`, `2.3 s`. */
export function duration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}

export function counted(count: number, one: string): string {
  return `${count.toLocaleString('en')} ${one}${count === 1 ? '' : 's'}`
}

/** Where in its document a citation stands: `page 3 · Annual leave`; empty when nothing is known. */
export function place({ page, heading, document }: Citation): string {
  const headings = (heading ?? '').split(' › ')
  // The first heading is mostly the title, which stands beside it already.
  if (headings[0] === document.title) headings.shift()
  return [...(page === null ? [] : [`page ${page}`]), headings.join(' › ')].filter(Boolean).join(' · ')
}

/** The name of every button that opens a citation. */
export function sourceName(citation: Citation): string {
  return `Source ${citation.number}: ${citation.document.title}`
}
