/** The HTTP API and the page, as one Elysia app over the services it is given. */
import { type AnyElysia, Elysia } from 'elysia'
import { docsRoutes } from '../http/docs-routes.ts'
import { errorResponse } from '../http/error-response.ts'
import { bracketed } from '../http/guard.ts'
import { inWords } from '../http/log-text.ts'
import { methodTable } from '../http/methods.ts'
import { type Fetch, shell } from '../http/shell.ts'
import type { Ladder } from './answer/ladder.ts'
import { openHealth } from './health.ts'
import { refusalMeant } from './http/refusals.ts'
import { openIngestWorker } from './ingest-worker.ts'
import type { RetrievalServices } from './retrieve/retrieve.ts'
import { askRoute } from './routes/ask.ts'
import type { Backend } from './routes/backend.ts'
import { collectionRoutes } from './routes/collections.ts'
import { documentRoutes } from './routes/documents.ts'
import { healthRoutes } from './routes/health.ts'
import { jobRoutes } from './routes/jobs.ts'
import { pageRoutes } from './routes/page.ts'
import { searchRoute } from './routes/search.ts'
import { removeLeftUploads, uploadRoute, uploadsThere } from './routes/upload.ts'

const about = {
  title: 'Mentor',
  description: 'Questions answered from your own documents, with citations that can be checked.',
}
const notes = [
  'Every refusal is JSON: `{"error": {"code", "message", "hint", "details"}}`. Unknown fields are refused.',
]

export interface BackendOptions {
  services: RetrievalServices & { ladder: Ladder }
  dataDir: string
  version: string
  /** Names beside the loopback ones under which browsers may reach it, `name` or `name:port`. */
  allowedHosts: string[]
  /** All files of one upload together. */
  maxUploadBytes: number
  /** The built page; null serves the API alone. */
  pageDir: string | null
  /** Runs the ingest worker once, until no job is queued. */
  ingestCommand: string[]
  /** What that command reads from its stdin; it may hold a password, so it never is an argument. */
  ingestSettings: string
  /** The job whose progress /health shows as `ingesting`. */
  startJob: string | null
  /** One line a request and a line an error; none of them holds what was asked. */
  log?: (line: string) => void
}

/**
 * The app answers through `app.handle`; `serve` gives it a port. Jobs that wait are taken up when it starts to
 * listen; uploads wake the ingest worker in any case.
 */
export function createApp(options: BackendOptions): AnyElysia {
  const { services, dataDir, version, maxUploadBytes, pageDir, startJob, log = () => {} } = options
  const { db } = services
  const patient = new WeakSet<Request>()
  const worker = openIngestWorker({
    db,
    command: options.ingestCommand,
    settings: options.ingestSettings,
    log,
  })
  const backend: Backend = {
    services,
    db,
    dataDir,
    version,
    maxUploadBytes,
    health: openHealth({ services, version, startJob, log }),
    worker,
    log,
    keepOpen: (request) => {
      patient.add(request)
      app.server?.timeout(request, 0)
    },
  }
  const routeOf = new WeakMap<Request, string>()
  const app: AnyElysia = new Elysia({
    // Unknown fields would be dropped in silence instead of refused.
    normalize: false,
    strictPath: true,
    // Otherwise a host of fewer than four characters shifts where the path begins.
    handler: { standardHostname: false },
  })
    .onTransform({ as: 'global' }, ({ request, route }) => {
      routeOf.set(request, route)
    })
    .onError({ as: 'global' }, ({ error }) => errorResponse(error, log, refusalMeant))
    .use(askRoute(backend))
    .use(searchRoute(backend))
    .use(documentRoutes(backend))
    .use(uploadRoute(backend))
    .use(jobRoutes(backend))
    .use(collectionRoutes(backend))
    .use(healthRoutes(backend))
    .use(docsRoutes(() => app.routes, { ...about, version }, notes))
    .use(pageRoutes(backend, pageDir))
    .onStart(async () => {
      const left = await uploadsThere(dataDir)
      await removeLeftUploads(db, dataDir, left).catch((error: unknown) =>
        log(`Uploads that were cut off are still on the disk: ${inWords(error)}`),
      )
      await worker.resume()
    })
    .onStop(() => worker.close())

  const methodsOf = methodTable(app.routes)
  const allowedHosts = new Set(options.allowedHosts.map(bracketed))
  return app.wrap((fetch) =>
    // Elysia types it as a function that returns a function.
    shell(fetch as unknown as Fetch, {
      allowedHosts,
      log,
      errorResponse: (error) => errorResponse(error, log, refusalMeant),
      methodsOf,
      routeOf: (request) => routeOf.get(request) ?? '-',
      listensOn: () => bracketed(app.server?.hostname ?? ''),
      mayTakeLong: (request) => patient.has(request),
    }),
  )
}
