/** An answer as the AI SDK's UI message stream (version 1): sources, text, the whole answer, finish. */
import type { AnswerEvent, RetrievedPassage } from '../answer/types.ts'
import { errorPart } from './refusals.ts'

export const uiMessageStreamHeaders = { 'x-vercel-ai-ui-message-stream': 'v1' }

const textId = 'answer'

/**
 * @param events as the ladder yields them; after an error event nothing else is sent but the end
 * @param log for a defect: the stream shows its id only
 */
export async function* uiMessageParts(
  events: AsyncIterable<AnswerEvent>,
  log: (line: string) => void,
): AsyncGenerator<object | '[DONE]'> {
  yield { type: 'start' }
  let writing = false
  try {
    for await (const event of events) {
      if (event.type === 'passages') yield* event.passages.map(sourcePart)
      else if (event.type === 'text') {
        if (!writing) yield { type: 'text-start', id: textId }
        writing = true
        yield { type: 'text-delta', id: textId, delta: event.text }
      } else {
        if (writing) yield { type: 'text-end', id: textId }
        writing = false
        if (event.type === 'answer') yield { type: 'data-answer', data: event.answer }
        else yield { type: 'error', errorText: event.message, code: event.code }
        yield { type: 'finish', finishReason: event.type === 'answer' ? 'stop' : 'error' }
        break
      }
    }
  } catch (error) {
    if (writing) yield { type: 'text-end', id: textId }
    yield { type: 'error', ...errorPart(error, log) }
    yield { type: 'finish', finishReason: 'error' }
  }
  yield '[DONE]'
}

function sourcePart(passage: RetrievedPassage): object {
  const { document, start, end, page, heading, score } = passage
  return {
    type: 'source-document',
    sourceId: String(passage.id),
    mediaType: 'text/plain',
    title: document.title,
    filename: document.source,
    providerMetadata: {
      mentor: { document: document.id, version: document.version, start, end, page, heading, score },
    },
  }
}
