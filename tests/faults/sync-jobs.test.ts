/** Jobs over HTTP: what a folder's sync tells, a job that is cancelled, and another try for what failed. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtemp, readdir, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { appendJobLine, claimJob, createJob, readJob } from '../../db/jobs.ts'
import { call, openTestBackend, type TestBackend } from '../http/test-backend.ts'

let backend: TestBackend
let folder: string
beforeAll(async () => {
  backend = await openTestBackend()
  folder = await mkdtemp(join(tmpdir(), 'mentor-jobs-'))
}, 60_000)
afterAll(async () => {
  await backend.close()
  await rm(folder, { recursive: true, force: true })
}, 30_000)

interface JobView {
  job: string
  state: string
  reason: string | null
  lines: { file: string; status: string; reason: string | null }[]
  totals: Record<string, number> | null
}

const get = async (path: string): Promise<JobView> => (await call(backend.app, path)).json()
const act = (job: string, action: 'cancel' | 'retry') =>
  call(backend.app, `/api/jobs/${job}/${action}`, { method: 'POST' })

/** A folder as a job, which the backend's worker takes with the next upload or look. */
async function folderJob(): Promise<JobView> {
  const job = await createJob(backend.db, { kind: 'paths', collection: 'folder', inputs: [{ path: folder }] })
  const form = new FormData()
  form.append('files', new File(['It wakes the worker.'], 'wake.txt'))
  await call(backend.app, '/api/documents', { method: 'POST', body: form })
  return await get(`/api/jobs/${job}?wait=true`)
}

test('a folder’s job tells what moved, vanished and failed; what failed is tried again alone', async () => {
  for (const [name, text] of Object.entries({
    'a.md': 'The kiln is hot.',
    'b.md': 'The clay is wet.',
    'bad.md': '',
  }))
    await writeFile(join(folder, name), text)
  const first = await folderJob()
  expect(first.totals).toMatchObject({ added: 2, failed: 1 })
  await rename(join(folder, 'a.md'), join(folder, 'c.md'))
  await unlink(join(folder, 'b.md'))
  const second = await folderJob()
  const told = Object.fromEntries(
    second.lines.map(({ file, status }) => [file.slice(folder.length + 1), status]),
  )
  expect(told).toEqual({ 'b.md': 'skipped', 'bad.md': 'failed', 'c.md': 'moved' })

  await writeFile(join(folder, 'bad.md'), 'The glaze is blue.')
  expect((await act(first.job, 'retry')).status).toBe(409) // it failed again in the second one since
  const accepted = await act(second.job, 'retry')
  expect(accepted.status).toBe(202)
  const { job }: { job: string } = await accepted.json()
  expect(await get(`/api/jobs/${job}?wait=true`)).toMatchObject({
    state: 'done',
    lines: [{ file: join(folder, 'bad.md'), status: 'added' }],
  })
  expect((await act(second.job, 'retry')).status).toBe(409)
}, 90_000)

test('a job that is cancelled keeps what is in, and nothing of the rest', async () => {
  // It is taken by a worker that does nothing, so that the cancel meets it in the middle.
  const uploads = join(backend.dataDir, 'uploads', crypto.randomUUID())
  await Bun.write(join(uploads, '0'), 'Never to be read.')
  const inputs = [{ path: join(uploads, '0'), name: 'never.txt' }]
  const job = await createJob(backend.db, { kind: 'upload', collection: 'cancelled', inputs })
  expect((await claimJob(backend.db, 'elsewhere 1'))?.job).toBe(job)
  const line = {
    file: 'x',
    status: 'added' as const,
    reason: null,
    warnings: [],
    document: null,
    passages: 1,
    ms: 1,
  }
  await appendJobLine(backend.db, job, line)
  const response = await act(job, 'cancel')
  expect(response.status).toBe(200)
  expect(await response.json()).toMatchObject({
    state: 'failed',
    reason: expect.stringContaining('cancelled'),
    done: 1,
    totals: null,
  })
  expect(await readdir(join(backend.dataDir, 'uploads'))).not.toContain(uploads.split('/').at(-1) ?? '')
  expect((await act(job, 'cancel')).status).toBe(200)
  expect((await readJob(backend.db, job))?.state).toBe('failed')
  for (const action of ['cancel', 'retry'] as const)
    expect((await act(crypto.randomUUID(), action)).status).toBe(404)
}, 60_000)

test('a worker in the middle of a job stops when it is cancelled', async () => {
  const form = new FormData()
  for (let n = 0; n < 400; n++) {
    const text = `Shed ${n} holds ${n * 3} rakes, and its key hangs on hook ${n + 5}.`
    form.append('files', new File([text], `${n}.txt`))
  }
  form.append('collection', 'stopped')
  const accepted: { job: string } = await (
    await call(backend.app, '/api/documents', { method: 'POST', body: form })
  ).json()
  while ((await get(`/api/jobs/${accepted.job}`)).lines.length < 5) await Bun.sleep(20)
  const cancelled: JobView = await (await act(accepted.job, 'cancel')).json()
  expect(cancelled.lines.length).toBeLessThan(400)
  // The worker goes on with the next job, so it has left this one.
  const next = await folderJob()
  expect(next.state).toBe('done')
  const { lines } = await get(`/api/jobs/${accepted.job}`)
  expect(lines.length).toBe(cancelled.lines.length)
  const [row] = await backend.db.sql<{ n: number; half: number }[]>`
    select (select count(*)::int from documents d join collections c on c.id = d.collection_id
      where c.name = 'stopped' and d.version_id is not null) as n,
      (select count(*)::int from document_versions where run_id is not null) as half`
  expect(row?.n).toBeLessThan(400)
  expect(row?.n).toBeGreaterThanOrEqual(lines.length)
  expect(row?.half).toBe(0)
}, 90_000)
