/** From the bodies of requests to what the service generates. */
import type { Static } from '@sinclair/typebox'
import { invalid, type Problem, RequestRefused } from '../../http/refusal.ts'
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
  const messages = chatMessages(body.messages)
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

/** @throws RequestRefused 422 for parts that are no text */
function chatMessages(sent: Static<typeof ChatBody>['messages']): ChatMessage[] {
  const problems: Problem[] = []
  const messages = sent.map(({ role, content }, i): ChatMessage => {
    const text = typeof content === 'string' ? content : textOf(content, `messages/${i}/content`, problems)
    return { role: role === 'developer' ? 'system' : role, content: text }
  })
  if (problems.length > 0) throw invalid(problems.slice(0, 8))
  return messages
}

type Parts = Exclude<Static<typeof ChatBody>['messages'][number]['content'], string>

function textOf(parts: Parts, path: string, problems: Problem[]): string {
  const texts: string[] = []
  for (const [i, part] of parts.entries()) {
    const problem = (words: string) => problems.push({ path: `${path}/${i}`, problem: words })
    const others = Object.keys(part).filter((key) => key !== 'type' && key !== 'text')
    if (part.type !== 'text') problem(`must be a text part: this model reads no ${kindOf(part.type)}`)
    else if (!('text' in part) || typeof part.text !== 'string') problem('must have a text')
    else if (others.length > 0) problem('must have a type and a text, and nothing else')
    else texts.push(part.text)
  }
  return texts.join('\n')
}

function kindOf(type: string): string {
  if (/image|video/.test(type)) return 'images'
  return type.includes('audio') ? 'audio' : 'other parts'
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

/** @param served the one to name instead */
export function unknownModel(served: string): RequestRefused {
  return new RequestRefused(404, 'model_not_found', 'That model is not served here.', {
    hint: `${served} is; GET /v1/models lists all.`,
    details: [{ path: 'model', problem: 'is not served here' }],
  })
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
