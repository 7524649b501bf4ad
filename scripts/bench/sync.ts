/**
 * What a sync embeds again, and what kill -9 leaves: `bun scripts/bench/sync.ts [FILES]` (5,000; two embedded databases
 * in new folders). The collection that is synced is compared with one that is made anew from the changed folder, in a
 * run that is killed five times.
 */
import { openDatabase } from '../../db/open.ts'
import { figure, heading } from './figures.ts'
import { temporaryFolder } from './mentor-process.ts'
import {
  changeFolder,
  embeddedTexts,
  killedSync,
  makeFolder,
  startSync,
  stateOf,
  unpublished,
} from './sync-folder.ts'

const files = Number(process.argv[2] ?? 5_000)
heading('sync', 'exactly what changed is embedded again; kill -9 changes nothing of the end', {
  files,
  changes: '10 % edited, 5 % moved, 5 % deleted',
  database: 'embedded, new',
})
const folder = await temporaryFolder('bench-sync')
const data = await temporaryFolder('bench-sync-data')
const other = await temporaryFolder('bench-sync-killed')
const seconds = (ms: number | undefined) => `${((ms ?? 0) / 1000).toFixed(1)} s`
try {
  await makeFolder(folder.path, files)
  const db = await openDatabase({ dataDir: data.path })
  const first = await startSync(data.path, 'whole', folder.path).exited
  figure(
    'first ingestion',
    `${first.totals?.added} added, ${first.totals?.failed} failed, ${first.totals?.embedded} texts embedded, ${seconds(first.totals?.ms)}`,
  )
  const again = await startSync(data.path, 'whole', folder.path).exited
  figure('nothing changed', `${again.totals?.unchanged} unchanged, ${seconds(again.totals?.ms)}`, {
    holds: again.totals?.unchanged === files && again.totals.embedded === 0,
    text: 'all unchanged, nothing embedded',
  })

  const before = await embeddedTexts(db, 'whole')
  const changes = await changeFolder(folder.path, files)
  const second = (await startSync(data.path, 'whole', folder.path).exited).totals
  const fresh = [...(await embeddedTexts(db, 'whole'))].filter((hash) => !before.has(hash)).length
  figure(
    'changed',
    `${second?.replaced} replaced, ${second?.moved} moved, ${second?.removed} removed, ${second?.unchanged} unchanged, ${second?.added} added, ${second?.failed} failed, ${seconds(second?.ms)}`,
    {
      holds:
        second?.replaced === changes.edited &&
        second.moved === changes.moved &&
        second.removed === changes.deleted &&
        second.added + second.failed === 0,
      text: `${changes.edited} edited, ${changes.moved} moved, ${changes.deleted} deleted`,
    },
  )
  figure('texts embedded again', `${second?.embedded}`, {
    holds: second?.embedded === fresh,
    text: `the ${fresh} that are new, and no other`,
  })

  const left = files - changes.deleted
  const killedDb = await openDatabase({ dataDir: other.path })
  const kills = [0.05, 0.2, 0.2, 0.2, 0.2].map((share) => Math.floor(share * left))
  const { killed, totals } = await killedSync(() => startSync(other.path, 'whole', folder.path), kills)
  const [undisturbed, disturbed] = [await stateOf(db, 'whole'), await stateOf(killedDb, 'whole')]
  const isSame =
    undisturbed.length === disturbed.length && undisturbed.every((row, i) => row === disturbed[i])
  figure(
    'killed with SIGKILL',
    `${killed} times; the last run: ${totals?.added} added, ${totals?.unchanged} unchanged`,
    {
      holds: killed === kills.length && (await unpublished(killedDb)) === 0,
      text: `${kills.length} kills, nothing left half done`,
    },
  )
  figure('passages, offsets, postings', `${undisturbed.length} and ${disturbed.length} rows`, {
    holds: isSame,
    text: 'the same, byte for byte',
  })
  await Promise.all([db.close(), killedDb.close()])
} finally {
  await Promise.all([folder.remove(), data.remove(), other.remove()])
}
