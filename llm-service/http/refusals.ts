/** What errors of the engine, the queue and the embedder mean to whoever sent a request, in both shapes of errors. */
import { EmbedderClosed, EmbeddingFailed } from '../../embedding/errors.ts'
import { explain } from '../../http/error-response.ts'
import { errorResponseTo, openAiBody } from '../../http/openai/errors.ts'
import { RequestRefused, refusalBody } from '../../http/refusal.ts'
import { ModelCorrupt } from '../../models/bundled.ts'
import { EngineError, type EngineErrorCode } from '../types.ts'

type Log = (line: string) => void

const statuses: Record<EngineErrorCode, number> = {
  bad_request: 400,
  context_length_exceeded: 400,
  unknown_adapter: 404,
  overloaded: 429,
  // 503: the next try goes to another worker, or to this one started anew.
  failed: 503,
}

/** Seconds, where the queue says nothing better. */
const usualWait = 1

export function refusalMeant(error: unknown): RequestRefused | null {
  if (error instanceof EngineError) return engineRefusal(error)
  if (error instanceof EmbeddingFailed || error instanceof EmbedderClosed || error instanceof ModelCorrupt) {
    return new RequestRefused(503, 'embedding_unavailable', 'The embedding model does not answer.', {
      hint: 'Try again in a moment. If it lasts, the log of the model service says why.',
      headers: { 'retry-after': '5' },
    })
  }
  return null
}

function engineRefusal({ code, message, retryAfter }: EngineError): RequestRefused {
  const status = statuses[code]
  const wait = String(Math.max(1, Math.ceil(retryAfter ?? usualWait)))
  const name = code === 'failed' ? 'generation_failed' : code
  return new RequestRefused(status, name, message, {
    ...(status >= 429 && { headers: { 'retry-after': wait } }),
  })
}

export function errorResponse(error: unknown, request: Request, log: Log): Response {
  return errorResponseTo(request, explain(error, log, refusalMeant))
}

/** An error of a stream that has begun already, as an event of it. */
export function errorEvent(error: unknown, log: Log): object {
  const { refusal, id } = explain(error, log, refusalMeant)
  return refusalBody(refusal, id)
}

/** The same for a stream of `/v1`; clients of OpenAI throw what such an event holds. */
export function openAiErrorEvent(error: unknown, log: Log): object {
  return openAiBody(explain(error, log, refusalMeant))
}
