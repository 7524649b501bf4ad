/** What is said about the rungs: who will answer, and how to get a better one. */
import type { RungHealth } from '../backend/answer/ladder.ts'
import type { Config } from './config.ts'

/** The first rung that is ready answers; those above it are named with what they lack. */
export function whoAnswers(health: RungHealth[]): string[] {
  const first = health.findIndex(({ state }) => state === 'ready')
  const rung = health[first]
  const who =
    rung === undefined
      ? 'no rung is ready'
      : rung.rung === 'context-only'
        ? 'context-only: the best sentences of your documents, quoted exactly'
        : `${rung.rung}: ${rung.model ?? 'a language model'} writes them`
  const above = health.slice(0, first === -1 ? undefined : first)
  return [who, ...above.map(({ rung: name, reason, state }) => `not ${name}: ${reason ?? state}`)]
}

/** A model of one's own, and servers that speak the protocol of rung 1 at the ports they listen on by default. */
export function betterRung(config: Config): string {
  if (!config.serviceEnabled)
    return 'LLM_SERVICE_ENABLED=false switches the model server off; set it to true to use one.'
  return [
    'A language model writes answers in its own words, with the same checked citations:',
    '  on this machine  ./mentor models pull qwen3-1.7b     (1.1 GB; ./mentor start runs it then)',
    '  Ollama           LLM_SERVICE_URL=http://localhost:11434 ./mentor start',
    '  llama-server     LLM_SERVICE_URL=http://localhost:8080 ./mentor start',
    '  vLLM             LLM_SERVICE_URL=http://HOST:PORT ./mentor start',
  ].join('\n')
}
