import { existingVectors } from '../db/ingest.ts'
import type { Database } from '../db/open.ts'
import type { Embedder } from '../embedding/embedder.ts'
import { toHalfvec } from '../embedding/halfvec.ts'
import { patiently } from './patience.ts'
import type { PreparedPassage } from './prepare.ts'

/** Vectors of passages, each text embedded once: not again when the database has it, nor twice at the same time. */
export interface Vectors {
  /** pgvector literals, in the order of the passages. Call `release` when they are written, or given up. */
  of(passages: PreparedPassage[], signal: AbortSignal | undefined): Promise<string[]>
  release(passages: PreparedPassage[]): void
  /** Texts that went through the model. */
  embedded(): number
}

export function openVectors(db: Database, embedder: Embedder, spaceId: number): Vectors {
  /** By the hex of the input's hash: under way, or done but not yet to be found in the database. */
  const pending = new Map<string, { vector: Promise<string>; users: number }>()
  let embedded = 0

  async function compute(
    passages: PreparedPassage[],
    signal: AbortSignal | undefined,
  ): Promise<Map<string, string>> {
    const hashes = passages.map((passage) => passage.inputHash)
    const vectors = await patiently(() => existingVectors(db, spaceId, hashes), { signal })
    const missing = passages.filter((passage) => !vectors.has(keyOf(passage)))
    const made = await embedder.embed(
      missing.map((passage) => passage.input),
      signal ? { signal } : {},
    )
    embedded += made.length
    for (const [i, passage] of missing.entries()) {
      const vector = made[i]
      if (vector) vectors.set(keyOf(passage), toHalfvec(vector))
    }
    return vectors
  }

  return {
    async of(passages, signal) {
      const fresh: PreparedPassage[] = []
      const computed = Promise.withResolvers<Map<string, string>>()
      const own = passages.map((passage) => {
        const key = keyOf(passage)
        const known = pending.get(key)
        if (known) {
          known.users++
          return known.vector
        }
        fresh.push(passage)
        const vector = computed.promise.then(
          (vectors) => vectors.get(key) ?? Promise.reject(new Error(`no vector for ${key}`)),
        )
        vector.catch(() => undefined) // told to whoever waits below
        pending.set(key, { vector, users: 1 })
        return vector
      })
      if (fresh.length > 0) compute(fresh, signal).then(computed.resolve, computed.reject)
      return await Promise.all(own)
    },
    release(passages) {
      for (const passage of passages) {
        const entry = pending.get(keyOf(passage))
        if (entry && --entry.users === 0) pending.delete(keyOf(passage))
      }
    },
    embedded: () => embedded,
  }
}

function keyOf(passage: PreparedPassage): string {
  return Buffer.from(passage.inputHash).toString('hex')
}
