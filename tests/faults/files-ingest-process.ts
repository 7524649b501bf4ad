/** An ingestion in a process of its own, to be killed: `bun files-ingest-process.ts DATA COLLECTION FOLDER`. */
import { openDatabase } from '../../db/open.ts'
import { openEmbedder } from '../../embedding/embedder.ts'
import { runIngest } from '../../ingest/command.ts'
import { allMiniLM } from '../../models/bundled.ts'

const [dataDir = '', collection = '', folder = ''] = process.argv.slice(2)
const stop = new AbortController()
process.on('SIGINT', () => stop.abort())
const db = await openDatabase({ dataDir })
const embedder = openEmbedder({ model: allMiniLM, workers: 1 })
const code = await runIngest({
  db,
  embedder,
  paths: [folder],
  collection,
  json: true,
  tty: false,
  signal: stop.signal,
})
await embedder.close()
await db.close()
process.exit(code)
