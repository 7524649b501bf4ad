/** A question as a model is asked it: counted, packed into its context, then answered. Both rungs with a model do it so. */
import { chat, type ModelServer } from './model-server.ts'
import { pack, textsToCount } from './packing.ts'
import { newBoundary } from './prompt.ts'
import type { TokenCounter } from './token-counts.ts'
import type { RungChunk, RungRequest } from './types.ts'

/** @throws RungUnavailable, RungDeclined, RungFailed; the signal's reason */
export async function* askModel(
  server: ModelServer,
  model: string | null,
  counter: TokenCounter,
  request: RungRequest,
): AsyncGenerator<RungChunk> {
  const boundary = newBoundary()
  const counts = await counter.count(server, model, textsToCount(request, boundary), request.signal)
  const packed = pack(request, boundary, counts)
  yield { prompt: packed.figures }
  yield* chat(server, model, packed, request)
}
