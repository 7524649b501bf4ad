import { describe, expect, test } from 'bun:test'
import { JobGone } from '../../db/errors.ts'
import {
  appendJobLine,
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

  test('an id that is none finds nothing', async () => {
    for (const id of ['', 'x', '00000000-0000-0000-0000-000000000000'])
      expect(await readJob(db(), id)).toBeNull()
  })
})
