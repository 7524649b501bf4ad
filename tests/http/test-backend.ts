/** A backend over real parts: an embedded database in a new folder, the bundled embedder, the ladder. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AnyElysia } from 'elysia'
import { type LadderSettings, openLadder } from '../../backend/answer/ladder.ts'
import { type BackendOptions, createApp } from '../../backend/app.ts'
import { type Database, openDatabase } from '../../db/open.ts'
import { openEmbedder } from '../../embedding/embedder.ts'
import { allMiniLM } from '../../models/bundled.ts'

export interface TestBackend {
  app: AnyElysia
  services: BackendOptions['services']
  db: Database
  dataDir: string
  /** The lines of the log so far. */
  log: string[]
  close(): Promise<void>
}

const ingestWorker = join(import.meta.dir, '..', '..', 'ingest', 'worker.ts')

export const testLadder: LadderSettings = {
  serviceUrl: null,
  serviceEnabled: false,
  serviceTimeoutMs: 10_000,
  serviceApiKey: null,
  model: null,
  totalMs: 30_000,
  firstTextMs: 10_000,
  betweenTextMs: 5_000,
  reserveMs: 1_000,
  maxNewTokens: 256,
  temperature: 0.35,
  topP: 0.9,
}

export async function openTestBackend(
  options: {
    ladder?: Partial<LadderSettings>
    maxUploadBytes?: number
    pageDir?: string
    allowedHosts?: string[]
  } = {},
): Promise<TestBackend> {
  const dataDir = await mkdtemp(join(tmpdir(), 'mentor-http-'))
  const log: string[] = []
  const note = (line: string) => void log.push(line)
  const db = await openDatabase({ dataDir })
  const embedder = openEmbedder({ model: allMiniLM, workers: 1 })
  const ladder = openLadder({ ...testLadder, ...options.ladder }, note)
  const services = { db, embedder, ladder }
  const app = createApp({
    services,
    dataDir,
    version: '0.0.0-test',
    allowedHosts: options.allowedHosts ?? [],
    maxUploadBytes: options.maxUploadBytes ?? 10_000_000,
    pageDir: options.pageDir ?? null,
    ingestCommand: [process.execPath, ingestWorker],
    ingestSettings: JSON.stringify({ dataDir, workers: 1 }),
    startJob: null,
    log: note,
  })
  return {
    app,
    services,
    db,
    dataDir,
    log,
    async close() {
      for (const hook of app.event.stop ?? []) await hook.fn(app)
      ladder.close()
      await embedder.close()
      await db.close()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** A request to the app, without a port. */
export function call(app: AnyElysia, path: string, init?: RequestInit): Promise<Response> {
  return app.handle(new Request(`http://localhost:8000${path}`, init))
}

export function postJson(body: unknown): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

/** Uploads texts under the names given and waits for the job. */
export async function ingest(
  app: AnyElysia,
  files: Record<string, string | Blob>,
  collection?: string,
): Promise<{ lines: { file: string; status: string; document: string | null; passages: number }[] }> {
  const form = new FormData()
  for (const [name, text] of Object.entries(files)) form.append('files', new File([text], name))
  if (collection !== undefined) form.append('collection', collection)
  const response = await call(app, '/api/documents?wait=true', { method: 'POST', body: form })
  if (response.status !== 200) throw new Error(`upload: ${response.status} ${await response.text()}`)
  return response.json()
}
