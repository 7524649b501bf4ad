/** What the probe found, for people: health, the terminal and `./mentor doctor`. */
import { join } from 'node:path'
import type { Device } from '../types.ts'
import { type ProbedDevice, type ProbeOptions, probeDevices } from './probe.ts'

/** Where the results are kept: several data directories may share a folder of models, as they share the machine. */
export function probeFile(modelsDir: string): string {
  return join(modelsDir, 'devices.json')
}

const names: Record<Device, string> = { cpu: 'the CPU', cuda: 'CUDA', vulkan: 'Vulkan', metal: 'Metal' }

/** Like `CUDA works: NVIDIA H200, 139.7 GB`, `Vulkan is not installed`. */
export function inWords({ device, build, state, reason, deviceName, memoryBytes }: ProbedDevice): string {
  const name = `${names[device]}${build === 'source' ? ' (compiled here)' : ''}`
  if (state === 'absent') return `${name} is ${reason}`
  if (state !== 'works') return `${name} ${reason}`
  const memory = memoryBytes === null ? '' : `, ${(memoryBytes / 2 ** 30).toFixed(1)} GB`
  return `${name} works: ${deviceName ?? 'no name'}${memory}`
}

export interface ProbeFinding {
  name: string
  /** Mentor works without any of them, from the documents alone. */
  state: 'ok' | 'missing'
  detail: string
  advice: string | null
}

/** A line for each device, and which one models run on. @throws what probeDevices throws */
export async function probeFindings(options: ProbeOptions): Promise<ProbeFinding[]> {
  const { devices, chosen } = await probeDevices(options)
  return devices.map((one) => ({
    name: `Device ${one.device}${one.build === 'source' ? ', compiled here' : ''}`,
    state: one.state === 'works' ? 'ok' : 'missing',
    detail: detailOf(one, one === chosen),
    advice: one.advice,
  }))
}

function detailOf({ state, reason, deviceName, memoryBytes, ms }: ProbedDevice, used: boolean): string {
  if (state !== 'works') return reason
  const memory = memoryBytes === null ? [] : [`${(memoryBytes / 2 ** 30).toFixed(1)} GB`]
  const use = used ? ['models run on it'] : []
  return [deviceName ?? 'works', ...memory, `tried in ${ms} ms`, ...use].join(', ')
}
