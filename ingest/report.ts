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

  return {
    totals,
    begun(file) {
      name = file.file
      progress()
    },
    done(file, outcome) {
      totals.files++
      totals[outcome.status]++
      totals.passages += outcome.passages
      bytes += file.bytes
      progress()
      told = told.then(() => listener.onLine(lineOf(file.file, outcome)))
      return told
    },
  }
}

/** The fields in the order in which they are documented. */
function lineOf(file: string, { status, reason, warnings, document, passages, ms }: Outcome): IngestLine {
  return { file, status, reason, warnings, document, passages, ms }
}
