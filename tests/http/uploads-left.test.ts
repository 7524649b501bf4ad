/** What a killed backend leaves in `uploads/`: a job's files stay, whatever no job names is removed at the next start. */
import { expect, test } from 'bun:test'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { removeLeftUploads, uploadsThere } from '../../backend/routes/upload.ts'
import { createJob } from '../../db/jobs.ts'
import { openDatabase } from '../../db/open.ts'
import { freshDataDir, removeDataDir } from '../database/databases.ts'

test('an upload that no job names is removed, one that waits is kept', async () => {
  const dataDir = await freshDataDir()
  const db = await openDatabase({ dataDir })
  try {
    const [waiting, cutOff] = [crypto.randomUUID(), crypto.randomUUID()]
    for (const id of [waiting, cutOff]) {
      await mkdir(join(dataDir, 'uploads', id), { recursive: true })
      await Bun.write(join(dataDir, 'uploads', id, '0'), 'The boiler is drained in October.')
    }
    const inputs = [{ path: join(dataDir, 'uploads', waiting, '0'), name: 'boiler.txt' }]
    await createJob(db, { kind: 'upload', collection: 'default', inputs })
    await removeLeftUploads(db, dataDir, await uploadsThere(dataDir))
    expect(await uploadsThere(dataDir)).toEqual([waiting])
  } finally {
    await db.close()
    await removeDataDir(dataDir)
  }
}, 60_000)
