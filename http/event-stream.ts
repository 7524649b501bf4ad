/** Server-sent events: a part a `data:` line, a comment while nothing happens. */

/** A proxy or server that cuts idle connections cuts after 10 s at the earliest. */
const heartbeatMs = 5_000

/** A JSON value, the end as OpenAI's protocol marks it, or a comment: a line that clients pass over. */
export type StreamPart = object | '[DONE]' | `: ${string}`

/**
 * @param signal of the request: a client that hangs up before the first byte cancels no stream, it only aborts
 * @param onEnd called once: when all was sent, or when the reader is gone (`gone`)
 */
export function eventStream(
  parts: AsyncGenerator<StreamPart>,
  headers: Record<string, string>,
  signal: AbortSignal,
  onEnd: (gone: boolean) => void,
): Response {
  const encoder = new TextEncoder()
  let heartbeat: Timer | undefined
  let ended = false
  const end = (gone: boolean) => {
    if (ended) return
    ended = true
    clearInterval(heartbeat)
    signal.removeEventListener('abort', leave)
    onEnd(gone)
    // Lets it clean up; when it is stuck in an await, the abort that `onEnd` sends frees it first.
    if (gone) parts.return(undefined).catch(ignoreAbort)
  }
  const leave = () => end(true)
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      heartbeat = setInterval(() => {
        if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(': still here\n\n'))
      }, heartbeatMs)
      if (signal.aborted) leave()
      else signal.addEventListener('abort', leave, { once: true })
    },
    async pull(controller) {
      try {
        const next = await parts.next()
        if (next.done) {
          end(false)
          controller.close()
          return
        }
        controller.enqueue(encoder.encode(lineOf(next.value)))
      } catch (error) {
        end(false)
        controller.error(error)
      }
    },
    cancel: leave,
  })
  return new Response(stream, {
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      ...headers,
    },
  })
}

function lineOf(part: StreamPart): string {
  if (typeof part !== 'string') return `data: ${JSON.stringify(part)}\n\n`
  return part.startsWith(':') ? `${part}\n\n` : `data: ${part}\n\n`
}

/** The abort comes back out of the generator as its error: it has been dealt with. */
function ignoreAbort(): void {}
