/** What a model reads of a tool's result: the same as the structured content, in fewer tokens. */
import type { Answer, RetrievedPassage } from '../answer/types.ts'
import { placeParts } from '../places.ts'
import type { DocumentPage } from './server.ts'

export function passagesText({ passages, notes }: { passages: RetrievedPassage[]; notes: string[] }): string {
  const shown = passages.map(
    (passage, i) =>
      `[${i + 1}] ${placeParts(passage).join(', ')} (document ${passage.document.id}, ${passage.start} to ${passage.end})\n${passage.text}`,
  )
  return [passages.length === 0 ? 'Nothing found.' : '', ...shown, ...notes]
    .filter((one) => one !== '')
    .join('\n\n')
}

export function answerText({ answer, citations, notes }: Answer): string {
  const sources = citations.map(
    (one) => `[${one.number}] ${placeParts(one).join(', ')} (document ${one.document.id}): “${one.quote}”`,
  )
  return [answer, sources.join('\n'), notes.join('\n')].filter((one) => one !== '').join('\n\n')
}

export function documentsText({ documents, next }: DocumentPage): string {
  const lines = documents.map(
    ({ id, title, source, collection, length }) =>
      `${id} ${title} (${collection}/${source}, ${length} characters)`,
  )
  if (lines.length === 0) lines.push('No documents.')
  if (next !== null) lines.push(`More with cursor ${next}`)
  return lines.join('\n')
}
