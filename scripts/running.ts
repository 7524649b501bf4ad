/** The backend of a data directory: where it listens, while it runs. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface RunningBackend {
  pid: number
  url: string
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

/** What the file says, without asking whether it is still so. */
export async function announcedBackend(dataDir: string): Promise<RunningBackend | null> {
  const text = await readFile(backendFile(dataDir), 'utf8').catch(() => null)
  if (text === null) return null
  try {
    const { pid, url } = JSON.parse(text)
    return typeof pid === 'number' && typeof url === 'string' ? { pid, url } : null
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
