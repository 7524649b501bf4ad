/** `GET /v1/models`: the model, the model with each of its adapters, the embedding model. */
import { type Static, Type } from '@sinclair/typebox'
import { Elysia } from 'elysia'
import { describe } from '../../../http/describe.ts'
import { OpenAiErrorShape, unknownModel } from '../../../http/openai/errors.ts'
import { ModelList, ModelShape } from '../../../http/openai/models.ts'
import { NoQuery, strict } from '../../../http/shapes.ts'
import { contextTokens } from '../health-view.ts'
import type { Served } from '../served.ts'

const list = describe({
  tag: "OpenAI's protocol",
  summary: 'List the models',
  description:
    'The first answers conversations; `MODEL:ADAPTER` is the same with an adapter; the last embeds.',
  gives: { 200: { says: 'The models', shape: ModelList } },
  refuses: [401],
  errors: OpenAiErrorShape,
})

const one = describe({
  tag: "OpenAI's protocol",
  summary: 'One model',
  gives: { 200: { says: 'The model', shape: ModelShape } },
  refuses: [401, 404],
  errors: OpenAiErrorShape,
})

const Params = Type.Object({ id: Type.String({ minLength: 1, maxLength: 256 }) }, strict)

export function modelRoutes(served: Served) {
  /** Seconds since 1970: since when it is served. */
  const created = Math.floor(Date.now() / 1000)
  return new Elysia()
    .get('/v1/models', () => ({ object: 'list', data: models(served, created) }), { query: NoQuery, ...list })
    .get(
      '/v1/models/:id',
      ({ params }) => {
        const found = models(served, created).find(({ id }) => id === params.id)
        if (found === undefined) throw unknownModel(served.service.model)
        return found
      },
      { params: Params, query: NoQuery, ...one },
    )
}

function models({ service, embed }: Served, created: number): Static<typeof ModelShape>[] {
  const infos = service.health().workers.flatMap(({ info }) => (info === null ? [] : [info]))
  const context = contextTokens(infos)
  const model = (id: string, more: { root?: string; max_model_len?: number } = {}) => ({
    id,
    object: 'model' as const,
    created,
    owned_by: 'mentor',
    ...more,
  })
  const length = context === null ? {} : { max_model_len: context }
  const usable = service.adapters().filter(({ problem }) => problem === null)
  return [
    model(service.model, length),
    ...usable.map(({ name }) => model(`${service.model}:${name}`, { root: service.model, ...length })),
    ...(embed === null ? [] : [model(embed.model.name, { max_model_len: embed.model.tokenLimit })]),
  ]
}
