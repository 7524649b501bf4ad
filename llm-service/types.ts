/** What travels between the parts of the model service: HTTP → router → worker process → engine. */

/** A chat as the OpenAI protocol writes it. Roles are checked by whoever takes the request. */
export interface ChatMessage {
  role: 'system' | 'user' | 'assistant'
  content: string
}

/** Either a chat, rendered by the model's own template, or a text that is continued as it stands. */
export type Prompt =
  | { kind: 'chat'; messages: ChatMessage[]; thinking: boolean }
  | { kind: 'text'; text: string }

/** A grammar that the answer must follow. */
export type Format = { kind: 'json' } | { kind: 'json-schema'; schema: unknown }

export interface Sampling {
  /** 0 takes the likeliest token each time. */
  temperature: number
  /** Share of the probability drawn from, above 0, at most 1. */
  topP: number
  /** Candidates drawn from; the likeliest so many. 0 is no limit. */
  topK: number
  minP: number
  /** −2 to 2, OpenAI's. */
  presencePenalty: number
  frequencyPenalty: number
  /** Fixes the draw; what shares a decode, or a kept prefix, can still change the last digits of a logit. null draws one. */
  seed: number | null
}

/** An adapter by its name, with the weight it is applied with. */
export interface AdapterUse {
  name: string
  scale: number
}

export interface GenerateRequest {
  prompt: Prompt
  maxTokens: number
  sampling: Sampling
  /** The answer ends before the first of these; they are not part of it. */
  stop: string[]
  format: Format | null
  adapters: AdapterUse[]
}

/** A prompt in tokens of the serving model. */
export interface Prepared {
  tokens: number[]
}

export type FinishReason = 'stop' | 'length'

export interface GenerationStats {
  promptTokens: number
  /** Of the prompt, those whose evaluation was still there. */
  cachedTokens: number
  completionTokens: number
  /** Milliseconds in the engine: until the prompt was read, and from then to the last token. */
  promptMs: number
  generationMs: number
}

/** What the engine says of one request, in this order: text any number of times, then `done` or `failed`. */
export type EngineEvent =
  | { type: 'text'; text: string; tokens: number }
  | { type: 'done'; finishReason: FinishReason; stats: GenerationStats }
  | { type: 'failed'; code: EngineErrorCode; message: string }

/** What the router adds: the place in the queue while a request waits, 1 is next. */
export type ServiceEvent = EngineEvent | { type: 'queued'; place: number }

/**
 * `bad_request`: the request can never succeed (schema, adapter, prompt longer than the context); `failed`: this try
 * did not (a native error, a worker that died); `overloaded`: no room in the queue.
 */
export type EngineErrorCode =
  | 'bad_request'
  | 'context_length_exceeded'
  | 'unknown_adapter'
  | 'failed'
  | 'overloaded'

/** A request that the engine or the router refuses. The message is for people and holds nothing of the request. */
export class EngineError extends Error {
  override readonly name = 'EngineError'
  constructor(
    readonly code: EngineErrorCode,
    message: string,
    /** `overloaded`: seconds after which another try makes sense. */
    readonly retryAfter: number | null = null,
  ) {
    super(message)
  }
}

export type Device = 'cpu' | 'cuda' | 'vulkan' | 'metal'

/** How a worker loads its model. */
export interface EngineSettings {
  /** Name that clients use. */
  model: string
  /** Absolute path of the GGUF; its checksum was verified by whoever starts the worker. */
  modelFile: string
  device: Device
  /** Layers put on the device; null: as many as fit. */
  gpuLayers: number | null
  /** Tokens that one request may hold, prompt and answer together. */
  contextTokens: number
  /** Requests evaluated at once. */
  slots: number
  /** Tokens evaluated in one step. */
  batchTokens: number
  /** Threads for the evaluation; null: calibrated. */
  threads: number | null
  adapters: { name: string; file: string }[]
}

export interface AdapterInfo {
  name: string
  file: string
  loaded: boolean
  /** Weight used when a request names the adapter without one; 0 applies it only where a request asks. */
  scale: number
  /** Why it cannot be used with this model; null when it can. */
  problem: string | null
}

/** What a loaded engine is. */
export interface EngineInfo {
  model: string
  architecture: string
  parameters: number
  device: Device
  deviceName: string | null
  gpuLayers: number
  layers: number
  contextTokens: number
  slots: number
  threads: number
  /** Bytes: of the model and its context. */
  memory: { ram: number; vram: number }
}

/** What an engine is doing, over the last seconds. */
export interface EngineStats {
  active: number
  waiting: number
  /** Tokens per second over the last 10 s, 0 when idle. */
  promptTokensPerSecond: number
  tokensPerSecond: number
  /** Since the start. */
  requests: number
  promptTokens: number
  cachedTokens: number
  completionTokens: number
}

/** One model loaded in this process. Every method may be called at any time; requests share the model's steps. */
export interface Engine {
  readonly info: EngineInfo
  /** @throws EngineError `bad_request` */
  prepare(prompt: Prompt): Prepared
  /** Tokens of each text, as it would count inside a message. */
  count(texts: string[]): number[]
  /**
   * Generates; `emit` is called in order, the last call is `done` or `failed`. After an abort nothing more is emitted
   * and the slot is free after at most one step.
   */
  generate(
    request: GenerateRequest,
    tokens: number[],
    emit: (event: EngineEvent) => void,
    signal: AbortSignal,
  ): void
  /** Adapters of this worker. @throws EngineError `unknown_adapter`, `bad_request` when it is for another base model */
  loadAdapter(adapter: { name: string; file: string }): Promise<void>
  stats(): EngineStats
  close(): Promise<void>
}

/** What a worker process is told, over Bun's IPC (`advanced` serialization); one answer or stream an `id`. */
export type ToWorker =
  | { type: 'load'; settings: EngineSettings }
  | { type: 'prepare'; id: number; prompt: Prompt }
  | { type: 'count'; id: number; texts: string[] }
  | { type: 'generate'; id: number; request: GenerateRequest; tokens: number[] }
  | { type: 'abort'; id: number }
  | { type: 'load-adapter'; id: number; adapter: { name: string; file: string } }
  | { type: 'stop' }

export type FromWorker =
  | { type: 'progress'; loaded: number }
  | { type: 'ready'; info: EngineInfo }
  | { type: 'load-failed'; message: string }
  | { type: 'result'; id: number; result: Prepared | number[] | null }
  | { type: 'refused'; id: number; code: EngineErrorCode; message: string }
  /** The events of one step, of all requests together: one message a step instead of one a token. */
  | { type: 'events'; events: { id: number; event: EngineEvent }[] }
  /** Once a second while there is work, and when it ends. */
  | { type: 'stats'; stats: EngineStats }

/** State of one worker as health shows it. */
export interface WorkerHealth {
  pid: number | null
  state: 'loading' | 'ready' | 'restarting' | 'failed'
  /** Why it is not ready. */
  reason: string | null
  /** 0 to 1 while loading. */
  loaded: number
  restarts: number
  rssBytes: number
  info: EngineInfo | null
  stats: EngineStats | null
}

export interface ServiceHealth {
  state: 'loading' | 'healthy' | 'degraded'
  reason: string | null
  workers: WorkerHealth[]
  queue: { waiting: number; capacity: number; waitingTokens: number; active: number }
}

/** The service behind its HTTP routes: workers, queue, adapters. */
export interface ModelService {
  readonly model: string
  health(): ServiceHealth
  /** Tokens of each text. @throws EngineError */
  count(texts: string[], signal: AbortSignal): Promise<number[]>
  /**
   * Waits for a worker, then generates. The first event comes only when the request was admitted, so a refusal can
   * still have its own status. When the worker dies before the first text the request goes to another one; after it
   * the stream ends with `failed`.
   * @throws EngineError before the first event: `overloaded`, `bad_request`, `context_length_exceeded`, `unknown_adapter`
   */
  generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<ServiceEvent>
  adapters(): AdapterInfo[]
  /** Loads (or reloads) an adapter of the `adapters/` folder and sets its usual weight. @throws EngineError */
  setAdapter(name: string, scale: number): Promise<AdapterInfo>
  /** Takes no more, lets what runs end within `graceMs`, then stops the workers. */
  close(graceMs: number): Promise<void>
}
