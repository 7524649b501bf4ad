/** `mentor documents`: what is stored, and taking one out. */

import type { Api } from '../api.ts'
import { connect, readJson } from '../api.ts'
import type { Config } from '../config.ts'
import { CommandFailed, count, openTerminal, printable } from '../terminal.ts'

interface ListedDocument {
  id: string
  collection: string
  source: string
  title: string
  passages: number
  warnings: string[]
}

export interface ListFilter {
  collection?: string
  /** The beginning of the source, such as `docs/`. */
  path?: string
  /** `key=value` of what the documents say of themselves. */
  where?: string
}

export async function listAll(config: Config, filter: ListFilter, json: boolean): Promise<void> {
  const terminal = openTerminal(json)
  const api = await connect(config)
  try {
    const documents = await everyPage(api, filter)
    if (json) return terminal.json({ documents })
    for (const document of documents) {
      terminal.line(`${document.id}  ${printable(document.collection)}/${printable(document.source)}`)
      const warnings = document.warnings.map((warning) => ` · ${printable(warning)}`).join('')
      terminal.line(
        terminal.dim(`  ${printable(document.title)} · ${count(document.passages, 'passage')}${warnings}`),
      )
    }
    const none =
      Object.keys(filter).length > 0 ? 'No such documents.' : 'No documents yet: ./mentor ingest PATH'
    terminal.line(documents.length === 0 ? none : count(documents.length, 'document'))
  } catch (error) {
    if (!(error instanceof CommandFailed) || filter.collection === undefined) throw error
    throw new CommandFailed(`${error.message}\n./mentor collections lists the collections.`, error.exitCode)
  } finally {
    await api.close()
  }
}

async function everyPage(api: Api, filter: ListFilter): Promise<ListedDocument[]> {
  const documents: ListedDocument[] = []
  const query = new URLSearchParams({ limit: '200', ...filter })
  for (;;) {
    const page = await readJson<{ documents: ListedDocument[]; next: string | null }>(
      await api.request(`/api/documents?${query}`),
    )
    documents.push(...page.documents)
    if (page.next === null) return documents
    query.set('cursor', page.next)
  }
}

/** One after the other; an id that is none is told, and stops none of the others. @returns the exit code */
export async function deleteDocuments(config: Config, ids: readonly string[], json: boolean): Promise<0 | 1> {
  const terminal = openTerminal(json)
  const api = await connect(config)
  const deleted: string[] = []
  const refused: { id: string; reason: string }[] = []
  try {
    for (const id of new Set(ids)) {
      const response = await api.request(`/api/documents/${encodeURIComponent(id)}`, { method: 'DELETE' })
      if (response.ok) deleted.push(id)
      else {
        const reason = await readJson(response).then(() => '', messageOfRefusal)
        refused.push({ id, reason })
      }
    }
  } finally {
    await api.close()
  }
  if (json) terminal.json({ deleted, refused })
  for (const id of json ? [] : deleted) terminal.line(`Deleted ${printable(id)}.`)
  for (const { id, reason } of refused) process.stderr.write(`mentor: ${printable(id)}: ${reason}\n`)
  if (refused.length > 0) process.stderr.write('./mentor documents lists the ids.\n')
  return refused.length > 0 ? 1 : 0
}

function messageOfRefusal(error: unknown): string {
  if (error instanceof CommandFailed) return error.message
  throw error
}
