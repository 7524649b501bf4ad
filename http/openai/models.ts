/** What `/v1/models` lists. */
import { Type } from '@sinclair/typebox'

export const ModelShape = Type.Object({
  id: Type.String(),
  object: Type.Literal('model'),
  created: Type.Integer(),
  owned_by: Type.String(),
  root: Type.Optional(Type.String({ description: 'Of an adapter: the model that it changes.' })),
  max_model_len: Type.Optional(Type.Integer({ description: 'Tokens of prompt and answer together.' })),
})
export const ModelList = Type.Object({ object: Type.Literal('list'), data: Type.Array(ModelShape) })
