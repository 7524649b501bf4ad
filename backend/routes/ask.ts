/** `POST /api/ask`: an answer with citations, whole or as a stream. */
import type { Static } from '@sinclair/typebox'
import { Elysia } from 'elysia'
import { describe } from '../../http/describe.ts'
import { jsonBody } from '../../http/json-body.ts'
import { NoQuery } from '../../http/shapes.ts'
import type { AskRequest } from '../answer/types.ts'
import { AnswerShape, AskBody } from '../http/shapes.ts'
import { uiMessageParts, uiMessageStreamHeaders } from '../http/ui-message-stream.ts'
import type { Backend } from './backend.ts'

const defaultPassages = 5

const about = describe({
  tag: 'Questions',
  summary: 'Ask a question of the documents',
  description:
    'Answered by the first rung that can: a model on the llm-service, the local model, or quotes from the ' +
    'documents. With `stream: true` the AI SDK UI message stream: a `source-document` part a passage, the text in ' +
    'whole sentences, then one `data-answer` part whose data is the unstreamed response.',
  gives: {
    200: { says: 'The answer', shape: AnswerShape, types: ['application/json', 'text/event-stream'] },
  },
  refuses: [400, 404, 408, 413, 415, 502, 503],
})

export function askRoute(backend: Backend) {
  const { answering } = backend
  return new Elysia().post(
    '/api/ask',
    ({ body, request }) => {
      const ask = askRequest(body, backend)
      if (body.stream !== true) return answering.whole(request, ask)
      return answering.stream(
        request,
        ask,
        (events) => uiMessageParts(events, backend.log),
        uiMessageStreamHeaders,
      )
    },
    { ...jsonBody(AskBody), query: NoQuery, ...about },
  )
}

function askRequest(body: Static<typeof AskBody>, { services }: Backend): AskRequest {
  const { maxNewTokens, temperature, topP } = services.ladder.settings
  return {
    question: body.question,
    ...(body.collection !== undefined && { collection: body.collection }),
    passages: body.passages ?? defaultPassages,
    history: body.history ?? [],
    rung: body.rung ?? 'auto',
    maxTokens: body.max_tokens ?? maxNewTokens,
    temperature: body.temperature ?? temperature,
    topP,
  }
}
