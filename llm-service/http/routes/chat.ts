/** `POST /v1/chat/completions`, as OpenAI's clients call it. */
import { Elysia } from 'elysia'
import { describe } from '../../../http/describe.ts'
import type { StreamPart } from '../../../http/event-stream.ts'
import { jsonBody } from '../../../http/json-body.ts'
import { type ChatHead, chatCompletion, chatHead, chunkWriter } from '../../../http/openai/chat.ts'
import { OpenAiErrorShape } from '../../../http/openai/errors.ts'
import { NoQuery } from '../../../http/shapes.ts'
import { answer, type Generated, type Written } from '../generation.ts'
import { ChatBody, ChatShape } from '../openai-shapes.ts'
import { openAiErrorEvent } from '../refusals.ts'
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
      const head = chatHead(body.model ?? served.service.model)
      return answer(served, request, chatRequest(body, served), {
        stream: body.stream === true,
        body: (generated) => completion(head, generated),
        parts: (written) => chunks(written, head, body.stream_options?.include_usage === true, served.log),
      })
    },
    { ...jsonBody(ChatBody, promptLimits), query: NoQuery, ...about },
  )
}

function completion(head: ChatHead, { text, reasoning, finishReason, stats }: Generated): object {
  const message = { content: text, ...(reasoning !== '' && { reasoning_content: reasoning }) }
  return chatCompletion(head, { message, finishReason, usage: usageOf(stats) })
}

async function* chunks(
  written: AsyncIterable<Written>,
  head: ChatHead,
  withUsage: boolean,
  log: (line: string) => void,
): AsyncGenerator<StreamPart> {
  const { begin, chunk, usage } = chunkWriter(head, withUsage)
  let begun = false
  try {
    for await (const event of written) {
      if (event.type === 'queued') {
        yield `: queue ${event.place}`
        continue
      }
      if (!begun) yield begin()
      begun = true
      if (event.type === 'text') yield chunk({ content: event.text })
      else if (event.type === 'reasoning') yield chunk({ reasoning_content: event.text })
      else {
        yield chunk({}, event.finishReason)
        if (withUsage) yield usage(usageOf(event.stats))
      }
    }
    yield '[DONE]'
  } catch (error) {
    yield openAiErrorEvent(error, log)
  }
}
