/** `mentor ask`: the answer as it is written, then its numbered sources. */
import type { Answer, RungName } from '../../backend/answer/types.ts'
import { type Api, connect, post, readEvents, readJson } from '../api.ts'
import type { Config } from '../config.ts'
import { CommandFailed, oneLine, openTerminal, printable, type Terminal } from '../terminal.ts'

export interface AskOptions {
  collection?: string
  passages?: number
  rung?: 'auto' | RungName
  json: boolean
}

/** An abstention is an answer too: exit code 0. */
export async function ask(
  config: Config,
  question: string,
  options: AskOptions,
  signal: AbortSignal,
): Promise<void> {
  const terminal = openTerminal(options.json)
  const { json, ...fields } = options
  const api = await connect(config)
  try {
    const body = { question, ...fields }
    if (json) terminal.json(await readJson<Answer>(await api.request('/api/ask', post(body, signal))))
    else showSources(terminal, await streamAnswer(api, terminal, body, signal))
  } finally {
    await api.close()
  }
}

async function streamAnswer(
  api: Api,
  terminal: Terminal,
  body: object,
  signal: AbortSignal,
): Promise<Answer> {
  const response = await api.request('/api/ask', post({ ...body, stream: true }, signal))
  if (!response.ok) return readJson<Answer>(response) // throws the refusal
  for await (const event of readEvents(response)) {
    if (event.type === 'text-delta') terminal.write(printable(String(event.delta)))
    if (event.type === 'error') {
      terminal.line()
      throw new CommandFailed(printable(String(event.errorText)))
    }
    if (event.type === 'data-answer') {
      terminal.line()
      return event.data as Answer
    }
  }
  throw new CommandFailed('The answer broke off: the backend ended. Ask again; `./mentor start` restarts it.')
}

function showSources(terminal: Terminal, answer: Answer): void {
  if (answer.citations.length > 0)
    terminal.line(`\n${terminal.bold(answer.abstained ? 'Nearest' : 'Sources')}`)
  for (const citation of answer.citations) {
    const where = [
      printable(citation.document.source),
      citation.page === null ? null : `page ${citation.page}`,
      citation.heading === null ? null : printable(citation.heading),
    ].filter((part) => part !== null)
    terminal.line(` [${citation.number}] ${where.join(', ')}`)
    terminal.line(terminal.dim(`     “${oneLine(citation.quote, terminal.width - 8)}”`))
  }
  const others = answer.ladder.filter((step) => step.outcome !== 'answered' && step.outcome !== 'skipped')
  const by = answer.model === null ? answer.rung : `${answer.rung}, ${printable(answer.model)}`
  const why = others.map((step) => `; ${step.rung}: ${printable(step.reason ?? step.outcome)}`).join('')
  terminal.line(terminal.dim(`\nAnswered by ${by} in ${(answer.timings.total / 1000).toFixed(1)} s${why}`))
  for (const note of answer.notes) terminal.line(terminal.dim(printable(note)))
}
