/** From the bodies of requests to what the service generates. */
import type { Static } from '@sinclair/typebox'
import { unknownModel } from '../../http/openai/errors.ts'
import { textMessages } from '../../http/openai/messages.ts'
import { invalid } from '../../http/refusal.ts'
import type { AdapterUse, ChatMessage, Format, GenerateRequest, ModelService, Sampling } from '../types.ts'
import type { ChatBody, CompletionBody } from './openai-shapes.ts'
import type { Served } from './served.ts'
import type { AdapterUses, GenerateBody } from './shapes.ts'

/** llama.cpp's own; the rest of the candidates only costs time. */
const usualTopK = 40

/** @throws RequestRefused 422 */
export function generateRequest(body: Static<typeof GenerateBody>, served: Served): GenerateRequest {
  const { messages, prompt } = body
  if ((messages === undefined) === (prompt === undefined)) {
    throw invalid([{ path: 'messages', problem: 'must be given, or prompt, but not both' }])
  }
  requireSomeText(messages)
  return {
    prompt:
      messages === undefined
        ? { kind: 'text', text: prompt ?? '' }
        : { kind: 'chat', messages, thinking: body.thinking ?? false },
    maxTokens: body.max_new_tokens ?? served.settings.defaults.maxNewTokens,
    sampling: sampling(body, served),
    stop: stopsOf(body.stop),
    format: null,
    adapters: adapterUses(served.service, body.adapters),
  }
}

/** @throws RequestRefused 404 or 422 */
export function chatRequest(body: Static<typeof ChatBody>, served: Served): GenerateRequest {
  const messages = textMessages(body.messages)
  requireSomeText(messages)
  const format = formatOf(body.response_format)
  return {
    // A grammar holds from the first token on: there is no room for a thought.
    prompt: { kind: 'chat', messages, thinking: format === null && thinkingOf(body) },
    maxTokens: body.max_completion_tokens ?? body.max_tokens ?? served.settings.defaults.maxNewTokens,
    sampling: sampling(body, served),
    stop: stopsOf(body.stop),
    format,
    adapters: openAiAdapters(body, served),
  }
}

/** @throws RequestRefused 404 or 422 */
export function completionRequest(body: Static<typeof CompletionBody>, served: Served): GenerateRequest {
  const text = typeof body.prompt === 'string' ? body.prompt : (body.prompt[0] ?? '')
  return {
    prompt: { kind: 'text', text },
    maxTokens: body.max_tokens ?? served.settings.defaults.maxNewTokens,
    sampling: sampling(body, served),
    stop: stopsOf(body.stop),
    format: null,
    adapters: openAiAdapters(body, served),
  }
}

interface SamplingFields {
  temperature?: number | null
  top_p?: number | null
  top_k?: number | null
  min_p?: number | null
  presence_penalty?: number | null
  frequency_penalty?: number | null
  seed?: number | null
}

function sampling(body: SamplingFields, { settings }: Served): Sampling {
  return {
    temperature: body.temperature ?? settings.defaults.temperature,
    topP: body.top_p ?? settings.defaults.topP,
    topK: body.top_k ?? usualTopK,
    minP: body.min_p ?? 0,
    presencePenalty: body.presence_penalty ?? 0,
    frequencyPenalty: body.frequency_penalty ?? 0,
    seed: seedOf(body.seed),
  }
}

/** Samplers know 32 bits, of which llama.cpp takes the last number to mean that one is drawn. */
const seeds = 2 ** 32 - 1

function seedOf(seed: number | null | undefined): number | null {
  // llama.cpp's clients ask for a drawn one so.
  if (seed === undefined || seed === null || seed === -1) return null
  return ((seed % seeds) + seeds) % seeds
}

function stopsOf(stop: string | string[] | null | undefined): string[] {
  return typeof stop === 'string' ? [stop] : (stop ?? [])
}

function requireSomeText(messages: ChatMessage[] | undefined): void {
  if (messages?.every(({ content }) => content.trim() === '')) {
    throw invalid([{ path: 'messages', problem: 'must hold some text' }])
  }
}

function formatOf(format: Static<typeof ChatBody>['response_format']): Format | null {
  if (format === undefined || format === null || format.type === 'text') return null
  if (format.type === 'json_object') return { kind: 'json' }
  return { kind: 'json-schema', schema: format.json_schema.schema }
}

function thinkingOf(body: Static<typeof ChatBody>): boolean {
  const said = body.chat_template_kwargs?.enable_thinking
  if (said !== undefined) return said
  const effort = body.reasoning_effort ?? 'none'
  return effort !== 'none' && effort !== 'minimal'
}

/** @throws RequestRefused 404 for a model that is not served */
function openAiAdapters(
  { model, adapters }: { model?: string | null; adapters?: Static<typeof AdapterUses> | null },
  { service }: Served,
): AdapterUse[] {
  const named = adapterOfModel(service, model ?? service.model)
  if (named === null) return adapterUses(service, adapters)
  return adapterUses(service, [{ name: named }, ...(adapters ?? [])])
}

/**
 * The adapter that `MODEL:ADAPTER` names; null for the model as it is.
 *
 * @throws RequestRefused 404
 */
function adapterOfModel(service: ModelService, asked: string): string | null {
  if (asked === service.model) return null
  const adapter = asked.startsWith(`${service.model}:`) ? asked.slice(service.model.length + 1) : null
  if (adapter !== null && service.adapters().some((one) => one.name === adapter)) return adapter
  throw unknownModel(service.model)
}

/**
 * The adapters that a request names, with their weights; none leaves it to the usual ones. A name may be unknown: the
 * service refuses it.
 *
 * @throws RequestRefused 422 for one that is named twice
 */
function adapterUses(
  service: ModelService,
  named: Static<typeof AdapterUses> | null | undefined,
): AdapterUse[] {
  // The list is read from the disk: only for requests that need it.
  if (named === undefined || named === null || named.length === 0) return []
  const names = named.map(({ name }) => name)
  if (new Set(names).size < names.length) {
    throw invalid([{ path: 'adapters', problem: 'must name each adapter once' }])
  }
  const known = service.adapters()
  return named.map(({ name, scale }) => ({
    name,
    scale: scale ?? (known.find((one) => one.name === name)?.scale || 1),
  }))
}
