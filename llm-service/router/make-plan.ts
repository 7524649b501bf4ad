/** The settings and this machine into the plan of the workers: which device, and what it can hold. */
import { availableParallelism } from 'node:os'
import { readGguf } from '../../models/gguf.ts'
import { possibleDevices } from '../probe/binaries.ts'
import type { ServiceProcessSettings } from '../settings.ts'
import type { Device } from '../types.ts'
import type { EnginePlan } from './fleet.ts'
import { availableMemory } from './memory.ts'
import { engineSettings, planSizes, shortOfMemory } from './plan.ts'

/** A device that was found to work. */
export interface UsableDevice {
  device: Device
  /** Bytes of the card; null where nobody knows. */
  vram: number | null
  /** What its workers need in their environment. */
  environment: Record<string, string>
}

/** Those of the devices that work here, the fastest first. */
export type FindUsable = (devices: Device[]) => Promise<UsableDevice[]>

/**
 * @param failed devices that could not load the model
 * @throws GgufUnusable and the file system's errors when the model's file cannot be read
 */
export async function makePlan(
  settings: ServiceProcessSettings,
  findUsable: FindUsable,
  failed: Device[],
  log: (line: string) => void,
): Promise<EnginePlan> {
  const { model } = settings
  const header = readGguf(model.file)
  if (header.type !== 'model')
    throw new Error(`${model.file} is a GGUF file of type ${header.type}, not a model.`)
  const chosen = await chooseDevice(settings.device, findUsable, failed, log)
  const machine = {
    device: chosen.device,
    cores: availableParallelism(),
    ram: availableMemory(),
    vram: chosen.vram,
  }
  const sizes = planSizes(settings, machine, header)
  const warning = shortOfMemory(sizes, chosen.device)
  if (warning !== null) log(warning)
  return {
    workers: sizes.workers,
    engine: engineSettings(model, sizes, settings, chosen.device),
    environment: chosen.environment,
  }
}

/** The one that is set, as long as it works; else the fastest that does. The CPU is tried when nothing else is left. */
async function chooseDevice(
  wanted: ServiceProcessSettings['device'],
  findUsable: FindUsable,
  failed: Device[],
  log: (line: string) => void,
): Promise<UsableDevice> {
  const cpu: UsableDevice = { device: 'cpu', vram: null, environment: {} }
  if (wanted === 'cpu') return (await findUsable(['cpu']))[0] ?? cpu
  const others = possibleDevices().filter((device) => !failed.includes(device))
  if (wanted !== 'auto' && !failed.includes(wanted)) {
    const [set] = await findUsable([wanted])
    if (set !== undefined) return set
    log(`The device that is set, ${wanted}, cannot be used here; another one is looked for.`)
  }
  const [first] = others.length === 0 ? [] : await findUsable(others)
  return first ?? cpu
}
