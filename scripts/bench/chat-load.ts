/** Chat requests at an OpenAI-compatible server, so many at a time, and how fast they were served. */
import { createParser } from 'eventsource-parser'
import { percentile } from './figures.ts'

export interface Load {
  /** With `/v1`. */
  url: string
  requests: number
  concurrency: number
  /** Words of each prompt; every request has others, so no prefix but the template's is shared. */
  words: number
  /** Number of the first prompt: another for each run, so that no server remembers one. */
  from: number
  maxTokens: number
}

export interface Served {
  /** Over the whole run, reading included. */
  tokensPerSecond: number
  /** Milliseconds. */
  firstToken: { p50: number; p95: number }
  promptTokens: number
  completionTokens: number
  failed: number
}

const vocabulary = (
  'time year people way day man thing woman life child world school state family student group country problem hand ' +
  'part place case week company system program question work government number night point home water room mother ' +
  'area money story fact month lot right study book eye job word business issue side kind head house service friend'
).split(' ')

export async function serve(load: Load): Promise<Served> {
  let next = load.from
  const end = load.from + load.requests
  const took: { first: number; prompt: number; completion: number }[] = []
  let failed = 0
  const began = performance.now()
  const client = async () => {
    while (next < end) {
      try {
        took.push(await ask(load, next++))
      } catch (error) {
        failed++
        if (failed === 1) console.log(`  a request failed: ${error}`)
      }
    }
  }
  await Promise.all(Array.from({ length: load.concurrency }, client))
  const seconds = (performance.now() - began) / 1000
  const sum = (of: (one: (typeof took)[number]) => number) => took.reduce((total, one) => total + of(one), 0)
  const completionTokens = sum(({ completion }) => completion)
  const first = took.map((one) => one.first)
  return {
    tokensPerSecond: completionTokens / seconds,
    firstToken: { p50: percentile(first, 0.5), p95: percentile(first, 0.95) },
    promptTokens: Math.round(sum(({ prompt }) => prompt) / Math.max(1, took.length)),
    completionTokens,
    failed,
  }
}

async function ask(
  { url, words, maxTokens }: Load,
  number: number,
): Promise<{ first: number; prompt: number; completion: number }> {
  const began = performance.now()
  const response = await fetch(`${url}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    // A kept connection may be one that the server has just closed.
    keepalive: false,
    body: JSON.stringify({
      messages: [{ role: 'user', content: promptOf(words, number) }],
      max_tokens: maxTokens,
      temperature: 0.35,
      top_p: 0.9,
      seed: number,
      stream: true,
      stream_options: { include_usage: true },
    }),
    signal: AbortSignal.timeout(600_000),
  })
  if (!response.ok || response.body === null) throw new Error(`${response.status}: ${await response.text()}`)
  let first = 0
  let usage: { prompt_tokens: number; completion_tokens: number } | null = null
  const parser = createParser({
    onEvent: ({ data }) => {
      if (data === '[DONE]') return
      const { choices, usage: counted } = JSON.parse(data)
      if (first === 0 && (choices?.[0]?.delta?.content ?? '') !== '') first = performance.now() - began
      usage = counted ?? usage
    },
  })
  const decoder = new TextDecoder()
  for await (const bytes of response.body) parser.feed(decoder.decode(bytes, { stream: true }))
  if (usage === null) throw new Error('the stream ended without usage')
  const { prompt_tokens: prompt, completion_tokens: completion } = usage as {
    prompt_tokens: number
    completion_tokens: number
  }
  return { first, prompt, completion }
}

/** The same words for the same number, whoever is asked. */
function promptOf(words: number, number: number): string {
  let state = (number + 1) * 2_654_435_761
  const one = () => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 374_761_393) >>> 0
    return vocabulary[state % vocabulary.length]
  }
  return Array.from({ length: words }, one).join(' ')
}
