/** `POST /v1/chat/completions`, as OpenAI's clients call it. */
import { randomUUID } from 'node:crypto'
import { Elysia } from 'elysia'
import { describe } from '../../../http/describe.ts'
import type { StreamPart } from '../../../http/event-stream.ts'
import { jsonBody } from '../../../http/json-body.ts'
import { NoQuery } from '../../../http/shapes.ts'
import { answer, type Generated, type Written } from '../generation.ts'
import { ChatBody, ChatShape } from '../openai-shapes.ts'
import { OpenAiErrorShape, openAiErrorEvent } from '../refusals.ts'
import { chatRequest } from '../requests.ts'
import type { Served } from '../served.ts'
import { promptLimits } from '../shapes.ts'
import { usageOf } from '../usage.ts'

const about = describe({
  tag: "OpenAI's protocol",
  summary: 'Answer a conversation',
  description:
    'With `stream: true` server-sent events of `chat.completion.chunk` until `[DONE]`; comments say the place in ' +
    'the queue (`: queue 3`) and that it is still there. An event with `error`, without a `[DONE]`, means that ' +
    'the model broke off.',
  gives: { 200: { says: 'The answer', shape: ChatShape, types: ['application/json', 'text/event-stream'] } },
  refuses: [400, 401, 404, 408, 413, 415, 429, 503],
  errors: OpenAiErrorShape,
})

export function chatRoute(served: Served) {
  return new Elysia().post(
    '/v1/chat/completions',
    ({ body, request }) => {
      const head = {
        id: `chatcmpl-${randomUUID().replaceAll('-', '')}`,
        created: Math.floor(Date.now() / 1000),
        model: body.model ?? served.service.model,
      }
      return answer(served, request, chatRequest(body, served), {
        stream: body.stream === true,
        body: (generated) => completion(head, generated),
        parts: (written) => chunks(written, head, body.stream_options?.include_usage === true, served.log),
      })
    },
    { ...jsonBody(ChatBody, promptLimits), query: NoQuery, ...about },
  )
}

interface Head {
  id: string
  created: number
  model: string
}

function completion(head: Head, { text, reasoning, finishReason, stats }: Generated): object {
  const message = {
    role: 'assistant',
    content: text,
    refusal: null,
    ...(reasoning !== '' && { reasoning_content: reasoning }),
  }
  return {
    ...head,
    object: 'chat.completion',
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishReason }],
    usage: usageOf(stats),
  }
}

async function* chunks(
  written: AsyncIterable<Written>,
  head: Head,
  withUsage: boolean,
  log: (line: string) => void,
): AsyncGenerator<StreamPart> {
  const chunk = (delta: object, finishReason: string | null = null) => ({
    ...head,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
    ...(withUsage && { usage: null }),
  })
  let begun = false
  try {
    for await (const event of written) {
      if (event.type === 'queued') {
        yield `: queue ${event.place}`
        continue
      }
      if (!begun) yield chunk({ role: 'assistant', content: '' })
      begun = true
      if (event.type === 'text') yield chunk({ content: event.text })
      else if (event.type === 'reasoning') yield chunk({ reasoning_content: event.text })
      else {
        yield chunk({}, event.finishReason)
        if (withUsage) yield { ...chunk({}), choices: [], usage: usageOf(event.stats) }
      }
    }
    yield '[DONE]'
  } catch (error) {
    yield openAiErrorEvent(error, log)
  }
}
