/** LoRA adapters of the `adapters/` folder: which there are, which are loaded, and the weight of each. */
import { readdirSync, type Stats, statSync } from 'node:fs'
import { join } from 'node:path'
import { readGguf } from '../../models/gguf.ts'
import { type AdapterInfo, type AdapterUse, EngineError } from '../types.ts'

export interface Adapter {
  name: string
  file: string
  /** Another one each time it is loaded anew: what was evaluated under the old file is no prefix of the new one. */
  revision: number
}

export interface Adapters {
  list(): AdapterInfo[]
  /** Those that every worker shall have. */
  wanted(): Adapter[]
  isWanted(name: string): boolean
  /** @throws EngineError `unknown_adapter`; `bad_request` when the file is no adapter or for another architecture */
  find(name: string): { name: string; file: string }
  /** Every worker shall have it from now on. */
  want(adapter: { name: string; file: string }): Adapter
  /** It could not be loaded; null: it could. */
  problem(adapter: { name: string; file: string }, reason: string | null): void
  setScale(name: string, scale: number): void
  /**
   * What a request is evaluated with: the adapters that it names; when it names none, those with a usual weight other
   * than 0, as llama-server does. A weight of 0 leaves one out. By name, so equal sets are equal.
   */
  used(named: AdapterUse[]): AdapterUse[]
  /** Two requests whose keys differ share no prefix. */
  key(used: AdapterUse[]): string
}

interface Known {
  /** Size and time of the file that was looked at. */
  state: string
  problem: string | null
}

const suffix = '.gguf'
/** The folder is read for each list: a link farm must not stop the service. */
const mostFiles = 1_000

/** @param architecture of the model, null until it is known */
export function openAdapters(folder: string, architecture: () => string | null): Adapters {
  const loaded = new Map<string, Adapter>()
  const scales = new Map<string, number>()
  const looked = new Map<string, Known>()
  let revision = 0

  function files(): { name: string; file: string }[] {
    let names: string[]
    try {
      names = readdirSync(folder)
    } catch {
      return [] // no folder: no adapters
    }
    return names
      .filter((name) => name.toLowerCase().endsWith(suffix) && !name.startsWith('.'))
      .toSorted()
      .slice(0, mostFiles)
      .map((name) => ({ name: name.slice(0, -suffix.length), file: join(folder, name) }))
      .filter(({ file }) => isFile(file))
  }

  /** Why the file cannot be used, looked at again only when it has changed. */
  function problemOf(file: string): string | null {
    const state = stateOf(file, architecture())
    const known = looked.get(file)
    if (known?.state === state) return known.problem
    const problem = headerProblem(file, architecture())
    looked.set(file, { state, problem })
    return problem
  }

  function info({ name, file }: { name: string; file: string }): AdapterInfo {
    return { name, file, loaded: loaded.has(name), scale: scales.get(name) ?? 0, problem: problemOf(file) }
  }

  return {
    list: () => files().map(info),
    wanted: () => [...loaded.values()],
    isWanted: (name) => loaded.has(name),
    find(name) {
      const all = files()
      const found = all.find((adapter) => adapter.name === name)
      if (found === undefined) throw new EngineError('unknown_adapter', unknown(all))
      const problem = problemOf(found.file)
      if (problem !== null)
        throw new EngineError('bad_request', `The adapter ${found.name} cannot be used: ${problem}.`)
      return found
    },
    want({ name, file }) {
      const adapter = { name, file, revision: ++revision }
      loaded.set(name, adapter)
      return adapter
    },
    problem({ name, file }, reason) {
      if (reason !== null) loaded.delete(name)
      looked.set(file, { state: stateOf(file, architecture()), problem: reason })
    },
    setScale: (name, scale) => void scales.set(name, scale),
    used(named) {
      const weights = named.length === 0 ? scales : new Map(named.map(({ name, scale }) => [name, scale]))
      return [...weights]
        .map(([name, scale]) => ({ name, scale }))
        .filter(({ scale }) => scale !== 0)
        .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    },
    key: (used) =>
      JSON.stringify(used.map(({ name, scale }) => [name, loaded.get(name)?.revision ?? 0, scale])),
  }
}

/** The name that was asked for is not repeated, and where the folder lies is nothing for clients. */
function unknown(all: { name: string }[]): string {
  const names = all.slice(0, 20).map(({ name }) => name)
  if (names.length === 0)
    return 'There are no adapters here: ./mentor models add FILE puts GGUF files of LoRA adapters into the models folder.'
  return `There is no adapter of that name. There are: ${names.join(', ')}.`
}

/** What the header tells before a worker has to try; the worker finds the rest (shapes of its tensors). */
function headerProblem(file: string, architecture: string | null): string | null {
  try {
    const header = readGguf(file)
    if (header.type !== 'adapter') return `it is a GGUF file of type ${header.type}, not an adapter`
    if (architecture !== null && header.architecture !== architecture) {
      const base = header.baseModel === null ? '' : ` (${header.baseModel})`
      return `it was made for another base model: ${header.architecture}${base}, this one is ${architecture}`
    }
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function isFile(file: string): boolean {
  return lookAt(file)?.isFile() ?? false
}

/** Null also for what cannot be looked at: a link to itself, or into a folder of somebody else's. */
function lookAt(file: string): Stats | null {
  try {
    return statSync(file)
  } catch {
    return null
  }
}

/** The same as long as nothing has changed that a look at the file depends on. */
function stateOf(file: string, architecture: string | null): string {
  const found = lookAt(file)
  return found === null ? '' : [found.ino, found.size, found.mtimeMs, architecture].join(' ')
}
