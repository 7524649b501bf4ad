/** The backend of a data directory: where it listens, while it runs. */
import { createHash } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from './config.ts'
import { CommandFailed, printable } from './terminal.ts'

export interface RunningBackend {
  pid: number
  url: string
  /** Which database it uses, as `databaseMark` tells them apart. */
  database: string
}

/** Tells databases apart without writing a password down: `embedded`, or a hash of the server's address. */
export function databaseMark(databaseUrl: string | null): string {
  return databaseUrl === null ? 'embedded' : createHash('sha256').update(databaseUrl).digest('hex')
}

export const backendLock = (dataDir: string) => join(dataDir, 'backend.lock')
const backendFile = (dataDir: string) => join(dataDir, 'backend.json')

export async function announceBackend(dataDir: string, backend: RunningBackend): Promise<void> {
  // The API has no password on loopback, but other users of the machine need not be told its port.
  await writeFile(backendFile(dataDir), JSON.stringify(backend), { mode: 0o600 })
}

export async function withdrawBackend(dataDir: string): Promise<void> {
  await rm(backendFile(dataDir), { force: true })
}

/** @throws CommandFailed when that backend answers from another database than this command's settings name */
export function sameDatabase(backend: RunningBackend, config: Pick<Config, 'data' | 'databaseUrl'>): void {
  if (backend.database === databaseMark(config.databaseUrl)) return
  throw new CommandFailed(
    `The backend that runs on ${printable(config.data)} (${backend.url}) uses another database than DATABASE_URL says. ` +
      'Give this command the same DATABASE_URL, or --data DIR for another backend.',
    2,
  )
}

/** What the file says, without asking whether it is still so. */
export async function announcedBackend(dataDir: string): Promise<RunningBackend | null> {
  const text = await readFile(backendFile(dataDir), 'utf8').catch(() => null)
  if (text === null) return null
  try {
    const { pid, url, database } = JSON.parse(text)
    const whole = typeof pid === 'number' && typeof url === 'string' && typeof database === 'string'
    return whole ? { pid, url, database } : null
  } catch {
    return null // cut off while it was written
  }
}

/** The backend of this data directory, when it answers within a second. */
export async function findBackend(dataDir: string): Promise<RunningBackend | null> {
  const backend = await announcedBackend(dataDir)
  if (backend === null) return null
  const answered = await fetch(`${backend.url}/health`, { signal: AbortSignal.timeout(1000) }).then(
    (response) => response.body?.cancel().then(() => true) ?? true,
    () => false,
  )
  return answered ? backend : null
}

/** The model service that a backend started, where it listens and with which model. */
export interface RunningModelService {
  pid: number
  url: string
  model: string
}

const modelServiceFile = (dataDir: string) => join(dataDir, 'llm-service.json')

export async function announceModelService(dataDir: string, service: RunningModelService): Promise<void> {
  await writeFile(modelServiceFile(dataDir), JSON.stringify(service), { mode: 0o600 })
}

export async function withdrawModelService(dataDir: string): Promise<void> {
  await rm(modelServiceFile(dataDir), { force: true })
}

/** What the file says, while that process lives: one that was killed cannot withdraw it. */
export async function announcedModelService(dataDir: string): Promise<RunningModelService | null> {
  const text = await readFile(modelServiceFile(dataDir), 'utf8').catch(() => null)
  if (text === null) return null
  try {
    const { pid, url, model } = JSON.parse(text)
    const whole = typeof pid === 'number' && typeof url === 'string' && typeof model === 'string'
    return whole && isAlive(pid) ? { pid, url, model } : null
  } catch {
    return null
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
