/** `mentor models`: the language models on this machine, and getting more. */
import { totalmem } from 'node:os'
import { holdLock } from '../../db/lock.ts'
import { allMiniLM } from '../../models/bundled.ts'
import { installedName, type RegisteredModel, registry } from '../../models/registry.ts'
import { addFile } from '../../models/store/add.ts'
import { chooseModel, memoryNeeded } from '../../models/store/choose.ts'
import {
  type InstalledModel,
  installedModels,
  NoSuchModel,
  unrecordedFiles,
} from '../../models/store/installed.ts'
import type { Store } from '../../models/store/lock-file.ts'
import { type Pulled, pull } from '../../models/store/pull.ts'
import { removeModel } from '../../models/store/remove.ts'
import { verifyAgain } from '../../models/store/verify.ts'
import { amount } from '../amount.ts'
import { type Config, modelsFolder } from '../config.ts'
import { followDownload } from '../download-progress.ts'
import { count, openTerminal, printable, type Terminal } from '../terminal.ts'

const storeOf = (config: Config): Store => ({ folder: modelsFolder(config), takeLock: holdLock })

export async function list(config: Config, json: boolean): Promise<void> {
  const terminal = openTerminal(json)
  const folder = modelsFolder(config)
  const installed = await installedModels(folder)
  const unrecorded = await unrecordedFiles(folder)
  const defaults = defaultsOf(installed)
  const available = registry.flatMap(offers).filter(({ name }) => installed.every((one) => one.name !== name))
  if (json) {
    terminal.json({
      folder,
      installed: installed.map((model) => ({ ...described(model), defaultFor: defaults(model.name) })),
      bundled: [{ name: allMiniLM.name, kind: 'embedding', licence: allMiniLM.licence }],
      available,
      unrecorded,
    })
    return
  }
  terminal.line(terminal.bold(`Installed in ${printable(folder)}`))
  for (const model of installed) show(terminal, described(model), defaults(model.name), model.problem)
  if (installed.length === 0) terminal.line('  no language model yet')
  terminal.line(`  ${allMiniLM.name}, the embedding model, comes with Mentor`)
  for (const file of unrecorded)
    terminal.line(`  ${printable(file)} is not recorded, so it is not loaded: ./mentor models add it`)
  terminal.line(terminal.bold('\nTo be had with ./mentor models pull NAME'))
  for (const offer of available) show(terminal, offer, [], null)
}

interface Described {
  name: string
  kind: string
  bytes: number
  /** With a context of 4,096 tokens; null: it needs no more than its file. */
  memoryBytes: number | null
  licence: string | null
  detail: string[]
}

/** A registered model in each of its quantizations. */
function offers(model: RegisteredModel): (Described & { languages: string })[] {
  const { kind, licence, languages, goodFor } = model
  if (model.kind === 'embedding') {
    const bytes = model.files.reduce((sum, file) => sum + file.bytes, 0)
    return [
      { name: model.name, kind, bytes, memoryBytes: null, licence, languages, detail: [languages, goodFor] },
    ]
  }
  return Object.entries(model.quantizations).map(([quantization, { bytes }], index) => ({
    name: installedName(model, quantization),
    kind,
    bytes,
    memoryBytes: memoryNeeded({ bytes, kvBytesPerToken: model.kvBytesPerToken }),
    licence,
    languages,
    detail: index === 0 ? [languages, goodFor] : [languages],
  }))
}

function described(model: InstalledModel): Described & { model: Omit<InstalledModel, 'folder'> } {
  const { folder, ...facts } = model
  const { name, kind, bytes, licence, architecture, contextLength, baseModel } = model
  return {
    name,
    kind,
    bytes,
    memoryBytes: kind === 'llm' ? memoryNeeded(model) : null,
    licence,
    detail: [
      architecture ?? '',
      contextLength === null ? '' : `context ${contextLength.toLocaleString('en')}`,
      kind === 'adapter' ? `adapter for ${baseModel ?? 'a model it does not name'}` : '',
    ].filter((part) => part !== ''),
    model: facts,
  }
}

/** By name, the rungs that take a model when none is named. */
function defaultsOf(installed: InstalledModel[]): (name: string) => string[] {
  const rungs = ['llm-service', 'local-model'] as const
  const chosen = rungs.map((prefer) => chooseModel(installed, { memoryBytes: totalmem(), prefer })?.name)
  return (name) => rungs.filter((_, index) => chosen[index] === name)
}

function show(terminal: Terminal, of: Described, defaultFor: string[], problem: string | null): void {
  const memory = of.memoryBytes === null ? [] : [`${amount(of.memoryBytes)} of memory`]
  const facts = [amount(of.bytes), ...memory, of.licence ?? 'licence unknown', ...of.detail]
  const mark = defaultFor.length === 0 ? '' : ` (default of the ${defaultFor.join(' and the ')})`
  terminal.line(`  ${printable(of.name)}${mark}`)
  terminal.line(terminal.dim(`    ${printable(facts.join(' · '))}`))
  if (problem !== null) terminal.line(`    cannot be loaded: ${printable(problem)}`)
}

export interface PullFlags {
  name?: string
  sha256?: string
}

export async function pullModel(
  config: Config,
  wanted: string,
  flags: PullFlags,
  json: boolean,
  signal: AbortSignal,
): Promise<void> {
  const terminal = openTerminal(json)
  const progress = followDownload()
  try {
    const pulled = await pull(storeOf(config), wanted, {
      endpoint: config.hubEndpoint,
      token: config.hubToken,
      offline: config.offline,
      signal,
      ...flags,
      progress: progress.show,
      say: (line) => {
        progress.end()
        terminal.line(printable(line))
      },
    })
    progress.end()
    installedNow(terminal, pulled, json)
  } catch (error) {
    progress.end()
    if (signal.aborted) terminal.line(`Stopped. What came is kept: ./mentor models pull ${wanted} goes on.`)
    throw error
  }
}

export async function addModel(
  config: Config,
  file: string,
  name: string | undefined,
  json: boolean,
  signal: AbortSignal,
): Promise<void> {
  const terminal = openTerminal(json)
  const added = await addFile(storeOf(config), file, { signal, ...(name === undefined ? {} : { name }) })
  installedNow(terminal, added, json)
}

function installedNow(terminal: Terminal, { model, already }: Pulled, json: boolean): void {
  const name = printable(model.name)
  if (json) terminal.json({ ...model, already })
  else if (already) terminal.line(`${name} is installed already; ./mentor models verify ${name} checks it.`)
  else terminal.line(`${name} is installed: ${amount(model.bytes)}, SHA-256 ${model.sha256}`)
}

export async function remove(config: Config, name: string, json: boolean): Promise<void> {
  const terminal = openTerminal(json)
  const removed = await removeModel(storeOf(config), name)
  if (json) return terminal.json({ removed: removed?.name ?? name, unfinished: removed === null })
  terminal.line(
    removed === null
      ? `The unfinished download of ${printable(name)} is removed.`
      : `${printable(removed.name)} is removed, ${amount(removed.bytes)} are free.`,
  )
}

/** Reads every byte of every model, or of one. @returns the exit code: 1 when one is not what was recorded */
export async function verify(
  config: Config,
  name: string | undefined,
  json: boolean,
  signal: AbortSignal,
): Promise<number> {
  const terminal = openTerminal(json)
  const folder = modelsFolder(config)
  const installed = await installedModels(folder)
  const models = installed.filter(
    (model) => name === undefined || model.name.toLowerCase() === name.toLowerCase(),
  )
  if (models.length === 0 && name !== undefined) {
    const names = installed.map((model) => model.name).join(', ') || 'none'
    throw new NoSuchModel(`${name} is not installed in ${folder}. Installed: ${names}.`)
  }
  const found: { name: string; ok: boolean; problem: string | null }[] = []
  for (const model of models) {
    const problem = await problemOf(model, signal)
    found.push({ name: model.name, ok: problem === null, problem })
    terminal.line(
      `${problem === null ? 'ok    ' : 'WRONG '} ${printable(model.name)}${problem === null ? '' : `: ${printable(problem)}`}`,
    )
  }
  if (json) terminal.json({ models: found })
  else if (models.length === 0) terminal.line('No models are installed.')
  else terminal.line(`${count(models.length, 'model')} checked`)
  return found.every(({ ok }) => ok) ? 0 : 1
}

async function problemOf(model: InstalledModel, signal: AbortSignal): Promise<string | null> {
  try {
    await verifyAgain(model, signal)
    return null
  } catch (error) {
    signal.throwIfAborted()
    return error instanceof Error ? error.message : String(error)
  }
}
