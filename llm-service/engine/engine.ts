/**
 * One model in this process and the requests that share it. A step is one decode over all of them (iteration-level
 * batching: Yu et al., Orca, OSDI 2022): a token for each request that writes, and with the room left a piece of the
 * prompts that are being read, so a long prompt never stops the others.
 */
import type { Engine, EngineErrorCode, EngineSettings } from '../types.ts'
import { EngineError } from '../types.ts'
import { type Adapters, openAdapters } from './adapters.ts'
import { calibrateThreads, type Threads } from './calibrate.ts'
import { openTokenizer } from './chat-template.ts'
import { openGrammars } from './grammar.ts'
import { type Loaded, loadModel } from './load.ts'
import { openRates } from './rates.ts'
import { openSampler } from './sampler.ts'
import { leastPiece, pieceOfPrompts, planStep, type Share } from './schedule.ts'
import { chooseSlot, openSlots, reusePrefix } from './slots.ts'
import { openTask, type Task } from './task.ts'

export interface EngineOptions {
  log: (line: string) => void
  onProgress?: (loaded: number) => void
  /** Called after the events of each step. */
  afterStep?: () => void
}

/** @throws with a reason in words when the model cannot be loaded */
export async function openEngine(settings: EngineSettings, options: EngineOptions): Promise<Engine> {
  const loaded = await loadModel(settings, options)
  const adapters = await openAdapters(loaded, settings.adapters, options.log)
  const threads = await calibrateThreads(settings, loaded)
  return runEngine(settings, loaded, adapters, threads, options)
}

function runEngine(
  settings: EngineSettings,
  loaded: Loaded,
  adapters: Adapters,
  threads: Threads,
  { log, afterStep = () => {} }: EngineOptions,
): Engine {
  const { native, context, model, info } = loaded
  const tokenizer = openTokenizer(native, model, loaded.chatTemplate)
  const grammars = openGrammars(native, model)
  const slots = openSlots(settings.slots)
  const rates = openRates()
  const waiting: Task[] = []
  const running = new Set<Task>()
  let turns = 0
  let turning: Promise<void> | null = null
  let closed = false

  function wake(): void {
    turning ??= turnOver().finally(() => {
      turning = null
      // What came while the last turn ended.
      if (!closed && waiting.length > 0) wake()
    })
  }

  async function turnOver(): Promise<void> {
    while (!closed) {
      dropGone()
      await admit()
      if (running.size === 0) return
      await step()
      afterStep()
      // Messages that have come meanwhile, aborts among them, are read between two steps.
      await new Promise(setImmediate)
    }
  }

  function dropGone(): void {
    for (const task of running) if (task.signal.aborted) release(task)
    for (const task of waiting.filter(({ signal }) => signal.aborted))
      waiting.splice(waiting.indexOf(task), 1)
  }

  async function admit(): Promise<void> {
    for (;;) {
      const [task] = waiting
      const slot = task && chooseSlot(slots, task.tokens, task.adapters)
      if (!task || !slot) return
      waiting.shift()
      slot.busy = true
      task.slot = slot
      running.add(task)
      try {
        task.sampler = openSampler(native, model, grammars, task.request, info.contextTokens)
        task.cached = await reusePrefix(context, slots, slot, task.tokens, task.adapters)
        task.read = task.cached
      } catch (error) {
        breakOff(task, error)
      }
    }
  }

  async function step(): Promise<void> {
    const shares = planStep(inTurn(), settings.batchTokens, pieceOfPrompts(rates.promptSpeed()))
    const reads = shares.some(({ task }) => task.next === null)
    context.setThreads((reads ? threads.reading : threads.writing).threads)
    const began = performance.now()
    let logits: (number | undefined)[]
    try {
      logits = fill(shares)
      await context.decodeBatch()
    } catch (error) {
      for (const { task } of shares) breakOff(task, error)
      return
    }
    const ms = performance.now() - began
    let read = 0
    for (const { task, tokens } of shares) {
      task.slot?.held.push(...tokens)
      if (task.next !== null) continue
      task.read += tokens.length
      read += tokens.length
    }
    rates.read(read, ms)
    if (!reads) threads.writing.observe(shares.length, ms)
    else if (read >= leastPiece) threads.reading.observe(0, ms / read)
    await Promise.all(shares.map(({ task, last }, i) => last && sampleNext(task, logits[i])))
  }

  /** One decode applies one set of adapters: the sets take turns. */
  function inTurn(): Task[] {
    const keys = [...new Set([...running].map((task) => task.adapters))]
    const key = keys[turns++ % keys.length] ?? ''
    adapters.apply(context, key)
    return [...running].filter((task) => task.adapters === key)
  }

  /** @returns for each share the place of its last token's logits, where they are wanted */
  function fill(shares: Share[]): (number | undefined)[] {
    context.initBatch(shares.reduce((sum, { tokens }) => sum + tokens.length, 0))
    return shares.map(({ task: { slot }, tokens, last }) => {
      if (slot === null) throw new Error('a request without a slot')
      const wanted = last ? Uint32Array.of(tokens.length - 1) : Uint32Array.of()
      return context.addToBatch(slot.sequence, slot.held.length, Uint32Array.from(tokens), wanted)[0]
    })
  }

  async function sampleNext(task: Task, logits: number | undefined): Promise<void> {
    if (logits === undefined || task.sampler === null || task.signal.aborted) return
    try {
      const ended = task.write(await context.sampleToken(logits, task.sampler))
      rates.wrote(1)
      if (ended === null) return
      release(task)
      rates.done(task)
      task.finish(ended)
    } catch (error) {
      breakOff(task, error)
    }
  }

  function release(task: Task): void {
    task.sampler?.dispose()
    task.sampler = null
    if (task.slot !== null) {
      task.slot.busy = false
      task.slot.usedAt = performance.now()
      task.slot = null
    }
    running.delete(task)
  }

  /** After a native error nobody knows what the sequence holds: it begins anew. */
  function breakOff(task: Task, error: unknown): void {
    if (task.slot !== null) {
      context.disposeSequence(task.slot.sequence)
      task.slot.held = []
    }
    release(task)
    if (error instanceof EngineError) fail(task, error.code, error.message)
    else {
      log(`A request failed: ${inWords(error)}`)
      fail(task, 'failed', `The model could not go on: ${inWords(error)}.`)
    }
  }

  return {
    get info() {
      return { ...info, threads: threads.writing.threads }
    },
    prepare: (prompt) => ({ tokens: tokenizer.prompt(prompt) }),
    count: tokenizer.count,
    generate(request, tokens, emit, signal) {
      const problem = tooLong(tokens.length, info.contextTokens)
      if (problem !== null) return fail({ emit }, ...problem)
      try {
        const used = adapters.key(request.adapters)
        waiting.push(openTask(model, { request, tokens, emit, signal, adapters: used }, info.contextTokens))
      } catch (error) {
        if (!(error instanceof EngineError)) throw error
        return fail({ emit }, error.code, error.message)
      }
      wake()
    },
    loadAdapter: adapters.load,
    stats: () => ({ active: running.size, waiting: waiting.length, ...rates.told() }),
    async close() {
      closed = true
      await turning
      await context.dispose()
      await loaded.close()
    },
  }
}

function tooLong(tokens: number, contextTokens: number): [EngineErrorCode, string] | null {
  if (tokens === 0) return ['bad_request', 'The prompt is empty.']
  if (tokens < contextTokens) return null
  return [
    'context_length_exceeded',
    `The prompt has ${tokens} tokens, and the model's context holds ${contextTokens} with the answer.`,
  ]
}

function fail({ emit }: Pick<Task, 'emit'>, code: EngineErrorCode, message: string): void {
  emit({ type: 'failed', code, message })
}

function inWords(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
