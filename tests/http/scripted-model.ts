/** An OpenAI-compatible model server whose answers a test writes, and that knows when its caller hung up. */

export interface ScriptedModel {
  url: string
  /** Pieces of the next answers; after the last the stream ends, or hangs with `hang`. */
  script: { pieces: string[]; hang: boolean }
  /** Calls under way. */
  active(): number
  /** Resolves with the time (`performance.now()`) at which the next caller hangs up. */
  hungUp(): Promise<number>
  stop(): Promise<void>
}

export function openScriptedModel(): ScriptedModel {
  const script = { pieces: ['It is so. [1]'], hang: false }
  let active = 0
  let waiting: ((at: number) => void)[] = []
  const chunk = (delta: object, finish: string | null = null) =>
    `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', model: 'scripted', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`

  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 60,
    fetch(request) {
      const { pathname } = new URL(request.url)
      if (pathname === '/v1/models') return Response.json({ object: 'list', data: [{ id: 'scripted' }] })
      if (pathname !== '/v1/chat/completions') return new Response(null, { status: 404 })
      active++
      let over = false
      const end = () => {
        if (over) return
        over = true
        active--
      }
      request.signal.addEventListener('abort', () => {
        if (over) return
        end()
        for (const tell of waiting) tell(performance.now())
        waiting = []
      })
      const { pieces, hang } = script
      const stream = new ReadableStream<string>({
        start(controller) {
          for (const content of pieces) controller.enqueue(chunk({ role: 'assistant', content }))
          if (hang) return
          controller.enqueue(`${chunk({}, 'stop')}data: [DONE]\n\n`)
          controller.close()
          end()
        },
      })
      return new Response(stream, { headers: { 'content-type': 'text/event-stream' } })
    },
  })
  return {
    url: `http://127.0.0.1:${server.port}`,
    script,
    active: () => active,
    hungUp: () => new Promise((resolve) => waiting.push(resolve)),
    stop: () => server.stop(true),
  }
}
