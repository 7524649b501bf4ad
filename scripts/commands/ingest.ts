/** `mentor ingest`: files into the database, in this process; a running backend sees them as they come in. */
import { runIngest } from '../../ingest/command.ts'
import type { Config } from '../config.ts'
import { openStorage } from '../services.ts'

export async function ingest(
  config: Config,
  paths: string[],
  collection: string,
  json: boolean,
  signal: AbortSignal,
): Promise<number> {
  const storage = await openStorage(config)
  try {
    const { db, embedder } = storage
    return await runIngest({ db, embedder, paths, collection, json, tty: process.stdout.isTTY, signal })
  } finally {
    await storage.close()
  }
}
