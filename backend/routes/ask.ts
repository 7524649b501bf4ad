/** `POST /api/ask`: an answer with citations, whole or as a stream. */
import type { Static } from '@sinclair/typebox'
import { Elysia } from 'elysia'
import { describe } from '../../http/describe.ts'
import { eventStream } from '../../http/event-stream.ts'
import { openGate } from '../../http/gate.ts'
import { jsonBody } from '../../http/json-body.ts'
import { RequestRefused } from '../../http/refusal.ts'
import { NoQuery } from '../../http/shapes.ts'
import { answerQuestion } from '../answer/answer.ts'
import type { Answer, AnswerEvent, AskRequest } from '../answer/types.ts'
import { AnswerShape, AskBody } from '../http/shapes.ts'
import { uiMessageParts, uiMessageStreamHeaders } from '../http/ui-message-stream.ts'
import type { Backend } from './backend.ts'

/** Enough for every rung to be busy; more would wait for longer than anybody waits. */
const mostAtOnce = 64
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
  const gate = openGate(mostAtOnce, 'questions')
  return new Elysia().post(
    '/api/ask',
    async ({ body, request }) => {
      const leave = gate.enter()
      const stop = new AbortController()
      const signal = AbortSignal.any([request.signal, stop.signal])
      backend.keepOpen(request)
      let streaming = false
      try {
        const events = answerQuestion(backend.services, askRequest(body, backend), signal)
        if (body.stream !== true) return await wholeAnswer(events)
        const begun = await afterFirst(events)
        streaming = true
        return eventStream(uiMessageParts(begun, backend.log), uiMessageStreamHeaders, request.signal, () => {
          stop.abort()
          leave()
        })
      } finally {
        if (!streaming) leave()
      }
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

async function wholeAnswer(events: AsyncIterable<AnswerEvent>): Promise<Answer> {
  for await (const event of events) {
    if (event.type === 'answer') return event.answer
    if (event.type === 'error') throw new RequestRefused(502, event.code, event.message)
  }
  throw new Error('The answer ended without an answer or an error.')
}

/** Waits for the first event: until then a refusal still has its own status. */
async function afterFirst(events: AsyncGenerator<AnswerEvent>): Promise<AsyncGenerator<AnswerEvent>> {
  const first = await events.next()
  return (async function* () {
    if (first.done) return
    yield first.value
    yield* events
  })()
}
