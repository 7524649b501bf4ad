/** `GET /v1/models`: Mentor over all documents, over each collection, and the embedding model. */
import { type Static, Type } from '@sinclair/typebox'
import { Elysia } from 'elysia'
import { findCollection, listCollections } from '../../../db/collections.ts'
import { describe } from '../../../http/describe.ts'
import { OpenAiErrorShape, unknownModel } from '../../../http/openai/errors.ts'
import { ModelList, ModelShape } from '../../../http/openai/models.ts'
import { NoQuery, strict } from '../../../http/shapes.ts'
import { modelChoice, modelName } from '../../model-name.ts'
import type { Backend } from '../backend.ts'

const list = describe({
  tag: "OpenAI's protocol",
  summary: 'List the models',
  description:
    '`mentor` answers from all documents, `mentor/COLLECTION` from one collection; the last embeds. `:llm-service`, ' +
    '`:local-model` or `:context-only` behind a name lets that rung alone answer; those names are not listed.',
  gives: { 200: { says: 'The models', shape: ModelList } },
  refuses: [503],
  errors: OpenAiErrorShape,
})
const one = describe({
  tag: "OpenAI's protocol",
  summary: 'One model',
  description: 'The name may be written with its slash or with `%2F`.',
  gives: { 200: { says: 'The model', shape: ModelShape } },
  refuses: [404, 503],
  errors: OpenAiErrorShape,
})

const name = Type.String({ minLength: 1, maxLength: 256 })
const ById = Type.Object({ id: name }, strict)
const ByPath = Type.Object({ id: name, collection: name }, strict)

type Model = Static<typeof ModelShape>

export function openAiModelRoutes({ db, services }: Backend) {
  const { name: embedding, tokenLimit } = services.embedder.model
  const embeds = (created: number): Model => ({ ...model(embedding, created), max_model_len: tokenLimit })
  /** Seconds since 1970: since when it is served. */
  const since = Math.floor(Date.now() / 1000)

  const find = async (id: string): Promise<Model> => {
    if (id === embedding) return embeds(since)
    const choice = modelChoice(id)
    const exists =
      choice !== null && (choice.collection === undefined || (await findCollection(db, choice.collection)))
    if (!exists) throw unknownModel(modelName)
    return model(id, since)
  }

  return new Elysia()
    .get(
      '/v1/models',
      async () => {
        const collections = await listCollections(db)
        return {
          object: 'list' as const,
          data: [
            model(modelName, since),
            ...collections.map(({ name, createdAt }) =>
              model(`${modelName}/${name}`, Math.floor(createdAt.getTime() / 1000)),
            ),
            embeds(since),
          ],
        }
      },
      { query: NoQuery, ...list },
    )
    .get('/v1/models/:id', ({ params }) => find(params.id), { params: ById, query: NoQuery, ...one })
    .get('/v1/models/:id/:collection', ({ params }) => find(`${params.id}/${params.collection}`), {
      params: ByPath,
      query: NoQuery,
      ...one,
    })
}

function model(id: string, created: number): Model {
  return { id, object: 'model', created, owned_by: 'mentor' }
}
