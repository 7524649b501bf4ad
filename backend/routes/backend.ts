import type { Database } from '../../db/open.ts'
import type { Ladder } from '../answer/ladder.ts'
import type { AnswerFigures } from '../answer-figures.ts'
import type { Answering } from '../answering.ts'
import type { HealthWatch } from '../health.ts'
import type { IngestWorker } from '../ingest-worker.ts'
import type { RetrievalServices } from '../retrieve/retrieve.ts'

/** What the routes work with. */
export interface Backend {
  services: RetrievalServices & { ladder: Ladder }
  db: Database
  dataDir: string
  version: string
  maxUploadBytes: number
  health: HealthWatch
  answering: Answering
  figures: AnswerFigures
  worker: IngestWorker
  log: (line: string) => void
  /** Takes the deadline of a request and the idle limit of its connection away: the route has its own. */
  keepOpen: (request: Request) => void
}
