/** How the next token is drawn. */
import { randomInt } from 'node:crypto'
import type { GenerateRequest } from '../types.ts'
import type { Grammars } from './grammar.ts'
import type { Native, NativeModel, NativeSampler } from './native.ts'

/** @throws EngineError `bad_request` when the format cannot be followed */
export function openSampler(
  { bindings }: Native,
  model: NativeModel,
  grammars: Grammars,
  { sampling, format }: GenerateRequest,
  contextTokens: number,
): NativeSampler {
  const { temperature, topK, topP, minP, presencePenalty, frequencyPenalty, seed } = sampling
  const grammar = format === null ? null : grammars.begin(format)
  const sampler = new bindings.AddonSampler(model)
  const penalised = presencePenalty !== 0 || frequencyPenalty !== 0
  sampler.applyConfig({
    temperature,
    // llama.cpp takes it before top-p: sorting 40 candidates instead of 152,000 is most of what sampling costs.
    ...(topK > 0 && { topK }),
    ...(topP < 1 && { topP }),
    ...(minP > 0 && { minP }),
    seed: seed ?? randomInt(2 ** 32),
    // OpenAI's penalties count what the answer has said, not the prompt, so they begin with nothing.
    ...(penalised && {
      repeatPenalty: 1,
      repeatPenaltyMaxTokens: contextTokens,
      repeatPenaltyTokens: Uint32Array.of(),
      repeatPenaltyPresencePenalty: presencePenalty,
      repeatPenaltyFrequencyPenalty: frequencyPenalty,
    }),
    ...(grammar !== null && { grammarEvaluationState: grammar }),
  })
  return sampler
}
