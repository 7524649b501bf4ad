/** What the pool and its worker processes say to each other. A worker answers its requests in order. */

/** One text, as word pieces. */
export interface EmbedRequest {
  ids: Int32Array
}

export type WorkerMessage =
  | { type: 'ready' }
  /** `ms`: time inside the model. */
  | { type: 'vector'; vector: Float32Array; ms: number }
  | { type: 'failed'; reason: string }
  /** The worker cannot start and ends. `corrupt`: its model's files are not the tested ones. */
  | { type: 'unable'; corrupt: boolean; reason: string }
