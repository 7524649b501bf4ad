/** The backend's log: requests, errors with their ids, changes of the rungs. Never what was asked or answered. */
import { closeSync, mkdirSync, openSync, renameSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** A longer log is set aside when the next process opens it, so two of these are the most that is kept. */
const longestBytes = 10 * 2 ** 20

export interface LogFile {
  write(line: string): void
  close(): void
}

/** `logs/backend.log` in the data directory. A disk that is full costs lines, not answers. */
export function openLogFile(dataDir: string): LogFile {
  const folder = join(dataDir, 'logs')
  mkdirSync(folder, { recursive: true })
  const path = join(folder, 'backend.log')
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  if (size > longestBytes) renameSync(path, `${path}.old`)
  const file = openSync(path, 'a', 0o600)
  let open = true
  return {
    write(line) {
      if (!open) return
      try {
        writeSync(file, `${new Date().toISOString()} ${line}\n`)
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
      }
    },
    close() {
      open = false
      closeSync(file)
    },
  }
}
