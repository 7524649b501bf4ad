/**
 * How much of an ingestion's time is spent inside the embedding model: `bun scripts/bench/ingest.ts` (Cranfield,
 * embedded database, or a real one with DATABASE_URL naming an empty one).
 */
import { openDatabase } from '../../db/open.ts'
import { openEmbedder } from '../../embedding/embedder.ts'
import { ingestPaths } from '../../ingest/ingest.ts'
import { allMiniLM } from '../../models/bundled.ts'
import { readConfig } from '../config.ts'
import { writeAbstracts } from './cranfield.ts'
import { figure, heading } from './figures.ts'
import { temporaryFolder } from './mentor-process.ts'

const leastShare = 0.85

const config = readConfig({})
const workers = config.embeddingWorkers
heading('ingest', 'at least 85 % of the wall time of ingesting Cranfield is inside the embedding model', {
  collection: 'Cranfield, 1,398 files (two abstracts are empty)',
  workers,
  database: config.databaseUrl === null ? 'embedded, new' : 'DATABASE_URL',
})
const files = await temporaryFolder('bench-cranfield')
const data = await temporaryFolder('bench-ingest')
try {
  await writeAbstracts(files.path)
  const db = await openDatabase({
    dataDir: data.path,
    ...(config.databaseUrl === null ? {} : { databaseUrl: config.databaseUrl }),
  })
  const embedder = openEmbedder({ model: allMiniLM, workers })
  const started = performance.now()
  const totals = await ingestPaths(
    { db, embedder },
    { inputs: [{ path: files.path }], collection: 'cranfield', onLine: () => {} },
  )
  const wallMs = performance.now() - started
  const { busyMs, texts } = embedder.stats()
  await embedder.close()
  await db.close()
  const share = busyMs / workers / wallMs
  figure('files, passages, embedded', `${totals.files}, ${totals.passages}, ${texts}`)
  figure(
    'wall time',
    `${(wallMs / 1000).toFixed(1)} s, ${(totals.passages / (wallMs / 1000)).toFixed(1)} passages/s`,
  )
  figure('inside the model, a worker', `${(busyMs / workers / 1000).toFixed(1)} s`)
  figure('share of the wall time', share.toFixed(3), {
    holds: share >= leastShare,
    text: `at least ${leastShare}`,
  })
} finally {
  await Promise.all([files.remove(), data.remove()])
}
