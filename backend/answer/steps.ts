/** The rungs as the ladder holds them: how each is asked, watched and left alone. */
import { llmService } from './1-llm-service.ts'
import type { LocalModelRung } from './2-local-model.ts'
import { contextOnly } from './3-context-only.ts'
import { type Breaker, openBreaker } from './breaker.ts'
import { DOUBTED_MS, type Doubt } from './deadlines.ts'
import type { LadderParts, LadderSettings } from './ladder.ts'
import { serverAt } from './model-server.ts'
import { RULES } from './prompt.ts'
import { fixedPlace, type RungState, watchService } from './service-health.ts'
import { openTokenCounter } from './token-counts.ts'
import type { Rung, RungName } from './types.ts'

export interface Step {
  name: RungName
  run: Rung
  health(): RungState
  check(): Promise<RungState>
  breaker: Breaker | null
  doubt: Doubt | null
  /** Not asked at all, by the settings. */
  switchedOff: boolean
}

export function openService(
  settings: LadderSettings,
  { place: moving, counting }: LadderParts,
  local: LocalModelRung,
  changed: () => void,
): { step: Step; close(): void } {
  const { serviceUrl, serviceEnabled, serviceApiKey, model } = settings
  const fixed = serviceUrl === null ? null : fixedPlace(serverAt(serviceUrl, serviceApiKey), model)
  const place = moving ?? fixed
  const breaker = openBreaker()
  if (!serviceEnabled || place === null) {
    const reason = serviceEnabled ? 'no LLM_SERVICE_URL is set' : 'switched off (LLM_SERVICE_ENABLED)'
    const off: RungState = { state: 'unavailable', reason, model: null }
    const run = llmService(fixedPlace(null, null, reason), () => null, openTokenCounter())
    const step = { run, health: () => off, check: async () => off, breaker, doubt: null, switchedOff: true }
    return { step: { name: 'llm-service', ...step }, close: () => {} }
  }
  const counter = openTokenCounter(counting)
  const watch = watchService(place, (now, before) => {
    if (now.state === 'ready') {
      const { server } = place.now()
      counter.forget()
      if (server !== null) counter.prepare(server, now.model, [RULES])
      breaker.returned()
    }
    // It was there a moment ago, so questions are likely: loading takes seconds that one of them would wait.
    if (before.state === 'ready' && now.state === 'unavailable') local.warm()
    changed()
  })
  const step: Step = {
    name: 'llm-service',
    run: llmService(place, () => watch.now().model, counter),
    health: watch.now,
    check: watch.check,
    breaker,
    doubt: async () => {
      const { state, reason } = await watch.check(DOUBTED_MS)
      return state === 'unavailable' ? (reason ?? 'it is gone') : null
    },
    switchedOff: false,
  }
  return { step, close: watch.close }
}

export function localStep(local: LocalModelRung): Step {
  const { run, health, check } = local
  return { name: 'local-model', run, health, check, breaker: openBreaker(), doubt: null, switchedOff: false }
}

const ready: RungState = { state: 'ready', reason: null, model: null }
export const contextStep: Step = {
  name: 'context-only',
  run: contextOnly,
  health: () => ready,
  check: async () => ready,
  breaker: null,
  doubt: null,
  switchedOff: false,
}
