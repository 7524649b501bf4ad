/** A text could not be embedded: its worker died twice over it, or none can be started. The rest goes on. */
export class EmbeddingFailed extends Error {
  override readonly name = 'EmbeddingFailed'
}

/** The embedder was closed while, or before, a text was to be embedded. */
export class EmbedderClosed extends Error {
  override readonly name = 'EmbedderClosed'
  constructor() {
    super('The embedder is closed: open another one to embed texts.')
  }
}
