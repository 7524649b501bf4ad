/** What errors of the engine, the queue and the embedder mean to whoever sent a request, in both shapes of errors. */
import { Type } from '@sinclair/typebox'
import { EmbedderClosed, EmbeddingFailed } from '../../embedding/errors.ts'
import { type Explained, explain } from '../../http/error-response.ts'
import { RequestRefused, refusalBody, refusalResponse } from '../../http/refusal.ts'
import { nullable } from '../../http/shapes.ts'
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

/** `/v1` speaks OpenAI's protocol, its errors included. */
export function speaksOpenAi(request: Request): boolean {
  const path = URL.parse(request.url)?.pathname ?? ''
  return path === '/v1' || path.startsWith('/v1/')
}

export function errorResponse(error: unknown, request: Request, log: Log): Response {
  const explained = explain(error, log, refusalMeant)
  const { refusal, id } = explained
  if (!speaksOpenAi(request)) return refusalResponse(refusal, id)
  return Response.json(openAiBody(explained), {
    status: refusal.status,
    headers: refusal.advice.headers ?? {},
  })
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

export const OpenAiErrorShape = Type.Object({
  error: Type.Object({
    message: Type.String({ description: 'With what to do about it.' }),
    type: Type.String(),
    param: nullable(Type.String({ description: 'The field that is wrong, as in `messages[0].role`.' })),
    code: Type.String({ description: 'Stable, in snake case.' }),
    details: Type.Optional(Type.Array(Type.Object({ path: Type.String(), problem: Type.String() }))),
  }),
})

function openAiBody({ refusal, id }: Explained): object {
  const { hint, details } = refusal.advice
  const words = [refusal.message, hint, id === undefined ? undefined : `Its id is ${id}.`]
  return {
    error: {
      message: words.filter((one) => one !== undefined).join(' '),
      type: typeOf(refusal.status),
      param: paramOf(details?.[0]?.path),
      code: refusal.code,
      ...(details !== undefined && { details }),
    },
  }
}

function typeOf(status: number): string {
  if (status === 401) return 'authentication_error'
  if (status === 403) return 'permission_error'
  if (status === 429) return 'rate_limit_error'
  return status >= 500 ? 'server_error' : 'invalid_request_error'
}

/** `messages/0/role` as OpenAI writes it: `messages[0].role`. */
function paramOf(path: string | undefined): string | null {
  if (path === undefined || path === '') return null
  return path
    .split('/')
    .map((step, i) => (/^\d+$/.test(step) ? `[${step}]` : i === 0 ? step : `.${step}`))
    .join('')
}
