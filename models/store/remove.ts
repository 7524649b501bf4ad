/** `mentor models remove`. */
import { readdir, rm, rmdir } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { allMiniLM } from '../bundled.ts'
import { type InstalledModel, installedModels, NoSuchModel } from './installed.ts'
import { modelName, partialFolder, type Store, takeNameLock, updateLockFile } from './lock-file.ts'
import { forget } from './verify.ts'

/**
 * Removes a model's files and its record, and what an unfinished pull of it left. A process that has it loaded keeps
 * it until it ends.
 * @returns null when only an unfinished download of that name was there
 * @throws NoSuchModel, LockFileUnusable
 */
export async function removeModel(store: Store, name: string): Promise<InstalledModel | null> {
  if (name.toLowerCase() === allMiniLM.name.toLowerCase())
    throw new NoSuchModel(`${allMiniLM.name} comes with Mentor and is needed: it cannot be removed.`)
  const models = await installedModels(store.folder)
  const lock = modelName.test(name) ? await takeNameLock(store, name) : { release: () => {} }
  if (lock === null) throw new NoSuchModel(`Another process is pulling or adding ${name}: end it first.`)
  try {
    return await removeLocked(store, name, models)
  } finally {
    lock.release()
  }
}

async function removeLocked(
  store: Store,
  name: string,
  models: InstalledModel[],
): Promise<InstalledModel | null> {
  const model = models.find((one) => one.name.toLowerCase() === name.toLowerCase()) ?? null
  const unfinished = await removeUnfinished(store, model?.name ?? name)
  if (model === null) {
    if (unfinished) return null
    const list = models.map((one) => one.name).join(', ') || 'none'
    throw new NoSuchModel(`${name} is not installed in ${store.folder}. Installed: ${list}.`)
  }
  // The record first: a file without a record is never loaded, a record without its file is a complaint.
  await updateLockFile(store, (locked) => locked.filter((one) => one.name !== model.name))
  await forget(store.folder, ...model.files.map(({ path }) => path))
  for (const { path } of model.files) {
    await rm(path, { force: true })
    await removeEmptyFolders(store.folder, dirname(path))
  }
  return model
}

async function removeUnfinished(store: Store, name: string): Promise<boolean> {
  const partial = partialFolder(store.folder)
  // Compared with what is there, so that no name can lead out of the folder.
  const entries = await readdir(partial).then(
    (names) => names.filter((entry) => entry === name),
    () => [],
  )
  for (const entry of entries) await rm(join(partial, entry), { recursive: true, force: true })
  return entries.length > 0
}

async function removeEmptyFolders(root: string, folder: string): Promise<void> {
  for (let at = folder; relative(root, at) !== '' && !relative(root, at).startsWith('..'); at = dirname(at)) {
    try {
      await rmdir(at)
    } catch {
      return // it holds something
    }
  }
}
