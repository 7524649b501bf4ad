import { RequestRefused } from './refusal.ts'

/** A sender that is silent for so long in the middle of its body is given up. */
const stallMs = 10_000

export function tooLarge(limit: number): RequestRefused {
  return new RequestRefused(413, 'too_large', `The body is larger than ${inWords(limit)}.`, {
    hint: 'Send less at once.',
  })
}

function inWords(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`
  return bytes < 1024 * 1024 ? `${Math.floor(bytes / 1024)} KiB` : `${Math.floor(bytes / 1024 / 1024)} MiB`
}

/**
 * The body's chunks as they come.
 * @throws RequestRefused 413 as soon as more than `limit` bytes are announced or arrive, 408 for a silent sender,
 *   400 when the connection broke off or the framing was wrong
 */
export async function* bodyChunks(request: Request, limit: number): AsyncGenerator<Uint8Array> {
  if (Number(request.headers.get('content-length') ?? 0) > limit) throw tooLarge(limit)
  if (request.body === null) return
  const reader = request.body.getReader()
  let received = 0
  try {
    for (;;) {
      const chunk = await beforeStall(reader.read())
      if (chunk.done) return
      received += chunk.value.length
      if (received > limit) throw tooLarge(limit)
      yield chunk.value
    }
  } catch (error) {
    if (error instanceof RequestRefused) throw error
    throw new RequestRefused(400, 'broken_body', 'The body broke off or was not framed as announced.')
  } finally {
    // Not awaited: with a silent sender it would settle only with the connection.
    void reader.cancel().catch(ignoreBrokenBody)
  }
}

/** A body that failed already cannot be cancelled; its failure has been reported. */
function ignoreBrokenBody(): void {}

async function beforeStall<T>(read: Promise<T>): Promise<T> {
  let timer: Timer | undefined
  const stall = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new RequestRefused(408, 'too_slow', 'The body stopped arriving.', {
            headers: { connection: 'close' },
          }),
        ),
      stallMs,
    )
  })
  try {
    return await Promise.race([read, stall])
  } finally {
    clearTimeout(timer)
  }
}

/** The whole body, at most `limit` bytes. */
export async function readAll(request: Request, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of bodyChunks(request, limit)) chunks.push(chunk)
  return Buffer.concat(chunks)
}
