/**
 * A worker process without a model: it speaks the protocol of llm-service/types.ts, so the router's supervision can be
 * tried with crashes and hangs on command. A token is a character's code, an answer repeats the prompt's last line,
 * and words in the prompt make it misbehave. `bun scripted-worker.ts OPTIONS`, the options as JSON (see `Script`).
 */
import { appendFileSync, existsSync, readFileSync, rmSync } from 'node:fs'
import type {
  EngineErrorCode,
  EngineEvent,
  EngineInfo,
  EngineSettings,
  FromWorker,
  GenerateRequest,
  Prompt,
  ToWorker,
} from '../../llm-service/types.ts'

export interface Script {
  /** Between two tokens. */
  stepMs?: number
  loadMs?: number
  /** While this file exists, loading fails with its text; `die` ends the process instead, `once:TEXT` fails once. */
  failLoad?: string
  /** Each message heard is appended here as a line of JSON, with the process id. */
  record?: string
  /** Architecture that it says its model has. */
  architecture?: string
  /** Adapters whose name it refuses. */
  refuses?: string
}

const script: Script = JSON.parse(process.argv[2] ?? '{}')
const { stepMs = 5, loadMs = 20 } = script
let settings: EngineSettings | null = null
const running = new Map<number, { timer: Timer; end: () => void }>()
const waiting: (() => void)[] = []
const held = new Set<string>()
const sums = { requests: 0, promptTokens: 0, cachedTokens: 0, completionTokens: 0 }

function tell(message: FromWorker): void {
  process.send?.(message)
}

function say(id: number, event: EngineEvent): void {
  tell({ type: 'events', events: [{ id, event }] })
}

function infoOf({ model, device, contextTokens, slots }: EngineSettings): EngineInfo {
  return {
    model,
    architecture: script.architecture ?? 'llama',
    parameters: 1,
    device,
    deviceName: null,
    gpuLayers: 0,
    layers: 1,
    contextTokens,
    slots,
    threads: 1,
    memory: { ram: 1, vram: 0 },
  }
}

async function load(given: EngineSettings): Promise<void> {
  settings = given
  tell({ type: 'progress', loaded: 0.5 })
  await Bun.sleep(loadMs)
  const why =
    script.failLoad !== undefined && existsSync(script.failLoad)
      ? readFileSync(script.failLoad, 'utf8')
      : null
  if (why === null || (why.startsWith('not on ') && given.device !== why.slice(7))) {
    for (const adapter of given.adapters) held.add(adapter.name)
    tell({ type: 'ready', info: infoOf(given) })
    return
  }
  if (why === 'hang') return
  if (why === 'die') {
    process.stderr.write('ggml_abort: out of memory in a test\nBun v0 (a crash report)\n')
    process.kill(process.pid, 'SIGABRT')
  }
  if (why.startsWith('once:') && script.failLoad !== undefined) rmSync(script.failLoad)
  tell({ type: 'load-failed', message: why })
}

const textOf = (prompt: Prompt) =>
  prompt.kind === 'text'
    ? prompt.text
    : prompt.messages.map(({ role, content }) => `${role}: ${content}`).join('\n')
const tokensOf = (text: string) => [...text].map((character) => character.codePointAt(0) ?? 0)

function generate(id: number, request: GenerateRequest, tokens: number[]): void {
  const { slots = 1 } = settings ?? {}
  const begin = () => write(id, request, tokens)
  if (running.size < slots) begin()
  else waiting.push(begin)
}

/** Orders stand in the prompt, so whoever gets the request again gets them again: `…@PID` is for one process alone. */
function ordered(text: string, order: string): boolean {
  return text.includes(`{${order}}`) || text.includes(`{${order}@${process.pid}}`)
}

function write(id: number, request: GenerateRequest, tokens: number[]): void {
  const text = String.fromCodePoint(...tokens)
  const answer = [...(text.split('\n').at(-1) ?? '')].slice(0, request.maxTokens)
  const began = performance.now()
  let written = 0
  sums.requests++
  sums.promptTokens += tokens.length
  const failure: EngineErrorCode | null = ordered(text, 'refuse')
    ? 'bad_request'
    : ordered(text, 'fail')
      ? 'failed'
      : null
  if (failure !== null) {
    say(id, { type: 'failed', code: failure, message: 'decode: -3' })
    return
  }
  const crashAt = ordered(text, 'crash') ? 0 : ordered(text, 'crash later') ? 3 : -1
  const hangAt = ordered(text, 'hang') ? 0 : ordered(text, 'hang later') ? 3 : -1
  const end = () => {
    clearInterval(timer)
    running.delete(id)
    waiting.shift()?.()
  }
  const timer = setInterval(() => {
    if (written === crashAt) process.kill(process.pid, 'SIGSEGV')
    if (written === hangAt) process.kill(process.pid, 'SIGSTOP')
    if (ordered(text, 'stall')) return
    const next = answer[written]
    if (next !== undefined) {
      written++
      sums.completionTokens++
      say(id, { type: 'text', text: next, tokens: written })
      if (written < answer.length) return
    }
    end()
    say(id, {
      type: 'done',
      finishReason: written < request.maxTokens ? 'stop' : 'length',
      stats: {
        promptTokens: tokens.length,
        cachedTokens: 0,
        completionTokens: written,
        promptMs: 0,
        generationMs: performance.now() - began,
      },
    })
  }, stepMs)
  running.set(id, { timer, end })
}

function heard(message: ToWorker): void {
  if (script.record !== undefined)
    appendFileSync(script.record, `${JSON.stringify({ pid: process.pid, message })}\n`)
  switch (message.type) {
    case 'load':
      void load(message.settings)
      break
    case 'prepare':
      tell({ type: 'result', id: message.id, result: { tokens: tokensOf(textOf(message.prompt)) } })
      break
    case 'count':
      if (message.texts.includes('{crash}')) process.kill(process.pid, 'SIGSEGV')
      tell({ type: 'result', id: message.id, result: message.texts.map((text) => tokensOf(text).length) })
      break
    case 'generate':
      generate(message.id, message.request, message.tokens)
      break
    case 'abort':
      running.get(message.id)?.end()
      break
    case 'load-adapter': {
      const { id, adapter } = message
      const refused = adapter.name === script.refuses
      if (refused) tell({ type: 'refused', id, code: 'bad_request', message: 'wrong shape of blk.0.attn_q' })
      else {
        held.add(adapter.name)
        tell({ type: 'result', id, result: null })
      }
      break
    }
    case 'stop':
      process.exit(0)
  }
}

setInterval(() => {
  if (running.size === 0) return
  const stats = {
    active: running.size,
    waiting: waiting.length,
    promptTokensPerSecond: 0,
    tokensPerSecond: 0,
    ...sums,
  }
  tell({ type: 'stats', stats })
}, 50)
process.on('message', heard)
process.on('disconnect', () => process.exit())
// Ctrl-C reaches the whole process group: the router decides what is still to be finished.
process.on('SIGINT', () => undefined)
