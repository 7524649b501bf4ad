/** The model service's HTTP API as one Elysia app: Mentor's own routes, and OpenAI's protocol under `/v1`. */
import { type AnyElysia, Elysia } from 'elysia'
import type { Embedder } from '../../embedding/embedder.ts'
import { docsRoutes } from '../../http/docs-routes.ts'
import { bracketed } from '../../http/guard.ts'
import { methodTable } from '../../http/methods.ts'
import { type Fetch, shell } from '../../http/shell.ts'
import type { ModelService } from '../types.ts'
import { openAuthorization } from './authorize.ts'
import { errorResponse } from './refusals.ts'
import { aboutRoute } from './routes/about.ts'
import { adapterRoutes } from './routes/adapters.ts'
import { chatRoute } from './routes/chat.ts'
import { completionsRoute } from './routes/completions.ts'
import { countRoute } from './routes/count.ts'
import { embedRoute } from './routes/embed.ts'
import { embeddingsRoute } from './routes/embeddings.ts'
import { generateRoute } from './routes/generate.ts'
import { healthRoute } from './routes/health.ts'
import { modelRoutes } from './routes/models.ts'
import type { Served, ServiceAppSettings } from './served.ts'

const about = {
  title: 'Mentor model service',
  description: 'A language model and an embedding model on this machine.',
}
const notes = [
  "Programs for OpenAI's API work unchanged with this address and `/v1` as their base URL. Errors under `/v1` are " +
    '`{"error": {"message", "type", "param", "code"}}`, all others `{"error": {"code", "message", "hint", "details"}}`.',
  'Unknown fields are refused with 422. `429` means that the queue is full: `Retry-After` says when to come again. ' +
    'A client that hangs up frees its place at once, streamed or not.',
  'A prompt longer than the context is refused with `context_length_exceeded`. Words of people are text: control ' +
    'tokens among them stay the letters they are made of.',
  'Where this service has a key, requests bring it as `Authorization: Bearer`.',
]

export interface ServiceAppOptions {
  service: ModelService
  /** Null serves no embeddings. Whoever opened it closes it. */
  embed: Embedder | null
  settings: ServiceAppSettings
  /** One line a request and a line an error; none of them holds what was asked. */
  log?: (line: string) => void
}

/** The app answers through `app.handle`; `serve` of http/ gives it a port or a socket. */
export function createServiceApp({ service, embed, settings, log = () => {} }: ServiceAppOptions): AnyElysia {
  const patient = new WeakSet<Request>()
  const served: Served = {
    service,
    embed,
    settings,
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
    .onError({ as: 'global' }, ({ error, request }) => errorResponse(error, request, log))
    .use(aboutRoute(served))
    .use(healthRoute(served))
    .use(generateRoute(served))
    .use(countRoute(served))
    .use(embedRoute(served))
    .use(adapterRoutes(served))
    .use(chatRoute(served))
    .use(completionsRoute(served))
    .use(embeddingsRoute(served))
    .use(modelRoutes(served))
    .use(docsRoutes(() => app.routes, { ...about, version: settings.version }, notes))

  const methodsOf = methodTable(app.routes)
  const authorize = openAuthorization(settings.apiKey)
  return app.wrap((handle) => {
    // Elysia types it as a function that returns a function.
    const fetch = handle as unknown as Fetch
    const authorized: Fetch = (request) => {
      authorize(request)
      return fetch(request)
    }
    return shell(authorized, {
      allowedHosts: new Set(settings.allowedHosts.map(bracketed)),
      allowedOrigins: new Set(settings.allowedOrigins),
      log,
      errorResponse: (error, request) => errorResponse(error, request, log),
      methodsOf,
      routeOf: (request) => routeOf.get(request) ?? '-',
      listensOn: () => bracketed(app.server?.hostname ?? ''),
      mayTakeLong: (request) => patient.has(request),
    })
  })
}
