/**
 * What /health says, kept ready: it must answer within 100 ms while the database is down, busy or slow, so the
 * database is asked in the background and its last answer is told meanwhile.
 */
import { counts } from '../db/documents.ts'
import { readJob } from '../db/jobs.ts'
import type { Database } from '../db/open.ts'
import { inWords } from '../http/log-text.ts'
import type { Ladder, RungHealth } from './answer/ladder.ts'
import { strategyOf } from './answer/strategy.ts'
import type { RungName } from './answer/types.ts'
import type { Health } from './http/shapes.ts'
import type { RetrievalServices } from './retrieve/retrieve.ts'

export interface HealthWatch {
  /** Within about 50 ms, whatever the database does. */
  read(): Promise<Health>
}

interface HealthSettings {
  services: RetrievalServices & { ladder: Ladder }
  version: string
  /** The job whose progress is told as `ingesting`. */
  startJob: string | null
  log: (line: string) => void
}

/** How long a request waits for a fresh answer of the database before it takes the last one. */
const freshMs = 50
/** A database that has been silent for so long is called unavailable; less is a long query. */
const silentMs = 2_000

type Stored = Pick<Health, 'counts' | 'ingesting'>
type DatabaseState = Health['database']['state']

export function openHealth({ services, version, startJob, log }: HealthSettings): HealthWatch {
  const { db, embedder, ladder } = services
  const stored = watchStored(db, startJob, log)
  return {
    async read() {
      const { state, counts, ingesting } = await stored()
      const rungs = ladder.health()
      const { name, revision, dimensions, tokenLimit } = embedder.model
      const wantsModel = ladder.settings.serviceEnabled
      return {
        status: statusOf({ state, counts, ingesting, rungs, wantsModel }),
        backend: 'ok',
        vllm: isReady(rungs, 'llm-service') ? 'ok' : 'unavailable',
        timestamp: new Date().toISOString(),
        version,
        strategy: strategyOf(rungs),
        rungs,
        database: { kind: db.kind, where: db.where, state },
        embedding: {
          model: name,
          revision,
          dimensions,
          token_limit: tokenLimit,
          workers: embedder.stats().workers,
        },
        counts,
        ingesting,
      }
    },
  }
}

/** Asks the database at most once at a time; gives its answer, or after `freshMs` the one before. */
function watchStored(
  db: Database,
  startJob: string | null,
  log: (line: string) => void,
): () => Promise<Stored & { state: DatabaseState }> {
  const progress = startJob === null ? null : followJob(db, startJob)
  let last: Stored = { counts: { collections: 0, documents: 0, passages: 0 }, ingesting: null }
  let state: DatabaseState = 'checking'
  let asked: { since: number; settled: Promise<void> } | null = null

  const ask = async () => {
    try {
      last = { counts: await counts(db), ingesting: (await progress?.()) ?? null }
      state = 'ready'
    } catch (error) {
      if (state !== 'unavailable') log(`The database does not answer /health: ${inWords(error)}`)
      state = 'unavailable'
    } finally {
      asked = null
    }
  }

  return async () => {
    asked ??= { since: performance.now(), settled: ask() }
    const { since, settled } = asked
    await Promise.race([settled, Bun.sleep(freshMs)])
    if (asked?.settled === settled && performance.now() - since > silentMs) state = 'unavailable'
    return { ...last, state }
  }
}

/** Progress of a job, reading each of its lines once; null when it is over, gone, or not begun to count. */
function followJob(db: Database, id: string): () => Promise<Health['ingesting']> {
  let done = 0
  let over = false
  return async () => {
    if (over) return null
    const job = await readJob(db, id, done)
    over = job === null || job.finishedAt !== null
    if (job === null || over) return null
    // A job whose worker died begins anew, and its lines with it.
    done = job.total === null ? 0 : done + job.lines.length
    return { done, total: job.total ?? 0 }
  }
}

interface Standing extends Stored {
  state: DatabaseState
  rungs: RungHealth[]
  /** A language model is meant to answer. */
  wantsModel: boolean
}

/** Starting: a rung is being checked, or the first documents are being read. Degraded: something is missing. */
function statusOf({ state, counts, ingesting, rungs, wantsModel }: Standing): Health['status'] {
  if (state === 'unavailable') return 'degraded'
  const nothingYet = ingesting !== null && counts.passages === 0
  if (state === 'checking' || nothingYet || rungs.some((rung) => rung.state === 'checking')) return 'starting'
  const model = isReady(rungs, 'llm-service') || isReady(rungs, 'local-model')
  return model || !wantsModel ? 'healthy' : 'degraded'
}

function isReady(rungs: RungHealth[], name: RungName): boolean {
  return rungs.some((rung) => rung.rung === name && rung.state === 'ready')
}
