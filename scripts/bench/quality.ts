/**
 * Retrieval and quoting on graded collections, through the real ingestion and the real API:
 * `bun scripts/bench/quality.ts [COLLECTION…]` (cranfield xquad-en xquad-ro xquad-ru xquad-zh) on the embedded database,
 * and on the empty one that DATABASE_URL names, where it is set. All five: about 7 minutes on two cores.
 */
import { openDatabase } from '../../db/open.ts'
import { openEmbedder } from '../../embedding/embedder.ts'
import { allMiniLM } from '../../models/bundled.ts'
import {
  type CollectionName,
  type Mode,
  ndcg10,
  openGradedBackend,
  quoteRates,
  readCollection,
} from '../../tests/eval/graded.ts'
import { readConfig } from '../config.ts'
import { figure, heading } from './figures.ts'
import { temporaryFolder } from './mentor-process.ts'

interface Reference {
  dense: number
  lexical: number
  /** What the hybrid must reach; beside it, the better of the two sides measured here. */
  least: number
}

/** MiniLM in float32 and BM25 with Snowball stems on the same texts; for Chinese there is none. */
const references: Record<CollectionName, Reference | null> = {
  cranfield: { dense: 0.379, lexical: 0.3695, least: 0.41 },
  'xquad-en': { dense: 0.9436, lexical: 0.9633, least: 0.97 },
  'xquad-ro': { dense: 0.5703, lexical: 0.9648, least: 0 },
  'xquad-ru': { dense: 0.1279, lexical: 0.9538, least: 0 },
  'xquad-zh': null,
}

const known = Object.keys(references) as CollectionName[]
const asked = process.argv.slice(2)
const wrong = asked.find((name) => !known.includes(name as CollectionName))
if (wrong !== undefined) {
  console.error(`There is no collection ${JSON.stringify(wrong)}: name some of ${known.join(', ')}.`)
  process.exit(2)
}
const names = asked.length > 0 ? known.filter((name) => asked.includes(name)) : known

async function measure(databaseUrl: string | null): Promise<void> {
  const data = await temporaryFolder('bench-quality')
  const db = await openDatabase({ dataDir: data.path, ...(databaseUrl !== null && { databaseUrl }) })
  const embedder = openEmbedder({ model: allMiniLM })
  const backend = await openGradedBackend(db, embedder)
  try {
    for (const name of names) {
      const collection = readCollection(name)
      const passages = await backend.load(collection)
      const { documents, questions } = collection
      console.log(
        `  ${db.kind}, ${name}: ${documents.length} files, ${passages} passages, ${questions.length} questions`,
      )
      const reference = references[name]
      const scores = {} as Record<Mode, number>
      for (const mode of ['dense', 'lexical', 'hybrid'] as const) {
        scores[mode] = await ndcg10(backend, collection, mode)
        const beside = mode !== 'hybrid' && reference ? ` (reference ${reference[mode].toFixed(4)})` : ''
        if (mode !== 'hybrid') figure(`${mode} nDCG@10`, `${scores[mode].toFixed(4)}${beside}`)
      }
      const least = Math.max(reference?.least ?? 0, scores.dense, scores.lexical)
      figure('hybrid nDCG@10', scores.hybrid.toFixed(4), {
        holds: scores.hybrid >= least,
        text: `at least ${least.toFixed(4)}`,
      })
      if (name === 'cranfield') continue
      const { first, any, quotes, answered } = await quoteRates(backend, collection)
      const limit = name === 'xquad-en' ? { holds: first >= 0.76, text: 'at least 0.76' } : undefined
      figure('context only: first quote holds it', first.toFixed(3), limit)
      figure('  within its quotes', `${any.toFixed(3)}, ${quotes.toFixed(1)} quotes on average`)
      figure('  not abstained', answered.toFixed(3))
    }
  } finally {
    await backend.close()
    await embedder.close()
    await db.close()
    await data.remove()
  }
}

heading(
  'quality',
  'fused, vectors and BM25 are never below the better of the two; the best sentence holds the answer',
  {
    collections: names.join(', '),
    'passages a question': '30, of which the best 10 documents count',
    'passages quoted from': 6,
  },
)
await measure(null)
const server = readConfig({}).databaseUrl
if (server === null) console.log('  server: not measured, DATABASE_URL names none')
else await measure(server)
