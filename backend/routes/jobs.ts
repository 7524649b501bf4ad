/** `GET /api/jobs/:id`: what became of each file of an upload. */
import { Type } from '@sinclair/typebox'
import { Elysia } from 'elysia'
import { type IngestLine, type Job, readJob } from '../../db/jobs.ts'
import type { Database } from '../../db/open.ts'
import { describe } from '../../http/describe.ts'
import { notFound } from '../../http/refusal.ts'
import { JobShape, Uuid } from '../http/shapes.ts'
import type { Backend } from './backend.ts'

const strict = { additionalProperties: false }
const ById = Type.Object({ id: Uuid }, strict)
export const WaitQuery = Type.Object(
  { wait: Type.Optional(Type.Union([Type.Literal('true'), Type.Literal('false')])) },
  strict,
)
/** A line number that no job reaches: asks for the job without its lines. */
const noLines = 2 ** 31 - 1

const about = describe({
  tag: 'Documents',
  summary: 'Follow the ingestion of an upload',
  description:
    'With `wait=true` it answers when the job is over. Accept: application/x-ndjson gives the lines of ' +
    '`mentor ingest --json`, the totals last.',
  gives: { 200: { says: 'The job', shape: JobShape, types: ['application/json', 'application/x-ndjson'] } },
  refuses: [404, 503],
})

export function jobRoutes({ db, keepOpen }: Backend) {
  return new Elysia().get(
    '/api/jobs/:id',
    async ({ params, query, request }) => {
      if (query.wait !== 'true') return jobResponse(await requireJob(db, params.id), request)
      keepOpen(request)
      return jobResponse(await finishedJob(db, params.id, request.signal), request)
    },
    { params: ById, query: WaitQuery, ...about },
  )
}

async function requireJob(db: Database, id: string, after?: number): Promise<Job> {
  const job = await readJob(db, id, after)
  if (job === null) throw notFound('job')
  return job
}

/** The job once it is over. Asks again after 50 ms, then ever more rarely, at last every second. */
export async function finishedJob(db: Database, id: string, signal: AbortSignal): Promise<Job> {
  for (let pause = 50; ; pause = Math.min(pause * 1.3, 1_000)) {
    signal.throwIfAborted()
    const job = await requireJob(db, id, noLines)
    if (job.finishedAt !== null) return requireJob(db, id)
    await Bun.sleep(pause)
  }
}

/** The job as JSON, or as the lines of `ingest --json` for who accepts only those. */
export function jobResponse(job: Job, request: Request): Response {
  const lines = job.lines.map(inOrder)
  const { totals } = job
  if (request.headers.get('accept')?.includes('application/x-ndjson') === true) {
    const all = totals === null ? lines : [...lines, { totals }]
    return new Response(all.map((line) => `${JSON.stringify(line)}\n`).join(''), {
      headers: { 'content-type': 'application/x-ndjson' },
    })
  }
  return Response.json({ ...job, lines, done: lines.length })
}

/** The database keeps the fields of a line in an order of its own; people read them in this one. */
function inOrder({ file, status, reason, warnings, document, passages, ms }: IngestLine): IngestLine {
  return { file, status, reason, warnings, document, passages, ms }
}
