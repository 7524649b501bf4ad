/** The HTTP API and the page, as one Elysia app over the services it is given. */
import { type AnyElysia, Elysia } from 'elysia'
import { docsRoutes } from '../http/docs-routes.ts'
import { explain } from '../http/error-response.ts'
import { openGate } from '../http/gate.ts'
import { bracketed } from '../http/guard.ts'
import { inWords } from '../http/log-text.ts'
import { methodTable } from '../http/methods.ts'
import { errorResponseTo } from '../http/openai/errors.ts'
import { type Fetch, shell } from '../http/shell.ts'
import type { Ladder } from './answer/ladder.ts'
import { openAnswerFigures } from './answer-figures.ts'
import { openAnswering } from './answering.ts'
import { openHealth } from './health.ts'
import { refusalMeant } from './http/refusals.ts'
import { openIngestWorker } from './ingest-worker.ts'
import type { RetrievalServices } from './retrieve/retrieve.ts'
import { askRoute } from './routes/ask.ts'
import type { Backend } from './routes/backend.ts'
import { collectionRoutes } from './routes/collections.ts'
import { documentRoutes } from './routes/documents.ts'
import { earlierChatRoutes } from './routes/earlier/chat.ts'
import { earlierFourBitRoutes } from './routes/earlier/chat-4bit.ts'
import { earlierModelRoutes } from './routes/earlier/models.ts'
import { earlierSocketRoute } from './routes/earlier/socket.ts'
import { earlierStatsRoutes } from './routes/earlier/stats.ts'
import { healthRoutes } from './routes/health.ts'
import { jobRoutes } from './routes/jobs.ts'
import { mcpRoute } from './routes/mcp.ts'
import { openAiChatRoute } from './routes/openai/chat.ts'
import { openAiEmbeddingsRoute } from './routes/openai/embeddings.ts'
import { openAiModelRoutes } from './routes/openai/models.ts'
import { pageRoutes } from './routes/page.ts'
import { searchRoute } from './routes/search.ts'
import { removeLeftUploads, uploadRoute, uploadsThere } from './routes/upload.ts'

const about = {
  title: 'Mentor',
  description: 'Questions answered from your own documents, with citations that can be checked.',
}
const notes = [
  'Every refusal is JSON: `{"error": {"code", "message", "hint", "details"}}`, under `/v1` as OpenAI writes it: ' +
    '`{"error": {"message", "type", "param", "code", "details"}}`. Unknown fields are refused.',
  "Programs for OpenAI's API work unchanged with this address and `/v1` as their base URL: they get answers from " +
    'the documents. The fields of `POST /v1/chat/completions` say which of theirs are ignored and which refused.',
]

/** Enough for every rung to be busy; more would wait for longer than anybody waits. */
const mostAnswersAtOnce = 64

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
  const keepOpen = (request: Request) => {
    patient.add(request)
    app.server?.timeout(request, 0)
  }
  const figures = openAnswerFigures(db, log)
  const answering = openAnswering({
    services,
    gate: openGate(mostAnswersAtOnce, 'questions'),
    figures,
    keepOpen,
  })
  const refuse = (error: unknown, request: Request) =>
    errorResponseTo(request, explain(error, log, refusalMeant))
  const backend: Backend = {
    services,
    db,
    dataDir,
    version,
    maxUploadBytes,
    health: openHealth({ services, version, startJob, log }),
    answering,
    figures,
    worker,
    log,
    keepOpen,
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
    .onError({ as: 'global' }, ({ error, request }) => refuse(error, request))
    .use(askRoute(backend))
    .use(searchRoute(backend))
    .use(documentRoutes(backend))
    .use(uploadRoute(backend))
    .use(jobRoutes(backend))
    .use(collectionRoutes(backend))
    .use(healthRoutes(backend))
    .use(openAiChatRoute(backend))
    .use(openAiEmbeddingsRoute(backend))
    .use(openAiModelRoutes(backend))
    .use(mcpRoute(backend, (request) => app.handle(request)))
    .use(earlierChatRoutes(backend))
    .use(earlierFourBitRoutes(backend))
    .use(earlierModelRoutes(backend))
    .use(earlierStatsRoutes(backend))
    .use(earlierSocketRoute(backend, () => app.server))
    .use(docsRoutes(() => app.routes, { ...about, version }, notes))
    .use(pageRoutes(backend, pageDir))
    .onStart(async () => {
      const left = await uploadsThere(dataDir)
      await removeLeftUploads(db, dataDir, left).catch((error: unknown) =>
        log(`Uploads that were cut off are still on the disk: ${inWords(error)}`),
      )
      await worker.resume()
    })
    .onStop(async () => {
      await figures.close()
      await worker.close()
    })

  const methodsOf = methodTable(app.routes)
  const allowedHosts = new Set(options.allowedHosts.map(bracketed))
  return app.wrap((fetch) =>
    // Elysia types it as a function that returns a function.
    shell(fetch as unknown as Fetch, {
      allowedHosts,
      log,
      errorResponse: refuse,
      methodsOf,
      routeOf: (request) => routeOf.get(request) ?? '-',
      listensOn: () => bracketed(app.server?.hostname ?? ''),
      mayTakeLong: (request) => patient.has(request),
    }),
  )
}
