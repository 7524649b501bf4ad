/**
 * Search with the question's embedding over HTTP, Cranfield loaded, one question at a time:
 * `bun scripts/bench/search.ts` measures the embedded database, and a real Postgres where DATABASE_URL names an empty one.
 */
import { openDatabase } from '../../db/open.ts'
import { readConfig } from '../config.ts'
import { readQuestions, writeAbstracts } from './cranfield.ts'
import { figure, heading, ms, percentile } from './figures.ts'
import { runMentor, startMentor, temporaryFolder } from './mentor-process.ts'

const rounds = 3
const warmUp = 25
const limits = { embedded: 25, server: 15 }

interface Times {
  hybrid: number[]
  lexical: number[]
}

/** End to end: request, embedding, SQL, JSON parsed. Lexical alone tells what the embedding costs. */
async function measure(databaseUrl: string, files: string): Promise<Times> {
  const data = await temporaryFolder('bench-search')
  const environment = { DATABASE_URL: databaseUrl }
  try {
    const ingested = await runMentor(['ingest', files, '--data', data.path, '--json'], environment)
    if (ingested.code !== 0) throw new Error(ingested.err)
    const mentor = await startMentor({ dataDir: data.path, environment })
    try {
      const questions = await readQuestions()
      const times: Times = { hybrid: [], lexical: [] }
      for (const query of questions.slice(0, warmUp)) await ask(mentor.url, query, 'hybrid')
      for (let round = 0; round < rounds; round += 1) {
        for (const query of questions) {
          times.hybrid.push(await ask(mentor.url, query, 'hybrid'))
          times.lexical.push(await ask(mentor.url, query, 'lexical'))
        }
      }
      return times
    } finally {
      await mentor.stop()
    }
  } finally {
    await data.remove()
  }
}

async function ask(url: string, query: string, mode: 'hybrid' | 'lexical'): Promise<number> {
  const started = performance.now()
  const response = await fetch(`${url}/api/search`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, mode }),
  })
  const { passages } = (await response.json()) as { passages: unknown[] }
  if (!response.ok || passages.length === 0)
    throw new Error(`search answered ${response.status} without passages`)
  return performance.now() - started
}

function report(kind: keyof typeof limits, { hybrid, lexical }: Times): number {
  const p95 = percentile(hybrid, 0.95)
  figure(`${kind}: hybrid p50`, ms(percentile(hybrid, 0.5)))
  figure(`${kind}: hybrid p95`, ms(p95), { holds: p95 <= limits[kind], text: `at most ${limits[kind]} ms` })
  figure(`${kind}: lexical p50 / p95`, `${ms(percentile(lexical, 0.5))} / ${ms(percentile(lexical, 0.95))}`)
  return p95
}

const server = readConfig({}).databaseUrl
heading('search', 'p95 of a hybrid search is at most 25 ms embedded and 15 ms on a real Postgres', {
  collection: 'Cranfield, 1,398 abstracts, 225 questions',
  rounds,
  'passages a search': 10,
  'requests at once': 1,
})
const files = await temporaryFolder('bench-cranfield')
try {
  await writeAbstracts(files.path)
  const embedded = report('embedded', await measure('', files.path))
  if (server === null) console.log('  server: not measured, DATABASE_URL names none')
  else {
    const db = await openDatabase({ dataDir: files.path, databaseUrl: server })
    const [row] = await db.sql<{ version: string }[]>`select version()`
    await db.close()
    console.log(`  ${row?.version}`)
    const real = report('server', await measure(server, files.path))
    figure('embedded ÷ server, p95', (embedded / real).toFixed(2))
  }
} finally {
  await files.remove()
}
