/** `mentor search`: the passages that a question finds, with the scores they were ranked by. */
import type { RetrievedPassage } from '../../backend/answer/types.ts'
import { connect, post, readJson } from '../api.ts'
import type { Config } from '../config.ts'
import { oneLine, openTerminal, printable, type Terminal } from '../terminal.ts'

export interface SearchOptions {
  collection?: string
  k?: number
  mode?: 'hybrid' | 'dense' | 'lexical'
  json: boolean
}

export async function search(
  config: Config,
  query: string,
  options: SearchOptions,
  signal: AbortSignal,
): Promise<void> {
  const terminal = openTerminal(options.json)
  const { json, ...fields } = options
  const api = await connect(config)
  try {
    const response = await api.request('/api/search', post({ query, ...fields }, signal))
    const found = await readJson<{ passages: RetrievedPassage[] }>(response)
    if (json) return terminal.json(found)
    if (found.passages.length === 0) terminal.line('Nothing found.')
    for (const [index, passage] of found.passages.entries()) showPassage(terminal, index + 1, passage)
  } finally {
    await api.close()
  }
}

function showPassage(terminal: Terminal, number: number, passage: RetrievedPassage): void {
  const page = passage.page === null ? '' : `, page ${passage.page}`
  const heading = passage.heading === null ? '' : `, ${printable(passage.heading)}`
  terminal.line(terminal.bold(`${number}. ${printable(passage.document.source)}${page}${heading}`))
  const sides = [`score ${passage.score.toFixed(3)}`]
  if (passage.scores.dense !== null)
    sides.push(`cosine ${passage.scores.dense.toFixed(3)} (#${passage.ranks.dense})`)
  if (passage.scores.lexical !== null)
    sides.push(`BM25 ${passage.scores.lexical.toFixed(2)} (#${passage.ranks.lexical})`)
  terminal.line(terminal.dim(`   ${sides.join(' · ')}`))
  terminal.line(`   ${oneLine(passage.text, terminal.width * 3)}\n`)
}
