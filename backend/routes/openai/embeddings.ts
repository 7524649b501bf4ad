/** `POST /v1/embeddings`: the vectors that the documents are found by. */
import { Elysia } from 'elysia'
import { EmbedderClosed, EmbeddingFailed } from '../../../embedding/errors.ts'
import { loadTokenizer } from '../../../embedding/tokenizer.ts'
import { describe } from '../../../http/describe.ts'
import { openGate } from '../../../http/gate.ts'
import { jsonBody } from '../../../http/json-body.ts'
import { EmbeddingBody, EmbeddingShape, embeddingList } from '../../../http/openai/embeddings.ts'
import { OpenAiErrorShape, unknownModel } from '../../../http/openai/errors.ts'
import { invalid, RequestRefused } from '../../../http/refusal.ts'
import { NoQuery } from '../../../http/shapes.ts'
import type { EmbeddingModel } from '../../../models/bundled.ts'
import type { Backend } from '../backend.ts'

/** Calls take turns with the questions, text by text; more of them would only wait. */
const mostAtOnce = 32
/** 2,048 texts at once. */
const limits = { maxBytes: 8 * 1024 * 1024, maxDepth: 16 }

const about = describe({
  tag: "OpenAI's protocol",
  summary: 'Turn texts into vectors',
  description:
    'Those that the documents are found by. Of a text longer than the model reads, the beginning counts.',
  gives: { 200: { says: 'The vectors, in the order of the texts', shape: EmbeddingShape } },
  refuses: [400, 404, 408, 413, 415, 503],
  errors: OpenAiErrorShape,
})

export function openAiEmbeddingsRoute({ services, keepOpen }: Backend) {
  const gate = openGate(mostAtOnce, 'requests for embeddings')
  const { embedder } = services
  return new Elysia().post(
    '/v1/embeddings',
    async ({ body, request }) => {
      requireServed(body, embedder.model)
      const texts = typeof body.input === 'string' ? [body.input] : body.input
      const leave = gate.enter()
      keepOpen(request)
      try {
        const vectors = await embedder.embed(texts, { signal: request.signal })
        const tokenizer = await loadTokenizer(embedder.model)
        const tokens = texts.reduce((sum, text) => sum + tokenizer.encode(text).length, 0)
        return embeddingList(vectors, embedder.model.name, tokens, body.encoding_format ?? 'float')
      } catch (error) {
        throw embeddingRefusal(error) ?? error
      } finally {
        leave()
      }
    },
    { ...jsonBody(EmbeddingBody, limits), query: NoQuery, ...about },
  )
}

/** @throws RequestRefused 404 for another model, 422 for another dimension */
function requireServed(
  { model, dimensions }: { model?: string | null; dimensions?: number | null },
  served: EmbeddingModel,
): void {
  const asked = model ?? served.name
  // The name that the model has where it was published.
  if (asked !== served.name && asked !== `sentence-transformers/${served.name}`)
    throw unknownModel(served.name)
  if ((dimensions ?? served.dimensions) !== served.dimensions) {
    throw invalid([{ path: 'dimensions', problem: `must be ${served.dimensions}, or left out` }])
  }
}

function embeddingRefusal(error: unknown): RequestRefused | null {
  if (!(error instanceof EmbeddingFailed || error instanceof EmbedderClosed)) return null
  return new RequestRefused(503, 'embedding_unavailable', 'The embedding model does not answer.', {
    hint: 'Try again in a moment.',
    headers: { 'retry-after': '5' },
  })
}
