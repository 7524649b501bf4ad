import { mkdir } from 'node:fs/promises'
import { errorCode } from '../db/reach.ts'
import { CommandFailed, printable } from './terminal.ts'

/** Makes the data directory where it is missing, for this user alone: it will hold all documents. @throws CommandFailed that says what to do */
export async function makeDataDir(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new CommandFailed(
      `The data directory ${printable(path)} cannot be made (${errorCode(error) ?? error}). ` +
        'Name a folder that is yours to write: --data DIR, or the setting MENTOR_DATA.',
      2,
    )
  }
}
