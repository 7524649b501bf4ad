/** The first rung: any server that speaks the OpenAI chat protocol, ours, vLLM, llama-server, Ollama or a cluster. */
import { askModel } from './ask-model.ts'
import type { ServicePlace } from './service-health.ts'
import type { TokenCounter } from './token-counts.ts'
import { type Rung, RungUnavailable } from './types.ts'

/** @param modelName is asked at each question: another model may have been found meanwhile */
export function llmService(place: ServicePlace, modelName: () => string | null, counter: TokenCounter): Rung {
  return async function* (request) {
    const { server, note } = place.now()
    if (server === null) throw new RungUnavailable(note ?? 'there is none')
    yield* askModel(server, modelName(), counter, request)
  }
}
