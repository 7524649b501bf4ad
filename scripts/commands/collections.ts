/** `mentor collections`: what there is, and taking one out with all its documents. */
import { connect, readJson } from '../api.ts'
import type { Config } from '../config.ts'
import { CommandFailed, count, openTerminal, printable } from '../terminal.ts'

interface ListedCollection {
  name: string
  documents: number
  passages: number
}

export async function listCollections(config: Config, json: boolean): Promise<void> {
  const terminal = openTerminal(json)
  const api = await connect(config)
  try {
    const { collections } = await readJson<{ collections: ListedCollection[] }>(
      await api.request('/api/collections'),
    )
    if (json) return terminal.json({ collections })
    const width = Math.max(0, ...collections.map(({ name }) => name.length))
    for (const { name, documents, passages } of collections)
      terminal.line(`${name.padEnd(width)}  ${count(documents, 'document')}, ${count(passages, 'passage')}`)
    if (collections.length === 0)
      terminal.line('No collections yet: ./mentor ingest PATH --collection NAME makes one')
  } finally {
    await api.close()
  }
}

export async function deleteCollection(config: Config, name: string, json: boolean): Promise<void> {
  const terminal = openTerminal(json)
  const api = await connect(config)
  try {
    const response = await api.request(`/api/collections/${encodeURIComponent(name)}`, { method: 'DELETE' })
    if (!response.ok) await readJson(response) // throws the refusal
    if (json) terminal.json({ deleted: name })
    else terminal.line(`Deleted ${printable(name)} with all its documents.`)
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error
    throw new CommandFailed(`${error.message}\n./mentor collections lists them.`, error.exitCode)
  } finally {
    await api.close()
  }
}
