/** `POST /v1/embeddings`, as OpenAI's clients call it. */
import { Elysia } from 'elysia'
import { loadTokenizer } from '../../../embedding/tokenizer.ts'
import { describe } from '../../../http/describe.ts'
import { jsonBody } from '../../../http/json-body.ts'
import { EmbeddingBody, EmbeddingShape, embeddingList } from '../../../http/openai/embeddings.ts'
import { OpenAiErrorShape, unknownModel } from '../../../http/openai/errors.ts'
import { invalid } from '../../../http/refusal.ts'
import { NoQuery } from '../../../http/shapes.ts'
import { embedTexts } from '../embedding.ts'
import type { Served } from '../served.ts'
import { textsLimits } from '../shapes.ts'

const about = describe({
  tag: "OpenAI's protocol",
  summary: 'Turn texts into vectors',
  description: 'Of a text longer than the model reads, the beginning counts.',
  gives: { 200: { says: 'The vectors, in the order of the texts', shape: EmbeddingShape } },
  refuses: [400, 401, 404, 408, 413, 415, 503],
  errors: OpenAiErrorShape,
})

export function embeddingsRoute(served: Served) {
  return new Elysia().post(
    '/v1/embeddings',
    async ({ body, request }) => {
      requireServed(body, served)
      const texts = typeof body.input === 'string' ? [body.input] : body.input
      const { embed, vectors } = await embedTexts(served, request, texts)
      const tokens = await tokensOf(texts, embed.model)
      return embeddingList(vectors, embed.model.name, tokens, body.encoding_format ?? 'float')
    },
    { ...jsonBody(EmbeddingBody, textsLimits), query: NoQuery, ...about },
  )
}

/** @throws RequestRefused 404 for another model, 422 for another dimension */
function requireServed(
  { model, dimensions }: { model?: string | null; dimensions?: number | null },
  { embed }: Served,
): void {
  if (embed === null) return
  const { name } = embed.model
  const asked = model ?? name
  // The name that the model has where it was published.
  if (asked !== name && asked !== `sentence-transformers/${name}`) throw unknownModel(name)
  if ((dimensions ?? embed.model.dimensions) !== embed.model.dimensions) {
    throw invalid([{ path: 'dimensions', problem: `must be ${embed.model.dimensions}, or left out` }])
  }
}

/** What the model read: at most its limit of each. */
async function tokensOf(texts: string[], model: Parameters<typeof loadTokenizer>[0]): Promise<number> {
  const tokenizer = await loadTokenizer(model)
  return texts.reduce((sum, text) => sum + tokenizer.encode(text).length, 0)
}
