/** Server-sent events: a part a `data:` line, a comment while nothing happens. */

/** A proxy or server that cuts idle connections cuts after 10 s at the earliest. */
const heartbeatMs = 5_000

/**
 * @param parts JSON values, or the text `[DONE]`
 * @param onEnd called once: when all was sent, or when the reader is gone (`gone`)
 */
export function eventStream(
  parts: AsyncGenerator<object | '[DONE]'>,
  headers: Record<string, string>,
  onEnd: (gone: boolean) => void,
): Response {
  const encoder = new TextEncoder()
  let heartbeat: Timer | undefined
  const end = (gone: boolean) => {
    clearInterval(heartbeat)
    onEnd(gone)
  }
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      heartbeat = setInterval(() => {
        if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(': still here\n\n'))
      }, heartbeatMs)
    },
    async pull(controller) {
      try {
        const next = await parts.next()
        if (next.done) {
          end(false)
          controller.close()
          return
        }
        const data = typeof next.value === 'string' ? next.value : JSON.stringify(next.value)
        controller.enqueue(encoder.encode(`data: ${data}\n\n`))
      } catch (error) {
        end(false)
        controller.error(error)
      }
    },
    // The generator itself may be stuck in an await: the abort that `onEnd` sends is what frees it.
    cancel: () => end(true),
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
