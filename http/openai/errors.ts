/** Refusals and errors as OpenAI's protocol writes them. */
import { Type } from '@sinclair/typebox'
import type { Explained } from '../error-response.ts'
import { RequestRefused, refusalResponse } from '../refusal.ts'
import { nullable } from '../shapes.ts'

/** `/v1` speaks OpenAI's protocol, its errors included. */
function speaksOpenAi(request: Request): boolean {
  const path = URL.parse(request.url)?.pathname ?? ''
  return path === '/v1' || path.startsWith('/v1/')
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

/** The body of a response, or an event of a stream that has begun; clients of OpenAI throw what such an event holds. */
export function openAiBody({ refusal, id }: Explained): object {
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

/** In OpenAI's shape for a request to `/v1`, else in our own. */
export function errorResponseTo(request: Request, explained: Explained): Response {
  const { refusal, id } = explained
  if (!speaksOpenAi(request)) return refusalResponse(refusal, id)
  return Response.json(openAiBody(explained), {
    status: refusal.status,
    headers: refusal.advice.headers ?? {},
  })
}

/** @param served the one to name instead */
export function unknownModel(served: string): RequestRefused {
  return new RequestRefused(404, 'model_not_found', 'That model is not served here.', {
    hint: `${served} is; GET /v1/models lists all.`,
    details: [{ path: 'model', problem: 'is not served here' }],
  })
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
