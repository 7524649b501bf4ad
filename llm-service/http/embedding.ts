/** Texts to vectors for the two embedding routes. */
import type { Embedder } from '../../embedding/embedder.ts'
import { openGate } from '../../http/gate.ts'
import { RequestRefused } from '../../http/refusal.ts'
import type { Served } from './served.ts'

/** Calls take turns, text by text; more of them would only wait. */
const mostAtOnce = 64
/** One gate a process: the embedder behind the routes is one. */
const gate = openGate(mostAtOnce, 'requests for embeddings')

/** @throws RequestRefused 503 while too many are under way, or without an embedding model */
export async function embedTexts(
  served: Served,
  httpRequest: Request,
  texts: string[],
): Promise<{ embed: Embedder; vectors: Float32Array[] }> {
  const embed = embedderOf(served)
  const leave = gate.enter()
  served.keepOpen(httpRequest)
  try {
    return { embed, vectors: await embed.embed(texts, { signal: httpRequest.signal }) }
  } finally {
    leave()
  }
}

function embedderOf({ embed }: Served): Embedder {
  if (embed !== null) return embed
  throw new RequestRefused(503, 'no_embedding_model', 'This process serves no embeddings.', {
    hint: 'The model service on its own port does.',
  })
}
