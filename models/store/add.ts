/** `mentor models add`: a GGUF file that is on this machine already. */
import { createHash } from 'node:crypto'
import { constants, copyFile, lstat, mkdir, readlink, realpath, rename, rm, rmdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { inspectGguf } from './inspect.ts'
import { type InstalledModel, installedModels } from './installed.ts'
import { isMissing, partialFolder, type Store, takeNameLock, updateLockFile } from './lock-file.ts'
import { checkFree, finished, refuseInTheWay, storePath } from './place.ts'
import type { Pulled } from './pull.ts'
import { checkedName, nameOf } from './source.ts'
import { hashFile } from './verify.ts'

/** The file cannot be added; the message says why and what to do. */
export class AddRefused extends Error {
  override readonly name = 'AddRefused'
}

/**
 * Takes a GGUF file into the store and records its SHA-256: a language model, or a LoRA adapter (below `adapters/`).
 * It is copied, as a clone where the file system can do that without room.
 * @param path a file, or one symbolic link to a file
 * @throws AddRefused, GgufUnusable, PullFailed (name, disk), LockFileUnusable
 */
export async function addFile(
  store: Store,
  path: string,
  options: { name?: string; signal: AbortSignal },
): Promise<Pulled> {
  const source = await regularFile(path)
  const name = checkedName(options.name ?? nameOf(path))
  inspectGguf(source) // refused before gigabytes are copied
  const lock = await takeNameLock(store, name)
  if (lock === null) throw new AddRefused(`Another process is pulling or adding ${name}: wait for it.`)
  try {
    const before = await sameName(store, name)
    if (before !== null) return await already(before, source, options.signal)
    return { model: await take(store, source, name, options.signal), already: false }
  } finally {
    lock.release()
  }
}

/** A FIFO would hang, a device never end; a chain of links may lead anywhere. */
async function regularFile(path: string): Promise<string> {
  const full = resolve(path)
  try {
    const found = await lstat(full)
    if (found.isFile()) return full
    if (found.isSymbolicLink()) {
      const target = resolve(dirname(full), await readlink(full))
      if ((await lstat(target)).isFile()) return target
      throw new AddRefused(`${path} is a link to ${target}, which is no file: name the file itself.`)
    }
  } catch (error) {
    if (error instanceof AddRefused) throw error
    const reason = isMissing(error)
      ? 'does not exist'
      : `cannot be read (${error instanceof Error ? error.message : error})`
    throw new AddRefused(`${path} ${reason}: name a GGUF file.`)
  }
  throw new AddRefused(`${path} is no file: name a GGUF file.`)
}

async function sameName(store: Store, name: string): Promise<InstalledModel | null> {
  const models = await installedModels(store.folder)
  return (
    models.find((model) => model.name.toLowerCase() === name.toLowerCase() && model.problem === null) ?? null
  )
}

async function already(model: InstalledModel, source: string, signal: AbortSignal): Promise<Pulled> {
  if ((await hashFile(source, createHash('sha256'), signal)) === model.sha256) return { model, already: true }
  throw new AddRefused(
    `${model.name} is installed already, and is another file. Give another name with --name, or remove it first: ./mentor models remove ${model.name}`,
  )
}

async function take(
  store: Store,
  source: string,
  name: string,
  signal: AbortSignal,
): Promise<InstalledModel> {
  const folder = join(partialFolder(store.folder), name)
  const fresh = join(folder, 'adding.gguf')
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await rm(fresh, { force: true })
    await copy(store, source, fresh, name)
    // What is recorded is what lies in the store now, whatever happened to the source meanwhile.
    const { kind, ...facts } = inspectGguf(fresh)
    const sha256 = await hashFile(fresh, createHash('sha256'), signal)
    const { size } = await lstat(fresh)
    const file = storePath(name, kind, '')
    const target = join(store.folder, file)
    const inPlace = (await realpath(source)) === (await realpath(target).catch(() => null))
    if (!inPlace) await refuseInTheWay(store, name, file)
    await updateLockFile(store, (models) => [
      ...models.filter((model) => model.name !== name),
      { name, kind, files: [{ file, bytes: size, sha256 }], source, at: new Date().toISOString(), ...facts },
    ])
    await mkdir(dirname(target), { recursive: true, mode: 0o700 })
    if (!inPlace) await rename(fresh, target)
  } finally {
    await rm(fresh, { force: true })
    await rmdir(folder).catch(() => {}) // an unfinished pull of that name stays
  }
  return finished(store, name)
}

/** A clone where the file system can, which takes no room; a hard link would change with the original. */
async function copy(store: Store, source: string, target: string, name: string): Promise<void> {
  await checkFree(store.folder, (await lstat(source)).size, name)
  await copyFile(source, target, constants.COPYFILE_FICLONE)
}
