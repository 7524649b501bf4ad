/** What a route gives, in words and shapes, for the OpenAPI document; kept in the route's `detail`. */
import type { TSchema } from '@sinclair/typebox'
import type { DocumentDecoration } from 'elysia'
import { ErrorShape } from './shapes.ts'

interface Given {
  says: string
  shape?: TSchema
  /** `application/json` unless said. */
  types?: string[]
}

interface Description {
  /** The heading that it stands under. */
  tag: string
  summary: string
  description?: string
  gives: Record<number, Given>
  /** Statuses of refusals beside those that any route may answer with. */
  refuses?: number[]
  /** A body that is no JSON: its schema by its type. */
  takes?: Record<string, TSchema>
  /** Of every refusal; the one of this project unless another protocol has its own. */
  errors?: TSchema
}

const meanings: Record<number, string> = {
  400: 'The body or the address cannot be read',
  401: 'The key is missing or not the right one',
  403: 'The request comes from another site',
  404: 'There is no such thing',
  408: 'The body stopped arriving',
  406: 'The client takes neither of the types that are given',
  410: 'That version of the document is gone',
  413: 'More than is taken at once',
  415: 'The body is of another type',
  416: 'Past the end of the text',
  422: 'A field is wrong; `details` names each',
  426: 'The address is a WebSocket',
  429: 'The queue is full; `Retry-After` says when',
  500: 'A defect; the log has more under the id',
  501: 'Not built; the message says what to do instead',
  502: 'The model broke off in the middle of its answer',
  503: 'Not now; `Retry-After` says when',
  507: 'The disk is full',
}
const always = [403, 422, 500]

export function describe(route: Description): { detail: DocumentDecoration } {
  const given = Object.entries(route.gives).map(([status, one]) => [status, response(one)])
  const refused = [...always, ...(route.refuses ?? [])].map((status) => [
    String(status),
    response({ says: meanings[status] ?? 'Refused', shape: route.errors ?? ErrorShape }),
  ])
  const detail = {
    tags: [route.tag],
    summary: route.summary,
    ...(route.description !== undefined && { description: route.description }),
    ...(route.takes !== undefined && {
      requestBody: {
        required: true,
        content: Object.fromEntries(Object.entries(route.takes).map(([type, schema]) => [type, { schema }])),
      },
    }),
    responses: Object.fromEntries([...given, ...refused]),
  }
  return { detail: detail as DocumentDecoration }
}

function response({ says, shape, types = ['application/json'] }: Given): object {
  if (shape === undefined) return { description: says }
  return { description: says, content: Object.fromEntries(types.map((type) => [type, { schema: shape }])) }
}
