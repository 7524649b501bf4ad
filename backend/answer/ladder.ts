/**
 * The ladder: three rungs behind one function type, asked from the top until one answers. One deadline for all of them,
 * part of it kept for the last; never another rung after a rung's first text; every rung passed over says why.
 */
import { type LocalModelOptions, openLocalModel } from './2-local-model.ts'
import { type Deadlines, inTime } from './deadlines.ts'
import { AnswerBrokeOff, AnswerUnusable, RungDeclined, RungFailed, RungTimeout } from './failures.ts'
import type { RungState, ServicePlace } from './service-health.ts'
import { contextStep, localStep, openService, type Step } from './steps.ts'
import { strategyOf } from './strategy.ts'
import type { CounterSettings } from './token-counts.ts'
import {
  type AskRequest,
  type LadderStep,
  type PromptFigures,
  type RungChunk,
  type RungName,
  type RungRequest,
  RungUnavailable,
} from './types.ts'

export interface LadderSettings {
  /** With or without `/v1`. */
  serviceUrl: string | null
  serviceEnabled: boolean
  /** For one answer of the service. */
  serviceTimeoutMs: number
  serviceApiKey: string | null
  /** The model to ask the service for; null: the first that it lists. */
  model: string | null
  /** For one answer, from the question on, all rungs together. */
  totalMs: number
  firstTextMs: number
  betweenTextMs: number
  /** Of `totalMs`, kept for quoting the documents. */
  reserveMs: number
  maxNewTokens: number
  temperature: number
  topP: number
}

/** What not every backend has, or what moves. */
export interface LadderParts {
  /** Where the llm-service is, when it can move; else it stays at `serviceUrl`. */
  place?: ServicePlace
  localModel?: LocalModelOptions
  /** How long counting tokens may take, where not as usual. */
  counting?: CounterSettings
}

export interface RungHealth extends RungState {
  rung: RungName
}

/** A question's way down the ladder. */
export interface Climb {
  rung: AskRequest['rung']
  request: Omit<RungRequest, 'signal'>
  /** When the question came, on the clock of `performance.now()`. */
  began: number
  signal: AbortSignal
  /** Filled in as rungs end. */
  steps: LadderStep[]
}

/** Makes events of a rung's chunks. @throws AnswerUnusable, before it yielded anything */
export type Speaker<T> = (rung: RungName, chunks: AsyncIterable<RungChunk>) => AsyncIterable<T>

export interface Ladder {
  readonly settings: LadderSettings
  health(): RungHealth[]
  /** Asks each rung again; at most 2 s. */
  check(): Promise<RungHealth[]>
  /** @throws RungUnavailable when that rung cannot be asked now */
  require(rung: RungName): Promise<void>
  /** @throws AnswerBrokeOff; RungUnavailable when a named rung did not answer; the signal's reason */
  climb<T>(climb: Climb, speak: Speaker<T>): AsyncGenerator<T>
  /** Ends the local model's process. */
  close(): Promise<void>
}

/** @param log gets a line when another rung will answer, or for another reason; each once */
export function openLadder(
  settings: LadderSettings,
  log: (line: string) => void,
  parts: LadderParts = {},
): Ladder {
  const changed = () => announce()
  const local = openLocalModel(parts.localModel ?? null, changed, parts.counting)
  const service = openService(settings, parts, local, changed)
  const rungs: Step[] = [service.step, localStep(local), contextStep]
  const announce = announcer(rungs, log)
  announce()
  const named = (name: RungName) => rungs.filter((step) => step.name === name)
  return {
    settings,
    health: () => rungs.map(healthOf),
    check: () =>
      Promise.all(
        rungs.map(async (step) => {
          await step.check()
          return healthOf(step)
        }),
      ),
    async require(name) {
      for (const step of named(name)) {
        const state = await settled(step)
        if (state.state !== 'ready') throw new RungUnavailable(state.reason ?? 'unavailable')
      }
    },
    climb: (climb, speak) =>
      climbDown(climb.rung === 'auto' ? rungs : named(climb.rung), climb, settings, speak, announce),
    async close() {
      service.close()
      await local.close()
    },
  }
}

/** A service that lists its models and fails every question is not ready. */
function healthOf(step: Step): RungHealth {
  return withBreaker(step, step.breaker?.state() ?? null)
}

function withBreaker(step: Step, broken: string | null): RungHealth {
  const state = step.health()
  if (state.state !== 'ready' || broken === null) return { rung: step.name, ...state }
  return { rung: step.name, state: 'unavailable', reason: broken, model: state.model }
}

/** Says who answers from now on, when that is not what was said last. */
function announcer(rungs: Step[], log: (line: string) => void): () => void {
  let said = ''
  return () => {
    // A breaker's seconds run down; its cause stays.
    const health = rungs.map((step) => withBreaker(step, step.breaker?.cause() ?? null))
    const first = health.findIndex(({ state }) => state === 'ready')
    if (health.slice(0, first).some(({ state }) => state === 'checking')) return
    const line = `${strategyOf(health)}.`
    if (line !== said) log(line)
    said = line
  }
}

/** A check that is under way is waited for; of a rung that was not there, another one is begun for the next question. */
async function settled(step: Step): Promise<RungState> {
  const state = step.health()
  if (state.state === 'checking') return step.check()
  if (state.state === 'unavailable') void step.check()
  return state
}

async function* climbDown<T>(
  rungs: Step[],
  climb: Climb,
  settings: LadderSettings,
  speak: Speaker<T>,
  announce: () => void,
): AsyncGenerator<T> {
  const { steps, signal } = climb
  for (const step of rungs) {
    const began = performance.now()
    let prompt: PromptFigures | null = null
    const record = (outcome: LadderStep['outcome'], reason: string | null) =>
      steps.push({ rung: step.name, outcome, reason, ms: Math.round(performance.now() - began), prompt })
    const state = await settled(step)
    signal.throwIfAborted()
    const closed = state.state === 'ready' ? (step.breaker?.closedFor() ?? null) : state.reason
    if (state.state !== 'ready' || closed !== null) {
      record(step.switchedOff ? 'skipped' : 'unavailable', closed)
      continue
    }
    const allowed = deadlinesFor(step.name, settings, performance.now() - climb.began)
    if (allowed.totalMs <= 0) {
      step.breaker?.cancelled()
      record('timeout', 'no time was left')
      continue
    }
    let counted = false
    // Not before: the breaker may have let it through as the one that tries the rung again.
    const asked = performance.now()
    const chunks = inTime(step.run, climb.request, allowed, signal, step.doubt)
    try {
      const note = (figures: PromptFigures) => {
        prompt = figures
      }
      yield* speak(step.name, noting(chunks, note))
      counted = true
      step.breaker?.succeeded()
      record('answered', null)
      return
    } catch (error) {
      signal.throwIfAborted()
      const failure = failureOf(error)
      if (!failure) throw error
      counted = settle(step, error, failure, asked)
      record(failure.outcome, failure.reason)
      if (error instanceof AnswerBrokeOff) throw error
    } finally {
      if (!counted) step.breaker?.cancelled()
      announce()
    }
  }
  throw new RungUnavailable(steps.at(-1)?.reason ?? 'no rung could answer')
}

/** Tells the breaker what a failure means for the next question. @returns whether it means anything */
function settle(step: Step, error: unknown, { outcome, reason }: Failure, asked: number): boolean {
  if (error instanceof RungDeclined) return false
  // A model that answers beside the point is alive: it is asked again next time.
  if (error instanceof AnswerUnusable) {
    step.breaker?.succeeded()
    return true
  }
  // Each has waited its own time in vain.
  if (outcome === 'timeout') step.breaker?.failed(reason)
  else step.breaker?.failed(reason, asked)
  if (step.breaker) void step.check()
  return true
}

/** What the model was given comes before what it writes. */
async function* noting(
  chunks: AsyncIterable<RungChunk>,
  note: (figures: PromptFigures) => void,
): AsyncGenerator<RungChunk> {
  for await (const chunk of chunks) {
    if (chunk.prompt !== undefined) note(chunk.prompt)
    yield chunk
  }
}

function deadlinesFor(rung: RungName, settings: LadderSettings, elapsed: number): Deadlines {
  const { totalMs, reserveMs, firstTextMs, betweenTextMs, serviceTimeoutMs } = settings
  // Quoting waits for nothing; it may use its reserve even when everything before it was late.
  if (rung === 'context-only')
    return { totalMs: Math.max(reserveMs, totalMs - elapsed), firstTextMs: totalMs, betweenTextMs: totalMs }
  const left = totalMs - reserveMs - elapsed
  return {
    totalMs: rung === 'llm-service' ? Math.min(serviceTimeoutMs, left) : left,
    firstTextMs,
    betweenTextMs,
  }
}

type Failure = Pick<LadderStep, 'outcome'> & { reason: string }

function failureOf(error: unknown): Failure | null {
  if (error instanceof RungUnavailable) return { outcome: 'unavailable', reason: error.reason }
  if (error instanceof RungTimeout) return { outcome: 'timeout', reason: error.reason }
  if (error instanceof RungFailed || error instanceof AnswerUnusable)
    return { outcome: 'failed', reason: error.reason }
  if (error instanceof AnswerBrokeOff)
    return { outcome: error.code === 'model_timeout' ? 'timeout' : 'failed', reason: error.reason }
  return null
}
