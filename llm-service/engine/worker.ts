/**
 * A worker process: one engine, told what to do by the router over IPC. A native crash ends this process and nobody
 * else; when the router goes away, so does this.
 */
import type { Engine, EngineEvent, FromWorker, ToWorker } from '../types.ts'
import { EngineError } from '../types.ts'
import { openEngine } from './engine.ts'

/** While there is work, so often. */
const statsMs = 1_000

if (!process.send) {
  process.stderr.write('This is a worker of the model service; ./mentor llm serve starts it.\n')
  process.exit(2)
}
const send = (message: FromWorker) => {
  try {
    process.send?.(message)
  } catch {
    process.exit(1) // the router is gone
  }
}

/**
 * Text goes out so often, but an answer's first at once. Each message wakes the router and its client, on whose cores
 * the model's threads are computing and waiting for each other: a message a token cost 8 ms of 33 on two cores.
 */
const textMs = 80

let engine: Engine | null = null
let said: { id: number; event: EngineEvent }[] = []
let sentAt = 0
/** Something in `said` is waited for. */
let urgent = false
const running = new Map<number, AbortController>()
const begun = new Set<number>()
let wasBusy = false

function say(id: number, event: EngineEvent): void {
  if (event.type !== 'text') {
    running.delete(id)
    begun.delete(id)
    urgent = true
  } else if (!begun.has(id)) {
    begun.add(id)
    urgent = true
  } else {
    const last = said.findLast((one) => one.id === id)
    if (last?.event.type === 'text') {
      last.event = { ...event, text: last.event.text + event.text }
      return
    }
  }
  said.push({ id, event })
}

function flush(): void {
  if (said.length === 0) return
  const now = performance.now()
  if (!urgent && now - sentAt < textMs) return
  const events = said
  said = []
  urgent = false
  sentAt = now
  send({ type: 'events', events })
}

function tellStats(): void {
  if (engine === null) return
  const stats = engine.stats()
  const busy = stats.active + stats.waiting > 0
  if (busy || wasBusy) send({ type: 'stats', stats })
  wasBusy = busy
}

async function load(settings: Extract<ToWorker, { type: 'load' }>['settings']): Promise<void> {
  let told = 0
  try {
    engine = await openEngine(settings, {
      log: (line) => process.stderr.write(`${line}\n`),
      onProgress: (loaded) => {
        if (loaded - told < 0.02) return
        told = loaded
        send({ type: 'progress', loaded })
      },
      afterStep: flush,
    })
    send({ type: 'ready', info: engine.info })
    setInterval(tellStats, statsMs)
  } catch (error) {
    send({ type: 'load-failed', message: error instanceof Error ? error.message : String(error) })
  }
}

/** Answers one call; what it throws is answered too. */
function answer(
  id: number,
  call: (engine: Engine) => Extract<FromWorker, { type: 'result' }>['result'],
): void {
  try {
    if (engine === null) throw new EngineError('failed', 'no model is loaded yet')
    send({ type: 'result', id, result: call(engine) })
  } catch (error) {
    refuse(id, error)
  }
}

function refuse(id: number, error: unknown): void {
  const known = error instanceof EngineError
  const message = error instanceof Error ? error.message : String(error)
  send({ type: 'refused', id, code: known ? error.code : 'failed', message })
}

function generate({ id, request, tokens }: Extract<ToWorker, { type: 'generate' }>): void {
  const stop = new AbortController()
  running.set(id, stop)
  const emit = (event: EngineEvent) => {
    say(id, event)
    // Refusals come outside of a step.
    if (event.type === 'failed') flush()
  }
  if (engine === null) emit({ type: 'failed', code: 'failed', message: 'no model is loaded yet' })
  else engine.generate(request, tokens, emit, stop.signal)
}

process.on('message', (message: ToWorker) => {
  switch (message.type) {
    case 'load':
      void load(message.settings)
      break
    case 'prepare':
      answer(message.id, (open) => open.prepare(message.prompt))
      break
    case 'count':
      answer(message.id, (open) => open.count(message.texts))
      break
    case 'generate':
      generate(message)
      break
    case 'abort':
      running.get(message.id)?.abort()
      running.delete(message.id)
      begun.delete(message.id)
      break
    case 'load-adapter':
      if (engine === null) refuse(message.id, new EngineError('failed', 'no model is loaded yet'))
      else {
        engine.loadAdapter(message.adapter).then(
          () => send({ type: 'result', id: message.id, result: null }),
          (error: unknown) => refuse(message.id, error),
        )
      }
      break
    case 'stop':
      void (engine?.close() ?? Promise.resolve()).finally(() => process.exit(0))
      break
  }
})
process.on('disconnect', () => process.exit(0))
// The router decides when to stop: Ctrl-C in a terminal reaches the whole group, and streams may still end.
process.on('SIGINT', () => {})
