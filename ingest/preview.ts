import { findCollection } from '../db/collections.ts'
import { DatabaseUnavailable } from '../db/errors.ts'
import type { Totals } from '../db/jobs.ts'
import type { Database } from '../db/open.ts'
import { compare, comparisonOf, sha256, wayOf } from './compare.ts'
import type { IngestOptions } from './ingest.ts'
import { patiently } from './patience.ts'
import { readFile } from './read-file.ts'
import { openOutcome, openReport } from './report.ts'
import { tellVanished } from './vanished.ts'
import { survey } from './walk.ts'

/**
 * The dry run: every file is compared, none is parsed and nothing is written, so which of the new ones cannot be read is
 * not known.
 */
export async function preview(db: Database, options: IngestOptions): Promise<Totals> {
  const started = performance.now()
  const { signal } = options
  const collection = await patiently(() => findCollection(db, options.collection), { signal })
  const all = await survey(options.inputs, options.globs)
  await options.onTotal?.(all.files.length)
  const none = 0 // no collection has this id: there all files are new
  const comparison = comparisonOf(db, collection?.id ?? none, all, signal)
  const report = openReport(all.files, options)
  for (const file of all.files) {
    if (signal?.aborted) break
    report.begun(file)
    const { outcome, failed } = openOutcome()
    if (file.refusal) {
      await report.done(file, outcome(file.refusal))
      continue
    }
    try {
      const standing = await compare(file, sha256(await readFile(file.path)), comparison)
      const known = 'from' in standing ? standing.from : 'current' in standing ? standing.current : null
      const kept = standing.status === 'unchanged' || standing.status === 'moved' ? (known?.passages ?? 0) : 0
      const document = known?.documentId ?? null
      await report.done(
        file,
        outcome({ status: standing.status, document, passages: kept, reason: wayOf(standing) }),
      )
    } catch (error) {
      if (error instanceof DatabaseUnavailable) throw error
      await report.done(file, failed(error))
    }
  }
  if (!signal?.aborted) await tellVanished(comparison, all, report, all.files.length, options)
  return { ...report.totals, passages: 0, embedded: 0, ms: Math.round(performance.now() - started) }
}
