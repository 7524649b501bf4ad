/** `/api/jobs/:id`: what became of each file, an end to the rest, and another try for what failed. */
import { rm, rmdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Type } from '@sinclair/typebox'
import { Elysia, status } from 'elysia'
import { failuresOfJob } from '../../db/failures.ts'
import { cancelJob, createJob, type IngestLine, type Job, readJob } from '../../db/jobs.ts'
import type { Database } from '../../db/open.ts'
import { describe } from '../../http/describe.ts'
import { notFound, RequestRefused } from '../../http/refusal.ts'
import { NoQuery } from '../../http/shapes.ts'
import { JobAccepted, JobShape, Uuid } from '../http/shapes.ts'
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

const cancel = describe({
  tag: 'Documents',
  summary: 'Cancel a job',
  description:
    'The files that have a line are done and stay; nothing of the others is kept. The job becomes `failed`, its reason ' +
    'says `cancelled`. A job that is over stays as it is.',
  gives: { 200: { says: 'The job as it is now', shape: JobShape } },
  refuses: [404, 503],
})
const retry = describe({
  tag: 'Documents',
  summary: 'Try the failed files of a job again',
  description:
    'A new job, of the files that failed and have not been taken since. Of an upload those are kept that may pass another ' +
    'time, as when the database was away; a file whose own content is refused must be sent again, mended.',
  gives: { 202: { says: 'Accepted: follow the new job', shape: JobAccepted } },
  refuses: [404, 409, 503],
})

export function jobRoutes({ db, dataDir, keepOpen, worker }: Backend) {
  return new Elysia()
    .get(
      '/api/jobs/:id',
      async ({ params, query, request }) => {
        if (query.wait !== 'true') return jobResponse(await requireJob(db, params.id), request)
        keepOpen(request)
        return jobResponse(await finishedJob(db, params.id, request.signal), request)
      },
      { params: ById, query: WaitQuery, ...about },
    )
    .post(
      '/api/jobs/:id/cancel',
      async ({ params, request }) => {
        const uploads = await cancelJob(db, params.id)
        if (uploads === null) throw notFound('job')
        await removeUploads(uploads, join(dataDir, 'uploads'))
        return jobResponse(await requireJob(db, params.id), request)
      },
      { parse: 'none', params: ById, query: NoQuery, ...cancel },
    )
    .post(
      '/api/jobs/:id/retry',
      async ({ params }) => {
        const { collection, kind } = await requireJob(db, params.id, noLines)
        const inputs = await failuresOfJob(db, params.id)
        if (inputs.length === 0) throw nothingToRetry()
        const job = await createJob(db, { kind, collection, inputs })
        worker.wake()
        return status(202, { job })
      },
      { parse: 'none', params: ById, query: NoQuery, ...retry },
    )
}

/** The files of a cancelled upload, and their folder with the last of them; only below the uploads of the data directory. */
async function removeUploads(paths: string[], uploads: string): Promise<void> {
  for (const path of paths) {
    const folder = join(uploads, basename(dirname(path)))
    if (dirname(path) !== folder) continue
    await rm(path, { force: true })
    await rmdir(folder).catch(() => undefined) // others of its files are still there
  }
}

function nothingToRetry(): RequestRefused {
  return new RequestRefused(409, 'nothing_to_retry', 'No file of this job waits for another try.', {
    hint: 'Files whose content is refused must be mended and sent again; the lines of the job say which.',
  })
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
