/** `POST /v1/completions`: the older half of OpenAI's protocol, a text continued as it stands. */
import { randomUUID } from 'node:crypto'
import { Elysia } from 'elysia'
import { describe } from '../../../http/describe.ts'
import type { StreamPart } from '../../../http/event-stream.ts'
import { jsonBody } from '../../../http/json-body.ts'
import { OpenAiErrorShape } from '../../../http/openai/errors.ts'
import { NoQuery } from '../../../http/shapes.ts'
import { answer, type Written } from '../generation.ts'
import { CompletionBody, CompletionShape } from '../openai-shapes.ts'
import { openAiErrorEvent } from '../refusals.ts'
import { completionRequest } from '../requests.ts'
import type { Served } from '../served.ts'
import { promptLimits } from '../shapes.ts'
import { usageOf } from '../usage.ts'

const about = describe({
  tag: "OpenAI's protocol",
  summary: 'Continue a text',
  description: 'No chat template is applied. Streams as `/v1/chat/completions` does.',
  gives: {
    200: { says: 'The text', shape: CompletionShape, types: ['application/json', 'text/event-stream'] },
  },
  refuses: [400, 401, 404, 408, 413, 415, 429, 503],
  errors: OpenAiErrorShape,
})

export function completionsRoute(served: Served) {
  return new Elysia().post(
    '/v1/completions',
    ({ body, request }) => {
      const head = {
        id: `cmpl-${randomUUID().replaceAll('-', '')}`,
        object: 'text_completion',
        created: Math.floor(Date.now() / 1000),
        model: body.model ?? served.service.model,
      }
      const view = (text: string, finishReason: string | null) => ({
        ...head,
        choices: [{ index: 0, text, logprobs: null, finish_reason: finishReason }],
      })
      return answer(served, request, completionRequest(body, served), {
        stream: body.stream === true,
        body: ({ text, finishReason, stats }) => ({ ...view(text, finishReason), usage: usageOf(stats) }),
        parts: (written) => chunks(written, view, body.stream_options?.include_usage === true, served.log),
      })
    },
    { ...jsonBody(CompletionBody, promptLimits), query: NoQuery, ...about },
  )
}

async function* chunks(
  written: AsyncIterable<Written>,
  view: (text: string, finishReason: string | null) => object,
  withUsage: boolean,
  log: (line: string) => void,
): AsyncGenerator<StreamPart> {
  const chunk = (text: string, finishReason: string | null = null) => ({
    ...view(text, finishReason),
    ...(withUsage && { usage: null }),
  })
  try {
    for await (const event of written) {
      if (event.type === 'queued') yield `: queue ${event.place}`
      else if (event.type === 'text') yield chunk(event.text)
      else if (event.type === 'done') {
        yield chunk('', event.finishReason)
        if (withUsage) yield { ...chunk(''), choices: [], usage: usageOf(event.stats) }
      }
    }
    yield '[DONE]'
  } catch (error) {
    yield openAiErrorEvent(error, log)
  }
}
