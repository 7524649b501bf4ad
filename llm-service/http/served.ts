import type { Embedder } from '../../embedding/embedder.ts'
import type { ModelService } from '../types.ts'

export interface ServiceAppSettings {
  version: string
  /** For requests that do not say. */
  defaults: { maxNewTokens: number; temperature: number; topP: number }
  /** Origins whose pages may use it, as browsers write them; none unless named. */
  allowedOrigins: string[]
  /** Names beside the loopback ones that it is reached under, `name` or `name:port`. */
  allowedHosts: string[]
  /** When set, requests must bring it as `Authorization: Bearer`. */
  apiKey: string | null
}

/** What the routes work with. */
export interface Served {
  service: ModelService
  /** Null: this process serves no embeddings. */
  embed: Embedder | null
  settings: ServiceAppSettings
  log: (line: string) => void
  /** Takes the deadline of a request and the idle limit of its connection away: generating takes its time. */
  keepOpen: (request: Request) => void
}
