/** A conversation's answer as OpenAI's protocol writes it: `chat.completion`, and its chunks while it is written. */
import { randomUUID } from 'node:crypto'

export interface ChatHead {
  id: string
  /** Seconds since 1970. */
  created: number
  model: string
}

export function chatHead(model: string): ChatHead {
  return {
    id: `chatcmpl-${randomUUID().replaceAll('-', '')}`,
    created: Math.floor(Date.now() / 1000),
    model,
  }
}

interface Completion {
  /** Beside the role and the refusal that is none. */
  message: { content: string } & Record<string, unknown>
  finishReason: string
  usage: object
}

export function chatCompletion(head: ChatHead, { message, finishReason, usage }: Completion) {
  return {
    ...head,
    object: 'chat.completion' as const,
    choices: [
      {
        index: 0 as const,
        message: { role: 'assistant' as const, refusal: null, ...message },
        logprobs: null,
        finish_reason: finishReason,
      },
    ],
    usage,
  }
}

export interface ChunkWriter {
  /** The first chunk: who speaks. */
  begin(): object
  chunk(delta: object, finishReason?: string): object
  /** After the last chunk, for who asked for it. */
  usage(usage: object): object
}

/** @param withUsage `stream_options.include_usage`: every chunk has a `usage`, null in all but the last */
export function chunkWriter(head: ChatHead, withUsage: boolean): ChunkWriter {
  const chunk = (delta: object, finishReason: string | null = null) => ({
    ...head,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
    ...(withUsage && { usage: null }),
  })
  return {
    begin: () => chunk({ role: 'assistant', content: '' }),
    chunk,
    usage: (usage) => ({ ...chunk({}), choices: [], usage }),
  }
}
