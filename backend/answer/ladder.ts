/**
 * The ladder: three rungs behind one function type, asked from the top until one answers. One deadline for all of them,
 * part of it kept for the last; never another rung after a rung's first text; every rung passed over says why.
 */
import { llmService } from './1-llm-service.ts'
import { localModel, localModelReason } from './2-local-model.ts'
import { contextOnly } from './3-context-only.ts'
import { type Breaker, openBreaker } from './breaker.ts'
import { type Deadlines, inTime } from './deadlines.ts'
import { AnswerBrokeOff, AnswerUnusable, RungFailed, RungTimeout } from './failures.ts'
import { type RungState, type ServiceHealth, watchService } from './service-health.ts'
import {
  type AskRequest,
  type LadderStep,
  type Rung,
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
  close(): void
}

interface Step {
  name: RungName
  run: Rung
  health(): RungState
  check(): Promise<RungState>
  breaker: Breaker | null
  /** Not asked at all, by the settings. */
  switchedOff: boolean
}

const ready: RungState = { state: 'ready', reason: null, model: null }

export function openLadder(settings: LadderSettings, log: (line: string) => void): Ladder {
  const service = settings.serviceEnabled && settings.serviceUrl !== null ? openService(settings, log) : null
  const rungs: Step[] = [
    serviceStep(settings, service),
    fixedStep('local-model', localModel, { state: 'unavailable', reason: localModelReason, model: null }),
    fixedStep('context-only', contextOnly, ready),
  ]
  if (!service) log(fromDocuments(String(rungs[0]?.health().reason)))
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
      climbDown(climb.rung === 'auto' ? rungs : named(climb.rung), climb, settings, speak),
    close: () => service?.close(),
  }
}

/** A service that lists its models and fails every question is not ready. */
function healthOf(step: Step): RungHealth {
  const state = step.health()
  const broken = step.breaker?.state() ?? null
  if (state.state !== 'ready' || broken === null) return { rung: step.name, ...state }
  return { rung: step.name, state: 'unavailable', reason: broken, model: state.model }
}

function openService(settings: LadderSettings, log: (line: string) => void): ServiceHealth {
  return watchService(settings, ({ state, reason, model }) => {
    log(state === 'ready' ? `Answers come from the llm-service (${model}).` : fromDocuments(String(reason)))
  })
}

function fromDocuments(reason: string): string {
  return `Answers come from the documents alone: the llm-service is not available, ${reason}; the local model is ${localModelReason}.`
}

function serviceStep(settings: LadderSettings, service: ServiceHealth | null): Step {
  const off: RungState = {
    state: 'unavailable',
    reason: settings.serviceEnabled ? 'no LLM_SERVICE_URL is set' : 'switched off (LLM_SERVICE_ENABLED)',
    model: null,
  }
  return {
    name: 'llm-service',
    run: llmService(settings, () => service?.now().model ?? settings.model),
    health: () => service?.now() ?? off,
    check: async () => (service ? service.check() : off),
    breaker: openBreaker(),
    switchedOff: service === null,
  }
}

function fixedStep(name: RungName, run: Rung, state: RungState): Step {
  return { name, run, health: () => state, check: async () => state, breaker: null, switchedOff: false }
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
): AsyncGenerator<T> {
  const { steps, signal } = climb
  for (const step of rungs) {
    const began = performance.now()
    const record = (outcome: LadderStep['outcome'], reason: string | null) =>
      steps.push({ rung: step.name, outcome, reason, ms: Math.round(performance.now() - began) })
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
    try {
      yield* speak(step.name, inTime(step.run, climb.request, allowed, signal))
      counted = true
      step.breaker?.succeeded()
      record('answered', null)
      return
    } catch (error) {
      signal.throwIfAborted()
      const failure = failureOf(error)
      if (!failure) throw error
      counted = true
      // A model that answers beside the point is alive: it is asked again next time.
      if (error instanceof AnswerUnusable) step.breaker?.succeeded()
      else {
        step.breaker?.failed(failure.reason)
        if (step.breaker) void step.check()
      }
      record(failure.outcome, failure.reason)
      if (error instanceof AnswerBrokeOff) throw error
    } finally {
      if (!counted) step.breaker?.cancelled()
    }
  }
  throw new RungUnavailable(steps.at(-1)?.reason ?? 'no rung could answer')
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

function failureOf(error: unknown): { outcome: LadderStep['outcome']; reason: string } | null {
  if (error instanceof RungUnavailable) return { outcome: 'unavailable', reason: error.reason }
  if (error instanceof RungTimeout) return { outcome: 'timeout', reason: error.reason }
  if (error instanceof RungFailed || error instanceof AnswerUnusable)
    return { outcome: 'failed', reason: error.reason }
  if (error instanceof AnswerBrokeOff)
    return { outcome: error.code === 'model_timeout' ? 'timeout' : 'failed', reason: error.reason }
  return null
}
