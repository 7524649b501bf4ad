import type { GenerationStats } from '../types.ts'

/** As OpenAI's protocol counts. */
export function usageOf({ promptTokens, cachedTokens, completionTokens }: GenerationStats) {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
  }
}
