/** `POST /chat` as an earlier chatbot had it, and `/api/chat` for a proxy that serves the page. */
import type { Static } from '@sinclair/typebox'
import { Elysia } from 'elysia'
import { describe } from '../../../http/describe.ts'
import type { StreamPart } from '../../../http/event-stream.ts'
import { jsonBody } from '../../../http/json-body.ts'
import { NoQuery } from '../../../http/shapes.ts'
import type { Answer, AnswerEvent, AskRequest } from '../../answer/types.ts'
import { errorPart } from '../../http/refusals.ts'
import type { Backend } from '../backend.ts'
import { mostHistory, openSessions, type Sessions } from './sessions.ts'
import { ChatBody, ChatShape, defaultMaxTokens, defaultTemperature } from './shapes.ts'

export const defaultPassages = 5

const about = describe({
  tag: 'Contracts of earlier systems',
  summary: 'Chat',
  description: 'Answered from all documents, as `POST /api/ask`. `/api/chat` is the same.',
  gives: { 200: { says: 'The answer', shape: ChatShape, types: ['application/json', 'text/event-stream'] } },
  refuses: [400, 408, 413, 415, 502, 503],
})

export function earlierChatRoutes(backend: Backend) {
  const { answering, db, log } = backend
  const sessions = openSessions(db, log)
  const chat = async ({ body, request }: { body: Static<typeof ChatBody>; request: Request }) => {
    const ask = await askedOf(body, backend, sessions)
    const session = body.session_id ?? null
    if (body.stream === true) {
      return await answering.stream(request, ask, (events) => parts(events, ask, session, sessions, log))
    }
    return await replyOf(await answering.whole(request, ask), ask, session, sessions)
  }
  const taken = { ...jsonBody(ChatBody), query: NoQuery, ...about }
  return new Elysia().post('/chat', chat, taken).post('/api/chat', chat, taken)
}

async function askedOf(
  { message, conversation_history, max_tokens, temperature, session_id }: Static<typeof ChatBody>,
  { services }: Backend,
  sessions: Sessions,
): Promise<AskRequest> {
  const said = conversation_history?.filter(({ role }) => role !== 'system') ?? []
  const history =
    said.length === 0 && session_id ? await sessions.history(session_id) : said.slice(-mostHistory)
  return {
    question: message,
    history,
    passages: defaultPassages,
    rung: 'auto',
    maxTokens: max_tokens ?? defaultMaxTokens,
    temperature: temperature ?? defaultTemperature,
    topP: services.ladder.settings.topP,
  }
}

async function replyOf(answer: Answer, ask: AskRequest, session: string | null, sessions: Sessions) {
  if (session !== null) await sessions.remember(session, ask.question, answer.answer)
  return {
    response: answer.answer,
    model: answer.model ?? answer.rung,
    ...tokensOf(answer),
    latency_seconds: answer.timings.total / 1000,
    timestamp: new Date().toISOString(),
    session_id: session,
    citations: answer.citations,
  }
}

export function tokensOf({ usage }: Answer) {
  const prompt = usage.promptTokens ?? 0
  const completion = usage.completionTokens ?? 0
  return { tokens_used: prompt + completion, prompt_tokens: prompt, completion_tokens: completion }
}

async function* parts(
  events: AsyncIterable<AnswerEvent>,
  ask: AskRequest,
  session: string | null,
  sessions: Sessions,
  log: (line: string) => void,
): AsyncGenerator<StreamPart> {
  try {
    for await (const event of events) {
      if (event.type === 'text') yield { type: 'token', text: event.text }
      else if (event.type === 'error') yield event
      else if (event.type === 'answer') {
        yield { type: 'done', ...(await replyOf(event.answer, ask, session, sessions)) }
      }
    }
  } catch (error) {
    const { code, errorText } = errorPart(error, log)
    yield { type: 'error', code, message: errorText }
  }
  yield '[DONE]'
}
