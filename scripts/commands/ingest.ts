/** `mentor ingest`: files into the database, in this process; a running backend sees them as they come in. */
import { type IngestCommand, runIngest, wrongUse } from '../../ingest/command.ts'
import type { Config } from '../config.ts'
import { openStorage } from '../services.ts'
import { CommandFailed } from '../terminal.ts'

export type IngestWish = Omit<IngestCommand, 'db' | 'embedder' | 'tty' | 'signal'>

export async function ingest(config: Config, wish: IngestWish, signal: AbortSignal): Promise<number> {
  const wrong = wrongUse(wish) // before a database is made for it
  if (wrong !== null) throw new CommandFailed(wrong, 2)
  const storage = await openStorage(config)
  try {
    const { db, embedder } = storage
    return await runIngest({ ...wish, db, embedder, tty: process.stdout.isTTY, signal })
  } finally {
    await storage.close()
  }
}
