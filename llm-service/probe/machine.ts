/** What a probe's result holds for: with another card, driver, system or binary the devices are tried again. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { arch, cpus, platform, release } from 'node:os'
import { join } from 'node:path'
import { engineVersion, installedBinaries } from './binaries.ts'

export interface ProbeKey {
  /** Of the probe itself: another model, other checks. */
  probe: number
  engine: string
  binaries: string[]
  system: string
  processor: string
  cards: string[]
  drivers: string[]
  /** What the drivers' own libraries are told by the environment. */
  environment: Record<string, string>
}

const probeVersion = 1

/** Variables that decide which cards and drivers a program sees. */
const deciding = /^(CUDA_|NVIDIA_|GGML_|VK_|LD_LIBRARY_PATH$|MESA_|HSA_|ROCR_|NODE_LLAMA_CPP_)/

/** A few file look-ups: no library of a driver is loaded for it. @param root stands for `/` in tests */
export function probeKey(root = '/', { environment } = { environment: process.env }): ProbeKey {
  const { nodeLlamaCpp, llamaCpp } = engineVersion()
  return {
    probe: probeVersion,
    engine: `node-llama-cpp ${nodeLlamaCpp}, llama.cpp ${llamaCpp}`,
    binaries: installedBinaries().map(({ device, build, stamp }) => `${device} ${build} ${stamp}`),
    system: `${platform()} ${arch()} ${release()}`,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cards: cards(root),
    drivers: drivers(root),
    environment: Object.fromEntries(
      Object.entries(environment)
        .filter((entry): entry is [string, string] => entry[1] !== undefined && deciding.test(entry[0]))
        .toSorted(([a], [b]) => (a < b ? -1 : 1)),
    ),
  }
}

/** NVIDIA's by name; all others by the numbers of their PCI ids; the device files that this process may find. */
function cards(root: string): string[] {
  const nvidia = join(root, 'proc/driver/nvidia/gpus')
  const named = namesIn(nvidia).map((slot) => {
    const model = /^Model:\s*(.+)$/m.exec(textOf(join(nvidia, slot, 'information')))?.[1]
    return `${model?.trim() ?? 'an NVIDIA card'} at ${slot}`
  })
  const drm = join(root, 'sys/class/drm')
  const numbered = namesIn(drm)
    .filter((name) => /^card\d+$/.test(name))
    .map((name) => {
      const id = (part: string) => textOf(join(drm, name, 'device', part)).trim()
      return `${name} ${id('vendor')}:${id('device')}`
    })
  const files = ['dev', 'dev/dri'].flatMap((folder) =>
    namesIn(join(root, folder)).filter((name) => /^(nvidia\d+|renderD\d+|dxg|kfd)$/.test(name)),
  )
  return [...named, ...numbered, ...files]
}

/** The linker's cache stands for every library that is installed where programs look, the CUDA runtime and Mesa too. */
function drivers(root: string): string[] {
  const nvidia = textOf(join(root, 'proc/driver/nvidia/version')).split('\n')[0]?.trim() ?? ''
  const vulkan = ['usr/share/vulkan/icd.d', 'etc/vulkan/icd.d'].flatMap((folder) =>
    namesIn(join(root, folder)).map((name) => join(folder, name)),
  )
  const files = ['etc/ld.so.cache', 'usr/lib/wsl/lib/libcuda.so.1', ...vulkan]
  return [nvidia, ...files.map((file) => stampOf(root, file))].filter((line) => line !== '')
}

function stampOf(root: string, file: string): string {
  try {
    const { size, mtimeMs } = statSync(join(root, file))
    return `${file} ${size} ${Math.trunc(mtimeMs)}`
  } catch {
    return ''
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).toSorted()
  } catch {
    return []
  }
}
