/**
 * The proof that a file is the one that was recorded. A file is hashed when its device, inode, size, modification or
 * change time are not those it had when it was last found right (`models.verified.json` beside the lock file): hashing
 * a gigabyte at every start would cost a second for nothing. The change time is among them because `touch` can set the
 * modification time back, but not that one. What a disk does to a file behind the file system's back is only found by
 * `models verify`, which hashes always.
 */
import { createHash, type Hash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Static, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { ModelCorrupt } from '../bundled.ts'
import { findRegistered } from '../registry.ts'
import type { InstalledFile, InstalledModel } from './installed.ts'

/** Path → the file's state when it had this SHA-256. */
const Verified = Type.Record(Type.String(), Type.Object({ state: Type.String(), sha256: Type.String() }))

const verifiedPath = (folder: string) => join(folder, 'models.verified.json')

/**
 * To be called before a model is loaded: a look at each of its files when nothing changed, about a second a gigabyte
 * when something did.
 * @throws ModelCorrupt naming the file, and what to do
 */
export async function verifyFile(model: InstalledModel): Promise<void> {
  await verify(model, await readVerified(model.folder))
}

/** The same, with every byte read. @throws ModelCorrupt */
export async function verifyAgain(model: InstalledModel, signal?: AbortSignal): Promise<void> {
  await verify(model, {}, signal)
}

async function verify(
  model: InstalledModel,
  verified: Static<typeof Verified>,
  signal?: AbortSignal,
): Promise<void> {
  const found: Static<typeof Verified> = {}
  for (const file of model.files) {
    const state = await stateOf(model, file)
    const known = verified[file.path]
    if (known?.state === state && known.sha256 === file.sha256) continue
    const sha256 = await hashFile(file.path, createHash('sha256'), signal)
    if (sha256 !== file.sha256) {
      await forget(model.folder, file.path)
      throw new ModelCorrupt(
        `${file.path} is not the file that was recorded: its SHA-256 is ${sha256}, expected ${file.sha256}. ${again(model)}`,
      )
    }
    found[file.path] = { state, sha256 }
  }
  if (Object.keys(found).length > 0) await remember(model.folder, found)
}

async function stateOf(model: InstalledModel, file: InstalledFile): Promise<string> {
  let found: Awaited<ReturnType<typeof fileState>>
  try {
    found = await fileState(file.path)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new ModelCorrupt(`${file.path} cannot be read (${reason}). ${again(model)}`, { cause })
  }
  if (found.bytes === file.bytes) return found.state
  throw new ModelCorrupt(
    `${file.path} is not the file that was recorded: it has ${found.bytes} bytes, expected ${file.bytes}. ${again(model)}`,
  )
}

async function fileState(path: string): Promise<{ bytes: number; state: string }> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true })
  return { bytes: Number(size), state: [dev, ino, size, mtimeNs, ctimeNs].join(' ') }
}

function again(model: InstalledModel): string {
  const get =
    findRegistered(model.name) !== null
      ? `pull ${model.name}`
      : /^(hf|https?):/.test(model.source)
        ? `pull ${model.source} --name ${model.name}`
        : 'add FILE'
  return `Get it again with: ./mentor models remove ${model.name}, then ./mentor models ${get}`
}

/** @returns hex */
export async function hashFile(path: string, hash: Hash, signal?: AbortSignal): Promise<string> {
  for await (const bytes of createReadStream(path, { highWaterMark: 2 ** 20, ...(signal ? { signal } : {}) }))
    hash.update(bytes)
  return hash.digest('hex')
}

/** Records files whose SHA-256 was just computed, so that the next load need not. */
export async function rememberHashed(folder: string, files: InstalledFile[]): Promise<void> {
  const found: Static<typeof Verified> = {}
  for (const { path, sha256 } of files) found[path] = { state: (await fileState(path)).state, sha256 }
  await remember(folder, found)
}

async function readVerified(folder: string): Promise<Static<typeof Verified>> {
  try {
    const found: unknown = JSON.parse(await readFile(verifiedPath(folder), 'utf8'))
    return Value.Check(Verified, found) ? found : {}
  } catch {
    return {} // missing or broken: every file is hashed, and it is written anew
  }
}

/** Two processes at once may lose each other's entry: then a file is hashed once more. */
async function remember(folder: string, found: Static<typeof Verified>): Promise<void> {
  const entries = Object.entries({ ...(await readVerified(folder)), ...found })
  const path = verifiedPath(folder)
  const fresh = `${path}.${randomUUID()}`
  try {
    await writeFile(fresh, `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`, { mode: 0o600 })
    await rename(fresh, path)
  } catch {
    // A read-only folder: hashed at every start, and right all the same. Removing throws there, too.
    await rm(fresh, { force: true }).catch(() => undefined)
  }
}

/** So that a file that was once right, and is now wrong, is never believed. */
export async function forget(folder: string, ...paths: string[]): Promise<void> {
  const verified = await readVerified(folder)
  const left = Object.fromEntries(Object.entries(verified).filter(([path]) => !paths.includes(path)))
  if (Object.keys(left).length === Object.keys(verified).length) return
  // In a read-only folder the note stays, and is not believed: the file's times differ from it, or it is hashed wrong.
  await writeFile(verifiedPath(folder), `${JSON.stringify(left, null, 2)}\n`, { mode: 0o600 }).catch(
    () => undefined,
  )
}
