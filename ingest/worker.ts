/**
 * Carries out queued ingestion jobs until none is left: `bun ingest/worker.ts`, with its settings as JSON on stdin,
 * `{"dataDir": "…", "databaseUrl"?: "…", "workers"?: n}`. The backend starts it; people run `mentor ingest`.
 *
 * On SIGTERM or SIGINT it drops what is not published and gives the job back by dying: the next worker takes it up,
 * and finds the files that are done unchanged.
 */
import { rm, rmdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { JobGone } from '../db/errors.ts'
import { failedUploads } from '../db/failures.ts'
import {
  appendJobLine,
  type ClaimedJob,
  claimJob,
  finishJob,
  heartbeatJob,
  jobOwner,
  setJobTotal,
} from '../db/jobs.ts'
import { type Database, openDatabase } from '../db/open.ts'
import { type Embedder, openEmbedder } from '../embedding/embedder.ts'
import { allMiniLM } from '../models/bundled.ts'
import { ingestPaths } from './ingest.ts'
import { patiently } from './patience.ts'

interface WorkerSettings {
  dataDir: string
  databaseUrl?: string
  workers?: number
}

const heartbeatMs = 5000

function readSettings(given: string): WorkerSettings {
  const settings: unknown = JSON.parse(given || 'null')
  if (
    typeof settings === 'object' &&
    settings !== null &&
    'dataDir' in settings &&
    typeof settings.dataDir === 'string'
  )
    return settings as WorkerSettings
  throw new Error(
    'The ingest worker needs its settings as JSON, {"dataDir": "…"}: start it through the backend.',
  )
}

async function main(settings: WorkerSettings, signal: AbortSignal): Promise<void> {
  const { dataDir, databaseUrl, workers } = settings
  const db = await openDatabase({ dataDir, ...(databaseUrl ? { databaseUrl } : {}) })
  const embedder = openEmbedder({ model: allMiniLM, ...(workers ? { workers } : {}) })
  const owner = jobOwner()
  try {
    while (!signal.aborted) {
      const job = await patiently(() => claimJob(db, owner), { signal })
      if (!job) return
      await carryOut(job, { db, embedder, owner, dataDir, signal })
    }
  } finally {
    await embedder.close()
    await db.close()
  }
}

interface Workplace {
  db: Database
  embedder: Embedder
  owner: string
  dataDir: string
  signal: AbortSignal
}

/** Carries one job out, and says so in its row. What breaks the job as a whole is its reason. */
async function carryOut(job: ClaimedJob, place: Workplace): Promise<void> {
  const { db, embedder, owner } = place
  const lost = new AbortController()
  const signal = AbortSignal.any([place.signal, lost.signal])
  const giveUpIfGone = (error: unknown) => {
    if (!(error instanceof JobGone)) throw error
    lost.abort(error)
  }
  const heartbeat = setInterval(() => {
    // Only a job that was cancelled or is ours no longer is given up; a database that is away comes back.
    heartbeatJob(db, job.job, owner)
      .catch(giveUpIfGone)
      .catch(() => undefined)
  }, heartbeatMs)
  try {
    const totals = await ingestPaths(
      { db, embedder },
      {
        inputs: job.inputs,
        collection: job.collection,
        job: job.job,
        signal,
        onTotal: (files) => patiently(() => setJobTotal(db, job.job, files), { signal }),
        onLine: (line) => patiently(() => appendJobLine(db, job.job, line), { signal }).catch(giveUpIfGone),
      },
    )
    if (signal.aborted) return
    await patiently(() => finishJob(db, job.job, totals))
  } catch (error) {
    if (signal.aborted) return
    await patiently(() => finishJob(db, job.job, error instanceof Error ? error.message : String(error)))
  } finally {
    clearInterval(heartbeat)
  }
  if (job.kind === 'upload') await removeUploads(job, place)
}

/**
 * Removes the job's files but for those that are kept for another try, and their folder with the last of them: only
 * below `uploads/` of the data directory.
 */
async function removeUploads(job: ClaimedJob, { db, dataDir }: Workplace): Promise<void> {
  const uploads = join(dataDir, 'uploads')
  const kept = new Set(await patiently(() => failedUploads(db)))
  for (const { path } of job.inputs) {
    const folder = join(uploads, basename(dirname(path)))
    if (dirname(path) !== folder || kept.has(path)) continue
    await rm(path, { force: true })
    await rmdir(folder).catch(() => undefined) // others of its files are still there
  }
}

const stop = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.on(signal, () => stop.abort(new Error(`stopped by ${signal}`)))
try {
  await main(readSettings(await Bun.stdin.text()), stop.signal)
  process.exit(0)
} catch (error) {
  process.stderr.write(`The ingest worker stopped: ${error instanceof Error ? error.message : error}\n`)
  process.exit(1)
}
