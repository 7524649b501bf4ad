/** `/v1/embeddings`, as OpenAI's clients call it. */
import { Type } from '@sinclair/typebox'
import { oneOf, strict } from '../shapes.ts'
import { ignored, maybe } from './fields.ts'

const embeddingText = Type.String({ minLength: 1, maxLength: 100_000 })

export const EmbeddingBody = Type.Object(
  {
    input: Type.Union([embeddingText, Type.Array(embeddingText, { minItems: 1, maxItems: 2_048 })], {
      expects: 'a text or a list of 1 to 2048 texts: token numbers of another tokenizer mean nothing here',
    }),
    model: maybe(Type.String({ minLength: 1, maxLength: 256 })),
    encoding_format: maybe({
      ...oneOf('float', 'base64'),
      description: '`base64`: 32-bit floats, little-endian.',
    }),
    dimensions: maybe(Type.Integer({ minimum: 1, maximum: 65_536, description: "Only the model's own." })),
    user: ignored(),
  },
  strict,
)

export const EmbeddingShape = Type.Object({
  object: Type.Literal('list'),
  data: Type.Array(
    Type.Object({
      object: Type.Literal('embedding'),
      index: Type.Integer(),
      embedding: Type.Union([Type.Array(Type.Number()), Type.String()]),
    }),
  ),
  model: Type.String(),
  usage: Type.Object({ prompt_tokens: Type.Integer(), total_tokens: Type.Integer() }),
})

/** @param tokens of all texts together, as far as the model read them */
export function embeddingList(
  vectors: Float32Array[],
  model: string,
  tokens: number,
  format: 'float' | 'base64',
) {
  return {
    object: 'list' as const,
    data: vectors.map((vector, index) => ({
      object: 'embedding' as const,
      index,
      embedding: format === 'base64' ? base64(vector) : Array.from(vector),
    })),
    model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  }
}

/** 32-bit floats, little-endian as every machine that this runs on. */
function base64(vector: Float32Array): string {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64')
}
