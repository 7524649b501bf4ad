/** The first rung: any server that speaks the OpenAI chat protocol, ours, vLLM, llama-server, Ollama or a cluster. */
import { readChat } from './chat-stream.ts'
import { RungFailed } from './failures.ts'
import { promptFor } from './prompt.ts'
import { type RungChunk, type RungRequest, RungUnavailable } from './types.ts'

export interface LlmServiceSettings {
  /** With or without `/v1`; null: there is none. */
  serviceUrl: string | null
  serviceApiKey: string | null
  /** The model to ask for; null: the first that the server lists. */
  model: string | null
}

/** The list of models must come within this time: a service that takes longer is not there. */
const HEALTH_MS = 2_000
/** Bytes read of a list of models or of an error's explanation. */
const MOST_LISTED = 2 ** 20
/** Code units that a token can hardly exceed: text beyond `maxTokens` of them is not waited for. */
const LONGEST_TOKEN = 32

/**
 * Asks `GET /v1/models`. Gives the model that will be used.
 * @throws RungUnavailable with the reason in words
 */
export async function findModel(settings: LlmServiceSettings, signal?: AbortSignal): Promise<string> {
  const within = AbortSignal.timeout(HEALTH_MS)
  const response = await send(settings, '/models', {
    signal: signal ? AbortSignal.any([signal, within]) : within,
  })
  const listed = await modelsIn(response, settings)
  if (settings.model !== null) return settings.model
  const [first] = listed
  if (first === undefined) throw new RungUnavailable(`${placeOf(settings)} lists no model`)
  return first
}

/** The rung. `modelName` is asked at each question: another model may have been found meanwhile. */
export function llmService(settings: LlmServiceSettings, modelName: () => string | null) {
  return async function* (request: RungRequest): AsyncGenerator<RungChunk> {
    const { maxTokens, temperature, topP } = request
    const model = modelName()
    const response = await send(settings, '/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({
        ...(model !== null && { model }),
        messages: promptFor(request),
        max_tokens: maxTokens,
        temperature,
        top_p: topP,
        stream: true,
        stream_options: { include_usage: true },
      }),
      signal: request.signal,
    })
    if (!response.ok) throw await refusal(response, settings)
    if (model !== null) yield { model }
    yield* readChat(response, maxTokens * LONGEST_TOKEN)
  }
}

function placeOf({ serviceUrl }: LlmServiceSettings): string {
  // Without a user name and password that the URL may carry: this is shown to anybody.
  return serviceUrl && URL.canParse(serviceUrl) ? new URL(serviceUrl).host : 'the model server'
}

async function send(settings: LlmServiceSettings, path: string, init: RequestInit): Promise<Response> {
  const base = (settings.serviceUrl ?? '').replace(/\/+$/, '').replace(/\/v1$/, '')
  const headers = new Headers(init.headers)
  if (settings.serviceApiKey !== null) headers.set('authorization', `Bearer ${settings.serviceApiKey}`)
  try {
    // A redirect would carry documents and key to somebody who was not named; an idle connection may be a dead one.
    return await fetch(`${base}/v1${path}`, { ...init, headers, redirect: 'error', keepalive: false })
  } catch (error) {
    if (init.signal?.aborted && nameOf(init.signal.reason) !== 'TimeoutError') throw init.signal.reason
    throw new RungUnavailable(connectionProblem(error, placeOf(settings)))
  }
}

function connectionProblem(error: unknown, place: string): string {
  if (nameOf(error) === 'TimeoutError') return `${place} did not answer within ${HEALTH_MS / 1000} s`
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (/UnexpectedRedirect/i.test(code)) return `${place} redirects elsewhere, which is not followed`
  if (/ConnectionRefused|ECONNREFUSED/i.test(code)) return `nothing listens at ${place}`
  return `${place} cannot be reached${code && ` (${code})`}`
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : ''
}

async function refusal(response: Response, settings: LlmServiceSettings): Promise<Error> {
  const place = placeOf(settings)
  const { status } = response
  await response.body?.cancel()
  if (status === 401 || status === 403)
    return new RungUnavailable(`${place} refused the API key (${status}); set LLM_SERVICE_API_KEY`)
  if (status === 404) return new RungUnavailable(`${place} knows no such model or address (404)`)
  if (status === 429 || status === 503) return new RungUnavailable(`${place} is busy (${status})`)
  return new RungFailed(`${place} answered ${status}`)
}

/** Names in a list of models. A server that has no such list can still be asked when the model is set. */
async function modelsIn(response: Response, settings: LlmServiceSettings): Promise<string[]> {
  if (!response.ok) {
    if (response.status === 404 && settings.model !== null) {
      await response.body?.cancel()
      return []
    }
    const problem = await refusal(response, settings)
    throw problem instanceof RungUnavailable ? problem : new RungUnavailable(problem.message)
  }
  try {
    const { data } = JSON.parse(await readBounded(response)) as { data: { id: unknown }[] }
    return data.map(({ id }) => id).filter((id) => typeof id === 'string' && id !== '') as string[]
  } catch (error) {
    if (nameOf(error) === 'TimeoutError')
      throw new RungUnavailable(connectionProblem(error, placeOf(settings)))
    throw new RungUnavailable(
      `${placeOf(settings)} does not speak the OpenAI protocol: its /v1/models is no list of models`,
    )
  }
}

async function readBounded(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > MOST_LISTED) throw new RungFailed('too long')
  }
  return text
}
