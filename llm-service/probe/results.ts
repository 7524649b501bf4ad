/** What was found out about devices, kept in a file for the machine as it was then. */
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Device } from '../types.ts'
import type { Build } from './binaries.ts'
import type { ProbeKey } from './machine.ts'

export interface StoredResult {
  device: Device
  build: Build
  /** In words; null when it works. */
  problem: string | null
  deviceName: string | null
  memoryBytes: number | null
  ms: number
  /** False: worth another try next time. */
  lasting: boolean
}

/** None where the file is missing, damaged or of another machine: then devices are tried again. */
export async function readResults(file: string, key: ProbeKey): Promise<StoredResult[]> {
  let value: unknown
  try {
    value = JSON.parse(await readFile(file, 'utf8'))
  } catch {
    return []
  }
  if (typeof value !== 'object' || value === null || !('key' in value) || !('results' in value)) return []
  if (!Bun.deepEquals(value.key, JSON.parse(JSON.stringify(key)))) return []
  return Array.isArray(value.results) ? value.results.filter(isResult) : []
}

/** Moved into place when it is whole. A folder that cannot be written to costs the next start another probe. */
export async function writeResults(file: string, key: ProbeKey, results: StoredResult[]): Promise<void> {
  const unfinished = `${file}.${process.pid}.tmp`
  try {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(unfinished, `${JSON.stringify({ key, results }, null, 2)}\n`)
    await chmod(unfinished, 0o600)
    await rename(unfinished, file)
  } catch {
    await rm(unfinished, { force: true }).catch(() => {})
  }
}

function isResult(value: unknown): value is StoredResult {
  if (typeof value !== 'object' || value === null) return false
  const { device, build, problem, deviceName, memoryBytes, ms, lasting } = value as Record<string, unknown>
  return (
    (device === 'cpu' || device === 'cuda' || device === 'vulkan' || device === 'metal') &&
    (build === 'source' || build === 'package') &&
    (problem === null || typeof problem === 'string') &&
    (deviceName === null || typeof deviceName === 'string') &&
    (memoryBytes === null || typeof memoryBytes === 'number') &&
    typeof ms === 'number' &&
    lasting === true
  )
}
