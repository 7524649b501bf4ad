/** The one screen of `mentor start`. */
import type { RungHealth } from '../backend/answer/ladder.ts'
import type { Config } from './config.ts'
import { betterRung, whoAnswers } from './rungs.ts'
import { version } from './services.ts'
import { count, printable, type Terminal } from './terminal.ts'

export function startScreen(
  terminal: Terminal,
  config: Config,
  url: string,
  health: RungHealth[],
  /** `growing`: the folders given are still being read. */
  held: { documents: number; passages: number; growing: boolean },
  /** Of a model service that this process runs. */
  modelUrl: string | null,
): void {
  const row = (name: string, lines: string[]) => {
    for (const [index, line] of lines.entries()) {
      terminal.line(`  ${(index === 0 ? name : '').padEnd(11)} ${printable(line)}`)
    }
  }
  terminal.line(`\n${terminal.bold(`Mentor ${version}`)}`)
  row('Page', [url])
  const sofar = held.growing ? ' so far, the rest is being read; ask meanwhile' : ''
  row('Documents', [
    `${count(held.documents, 'document')}, ${count(held.passages, 'passage')}${sofar}`,
    `in ${config.data}`,
  ])
  row('Answers', whoAnswers(health))
  if (modelUrl !== null) row('Model API', [`${modelUrl}/v1`])
  if (health.find(({ rung }) => rung === 'llm-service')?.state !== 'ready')
    row('Better', betterRung(config).split('\n'))
  row('Try', ['./mentor ask "your question"', './mentor ingest PATH…', './mentor doctor'])
  row('Stop', ['Ctrl-C'])
}
