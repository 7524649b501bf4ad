/**
 * Texts to vectors: a pool of worker processes, one onnxruntime thread each, one text a run. Measured on 2 cores,
 * 162-token passages: two workers embed a quarter more than one session of two threads, and only a text alone in
 * its run gets the same vector every time (see models/all-MiniLM-L6-v2 in models/bundled.ts).
 */
import { availableParallelism } from 'node:os'
import type { EmbeddingModel } from '../models/bundled.ts'
import { EmbedderClosed } from './errors.ts'
import { openPool, type Task } from './pool.ts'
import { loadTokenizer, type Tokenizer } from './tokenizer.ts'

export interface Embedder {
  readonly model: EmbeddingModel
  /**
   * One vector a text, in order, each of `model.dimensions` numbers and length 1; equal texts are embedded once.
   * Of a text longer than the model's limit the beginning is read. Calls take turns, text by text.
   *
   * `onEmbedded` is called as each text is done, in no particular order. When `signal` aborts, the call rejects with
   * its reason at once and what waits is dropped.
   *
   * @throws EmbeddingFailed when a text failed twice or no worker can be started; the rest of the call is dropped.
   * @throws ModelCorrupt when the model's files are not those that were tested.
   * @throws EmbedderClosed
   */
  embed(
    texts: string[],
    options?: { signal?: AbortSignal; onEmbedded?: (index: number, vector: Float32Array) => void },
  ): Promise<Float32Array[]>
  /** Workers alive, texts embedded, and the time spent inside the model, summed over the workers. */
  stats(): { workers: number; texts: number; busyMs: number }
  /** Process ids of the workers: what memory they take can be asked of the system. */
  pids(): number[]
  /** Rejects what waits and ends the workers. */
  close(): Promise<void>
}

/** More workers than this take memory (about 200 MB each) that a desktop misses more than the speed. */
const MOST_WORKERS = 4

/**
 * Opens an embedder. Nothing is loaded until the first text; a second and further worker starts when texts queue up.
 * `idleMs`: workers above the first end after so long without work; undefined: they stay.
 */
export function openEmbedder(options: {
  model: EmbeddingModel
  workers?: number
  idleMs?: number
}): Embedder {
  const { model, idleMs, workers = Math.min(availableParallelism(), MOST_WORKERS) } = options
  let tokenizer: Tokenizer | undefined
  let closed = false
  const pool = openPool({
    model,
    size: Math.max(1, workers),
    idleMs,
    encode: (text) => {
      if (!tokenizer) throw new Error('A text reached the pool before the tokenizer was loaded.')
      return tokenizer.encode(text)
    },
  })

  async function embed(
    texts: string[],
    settings: Parameters<Embedder['embed']>[1] = {},
  ): Promise<Float32Array[]> {
    const { signal, onEmbedded } = settings
    signal?.throwIfAborted()
    if (closed) throw new EmbedderClosed()
    if (texts.length === 0) return []
    tokenizer ??= await loadTokenizer(model)
    if (closed) throw new EmbedderClosed()
    signal?.throwIfAborted()

    const vectors = new Array<Float32Array>(texts.length)
    const places = placesOf(texts)
    const lane = pool.lane()
    const { promise, resolve, reject } = Promise.withResolvers<Float32Array[]>()
    let left = places.size
    let over = false
    const give = (indexes: number[], vector: Float32Array): void => {
      // A text that was in a worker when the call failed or was aborted: nobody waits for it.
      if (over) return
      try {
        for (const index of indexes) {
          // Each place gets a vector of its own: who changes one does not change another.
          const own = index === indexes[0] ? vector : vector.slice()
          vectors[index] = own
          onEmbedded?.(index, own)
        }
        if (--left === 0) resolve(vectors)
      } catch (error) {
        fail(error)
      }
    }
    const fail = (error: unknown): void => {
      over = true
      lane.clear()
      reject(error)
    }
    for (const [text, indexes] of places) {
      const task: Task = { text, lane, failures: 0, failed: fail, done: (vector) => give(indexes, vector) }
      lane.push(task)
    }
    const abort = (): void => fail(signal?.reason)
    signal?.addEventListener('abort', abort, { once: true })
    pool.dispatch()
    try {
      return await promise
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  return {
    model,
    embed,
    stats: pool.stats,
    pids: pool.pids,
    close: () => {
      closed = true
      return pool.close()
    },
  }
}

/** Where each different text stands. */
function placesOf(texts: string[]): Map<string, number[]> {
  const places = new Map<string, number[]>()
  for (const [index, text] of texts.entries()) {
    const known = places.get(text)
    if (known) known.push(index)
    else places.set(text, [index])
  }
  return places
}
