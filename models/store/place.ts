/** Where models lie in the store, and what has to hold before one is put there. */
import { stat, statfs } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { type InstalledModel, installedModels } from './installed.ts'
import type { Store } from './lock-file.ts'
import { PullFailed } from './request.ts'
import { rememberHashed } from './verify.ts'

/** Kept free, for everything else that writes there. */
const spareBytes = 256 * 2 ** 20

/** @throws PullFailed with both numbers when a folder's disk has not that much room, and some to spare */
export async function checkFree(folder: string, bytes: number, name: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  const free = bavail * bsize
  if (free >= bytes + spareBytes) return
  throw new PullFailed(
    `${name} needs ${gigabytes(bytes)} more and ${gigabytes(spareBytes)} to spare, but ${gigabytes(free)} are free ` +
      `in ${folder}: make room, or name another folder in MENTOR_MODELS.`,
  )
}

const gigabytes = (bytes: number) => `${(bytes / 1e9).toLocaleString('en', { maximumFractionDigits: 1 })} GB`

/** Where a model's file lies, relative to the models folder. */
export function storePath(name: string, kind: InstalledModel['kind'], path: string): string {
  if (kind === 'embedding') return posix.join(name, path)
  return kind === 'adapter' ? `adapters/${name}.gguf` : `${name}.gguf`
}

/** A file that a person put there is never overwritten. @throws PullFailed */
export async function refuseInTheWay(store: Store, name: string, file: string): Promise<void> {
  const path = join(store.folder, file)
  const there = await stat(path).catch(() => null)
  const models = await installedModels(store.folder)
  if (
    there === null ||
    models.some((model) => model.name === name && model.files.some((one) => one.path === path))
  )
    return
  throw new PullFailed(
    `${path} is in the way and not recorded: add it (./mentor models add ${path}), or move it away.`,
  )
}

/** Reads back what was recorded, and notes that it was just hashed. */
export async function finished(store: Store, name: string): Promise<InstalledModel> {
  const model = (await installedModels(store.folder)).find((one) => one.name === name)
  if (model === undefined) throw new Error(`${name} vanished from the lock file`)
  await rememberHashed(store.folder, model.files)
  return model
}
