/** A model server on a real port that speaks the OpenAI chat protocol, well or badly, as each test wants it. */

import { type AddressInfo, createServer } from 'node:net'

export interface ChatServer {
  url: string
  /** Bodies of the chat requests so far, and their headers. */
  requests: { body: ChatBody; authorization: string | null }[]
  /** Chat requests whose client went away before the end. */
  aborted(): number
  stop(): Promise<void>
}

export interface ChatBody {
  model?: string
  messages: { role: string; content: string }[]
  max_tokens: number
  temperature: number
  top_p: number
  stream: boolean
}

export interface Behaviour {
  /** What `GET /v1/models` answers; by default one model. */
  models?: () => Response | Promise<Response>
  /** What `POST /v1/chat/completions` answers. `gone` aborts when the client goes away. */
  chat: (body: ChatBody, gone: AbortSignal) => Response | Promise<Response>
}

export function serveChat({ models = listOf('test-model'), chat }: Behaviour): ChatServer {
  const requests: ChatServer['requests'] = []
  let aborted = 0
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    idleTimeout: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url)
      if (pathname === '/v1/models') return models()
      if (pathname !== '/v1/chat/completions') return new Response('nothing here', { status: 404 })
      const body = (await request.json()) as ChatBody
      requests.push({ body, authorization: request.headers.get('authorization') })
      request.signal.addEventListener('abort', () => aborted++)
      return chat(body, request.signal)
    },
  })
  return {
    url: `http://127.0.0.1:${server.port}`,
    requests,
    aborted: () => aborted,
    stop: () => server.stop(true),
  }
}

export const listOf =
  (...ids: string[]) =>
  () =>
    Response.json({ object: 'list', data: ids.map((id) => ({ id, object: 'model' })) })

/** One part of a stream: text of the model, a line as it stands, a pause, or an end before the model was done. */
export type Part = string | { raw: string } | { pauseMs: number } | { end: true }

/** A stream of these parts, ended as the protocol wants it. */
export function streamed(parts: Part[], gone?: AbortSignal): Response {
  const encoder = new TextEncoder()
  return new Response(
    new ReadableStream({
      async start(controller) {
        const send = (text: string) => controller.enqueue(encoder.encode(text))
        try {
          for (const part of parts) {
            if (gone?.aborted) return controller.close()
            if (typeof part === 'string') send(delta(part))
            else if ('end' in part) return controller.close()
            else if ('raw' in part) send(part.raw)
            else await Bun.sleep(part.pauseMs)
          }
          send(
            `data: ${JSON.stringify({ model: 'test-model', choices: [{ delta: {}, finish_reason: 'stop' }] })}\n\n`,
          )
          send(
            `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 321, completion_tokens: 12, total_tokens: 333 } })}\n\n`,
          )
          send('data: [DONE]\n\n')
          controller.close()
        } catch {
          // The client went away in the middle.
        }
      },
    }),
    { headers: { 'content-type': 'text/event-stream' } },
  )
}

/** A model server whose connection breaks off after these texts, as when its process is killed. */
export async function serveAndDie(texts: string[]): Promise<ChatServer> {
  const list = JSON.stringify({ data: [{ id: 'test-model' }] })
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (bytes) => {
      if (String(bytes).startsWith('GET'))
        return socket.end(
          `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${list.length}\r\n\r\n${list}`,
        )
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n')
      for (const event of texts.map(delta)) socket.write(`${event.length.toString(16)}\r\n${event}\r\n`)
      setTimeout(() => socket.destroy(), 50)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests: [],
    aborted: () => 0,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

export function delta(content: string): string {
  return `data: ${JSON.stringify({ model: 'test-model', choices: [{ index: 0, delta: { content } }] })}\n\n`
}

/** The text in pieces of a few characters, as models send it. */
export function inTokens(text: string): string[] {
  return text.match(/[\s\S]{1,4}/g) ?? []
}

/** Repeats a chunk until the client goes away. */
export function endless(chunk: string, type = 'text/event-stream'): Response {
  const bytes = new TextEncoder().encode(chunk)
  return new Response(
    new ReadableStream({
      async pull(controller) {
        await Bun.sleep(0)
        controller.enqueue(bytes)
      },
    }),
    { headers: { 'content-type': type } },
  )
}
