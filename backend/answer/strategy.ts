/** Who answers now and why nobody better does, in words: for /health, the start screen and the log. */
import type { RungState } from './service-health.ts'
import type { RungName } from './types.ts'

const answers: Record<RungName, string> = {
  'llm-service': 'Answers come from the llm-service',
  'local-model': 'Answers come from the local model',
  'context-only': 'Answers come from the documents alone, quoted',
}
const names: Record<RungName, string> = {
  'llm-service': 'the llm-service',
  'local-model': 'the local model',
  'context-only': 'quoting',
}

/** One sentence without its full stop. @param rungs in the ladder's order */
export function strategyOf(rungs: (RungState & { rung: RungName })[]): string {
  const first = rungs.findIndex(({ state }) => state === 'ready')
  const ready = rungs[first]
  const who = ready === undefined ? 'No rung is ready' : answers[ready.rung]
  const model = ready?.model == null ? '' : ` (${ready.model})`
  const above = rungs.slice(0, first === -1 ? undefined : first)
  const why = above.map(({ rung, state, reason }) => {
    const standing = state === 'checking' ? 'is not ready yet' : 'is not available'
    return `${names[rung]} ${standing}${reason === null ? '' : `, ${reason}`}`
  })
  return `${who}${model}${why.length === 0 ? '' : `: ${why.join('; ')}`}`
}
