import { describe, expect, test } from 'bun:test'
import { deleteCollection, ensureCollection } from '../../db/collections.ts'
import { JobGone } from '../../db/errors.ts'
import {
  failedUploads,
  failuresOfJob,
  forgetFailure,
  listFailures,
  recordFailure,
} from '../../db/failures.ts'
import {
  appendJobLine,
  cancelJob,
  claimJob,
  createJob,
  finishJob,
  heartbeatJob,
  type IngestLine,
  jobOwner,
  pendingJobs,
  readJob,
  setJobTotal,
  type Totals,
  waitingUploads,
} from '../../db/jobs.ts'
import { thisProcess } from '../../db/owner.ts'
import { onBothDatabases } from './databases.ts'

const line = (file: string): IngestLine => ({
  file,
  status: 'added',
  reason: null,
  warnings: ['a "warning" with \0 and \ud800'],
  document: null,
  passages: 3,
  ms: 12,
})
const totals: Totals = {
  files: 1,
  added: 1,
  replaced: 0,
  moved: 0,
  unchanged: 0,
  removed: 0,
  skipped: 0,
  failed: 0,
  passages: 3,
  embedded: 3,
  ms: 12,
}

onBothDatabases('jobs', (database) => {
  const db = () => database().db
  const create = (collection = 'c') =>
    createJob(db(), { kind: 'upload', collection, inputs: [{ path: '/uploads/1', name: 'naïve 🦜\0.pdf' }] })

  test('a job goes from queued through running to done, its lines in order', async () => {
    const id = await create('journey')
    expect(await readJob(db(), id)).toMatchObject({
      job: id,
      state: 'queued',
      collection: 'journey',
      total: null,
      lines: [],
      totals: null,
    })
    expect(await pendingJobs(db())).toBe(1)
    const claimed = await claimJob(db(), jobOwner())
    expect(claimed).toEqual({
      job: id,
      collection: 'journey',
      kind: 'upload',
      inputs: [{ path: '/uploads/1', name: 'naïve 🦜\uFFFD.pdf' }],
    })
    expect(await pendingJobs(db())).toBe(0)
    await setJobTotal(db(), id, 3)
    for (const file of ['a', 'b', 'c']) await appendJobLine(db(), id, line(file))
    await heartbeatJob(db(), id, jobOwner())
    const running = await readJob(db(), id)
    expect(running).toMatchObject({ state: 'running', total: 3, finishedAt: null })
    expect(running?.lines.map((l) => l.file)).toEqual(['a', 'b', 'c'])
    expect(running?.lines[0]).toEqual({ ...line('a'), warnings: ['a "warning" with \uFFFD and \uFFFD'] })
    expect((await readJob(db(), id, 2))?.lines.map((l) => l.file)).toEqual(['c'])
    await finishJob(db(), id, totals)
    const done = await readJob(db(), id)
    expect(done).toMatchObject({ state: 'done', reason: null, totals })
    expect(done?.finishedAt).toBeInstanceOf(Date)
  })

  test('a job that failed says why', async () => {
    const id = await create()
    await claimJob(db(), jobOwner())
    await finishJob(db(), id, 'the disk is full')
    expect(await readJob(db(), id)).toMatchObject({
      state: 'failed',
      reason: 'the disk is full',
      totals: null,
    })
  })

  test('ten workers that claim at once get ten different jobs, the oldest first', async () => {
    const created: string[] = []
    for (let i = 0; i < 10; i++) created.push(await create())
    const claims = await Promise.all(Array.from({ length: 14 }, () => claimJob(db(), jobOwner())))
    const got = claims.flatMap((claim) => (claim ? [claim.job] : []))
    expect(got.toSorted()).toEqual(created.toSorted())
    for (const id of created) await finishJob(db(), id, totals)
    const first = await create()
    // The embedded database's clock counts in milliseconds; jobs of one are in no order.
    await Bun.sleep(3)
    const second = await create()
    expect((await claimJob(db(), jobOwner()))?.job).toBe(first)
    expect((await claimJob(db(), jobOwner()))?.job).toBe(second)
    for (const id of [first, second]) await finishJob(db(), id, totals)
  })

  describe('of a worker that is gone', () => {
    test('is taken again at once when its process has ended, its lines begun anew', async () => {
      const child = Bun.spawn(['true'])
      await child.exited
      const dead = `${thisProcess().host} ${child.pid}`
      const id = await create()
      expect((await claimJob(db(), dead))?.job).toBe(id)
      await appendJobLine(db(), id, line('half'))
      expect(await pendingJobs(db())).toBe(1)
      expect((await claimJob(db(), jobOwner()))?.job).toBe(id)
      expect((await readJob(db(), id))?.lines).toEqual([])
      await expect(heartbeatJob(db(), id, dead)).rejects.toBeInstanceOf(JobGone)
      await finishJob(db(), id, totals)
    })

    test('on another host is taken after a minute of silence, not before', async () => {
      const id = await create()
      expect((await claimJob(db(), 'elsewhere 1'))?.job).toBe(id)
      expect(await claimJob(db(), jobOwner())).toBeNull()
      await db().sql`update jobs set heartbeat_at = now() - interval '61 seconds' where id = ${id}`
      expect((await claimJob(db(), jobOwner()))?.job).toBe(id)
      await finishJob(db(), id, totals)
    })
  })

  describe('cancelled', () => {
    test('while it waits: no worker gets it, and its upload is nobody’s any more', async () => {
      const id = await create()
      expect(await cancelJob(db(), id)).toEqual(['/uploads/1'])
      expect(await readJob(db(), id)).toMatchObject({
        state: 'failed',
        reason: expect.stringContaining('cancelled'),
        finishedAt: expect.any(Date),
      })
      expect(await claimJob(db(), jobOwner())).toBeNull()
      expect(await waitingUploads(db())).toEqual([])
      expect(await cancelJob(db(), id)).toEqual([])
    })

    test('while it runs: its worker hears of it with the next line or heartbeat, and cannot finish it', async () => {
      const id = await create()
      await claimJob(db(), jobOwner())
      await appendJobLine(db(), id, line('a'))
      await cancelJob(db(), id)
      await expect(appendJobLine(db(), id, line('b'))).rejects.toBeInstanceOf(JobGone)
      await expect(heartbeatJob(db(), id, jobOwner())).rejects.toBeInstanceOf(JobGone)
      await finishJob(db(), id, totals)
      expect(await readJob(db(), id)).toMatchObject({ state: 'failed', totals: null })
      expect((await readJob(db(), id))?.lines).toHaveLength(1)
    })

    test('of an id that is none is null', async () => {
      for (const id of ['x', crypto.randomUUID()]) expect(await cancelJob(db(), id)).toBeNull()
    })
  })

  test('what failed is kept with its job until it is in; uploads are kept with it', async () => {
    const { id: collectionId } = await ensureCollection(db(), 'failing')
    const job = await create('failing')
    const place = { collectionId, origin: 'upload' as const, place: 'naïve.pdf' }
    const failure = { ...place, source: 'naïve.pdf', path: '/uploads/1', reason: 'the \0 database', job }
    await recordFailure(db(), failure)
    await recordFailure(db(), { ...failure, reason: 'the database was away' })
    expect(await listFailures(db(), collectionId)).toMatchObject([{ reason: 'the database was away' }])
    expect(await failuresOfJob(db(), job)).toEqual([{ path: '/uploads/1', name: 'naïve.pdf' }])
    expect(await cancelJob(db(), job)).toEqual([])
    expect(await waitingUploads(db())).toEqual(['/uploads/1'])
    await forgetFailure(db(), place)
    expect(await failuresOfJob(db(), job)).toEqual([])
    expect(await waitingUploads(db())).toEqual([])
    // A collection that is deleted forgets, and takes nothing more.
    await recordFailure(db(), failure)
    await deleteCollection(db(), 'failing')
    await recordFailure(db(), failure)
    expect(await failedUploads(db())).toEqual([])
  })

  test('an id that is none finds nothing', async () => {
    for (const id of ['', 'x', '00000000-0000-0000-0000-000000000000'])
      expect(await readJob(db(), id)).toBeNull()
  })
})
