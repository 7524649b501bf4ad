/** An answer as text to paste elsewhere, with what each of its numbers stands for. */
import type { Texts } from './texts/en.ts'
import type { Answer } from './wire.ts'
import { place } from './wording.ts'

export function withReferences(answer: Answer, texts: Texts): string {
  if (answer.citations.length === 0) return answer.answer
  const lines = answer.citations.map((citation) => {
    const where = [citation.document.title, place(citation, texts)].filter(Boolean).join(', ')
    return `[${citation.number}] ${where}: “${citation.quote.replaceAll(/\s+/g, ' ').trim()}”`
  })
  return `${answer.answer}\n\n${texts.turn.references}:\n${lines.join('\n')}\n`
}
