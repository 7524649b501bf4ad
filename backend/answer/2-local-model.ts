/** The second rung: a small model beside the backend. None is installed yet, and it says so. */
import { type RungChunk, RungUnavailable } from './types.ts'

export const localModelReason = 'not installed'

// biome-ignore lint/correctness/useYield: a rung is a stream, and this one ends before its first piece
export async function* localModel(): AsyncGenerator<RungChunk> {
  throw new RungUnavailable(localModelReason)
}
