import type { IngestLine, Totals } from '../db/jobs.ts'
import type { FoundFile } from './walk.ts'

export interface Progress {
  files: number
  total: number
  passages: number
  /** Bytes of the files that are done, and of all of them. */
  bytes: number
  totalBytes: number
  /** The file that was begun last. */
  file: string
}

export type Outcome = Omit<IngestLine, 'file'>

export interface Report {
  readonly totals: Omit<Totals, 'embedded' | 'ms'>
  begun(file: FoundFile): void
  /** Tells the line of a file that is done; lines are told one after the other. */
  done(file: FoundFile, outcome: Outcome): Promise<void>
  /** Tells the line of a document whose file is gone: it is not one of the files that were found. */
  gone(file: string, outcome: Outcome): Promise<void>
}

export function openReport(
  files: readonly FoundFile[],
  listener: { onLine(line: IngestLine): void | Promise<void>; onProgress?: (progress: Progress) => void },
): Report {
  const statuses = { added: 0, replaced: 0, moved: 0, unchanged: 0, removed: 0, skipped: 0, failed: 0 }
  const totals = { files: 0, ...statuses, passages: 0 }
  const totalBytes = files.reduce((sum, file) => sum + file.bytes, 0)
  let bytes = 0
  let name = ''
  let told: Promise<void> = Promise.resolve()

  function progress(): void {
    listener.onProgress?.({
      files: totals.files,
      total: files.length,
      passages: totals.passages,
      bytes,
      totalBytes,
      file: name,
    })
  }

  function tell(line: IngestLine): Promise<void> {
    told = told.then(() => listener.onLine(line))
    return told
  }

  return {
    totals,
    begun(file) {
      name = file.file
      progress()
    },
    done(file, outcome) {
      totals.files++
      totals[outcome.status]++
      // The other lines say how many passages there are, not how many were written.
      if (outcome.status === 'added' || outcome.status === 'replaced') totals.passages += outcome.passages
      bytes += file.bytes
      progress()
      return tell(lineOf(file.file, outcome))
    },
    gone(file, outcome) {
      totals[outcome.status]++
      return tell(lineOf(file, outcome))
    },
  }
}

/** The fields in the order in which they are documented. */
function lineOf(file: string, { status, reason, warnings, document, passages, ms }: Outcome): IngestLine {
  return { file, status, reason, warnings, document, passages, ms }
}

/** Makes the outcomes of a file that is begun now. */
export function openOutcome() {
  const started = performance.now()
  const outcome = (of: Partial<Outcome> & Pick<Outcome, 'status'>): Outcome => ({
    reason: null,
    warnings: [],
    document: null,
    passages: 0,
    ...of,
    ms: Math.round(performance.now() - started),
  })
  return { outcome, failed: (error: unknown) => outcome({ status: 'failed', reason: reasonOf(error) }) }
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
