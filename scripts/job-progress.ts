/** Follows a job of ingestion on the terminal. */
import { type Job, readJob } from '../db/jobs.ts'
import type { Database } from '../db/open.ts'
import { count, printable, type Terminal } from './terminal.ts'

/** Files that went in without a word are not listed: a folder may hold thousands. */
const worthSaying = ['failed', 'skipped']
/** Nor are all of a folder of pictures: the page shows every line. */
const mostTold = 20

/** Prints what failed and, at the end, the totals. Ends with the job, or when the signal says so. */
export async function watchJob(
  db: Database,
  id: string,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<Job | null> {
  let told = 0
  for (let seen = 0; !signal.aborted; ) {
    const job = await readJob(db, id, seen).catch(() => null) // the database is away: it comes back, or `start` ends
    for (const line of job?.lines ?? []) {
      if (!worthSaying.includes(line.status) || ++told > mostTold) continue
      terminal.line(`${line.status}: ${printable(line.file)}: ${printable(line.reason ?? 'no reason given')}`)
    }
    seen += job?.lines.length ?? 0
    if (job !== null && (job.state === 'done' || job.state === 'failed')) {
      if (told > mostTold) terminal.line(`… and ${count(told - mostTold, 'more file')} failed or skipped`)
      terminal.line(ending(job))
      return job
    }
    await Bun.sleep(250)
  }
  return null
}

function ending(job: Job): string {
  if (job.totals === null) return `Ingestion failed: ${printable(job.reason ?? 'no reason given')}`
  const { files, added, replaced, moved, removed, unchanged, skipped, failed, ms } = job.totals
  const parts = [
    `${added} added`,
    `${replaced} replaced`,
    `${moved} moved`,
    `${removed} removed`,
    `${unchanged} unchanged`,
    `${skipped} skipped`,
    `${failed} failed`,
  ]
  const said = parts.filter((part, index) => index === 0 || !part.startsWith('0 '))
  return `${count(files, 'file')} ingested in ${(ms / 1000).toFixed(1)} s: ${said.join(', ')}`
}
