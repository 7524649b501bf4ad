/** A real backend behind a door that answers questions, or fails, as a test says. Everything else goes through. */
import type { Answer, Citation } from '../../web/wire.ts'

export type Script =
  /** The stream of an answer: its first pieces, and the rest once `finish` is called. */
  | { kind: 'answer'; pieces: string[]; hold?: boolean; answer?: Partial<Answer> }
  /** A refusal; `times` of them, then the real answer. */
  | { kind: 'refusal'; status: number; body?: unknown; headers?: Record<string, string>; times?: number }
  /** The connection ends in the middle of the answer. */
  | { kind: 'cut'; pieces: string[] }

export interface ScriptedBackend {
  url: string
  /** What the next requests to these addresses get; null lets them through. */
  script(path: string, script: Script | null): void
  /** Lets the answers that are held end. */
  finish(): void
  /** The bodies of the questions that were asked. */
  asked: { question: string; rung?: string; max_tokens?: number; collection?: string }[]
  stop(): Promise<void>
}

export function startScriptedBackend(behind: string): ScriptedBackend {
  const scripts = new Map<string, Script>()
  const held = new Set<() => void>()
  const asked: ScriptedBackend['asked'] = []
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    idleTimeout: 120,
    async fetch(request) {
      const { pathname, search } = new URL(request.url)
      const body = request.method === 'GET' ? undefined : await request.arrayBuffer()
      if (pathname === '/api/ask') asked.push(JSON.parse(new TextDecoder().decode(body)))
      const script = scripts.get(pathname)
      if (script?.kind === 'refusal' && (script.times ?? 1) > 0) {
        scripts.set(pathname, { ...script, times: (script.times ?? 1) - 1 })
        return Response.json(script.body ?? {}, { status: script.status, headers: script.headers ?? {} })
      }
      if (script?.kind === 'answer' || script?.kind === 'cut') return stream(script, request)
      const headers = new Headers(request.headers)
      headers.delete('host')
      if (headers.has('origin')) headers.set('origin', behind)
      headers.set('accept-encoding', 'identity')
      const response = await fetch(`${behind}${pathname}${search}`, {
        method: request.method,
        headers,
        ...(body !== undefined && { body }),
      }).catch(() => null)
      if (response === null) return new Response('the backend behind is gone', { status: 502 })
      return new Response(response.body, { status: response.status, headers: response.headers })
    },
  })

  function stream(script: Extract<Script, { kind: 'answer' | 'cut' }>, request: Request): Response {
    const body = new ReadableStream({
      async start(controller) {
        // The page may have left: then nothing can be sent any more.
        const left = () => request.signal.aborted
        const send = (part: object) => left() || controller.enqueue(`data: ${JSON.stringify(part)}\n\n`)
        send({ type: 'start' })
        send({ type: 'text-start', id: 'answer' })
        for (const delta of script.pieces) {
          send({ type: 'text-delta', id: 'answer', delta })
          await Bun.sleep(2)
        }
        if (script.kind === 'cut') {
          await Bun.sleep(200)
          return controller.error(new Error('cut by the test'))
        }
        if (script.hold === true) {
          const { promise, resolve } = Promise.withResolvers<void>()
          held.add(resolve)
          await promise
        }
        send({ type: 'text-end', id: 'answer' })
        send({ type: 'data-answer', data: { ...plainAnswer(script.pieces.join('')), ...script.answer } })
        send({ type: 'finish', finishReason: 'stop' })
        if (left()) return
        controller.enqueue('data: [DONE]\n\n')
        controller.close()
      },
    })
    return new Response(body, {
      headers: { 'content-type': 'text/event-stream', 'x-vercel-ai-ui-message-stream': 'v1' },
    })
  }

  return {
    url: `http://127.0.0.1:${server.port}`,
    script(path, script) {
      if (script === null) scripts.delete(path)
      else scripts.set(path, script)
    },
    finish() {
      for (const resolve of held) resolve()
      held.clear()
    },
    asked,
    stop: () => server.stop(true),
  }
}

function plainAnswer(answer: string): Answer {
  return {
    id: crypto.randomUUID(),
    answer,
    abstained: false,
    citations: [],
    rung: 'llm-service',
    model: 'a-test-model',
    ladder: [{ rung: 'llm-service', outcome: 'answered', reason: null, ms: 812, prompt: null }],
    passages: [],
    timings: { embed: 4, search: 9, firstText: 320, total: 1_240 },
    usage: { promptTokens: 812, completionTokens: 96 },
    notes: [],
  }
}

/** A citation as the real backend made it, for a scripted answer to name. */
export async function citationsOf(url: string, question: string): Promise<Citation[]> {
  const response = await fetch(`${url}/api/ask`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ question }),
  })
  const answer: Answer = await response.json()
  return answer.citations
}
