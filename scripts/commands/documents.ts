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

export async function listAll(config: Config, collection: string | undefined, json: boolean): Promise<void> {
  const terminal = openTerminal(json)
  const api = await connect(config)
  try {
    const documents = await everyPage(api, collection)
    if (json) return terminal.json({ documents })
    for (const document of documents) {
      terminal.line(`${document.id}  ${printable(document.collection)}/${printable(document.source)}`)
      const warnings = document.warnings.map((warning) => ` · ${printable(warning)}`).join('')
      terminal.line(
        terminal.dim(`  ${printable(document.title)} · ${count(document.passages, 'passage')}${warnings}`),
      )
    }
    terminal.line(
      documents.length === 0 ? 'No documents yet: ./mentor ingest PATH' : count(documents.length, 'document'),
    )
  } finally {
    await api.close()
  }
}

async function everyPage(api: Api, collection: string | undefined): Promise<ListedDocument[]> {
  const documents: ListedDocument[] = []
  const query = new URLSearchParams({ limit: '200', ...(collection === undefined ? {} : { collection }) })
  for (;;) {
    const page = await readJson<{ documents: ListedDocument[]; next: string | null }>(
      await api.request(`/api/documents?${query}`),
    )
    documents.push(...page.documents)
    if (page.next === null) return documents
    query.set('cursor', page.next)
  }
}

export async function deleteOne(config: Config, id: string, json: boolean): Promise<void> {
  const terminal = openTerminal(json)
  const api = await connect(config)
  try {
    const response = await api.request(`/api/documents/${encodeURIComponent(id)}`, { method: 'DELETE' })
    if (!response.ok) await readJson(response) // throws the refusal
    if (json) terminal.json({ deleted: id })
    else terminal.line(`Deleted ${printable(id)}.`)
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error
    throw new CommandFailed(`${error.message}\n./mentor documents lists the ids.`)
  } finally {
    await api.close()
  }
}
