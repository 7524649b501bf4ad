/**
 * A process that speaks as `llm-service/main.ts` does (settings on stdin, one line on stdout, the OpenAI protocol on a
 * port or a socket), with a scripted model: the "model file" is JSON that says how it behaves.
 */
import { readFileSync } from 'node:fs'
import { inTokens, listOf, type Part, streamed } from './chat-server.ts'

export interface Script {
  /** What it answers to every question, with a number for how many it has answered. */
  says: string
  /** Milliseconds for which it says that it is loading. */
  loadMs?: number
  /** Its worker does not load the model, for this reason. */
  unwell?: string
  /** Ends before it listens: with this line on stdout, and this exit code. */
  refuses?: { line: string; code: number }
  /** Kills itself on a question: before its first text, or after it. */
  dies?: 'before' | 'after'
  /** Between two pieces of what it says. */
  pauseMs?: number
  /** Says this instead of where it listens. */
  babbles?: string
}

interface Settings {
  listen: { host: string; port: number } | { unix: string }
  model: { name: string; file: string }
}

if (import.meta.main) {
  const lines = Bun.stdin.stream().pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (!text.includes('\n')) {
    const { value, done } = await lines.read()
    if (done) break
    text += value
  }
  serve(JSON.parse(text))
  // The parent's end closes the pipe.
  for (;;) if ((await lines.read()).done) break
  process.exit(0)
}

function serve({ listen, model }: Settings): void {
  const script = JSON.parse(readFileSync(model.file, 'utf8')) as Script
  if (script.refuses) {
    console.log(script.refuses.line)
    process.exit(script.refuses.code)
  }
  const began = performance.now()
  const fetch = async (request: Request) => {
    const { pathname } = new URL(request.url)
    const loading = performance.now() - began < (script.loadMs ?? 0)
    if (pathname === '/v1/models') return listOf(model.name)()
    if (pathname === '/api/llm/health') {
      const status = loading ? 'loading' : script.unwell === undefined ? 'healthy' : 'degraded'
      return Response.json({ status, model_loaded: status === 'healthy', reason: script.unwell ?? null })
    }
    if (pathname === '/api/llm/count') {
      const { texts } = (await request.json()) as { texts: string[] }
      return Response.json({
        counts: texts.map(({ length }) => length),
        context_tokens: 6_000,
        model: model.name,
      })
    }
    if (pathname !== '/v1/chat/completions') return new Response('nothing here', { status: 404 })
    if (loading) return Response.json({ error: { message: 'loading' } }, { status: 503 })
    if (script.dies === 'before') process.kill(process.pid, 'SIGKILL')
    const { pauseMs = 0 } = script
    const parts: Part[] = inTokens(script.says).flatMap((text) =>
      pauseMs > 0 ? [text, { pauseMs }] : [text],
    )
    if (script.dies === 'after') {
      setTimeout(() => process.kill(process.pid, 'SIGKILL'), 300)
      parts.push({ pauseMs: 10_000 })
    }
    return streamed(parts, request.signal)
  }
  try {
    const server =
      'unix' in listen
        ? Bun.serve({ unix: listen.unix, fetch })
        : Bun.serve({ hostname: listen.host, port: listen.port, idleTimeout: 0, fetch })
    const url = 'unix' in listen ? `unix:${listen.unix}` : `http://${listen.host}:${server.port}`
    console.log(script.babbles ?? JSON.stringify({ url, pid: process.pid }))
    console.error('listening')
  } catch {
    console.log(JSON.stringify({ error: 'port_taken', message: 'That port is taken.' }))
    process.exit(3)
  }
}
