/** kill -9 five times in the middle of syncs: the end is that of a run that nobody disturbed, byte for byte. */
import { expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  changeFolder,
  embeddedTexts,
  killedSync,
  makeFolder,
  startSync,
  stateOf,
  unpublished,
} from '../../scripts/bench/sync-folder.ts'
import { onBothDatabases } from '../database/databases.ts'

const files = 160

onBothDatabases('syncs that are killed', (database) => {
  test('end where undisturbed ones do, and only what changed is embedded again', async () => {
    const { db, options } = database()
    const folder = await mkdtemp(join(tmpdir(), 'mentor-sync-killed-'))
    const url = 'databaseUrl' in options ? options.databaseUrl : ''
    const start = (collection: string) => startSync(options.dataDir, collection, folder, url)
    try {
      await makeFolder(folder, files)
      // The killed one first: the other finds its vectors, so that what it embeds says nothing, and here nothing is asked.
      const first = await killedSync(() => start('killed'), [1, 40, 40])
      expect(first.killed).toBe(3)
      expect((await start('whole').exited).totals).toMatchObject({ added: files, failed: 0 })
      expect(await stateOf(db, 'killed')).toEqual(await stateOf(db, 'whole'))

      const before = await embeddedTexts(db, 'whole')
      const changes = await changeFolder(folder, files)
      const { totals } = await start('whole').exited
      const fresh = [...(await embeddedTexts(db, 'whole'))].filter((hash) => !before.has(hash))
      expect(totals).toMatchObject({
        ...{ replaced: changes.edited, moved: changes.moved, removed: changes.deleted, added: 0, failed: 0 },
        ...{ unchanged: files - changes.edited - changes.moved - changes.deleted, embedded: fresh.length },
      })
      expect(fresh.length).toBeGreaterThanOrEqual(changes.edited)

      const second = await killedSync(() => start('killed'), [2, 8])
      expect(second.killed).toBe(2)
      expect(await stateOf(db, 'killed')).toEqual(await stateOf(db, 'whole'))
      expect(await unpublished(db)).toBe(0)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }, 240_000)
})
