/** The parts of Mentor, opened from the settings in one place and closed in the opposite order. */
import { join } from 'node:path'
import { type Ladder, type LadderSettings, openLadder } from '../backend/answer/ladder.ts'
import { createApp } from '../backend/app.ts'
import { type Database, openDatabase } from '../db/open.ts'
import { type Embedder, openEmbedder } from '../embedding/embedder.ts'
import { allMiniLM } from '../models/bundled.ts'
import manifest from '../package.json'
import { type Config, projectDir } from './config.ts'
import { makeDataDir } from './data-dir.ts'

export const version = manifest.version

export interface Storage {
  db: Database
  embedder: Embedder
  close(): Promise<void>
}

export interface Services extends Storage {
  ladder: Ladder
}

export function openStoredDatabase(config: Config): Promise<Database> {
  return makeDataDir(config.data).then(() =>
    openDatabase({
      dataDir: config.data,
      ...(config.databaseUrl === null ? {} : { databaseUrl: config.databaseUrl }),
    }),
  )
}

/** @param idleMs embedding workers above the first end after so long without work; undefined: they stay. */
export async function openStorage(config: Config, idleMs?: number): Promise<Storage> {
  const db = await openStoredDatabase(config)
  const embedder = openEmbedder({
    model: allMiniLM,
    workers: config.embeddingWorkers,
    ...(idleMs === undefined ? {} : { idleMs }),
  })
  return {
    db,
    embedder,
    close: async () => {
      await embedder.close()
      await db.close()
    },
  }
}

export async function openServices(config: Config, log: (line: string) => void): Promise<Services> {
  // A question needs one worker; a burst of them may use more, and gives the memory back a minute later.
  const storage = await openStorage(config, 60_000)
  const ladder = openLadder(ladderSettings(config), log)
  return {
    ...storage,
    ladder,
    close: async () => {
      ladder.close()
      await storage.close()
    },
  }
}

export function ladderSettings(config: Config): LadderSettings {
  return {
    serviceUrl: config.serviceUrl,
    serviceEnabled: config.serviceEnabled,
    serviceTimeoutMs: config.serviceTimeout * 1000,
    serviceApiKey: config.serviceApiKey,
    model: config.model,
    totalMs: config.answerDeadline * 1000,
    firstTextMs: config.firstTextDeadline * 1000,
    betweenTextMs: config.betweenTextDeadline * 1000,
    reserveMs: config.reserve * 1000,
    maxNewTokens: config.maxNewTokens,
    temperature: config.temperature,
    topP: config.topP,
  }
}

/** The backend's routes over these parts. */
export function openApp(
  config: Config,
  services: Services,
  /** `startJob`: the job whose progress /health shows. Without `pageDir` there is the API alone. */
  options: { pageDir: string | null; startJob: string | null; log: (line: string) => void },
) {
  return createApp({
    services,
    dataDir: config.data,
    version,
    allowedHosts: config.allowedHosts,
    maxUploadBytes: config.maxUpload,
    ...ingestWorker(config),
    ...options,
  })
}

/** Runs the ingest worker once, until no job is queued. Its settings hold a password: not for the list of processes. */
function ingestWorker(config: Config): { ingestCommand: string[]; ingestSettings: string } {
  const settings = {
    dataDir: config.data,
    ...(config.databaseUrl === null ? {} : { databaseUrl: config.databaseUrl }),
    workers: config.embeddingWorkers,
  }
  return {
    ingestCommand: [process.execPath, join(projectDir, 'ingest', 'worker.ts')],
    ingestSettings: JSON.stringify(settings),
  }
}
