/** `POST /api/llm/embed`: the vectors that Mentor's own search uses. */
import { Elysia } from 'elysia'
import { describe } from '../../../http/describe.ts'
import { jsonBody } from '../../../http/json-body.ts'
import { invalid } from '../../../http/refusal.ts'
import { NoQuery } from '../../../http/shapes.ts'
import { embedTexts } from '../embedding.ts'
import type { Served } from '../served.ts'
import { EmbedBody, EmbedShape, textsLimits } from '../shapes.ts'

const about = describe({
  tag: 'Embeddings',
  summary: 'Turn texts into vectors',
  description: 'Of a text longer than the model reads, the beginning counts.',
  gives: { 200: { says: 'The vectors, in the order of the texts', shape: EmbedShape } },
  refuses: [400, 401, 408, 413, 415, 503],
})

export function embedRoute(served: Served) {
  return new Elysia().post(
    '/api/llm/embed',
    async ({ body, request }) => {
      const texts = body.texts ?? (body.text === undefined ? [] : [body.text])
      if (texts.length === 0 || (body.texts !== undefined && body.text !== undefined)) {
        throw invalid([{ path: 'texts', problem: 'must be given, or text, but not both' }])
      }
      const { embed, vectors } = await embedTexts(served, request, texts)
      return {
        embeddings: vectors.map((vector) => Array.from(vector)),
        model: embed.model.name,
        dimension: embed.model.dimensions,
      }
    },
    { ...jsonBody(EmbedBody, textsLimits), query: NoQuery, ...about },
  )
}
