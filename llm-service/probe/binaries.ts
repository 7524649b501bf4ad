/** Which binaries of llama.cpp are here: packages that bring them ready, and builds that `./mentor llm build` made. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Device } from '../types.ts'

/** `source`: compiled on this machine; `package`: brought by a package of node-llama-cpp. */
export type Build = 'source' | 'package'

export interface Binary {
  device: Device
  build: Build
  /** The addon. */
  file: string
  /** Changes with the binary and its libraries: their sizes, times and the metadata that their builder left. */
  stamp: string
}

/** node-llama-cpp's folder. */
export const engineDir = dirname(dirname(fileURLToPath(import.meta.resolve('node-llama-cpp'))))
/** What it builds llama.cpp from, and where it looks for the builds. */
export const llamaDir = join(engineDir, 'llama')

/**
 * What a worker's (or the probe's) environment needs so that node-llama-cpp takes the package's binary although there
 * is a build of our own: it looks for one with this option, finds none, and falls back on the package.
 */
const packageOnly = { NODE_LLAMA_CPP_CMAKE_OPTION_MENTOR_PACKAGE: '1' }

export function environmentOf(build: Build): Record<string, string> {
  return build === 'package' ? packageOnly : {}
}

/** In the order in which they are worth trying; the CPU's, which every other one is compared with, last. */
export function installedBinaries(
  platform: string = process.platform,
  arch: string = process.arch,
): Binary[] {
  const devices: Device[] = platform === 'darwin' ? ['metal', 'cpu'] : ['cuda', 'vulkan', 'cpu']
  return devices.flatMap((device) => [
    ...binaryAt(device, 'source', join(builtFolder(device, platform, arch), 'Release')),
    ...packagesOf(device, platform, arch).flatMap((folder) => binaryAt(device, 'package', folder)),
  ])
}

/** Devices that this system could have; the rest need not be named. */
export function possibleDevices(platform: string = process.platform): Device[] {
  return platform === 'darwin' ? ['metal', 'cpu'] : ['cuda', 'vulkan', 'cpu']
}

/** Where node-llama-cpp looks for a build of our own (getBuildFolderNameForBuildOptions). */
export function builtFolder(
  device: Device,
  platform: string = process.platform,
  arch: string = process.arch,
): string {
  return join(llamaDir, 'localBuilds', folderName(device, platform, arch))
}

/** The version of node-llama-cpp, and of the llama.cpp that it brings. */
export function engineVersion(): { nodeLlamaCpp: string; llamaCpp: string } {
  return {
    nodeLlamaCpp: textIn(join(engineDir, 'package.json'), 'version') ?? 'unknown',
    llamaCpp: textIn(join(llamaDir, 'binariesGithubRelease.json'), 'release') ?? 'unknown',
  }
}

function folderName(device: Device, platform: string, arch: string): string {
  const system = `${platform === 'darwin' ? 'mac' : platform === 'win32' ? 'win' : platform}-${arch}`
  return device === 'cpu' ? system : `${system}-${device}`
}

/** As Node resolves it: the first package of the name counts, also when it is a placeholder without a binary. */
function packagesOf(device: Device, platform: string, arch: string): string[] {
  // On Apple's processors one package serves both.
  const of = platform === 'darwin' && arch === 'arm64' ? 'metal' : device
  const name = folderName(of, platform, arch)
  const places = [join(engineDir, 'node_modules'), dirname(engineDir)].map((modules) =>
    join(modules, '@node-llama-cpp', name),
  )
  const place = places.find((folder) => existsSync(join(folder, 'package.json')))
  if (place === undefined) return []
  const version = textIn(join(place, 'package.json'), 'version')
  return version === engineVersion().nodeLlamaCpp ? [join(place, 'bins', name)] : []
}

function binaryAt(device: Device, build: Build, folder: string): Binary[] {
  const file = join(folder, 'llama-addon.node')
  const status = build === 'source' ? join(dirname(folder), 'buildDone.status') : file
  if (!existsSync(file) || !existsSync(status)) return []
  try {
    const metadata = readFileSync(join(folder, '_nlcBuildMetadata.json'), 'utf8')
    const parts = readdirSync(folder).map((name) => {
      const { size, mtimeMs } = statSync(join(folder, name))
      return `${name} ${size} ${Math.trunc(mtimeMs)}`
    })
    return [
      { device, build, file, stamp: String(Bun.hash.crc32([metadata, ...parts.toSorted()].join('\n'))) },
    ]
  } catch {
    return [] // removed at this moment, or without metadata: node-llama-cpp takes neither
  }
}

function textIn(file: string, key: string): string | null {
  try {
    const content: unknown = JSON.parse(readFileSync(file, 'utf8'))
    const value: unknown = typeof content === 'object' && content !== null ? Reflect.get(content, key) : null
    return typeof value === 'string' ? value : null
  } catch {
    return null
  }
}
