/** `POST /api/chat/4bit` and `POST /api/lora/generate`, as an earlier chat with adapters had them. */
import type { Static } from '@sinclair/typebox'
import { Elysia } from 'elysia'
import { describe } from '../../../http/describe.ts'
import { jsonBody } from '../../../http/json-body.ts'
import { RequestRefused } from '../../../http/refusal.ts'
import { NoQuery } from '../../../http/shapes.ts'
import type { AskRequest } from '../../answer/types.ts'
import { modelChoice } from '../../model-name.ts'
import type { Backend } from '../backend.ts'
import { defaultPassages, tokensOf } from './chat.ts'
import { defaultMaxTokens, defaultTemperature, FourBitBody, FourBitShape, LoraBody } from './shapes.ts'

const about = describe({
  tag: 'Contracts of earlier systems',
  summary: 'Chat, as the 4-bit service had it',
  description:
    'Answered from the documents, as `POST /api/ask`; 503 says in `Retry-After` when to try again.',
  gives: { 200: { says: 'The answer', shape: FourBitShape } },
  refuses: [400, 404, 408, 413, 415, 502, 503],
})
const aboutLora = describe({
  tag: 'Contracts of earlier systems',
  summary: 'Train an adapter',
  description: 'Not built: it says so, and what to do instead.',
  gives: {},
  refuses: [400, 408, 413, 415, 501],
})

/** A conversation to learn from. */
const loraLimits = { maxBytes: 8 * 1024 * 1024, maxDepth: 16 }

export function earlierFourBitRoutes(backend: Backend) {
  return new Elysia()
    .post(
      '/api/chat/4bit',
      async ({ body, request }) => {
        const answer = await backend.answering.whole(request, askedOf(body, backend))
        return {
          message: answer.answer,
          model: answer.model ?? answer.rung,
          tokens: tokensOf(answer).tokens_used,
          processing_time: answer.timings.total / 1000,
          citations: answer.citations,
        }
      },
      { ...jsonBody(FourBitBody), query: NoQuery, ...about },
    )
    .post(
      '/api/lora/generate',
      () => {
        throw new RequestRefused(501, 'not_implemented', 'Mentor does not train adapters yet.', {
          hint: 'Train a LoRA adapter elsewhere, convert it to GGUF, and take it in with ./mentor models add FILE.',
        })
      },
      { ...jsonBody(LoraBody, loraLimits), query: NoQuery, ...aboutLora },
    )
}

function askedOf(body: Static<typeof FourBitBody>, { services }: Backend): AskRequest {
  const { message, context = '', model, max_tokens, temperature } = body
  return {
    question: message,
    // In the prompt the user's words before a question stand before its passages.
    history: context.trim() === '' ? [] : [{ role: 'user', content: context }],
    passages: defaultPassages,
    ...((model === undefined ? null : modelChoice(model)) ?? { rung: 'auto' as const }),
    maxTokens: max_tokens ?? defaultMaxTokens,
    temperature: temperature ?? defaultTemperature,
    topP: services.ladder.settings.topP,
  }
}
