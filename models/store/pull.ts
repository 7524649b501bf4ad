/** `mentor models pull`: from a name to an installed model whose SHA-256 is recorded. */
import { createHash } from 'node:crypto'
import { mkdir, rename, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { allMiniLM } from '../bundled.ts'
import { GgufUnusable } from '../gguf.ts'
import {
  bytesOnDisk,
  discard,
  discardState,
  download,
  partOf,
  probe,
  type Remote,
  type Tuning,
  usualTuning,
} from './download.ts'
import { type GgufFacts, inspectGguf } from './inspect.ts'
import { type InstalledModel, installedModels } from './installed.ts'
import { type LockedFile, partialFolder, type Store, takeNameLock, updateLockFile } from './lock-file.ts'
import { checkFree, finished, refuseInTheWay, storePath } from './place.ts'
import { type Access, PullFailed, shown } from './request.ts'
import { hubUrl, type Plan, type PlannedFile, planPull, sourceName } from './source.ts'
import { treeSha256 } from './tree.ts'
import { hashFile } from './verify.ts'

export interface PullOptions {
  /** Of the hub; the token goes to this origin alone. */
  endpoint: string
  token: string | null
  /** Downloads are forbidden. */
  offline: boolean
  signal: AbortSignal
  /** To install it under. */
  name?: string
  /** That the file must have, hex. */
  sha256?: string
  /** Bytes that are there of all. */
  progress?: (done: number, total: number) => void
  /** What happens, in a sentence, for a person. */
  say?: (line: string) => void
  tuning?: Partial<Tuning & { stallMs: number }>
}

export interface Pulled {
  model: InstalledModel
  /** It was there before; nothing was asked of the network. */
  already: boolean
}

/**
 * Downloads a model into the store and records it. Interrupted, it goes on where it was when it is called again.
 * @param wanted see `planPull`
 * @throws PullFailed, GgufUnusable, LockFileUnusable; the signal's reason
 */
export async function pull(store: Store, wanted: string, options: PullOptions): Promise<Pulled> {
  if (wanted.toLowerCase().split('/').pop() === allMiniLM.name.toLowerCase())
    throw new PullFailed(`${allMiniLM.name} comes with Mentor: there is nothing to pull.`)
  const plan = planPull(wanted, options)
  const before = await recorded(store, plan)
  if (before !== null && before.problem === null) return { model: before, already: true }
  if (options.offline) throw new PullFailed(offline(plan, options))

  const lock = await takeNameLock(store, plan.name)
  if (lock === null)
    throw new PullFailed(
      `Another process is pulling or adding ${plan.name}: wait for it, then see ./mentor models list.`,
    )
  try {
    const now = await recorded(store, plan) // whoever held the lock until now may have installed it
    if (now !== null && now.problem === null) return { model: now, already: true }
    return { model: await fetchAll(store, plan, now, options), already: false }
  } finally {
    lock.release()
  }
}

/** Names that differ in case alone would be one file on some file systems. */
async function recorded(store: Store, plan: Plan): Promise<InstalledModel | null> {
  const models = await installedModels(store.folder)
  const found = models.find(({ name }) => name.toLowerCase() === plan.name.toLowerCase())
  if (found === undefined) return null
  const from = (source: string) => source.replace(/@[^/]*/, '')
  if (found.name === plan.name && from(found.source) === from(sourceName(plan, null))) return found
  throw new PullFailed(
    `${found.name} is installed already, from ${found.source}. Give another name with --name, or remove it first: ./mentor models remove ${found.name}`,
  )
}

function offline(plan: Plan, { endpoint }: PullOptions): string {
  const urls = plan.files.map(({ from }) =>
    shown(from instanceof URL ? from : hubUrl(new URL(endpoint), from)),
  )
  const then =
    plan.kind === 'gguf'
      ? `or get ${urls[0]} on another machine, bring the file here and do ./mentor models add FILE.`
      : `or pull it on another machine and copy its models folder here. Its files: ${urls.join(', ')}`
  return `${plan.name} is not installed, and downloads are forbidden (--offline, MENTOR_OFFLINE). Allow them, ${then}`
}

interface Download {
  planned: PlannedFile
  remote: Remote
  /** null: nobody but the server itself vouches for the file. */
  sha256: string | null
  /** Of the finished file, without `.part`. */
  path: string
}

async function fetchAll(
  store: Store,
  plan: Plan,
  pinned: InstalledModel | null,
  options: PullOptions,
): Promise<InstalledModel> {
  const { stallMs = 30_000, ...tuned } = options.tuning ?? {}
  const tuning = { ...usualTuning, ...tuned }
  const access: Access = {
    endpoint: new URL(options.endpoint),
    token: options.token,
    signal: options.signal,
    stallMs,
  }
  const downloads = await prepare(store, plan, pinned, options, access, tuning)
  await checkDisk(store.folder, plan, downloads)

  const total = downloads.reduce((sum, { remote }) => sum + remote.bytes, 0)
  let before = 0
  const files: { bytes: number; sha256: string }[] = []
  for (const one of downloads) {
    const { remote, path } = one
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const done = before
    await download(remote, path, access, tuning, (bytes) => options.progress?.(done + bytes, total))
    before += remote.bytes
    files.push({ bytes: remote.bytes, sha256: await checkHash(one, options) })
  }
  const facts = plan.kind === 'gguf' ? await checkGguf(downloads, plan) : null
  return install(store, plan, downloads, files, facts)
}

/** Asks after every file before the first byte is downloaded: a missing one is better told at once. */
async function prepare(
  store: Store,
  plan: Plan,
  pinned: InstalledModel | null,
  options: PullOptions,
  access: Access,
  tuning: Tuning,
): Promise<Download[]> {
  const downloads: Download[] = []
  // A pinned file is asked for at its own commit: the branch may have moved on.
  let commit = /@([0-9a-f]{40})(\/|$)/.exec(pinned?.source ?? '')?.[1] ?? null
  for (const planned of plan.files) {
    const { from } = planned
    // All files of one model come from one commit, also when the branch moves on meanwhile.
    const at = from instanceof URL ? from : { ...from, revision: commit ?? from.revision }
    const remote = await probe(at instanceof URL ? at : hubUrl(access.endpoint, at), access, tuning)
    commit ??= remote.commit
    const url =
      from instanceof URL || commit === null
        ? remote.url
        : hubUrl(access.endpoint, { ...from, revision: commit })
    const ofHub =
      remote.sha256 ?? (at instanceof URL || remote.gitOid !== null ? null : await treeSha256(at, access))
    const known = pinned?.files[downloads.length]?.sha256 ?? options.sha256?.toLowerCase() ?? null
    if (known !== null && ofHub !== null && known !== ofHub)
      throw new PullFailed(differs(plan, url, known, ofHub, pinned))
    const sha256 = known ?? ofHub
    if (sha256 === null && remote.gitOid === null)
      options.say?.(
        `No SHA-256 is told for ${shown(url)}: the one that comes is recorded and holds from then on.`,
      )
    downloads.push({
      planned,
      remote: { ...remote, url, sha256 },
      sha256,
      path: join(partialFolder(store.folder), plan.name, planned.path || 'model.gguf'),
    })
  }
  return downloads
}

function differs(plan: Plan, url: URL, known: string, ofHub: string, pinned: InstalledModel | null): string {
  return pinned === null
    ? `${shown(url)} has the SHA-256 ${ofHub}, not ${known} as --sha256 says: it is another file.`
    : `${shown(url)} is not the file any more that was recorded: its SHA-256 is ${ofHub}, recorded is ${known}. ` +
        `If the newer one is wanted: ./mentor models remove ${plan.name}, then pull it again.`
}

async function checkDisk(folder: string, plan: Plan, downloads: Download[]): Promise<void> {
  let missing = 0
  for (const { remote, path } of downloads) missing += Math.max(0, remote.bytes - (await bytesOnDisk(path)))
  await checkFree(folder, missing, plan.name)
}

/** @returns the SHA-256. What has another one than it must have is thrown away. */
async function checkHash({ remote, sha256, path }: Download, { signal, say }: PullOptions): Promise<string> {
  if (remote.bytes > 1e8) say?.('Checking the SHA-256 …')
  const found = await hashFile(partOf(path), createHash('sha256'), signal)
  let expected = sha256
  let got = found
  if (sha256 === null && remote.gitOid !== null) {
    // Small files are no large-file storage: the hub's git names them by this hash.
    expected = remote.gitOid
    got = await hashFile(partOf(path), createHash('sha1').update(`blob ${remote.bytes}\0`), signal)
  }
  if (expected === null || got === expected) return found
  await discard(path)
  throw new PullFailed(
    `What came from ${shown(remote.url)} is not the file: its hash is ${got}, it must be ${expected}. It was thrown away; ` +
      'pull it again. When that happens twice, somebody between here and there changes it.',
  )
}

/** What is no model is of no use, however well it came. */
async function checkGguf(downloads: Download[], plan: Plan): Promise<GgufFacts> {
  const [one] = downloads
  if (one === undefined) throw new Error(`${plan.name} has no files`)
  try {
    return inspectGguf(partOf(one.path))
  } catch (error) {
    if (!(error instanceof GgufUnusable)) throw error
    await discard(one.path)
    throw new PullFailed(`What came from ${shown(one.remote.url)} was thrown away. ${error.message}`)
  }
}

/** Recorded first, then renamed: killed in between, the next pull finds the whole file and its SHA-256. */
async function install(
  store: Store,
  plan: Plan,
  downloads: Download[],
  hashed: { bytes: number; sha256: string }[],
  facts: GgufFacts | null,
): Promise<InstalledModel> {
  const kind = facts?.kind ?? 'embedding'
  const files: LockedFile[] = downloads.map(({ planned }, index) => {
    const of = hashed[index]
    if (of === undefined) throw new Error(`${planned.path} was not hashed`)
    return { file: storePath(plan.name, kind, planned.path), ...of }
  })
  for (const { file } of files) await refuseInTheWay(store, plan.name, file)
  await updateLockFile(store, (models) => [
    ...models.filter(({ name }) => name !== plan.name),
    {
      name: plan.name,
      kind,
      files,
      source: sourceName(plan, downloads[0]?.remote.commit ?? null),
      at: new Date().toISOString(),
      architecture: facts?.architecture ?? null,
      quantization: facts?.quantization ?? null,
      parameterCount: facts?.parameterCount ?? null,
      contextLength: facts?.contextLength ?? null,
      kvBytesPerToken: facts?.kvBytesPerToken ?? null,
      baseModel: facts?.baseModel ?? null,
      licence: plan.licence ?? facts?.licence ?? null,
    },
  ])
  for (const [index, { path }] of downloads.entries()) {
    const target = join(store.folder, files[index]?.file ?? '')
    await mkdir(dirname(target), { recursive: true, mode: 0o700 })
    await rename(partOf(path), target)
    await discardState(path)
  }
  await removeEmpty(downloads.map(({ path }) => dirname(path)))
  return finished(store, plan.name)
}

async function removeEmpty(folders: string[]): Promise<void> {
  // The deepest first; one that holds something stays.
  for (const folder of [...new Set(folders)].sort((a, b) => b.length - a.length))
    await rmdir(folder).catch(() => {})
}
