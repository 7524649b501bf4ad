/** The routes and errors of the makes of model servers that people put behind LLM_SERVICE_URL, as far as Mentor sees them. */
import { type ChatBody, streamed } from './chat-server.ts'

export interface Make {
  url: string
  /** Paths asked for so far. */
  asked: string[]
  chats: ChatBody[]
  state: MakeState
  stop(): Promise<void>
}

/** A test changes it in between. */
export interface MakeState {
  says: string
  /** It reads its model from the disk. */
  loading: boolean
  /** All its workers are away, for this reason. */
  unwell?: string
  /** It answers a chat with this instead. */
  refuses: Response | null
  /** Tokens that one request may hold. */
  context: number
  /** Milliseconds that counting takes. */
  countMs: number
}

type Routes = (path: string, body: unknown, state: MakeState) => Response | null | Promise<Response | null>

const usual: MakeState = { says: 'Nine [1].', loading: false, refuses: null, context: 6_000, countMs: 0 }
export const model = 'served-model'

function make(routes: Routes, changes: Partial<MakeState> = {}): Make {
  const state = { ...usual, ...changes }
  const asked: string[] = []
  const chats: ChatBody[] = []
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url)
      asked.push(pathname)
      const body: unknown = request.method === 'POST' ? await request.json() : null
      const own = await routes(pathname, body, state)
      if (own !== null) return own
      if (pathname !== '/v1/chat/completions') return new Response('Not Found', { status: 404 })
      chats.push(body as ChatBody)
      return state.refuses?.clone() ?? streamed([state.says], request.signal)
    },
  })
  return {
    url: `http://127.0.0.1:${server.port}`,
    asked,
    chats,
    state,
    stop: () => server.stop(true),
  }
}

/** A token a character: so each test can say how many there are. */
const count = (text: string) => [...text].length
const list = (entry: object) =>
  Response.json({ object: 'list', data: [{ id: model, object: 'model', ...entry }] })

export const mentor = (changes?: Partial<MakeState>) =>
  make(async (path, body, { loading, unwell, context, countMs }) => {
    if (path === '/v1/models') return list({ owned_by: 'mentor' })
    if (path === '/api/llm/health') {
      const status = loading ? 'loading' : unwell === undefined ? 'healthy' : 'degraded'
      return Response.json({ status, model, model_loaded: status === 'healthy', reason: unwell ?? null })
    }
    if (path !== '/api/llm/count') return null
    await Bun.sleep(countMs)
    const { texts } = body as { texts: string[] }
    return Response.json({ counts: texts.map(count), context_tokens: context, model })
  }, changes)

export const llamaServer = (changes?: Partial<MakeState>) =>
  make((path, body, { loading, context }) => {
    // The list is there while the model loads; all else says 503.
    if (path === '/v1/models') return list({ owned_by: 'llamacpp', meta: { n_ctx_train: 40_960 } })
    if (loading) {
      const error = { code: 503, message: 'Loading model', type: 'unavailable_error' }
      return Response.json({ error }, { status: 503 })
    }
    if (path === '/health') return Response.json({ status: 'ok' })
    if (path === '/props')
      return Response.json({ default_generation_settings: { n_ctx: context }, total_slots: 4 })
    if (path !== '/tokenize') return null
    const { content } = body as { content: string }
    return Response.json({ tokens: [...content].map((_, i) => i) })
  }, changes)

export const vllm = (changes?: Partial<MakeState>) =>
  make((path, body, { context }) => {
    if (path === '/v1/models') return list({ owned_by: 'vllm', max_model_len: context })
    if (path === '/health') return new Response(null)
    if (path !== '/tokenize') return null
    const { prompt, model: asked } = body as { prompt: string; model: string }
    if (asked !== model) return new Response('{}', { status: 404 })
    return Response.json({
      count: count(prompt),
      max_model_len: context,
      tokens: [...prompt].map((_, i) => i),
    })
  }, changes)

export const ollama = (changes?: Partial<MakeState>) =>
  make((path, _body, { loading, context }) => {
    if (path === '/v1/models') return list({ owned_by: 'library' })
    if (path !== '/api/ps') return null
    const loaded = loading ? [] : [{ name: model, model, context_length: context, size_vram: 0 }]
    return Response.json({ models: loaded })
  }, changes)

/** A cluster behind a balancer: nothing but the protocol. */
export const plain = (changes?: Partial<MakeState>) =>
  make((path) => (path === '/v1/models' ? list({ owned_by: 'somebody' }) : null), changes)
