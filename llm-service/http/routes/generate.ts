/** `POST /api/llm/generate`: an answer to a conversation, or the continuation of a text. */
import { Elysia } from 'elysia'
import { describe } from '../../../http/describe.ts'
import type { StreamPart } from '../../../http/event-stream.ts'
import { jsonBody } from '../../../http/json-body.ts'
import { NoQuery } from '../../../http/shapes.ts'
import { answer, type Generated, type Written } from '../generation.ts'
import { errorEvent } from '../refusals.ts'
import { generateRequest } from '../requests.ts'
import type { Served } from '../served.ts'
import { GenerateBody, GenerateShape, promptLimits } from '../shapes.ts'

const about = describe({
  tag: 'Model',
  summary: 'Generate text',
  description:
    'With `stream: true` server-sent events: `{"queued": 3}` while others are before it, `{"text"}` and ' +
    '`{"reasoning"}` as they are written, at last the unstreamed response. `{"error"}` instead of it means that ' +
    'the model broke off.',
  gives: {
    200: { says: 'The text', shape: GenerateShape, types: ['application/json', 'text/event-stream'] },
  },
  refuses: [400, 401, 404, 408, 413, 415, 429, 503],
})

export function generateRoute(served: Served) {
  return new Elysia().post(
    '/api/llm/generate',
    ({ body, request }) => {
      const began = performance.now()
      const view = (generated: Generated) => generatedView(generated, served.service.model, began)
      return answer(served, request, generateRequest(body, served), {
        stream: body.stream === true,
        body: view,
        parts: (written) => parts(written, view, served.log),
      })
    },
    { ...jsonBody(GenerateBody, promptLimits), query: NoQuery, ...about },
  )
}

function generatedView(generated: Generated, model: string, began: number): object {
  const { text, reasoning, finishReason, stats } = generated
  return {
    text,
    model,
    prompt_tokens: stats.promptTokens,
    completion_tokens: stats.completionTokens,
    finish_reason: finishReason,
    latency_seconds: Math.round(performance.now() - began) / 1000,
    cached_tokens: stats.cachedTokens,
    prompt_ms: stats.promptMs,
    generation_ms: stats.generationMs,
    ...(reasoning !== '' && { reasoning }),
  }
}

async function* parts(
  written: AsyncIterable<Written>,
  view: (generated: Generated) => object,
  log: (line: string) => void,
): AsyncGenerator<StreamPart> {
  const texts = { text: '', reasoning: '' }
  try {
    for await (const event of written) {
      if (event.type === 'queued') yield { queued: event.place }
      else if (event.type === 'done') yield view({ ...event, ...texts })
      else {
        texts[event.type] += event.text
        yield { [event.type]: event.text }
      }
    }
  } catch (error) {
    yield errorEvent(error, log)
  }
}
