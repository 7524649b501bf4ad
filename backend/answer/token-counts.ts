/**
 * How many tokens texts are to the model that serves them. Our own service counts a list in one request; llama-server
 * and vLLM count a text a request; others do not count, and there it is estimated by characters and labelled so.
 */
import { askBeside, type ModelServer } from './model-server.ts'

export interface TokenCounts {
  /** Tokens of a text; of one that was not asked for, an estimate. */
  of(text: string): number
  /** Tokens that one request may hold, prompt and answer together. */
  context: number
  counted: 'exact' | 'estimated'
}

export interface TokenCounter {
  /**
   * Never fails for the server's sake: what it does not count in time is estimated.
   * @throws the signal's reason
   */
  count(server: ModelServer, model: string | null, texts: string[], signal: AbortSignal): Promise<TokenCounts>
  /** The server may be another one by now, of another make or with another context. */
  forget(): void
  /** Finds out how a server counts before a question needs it, and counts what every question holds. */
  prepare(server: ModelServer, model: string | null, texts: string[]): void
}

export interface CounterSettings {
  /** Milliseconds that one question's counting may take. */
  loopbackMs: number
  otherMs: number
}

/** A count takes 1 to 5 ms; a worker in the middle of a long step answers after it, and an estimate is better then. */
export const usualCounter: CounterSettings = { loopbackMs: 50, otherMs: 300 }

/** How a make of server counts. */
interface Tokenizer {
  context: number
  /** In the texts' order; null when it could not. */
  count: ((texts: string[], signal: AbortSignal, ms: number) => Promise<Counted | null>) | null
}
interface Counted {
  tokens: number[]
  /** Where the answer says it, what is in force now. */
  context: number | null
}

/** The least that small models are served with, for a server that does not say. */
const USUAL_CONTEXT = 8_192
/** Ollama's own default below 24 GB of GPU memory; it cuts what is longer without a word. */
const OLLAMA_CONTEXT = 4_096
/** English words of up to a dozen letters are mostly one token or two. */
const ASCII_PER_TOKEN = 4
/** Counts kept: passages that were asked about a moment ago are asked about again. 1.3 kB each. */
const MOST_KEPT = 2_000

/**
 * An upper bound in all but odd texts: a token for every four letters or digits of a word, for each mark, and for each
 * letter beyond ASCII, as in Chinese; a Latin one counts twice, because it breaks its word (Grădina: gr, ad, ina).
 */
export function estimateTokens(text: string): number {
  let tokens = 0
  for (const [run] of text.matchAll(/[a-z0-9]+|[^a-z0-9\s]/gi)) {
    if (/^[a-z0-9]/i.test(run)) tokens += Math.ceil(run.length / ASCII_PER_TOKEN)
    else tokens += /[^\P{Script=Latin}\p{ASCII}]/u.test(run) ? 2 : 1
  }
  return tokens
}

export function openTokenCounter(settings: CounterSettings = usualCounter): TokenCounter {
  const kept = new Map<string, number>()
  let known: { of: string; tokenizer: Promise<Tokenizer | null>; until: number } | null = null
  const forget = () => {
    known = null
    kept.clear()
  }

  /** Asked once for each server and model; again after a while where it did not count, which loading may have caused. */
  function tokenizerOf(server: ModelServer, model: string | null): Promise<Tokenizer | null> {
    const of = [server.base, server.unix, model].join(' ')
    if (known?.of === of && performance.now() < known.until) return known.tokenizer
    if (known?.of !== of) kept.clear()
    // Not the question's signal: the next one has use for the answer too.
    const tokenizer = detect(server, model, AbortSignal.timeout(DETECT_MS)).catch(() => null)
    const asked = { of, tokenizer, until: Number.POSITIVE_INFINITY }
    known = asked
    void tokenizer.then((found) => {
      if (found === null || found.count === null) asked.until = performance.now() + ASK_AGAIN_MS
    })
    return tokenizer
  }

  return {
    forget,
    prepare(server, model, texts) {
      void tokenizerOf(server, model)
        .then(async (tokenizer) => {
          const found = await tokenizer?.count?.(texts, AbortSignal.timeout(DETECT_MS), DETECT_MS)
          for (const [i, text] of texts.entries()) {
            const tokens = found?.tokens[i]
            if (tokens !== undefined) kept.set(text, tokens)
          }
        })
        .catch(() => undefined) // the first question asks again
    },
    async count(server, model, texts, signal) {
      const ms = isNear(server) ? settings.loopbackMs : settings.otherMs
      const until = performance.now() + ms
      const tokenizer = await within(tokenizerOf(server, model), ms, signal)
      signal.throwIfAborted()
      const estimated: TokenCounts = {
        of: estimateTokens,
        context: tokenizer?.context ?? USUAL_CONTEXT,
        counted: 'estimated',
      }
      if (tokenizer === null || tokenizer.count === null) return estimated
      const missing = [...new Set(texts)].filter((text) => !kept.has(text))
      if (missing.length > 0) {
        const left = Math.max(1, until - performance.now())
        const found = await tokenizer.count(missing, signal, left).catch(() => null)
        signal.throwIfAborted()
        if (found === null || found.tokens.length !== missing.length) return estimated
        tokenizer.context = found.context ?? tokenizer.context
        for (const [i, text] of missing.entries()) kept.set(text, found.tokens[i] ?? 0)
      }
      const counts = new Map(texts.map((text) => [text, kept.get(text) ?? estimateTokens(text)]))
      for (const oldest of kept.keys()) {
        if (kept.size <= MOST_KEPT) break
        kept.delete(oldest)
      }
      return {
        of: (text) => counts.get(text) ?? estimateTokens(text),
        context: tokenizer.context,
        counted: 'exact',
      }
    },
  }
}

/** Finding out what a server is goes on after the question that began it has given up waiting. */
const DETECT_MS = 2_000
const ASK_AGAIN_MS = 30_000

async function detect(server: ModelServer, model: string | null, signal: AbortSignal): Promise<Tokenizer> {
  for (const make of [ourService, llamaServer, vllm, ollama, anyList]) {
    const tokenizer = await make(server, model, signal)
    if (tokenizer !== null) return tokenizer
  }
  return { context: USUAL_CONTEXT, count: null }
}

type Make = (server: ModelServer, model: string | null, signal: AbortSignal) => Promise<Tokenizer | null>

const ourService: Make = async (server, _model, signal) => {
  const count = async (texts: string[], within: AbortSignal, ms: number) => {
    const said = await askBeside(server, '/api/llm/count', { body: { texts }, signal: within, ms })
    const tokens = numbersIn(said?.counts)
    return tokens === null ? null : { tokens, context: positive(said?.context_tokens) }
  }
  const first = await count(['a'], signal, DETECT_MS)
  if (first === null || first.context === null) return null
  return { context: first.context, count }
}

const llamaServer: Make = async (server, _model, signal) => {
  const props = await askBeside(server, '/props', { signal, ms: DETECT_MS })
  const context = positive(recordIn(props?.default_generation_settings)?.n_ctx)
  if (context === null) return null
  return {
    context,
    count: eachText(async (content, within, ms) => {
      const body = { content, add_special: false, parse_special: false }
      const said = await askBeside(server, '/tokenize', { body, signal: within, ms })
      return Array.isArray(said?.tokens) ? said.tokens.length : null
    }),
  }
}

const vllm: Make = async (server, model, signal) => {
  const tokenize = (prompt: string, within: AbortSignal, ms: number) => {
    const body = { ...(model !== null && { model }), prompt, add_special_tokens: false }
    return askBeside(server, '/tokenize', { body, signal: within, ms })
  }
  const context = positive((await tokenize('a', signal, DETECT_MS))?.max_model_len)
  if (context === null) return null
  return {
    context,
    count: eachText(async (text, within, ms) => {
      const count = (await tokenize(text, within, ms))?.count
      return typeof count === 'number' && count >= 0 ? count : null
    }),
  }
}

/** It counts nothing, but says what it has loaded with which context. */
const ollama: Make = async (server, model, signal) => {
  const models = (await askBeside(server, '/api/ps', { signal, ms: DETECT_MS }))?.models
  if (!Array.isArray(models)) return null
  const entries: unknown[] = models
  const loaded = entries.map(recordIn).find((entry) => entry?.model === model || entry?.name === model)
  return { context: positive(loaded?.context_length) ?? OLLAMA_CONTEXT, count: null }
}

/** Servers that count nothing may still list how much the model holds. */
const anyList: Make = async (server, model, signal) => {
  const data = (await askBeside(server, '/v1/models', { signal, ms: DETECT_MS }))?.data
  const entries: unknown[] = Array.isArray(data) ? data : []
  const entry = entries.map(recordIn).find((one) => model === null || one?.id === model)
  const context = positive(entry?.max_model_len)
  return context === null ? null : { context, count: null }
}

function eachText(
  one: (text: string, signal: AbortSignal, ms: number) => Promise<number | null>,
): Tokenizer['count'] {
  return async (texts, signal, ms) => {
    const tokens = await Promise.all(texts.map((text) => one(text, signal, ms)))
    const known = tokens.filter((count) => count !== null)
    return known.length === texts.length ? { tokens: known, context: null } : null
  }
}

function isNear({ base, unix }: ModelServer): boolean {
  return unix !== null || /^https?:\/\/(localhost|127\.|\[::1\])/.test(base)
}

async function within<T>(promise: Promise<T>, ms: number, signal: AbortSignal): Promise<T | null> {
  const { promise: over, resolve } = Promise.withResolvers<null>()
  const timer = setTimeout(resolve, ms, null)
  const abort = () => resolve(null)
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([promise, over])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
  }
}

function recordIn(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null ? { ...value } : null
}

function positive(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : null
}

function numbersIn(value: unknown): number[] | null {
  if (!Array.isArray(value)) return null
  const values: unknown[] = value
  const numbers = values.filter((n) => typeof n === 'number').filter((n) => Number.isInteger(n) && n >= 0)
  return numbers.length === values.length ? numbers : null
}
