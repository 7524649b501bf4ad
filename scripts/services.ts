/** The parts of Mentor, opened from the settings in one place and closed in the opposite order. */
import { join } from 'node:path'
import { type Ladder, type LadderParts, type LadderSettings, openLadder } from '../backend/answer/ladder.ts'
import { createApp } from '../backend/app.ts'
import { embeddedPaths, makeSocketFolder } from '../db/embedded/paths.ts'
import { type Database, openDatabase } from '../db/open.ts'
import { type Embedder, openEmbedder } from '../embedding/embedder.ts'
import { allMiniLM } from '../models/bundled.ts'
import manifest from '../package.json'
import { type Config, projectDir } from './config.ts'
import { makeDataDir } from './data-dir.ts'
import { chooseLocalModel, chooseServiceModel } from './model-choice.ts'
import { canRunAt, type SupervisedModelService, superviseModelService } from './model-service.ts'
import { localSettings, prepareGpu, serviceCommand, serviceSettings } from './service-settings.ts'

export const version = manifest.version

export interface Storage {
  db: Database
  embedder: Embedder
  close(): Promise<void>
}

export interface Services extends Storage {
  ladder: Ladder
  /** Null where somebody else's is used, or none. */
  modelService: SupervisedModelService | null
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

export interface Telling {
  /** Lines for people: who answers from now on. */
  tell: (line: string) => void
  /** Lines of the log alone. */
  log: (line: string) => void
}

/** @param supervise run the model service too, where a model is installed for it and nobody else serves */
export async function openServices(
  config: Config,
  { tell, log }: Telling,
  { supervise }: { supervise: boolean },
): Promise<Services> {
  // A question needs one worker; a burst of them may use more, and gives the memory back a minute later.
  const storage = await openStorage(config, 60_000)
  const modelService =
    supervise && config.serviceEnabled && canRunAt(config.serviceUrl)
      ? superviseModelService({
          url: config.serviceUrl,
          apiKey: config.serviceApiKey,
          model: config.model,
          dataDir: config.data,
          command: serviceCommand,
          async choose() {
            const choice = await chooseServiceModel(config)
            if (!('missing' in choice)) await prepareGpu(config)
            return choice
          },
          settings: (model, listen) => JSON.stringify(serviceSettings(config, model, listen)),
          tell,
          log,
        })
      : null
  const ladder = openLadder(ladderSettings(config), tell, {
    ...ladderParts(config, log),
    ...(modelService === null ? {} : { place: modelService.place }),
  })
  return {
    ...storage,
    ladder,
    modelService,
    close: async () => {
      await Promise.all([ladder.close(), modelService?.close()])
      await storage.close()
    },
  }
}

/** The local model of this process: it starts when a question comes to it. */
export function ladderParts(config: Config, log: (line: string) => void): LadderParts {
  return {
    localModel: {
      command: serviceCommand,
      idleMs: config.localModelIdle * 1000,
      log,
      socketFolder() {
        const { socketDir } = embeddedPaths(config.data)
        makeSocketFolder(socketDir)
        return socketDir
      },
      async choose(running) {
        const choice = await chooseLocalModel(config, running)
        if ('missing' in choice) return choice
        const { name, file } = choice.model
        const settings = (socket: string) => JSON.stringify(localSettings(config, choice.model, socket))
        return { model: { name, file, settings } }
      },
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
