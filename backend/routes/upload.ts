/** `POST /api/documents`: files to be ingested. Acknowledged once they lie on the disk and their job in the database. */
import { randomUUID } from 'node:crypto'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Elysia, status } from 'elysia'
import { collectionName } from '../../db/collections.ts'
import { createJob, waitingUploads } from '../../db/jobs.ts'
import type { Database } from '../../db/open.ts'
import { describe } from '../../http/describe.ts'
import { openGate } from '../../http/gate.ts'
import { invalid } from '../../http/refusal.ts'
import { JobAccepted, JobShape, UploadForm } from '../http/shapes.ts'
import { type ReceivedUpload, receiveUpload } from '../http/upload.ts'
import type { Backend } from './backend.ts'
import { finishedJob, jobResponse, WaitQuery } from './jobs.ts'

/** Each may hold as many open files as it has parts under way, and they share one disk. */
const mostAtOnce = 8
const defaultCollection = 'default'
const uploadsOf = (dataDir: string) => join(dataDir, 'uploads')

const about = describe({
  tag: 'Documents',
  summary: 'Upload files',
  description:
    'The collection is made when it is missing, `default` without one. A file of the same name replaces the ' +
    'document it made before. `wait=true` answers with the finished job.',
  takes: { 'multipart/form-data': UploadForm },
  gives: {
    202: { says: 'Accepted: follow the job', shape: JobAccepted },
    200: { says: 'With wait=true: the job', shape: JobShape },
  },
  refuses: [400, 408, 413, 415, 503, 507],
})

export function uploadRoute(backend: Backend) {
  const gate = openGate(mostAtOnce, 'uploads')
  return new Elysia().post(
    '/api/documents',
    async ({ request, query }) => {
      const leave = gate.enter()
      backend.keepOpen(request)
      const job = await acceptUpload(request, backend).finally(leave)
      backend.worker.wake()
      if (query.wait !== 'true') return status(202, { job })
      return jobResponse(await finishedJob(backend.db, job, request.signal), request)
    },
    { parse: 'none', query: WaitQuery, ...about },
  )
}

/**
 * @returns the job's id; nothing is left on the disk when this throws. What a killed backend leaves behind is
 *   found at the next start (`removeLeftUploads`).
 */
async function acceptUpload(request: Request, { db, dataDir, maxUploadBytes }: Backend): Promise<string> {
  const id = randomUUID()
  const folder = join(uploadsOf(dataDir), id)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  try {
    const upload = await receiveUpload(request, folder, maxUploadBytes)
    const collection = collectionOf(upload)
    const inputs = upload.files.map(({ path, name }) => ({ path, name }))
    return await createJob(db, { kind: 'upload', collection, inputs })
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

/**
 * Removes uploads that a former backend left when it was killed: those that no job waits for were never acknowledged,
 * or are ingested. `names` are those that are there before this backend takes uploads of its own.
 */
export async function removeLeftUploads(db: Database, dataDir: string, names: string[]): Promise<void> {
  if (names.length === 0) return
  const waiting = new Set((await waitingUploads(db)).map((path) => basename(dirname(path))))
  for (const name of names.filter((one) => !waiting.has(one))) {
    await rm(join(uploadsOf(dataDir), name), { recursive: true, force: true })
  }
}

/** The uploads on the disk. */
export function uploadsThere(dataDir: string): Promise<string[]> {
  return readdir(uploadsOf(dataDir)).catch(() => [])
}

function collectionOf({ fields }: ReceivedUpload): string {
  const name = fields.get('collection') ?? defaultCollection
  if (collectionName.test(name)) return name
  throw invalid([
    {
      path: 'collection',
      problem: 'must be a name of up to 64 lower case letters, digits, dots, dashes and underscores',
    },
  ])
}
