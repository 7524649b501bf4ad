/** `POST /api/llm/count`: how many tokens texts take, so that a prompt can be filled to its last one. */
import { Elysia } from 'elysia'
import { describe } from '../../../http/describe.ts'
import { openGate } from '../../../http/gate.ts'
import { jsonBody } from '../../../http/json-body.ts'
import { NoQuery } from '../../../http/shapes.ts'
import { contextTokens } from '../health-view.ts'
import type { Served } from '../served.ts'
import { CountBody, CountShape, textsLimits } from '../shapes.ts'

const mostAtOnce = 64

const about = describe({
  tag: 'Model',
  summary: 'Count the tokens of texts',
  description: "With the served model's own tokenizer.",
  gives: { 200: { says: 'The counts, in the order of the texts', shape: CountShape } },
  refuses: [400, 401, 408, 413, 415, 503],
})

export function countRoute({ service }: Served) {
  const gate = openGate(mostAtOnce, 'requests to count')
  return new Elysia().post(
    '/api/llm/count',
    async ({ body, request }) => {
      const leave = gate.enter()
      try {
        const counts = await service.count(body.texts, request.signal)
        const infos = service.health().workers.flatMap(({ info }) => (info === null ? [] : [info]))
        return { counts, context_tokens: contextTokens(infos), model: service.model }
      } finally {
        leave()
      }
    },
    { ...jsonBody(CountBody, textsLimits), query: NoQuery, ...about },
  )
}
