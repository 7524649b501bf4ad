/**
 * `models.lock.json` in the models folder: what is installed, and the SHA-256 of each of its files. Only files that
 * stand in it are ever loaded. It is rewritten whole, under a lock, and renamed into place.
 */
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { type Static, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'

/** A models folder, and how its locks are taken (db/lock.ts's holdLock: null when somebody else holds it). */
export interface Store {
  folder: string
  takeLock(path: string): { release(): void } | null
}

/** What a model may be called: also the name of its file. */
export const modelName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/

const sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' })
const nullable = <T extends ReturnType<typeof Type.String> | ReturnType<typeof Type.Number>>(type: T) =>
  Type.Union([type, Type.Null()])

const LockedFile = Type.Object({
  /** Relative to the models folder, with `/`. */
  file: Type.String({ minLength: 1, maxLength: 400 }),
  bytes: Type.Integer({ minimum: 0 }),
  sha256,
})

const LockedModel = Type.Object({
  name: Type.String({ pattern: modelName.source }),
  kind: Type.Union([Type.Literal('llm'), Type.Literal('embedding'), Type.Literal('adapter')]),
  /** The weights first. */
  files: Type.Array(LockedFile, { minItems: 1, maxItems: 20 }),
  /** `hf:OWNER/REPO@COMMIT/PATH`, a URL, or the path of the file that was added. */
  source: Type.String(),
  /** ISO 8601, when it was pulled or added. */
  at: Type.String(),
  licence: nullable(Type.String()),
  architecture: nullable(Type.String()),
  quantization: nullable(Type.String()),
  parameterCount: nullable(Type.Number()),
  contextLength: nullable(Type.Number()),
  kvBytesPerToken: nullable(Type.Number()),
  baseModel: nullable(Type.String()),
})

const LockFile = Type.Object({ version: Type.Literal(1), models: Type.Array(LockedModel) })

export type LockedFile = Static<typeof LockedFile>
export type LockedModel = Static<typeof LockedModel>
export type ModelKind = LockedModel['kind']

/** The lock file cannot be used, or cannot be written; the message says what to do. */
export class LockFileUnusable extends Error {
  override readonly name = 'LockFileUnusable'
}

export const lockFilePath = (folder: string) => join(folder, 'models.lock.json')

/** Where downloads under way and their states lie, in a folder a model. */
export const partialFolder = (folder: string) => join(folder, '.partial')

/** Held while a model of that name is pulled, added or removed; null when another process does so. */
export async function takeNameLock(store: Store, name: string): Promise<{ release(): void } | null> {
  const locks = join(store.folder, '.locks')
  await mkdir(locks, { recursive: true, mode: 0o700 })
  return store.takeLock(join(locks, name))
}

/** What is recorded; nothing when there is no lock file. @throws LockFileUnusable */
export async function readLockFile(folder: string): Promise<LockedModel[]> {
  const path = lockFilePath(folder)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (isMissing(error)) return []
    throw new LockFileUnusable(`${path} cannot be read (${error instanceof Error ? error.message : error}).`)
  }
  const found = parsed(text)
  const problem = problemOf(found)
  if (problem === null && Value.Check(LockFile, found)) return found.models
  throw new LockFileUnusable(
    `${path} cannot be used: ${problem ?? 'it is no list of models'}. Move it away, then record the models again with ./mentor models add FILE.`,
  )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** A path that leaves the folder would make `remove` and the engine reach for files that are not models. */
function problemOf(found: unknown): string | null {
  if (!Value.Check(LockFile, found)) {
    const first = Value.Errors(LockFile, found).First()
    return first === undefined ? null : `${first.path || 'its content'}: ${first.message}`
  }
  for (const { file } of found.models.flatMap(({ files }) => files)) {
    const parts = file.split('/')
    if (isAbsolute(file) || file.includes('\\') || parts.some((part) => part === '' || part.startsWith('.')))
      return `${JSON.stringify(file)} is no path inside the models folder`
  }
  return null
}

/**
 * Rewrites the lock file; two processes at once do it one after the other. The folder is made where it is missing.
 * @param change the models as they are → as they shall be
 */
export async function updateLockFile(
  store: Store,
  change: (models: LockedModel[]) => LockedModel[],
): Promise<void> {
  const lock = await waitForLock(store)
  try {
    const models = change(await readLockFile(store.folder)).sort((a, b) => (a.name < b.name ? -1 : 1))
    const path = lockFilePath(store.folder)
    const file = await open(`${path}.new`, 'w', 0o600)
    try {
      await file.writeFile(`${JSON.stringify({ version: 1, models }, null, 2)}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(`${path}.new`, path)
  } finally {
    lock.release()
  }
}

/** Whoever holds it writes a few kilobytes: 10 s are plenty. */
async function waitForLock(store: Store): Promise<{ release(): void }> {
  const until = performance.now() + 10_000
  for (;;) {
    const lock = await takeNameLock(store, '.lock-file') // no model has a name that begins with a dot
    if (lock !== null) return lock
    if (performance.now() > until)
      throw new LockFileUnusable(
        `Another process has been writing ${lockFilePath(store.folder)} for 10 s: end it, then try again.`,
      )
    await Bun.sleep(50)
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
