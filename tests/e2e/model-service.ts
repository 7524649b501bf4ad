/** A model server of the OpenAI protocol whose model quotes one sentence, cites it, begins another, and then waits. */

export interface ModelService {
  url: string
  /** Requests for a completion whose client is still there. */
  open(): number
  /** Lets the waiting answers end. */
  finish(): void
  stop(): Promise<void>
}

const model = 'quoting-test-model'

/** @param sentence what the model says first, without its full stop, citing passage 1 */
export function startModelService(sentence: string): ModelService {
  let open = 0
  const waiting = new Set<() => void>()
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    idleTimeout: 60,
    async fetch(request) {
      const { pathname } = new URL(request.url)
      if (pathname === '/v1/models') return Response.json({ object: 'list', data: [{ id: model }] })
      if (pathname !== '/v1/chat/completions') return new Response('no such route', { status: 404 })
      await request.json()
      return new Response(stream(request.signal), { headers: { 'content-type': 'text/event-stream' } })
    },
  })

  function stream(left: AbortSignal): ReadableStream<string> {
    return new ReadableStream({
      async start(controller) {
        open += 1
        const ended = new Promise<void>((resolve) => {
          waiting.add(resolve)
          left.addEventListener('abort', () => resolve())
        })
        for (const word of `${sentence}. [1] Ask for `.split(/(?<= )/))
          controller.enqueue(chunk({ content: word }))
        await ended
        open -= 1
        if (left.aborted) return
        controller.enqueue(chunk({ content: 'it three weeks ahead. [1]' }))
        controller.enqueue(chunk({}, 'stop'))
        controller.enqueue('data: [DONE]\n\n')
        controller.close()
      },
    })
  }

  return {
    url: `http://127.0.0.1:${server.port}`,
    open: () => open,
    finish: () => {
      for (const resolve of waiting) resolve()
      waiting.clear()
    },
    stop: () => server.stop(true),
  }
}

function chunk(delta: { content?: string }, finish: string | null = null): string {
  const choices = [{ index: 0, delta, finish_reason: finish }]
  const body = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 0, model, choices }
  return `data: ${JSON.stringify(body)}\n\n`
}
