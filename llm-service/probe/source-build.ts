/**
 * llama.cpp compiled on this machine from the source that node-llama-cpp brings, with the options of its own source
 * build (compileLlamaCpp), into the folder where it looks for one first. Not by its own command: that one needs Node
 * and npm, which Mentor does without, and loads what it built in the same process. Nothing is downloaded.
 */
import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { openLastLines } from '../router/last-lines.ts'
import { builtFolder, engineVersion, llamaDir } from './binaries.ts'
import { type BuildDevice, findNvcc } from './build-tools.ts'

/** The message says what failed, with the compiler's last words. */
export class BuildFailed extends Error {
  override readonly name = 'BuildFailed'
}

export interface BuildOptions {
  device: BuildDevice
  /** Compilers at once; each takes 1 to 2 GB of memory. */
  jobs: number
  /** What is done now, in words. */
  onStep: (step: string) => void
  /** Files compiled, and all of them. */
  onProgress: (done: number, all: number) => void
  signal: AbortSignal
}

export interface NewBuild {
  /** Removes the build before it, and what compiling left. */
  keep(): Promise<void>
  /** Brings the build before it back, if there was one. What was compiled stays, for the next try. */
  undo(): Promise<void>
}

/** Within the package, so that its source finds its headers, and goes with its version. An interrupted build goes on here. */
const workshop = join(llamaDir, 'mentor-build')
const source = join(workshop, 'source')

/** Bytes on the disk while it compiles. */
export const diskNeeded: Record<BuildDevice, number> = { cpu: 0.5e9, vulkan: 1e9, cuda: 4e9 }

/** @throws BuildFailed; the signal's reason */
export async function buildFromSource(options: BuildOptions): Promise<NewBuild> {
  await unpackSource(options)
  const out = join(workshop, options.device)
  options.onStep('preparing the build')
  await run(['cmake', ...configuration(options.device, out)], options)
  options.onStep('compiling')
  await run(['cmake', '--build', out, '--config', 'Release', '--parallel', String(options.jobs)], options)
  const result = await collect(options.device, out)
  return install(options.device, result)
}

/** The source as the package has it: its own files, and llama.cpp out of the bundle, patched as it would patch it. */
async function unpackSource(options: BuildOptions): Promise<void> {
  const mark = join(source, '.unpacked')
  const { nodeLlamaCpp } = engineVersion()
  if ((await readFile(mark, 'utf8').catch(() => '')) === nodeLlamaCpp) return
  options.onStep('unpacking the source of llama.cpp')
  await rm(workshop, { recursive: true, force: true })
  await mkdir(source, { recursive: true })
  for (const name of ['CMakeLists.txt', 'package.json', 'addon', 'cmake', 'profiles', 'toolchains'])
    await cp(join(llamaDir, name), join(source, name), { recursive: true })
  const llamaCpp = join(source, 'llama.cpp')
  await run(['git', 'clone', '--quiet', join(llamaDir, 'gitRelease.bundle'), llamaCpp], options)
  for (const patch of (await readdir(join(llamaDir, 'patches'))).filter((name) => name.endsWith('.diff'))) {
    await run(
      ['git', '-C', llamaCpp, 'apply', '--ignore-whitespace', join(llamaDir, 'patches', patch)],
      options,
    )
  }
  await writeFile(mark, nodeLlamaCpp)
}

/** As compileLlamaCpp and cmake-js put it together for this machine. */
function configuration(device: BuildDevice, out: string): string[] {
  const { llamaCpp } = engineVersion()
  const system = `linux-${process.arch}`
  const nvcc = device === 'cuda' ? findNvcc() : null
  const defined: Record<string, string> = {
    CMAKE_BUILD_TYPE: 'Release',
    CMAKE_CONFIGURATION_TYPES: 'Release',
    CMAKE_LIBRARY_OUTPUT_DIRECTORY: join(out, 'Release'),
    CMAKE_CXX_FLAGS: '-DBUILDING_NODE_EXTENSION',
    CMAKE_JS_INC: headers().join(';'),
    CMAKE_JS_SRC: '',
    CMAKE_JS_LIB: '',
    NLC_CURRENT_PLATFORM: system,
    NLC_TARGET_PLATFORM: system,
    NLC_VARIANT: device === 'cpu' ? llamaCpp : `${device}.${llamaCpp}`,
    GGML_BUILD_NUMBER: '1',
    GGML_NATIVE: 'ON',
    GGML_METAL: 'OFF',
    GGML_CCACHE: 'OFF',
    LLAMA_CURL: 'OFF',
    LLAMA_HTTPLIB: 'OFF',
    LLAMA_BUILD_BORINGSSL: 'OFF',
    LLAMA_OPENSSL: 'OFF',
    ...(device !== 'cpu' && { [`GGML_${device.toUpperCase()}`]: '1' }),
    ...(nvcc !== null && { CMAKE_CUDA_COMPILER: nvcc }),
  }
  return [
    ...['-S', source, '-B', out, '--no-warn-unused-cli'],
    ...(Bun.which('ninja') === null ? ['-G', 'Unix Makefiles'] : ['-G', 'Ninja']),
    ...Object.entries(defined).map(([name, value]) => `-D${name}=${value}`),
  ]
}

/** Node's API alone, without V8: packages that node-llama-cpp and its build tool bring. */
function headers(): string[] {
  const required = createRequire(join(llamaDir, 'package.json'))
  const folderOf = (name: string, from = required) => dirname(from.resolve(`${name}/package.json`))
  const buildTool = createRequire(join(folderOf('cmake-js'), 'package.json'))
  return [join(folderOf('node-api-headers', buildTool), 'include'), folderOf('node-addon-api')]
}

/** Addon and libraries into one folder, with the marks by which node-llama-cpp knows a finished build. */
async function collect(device: BuildDevice, out: string): Promise<string> {
  const result = join(workshop, `${device}-result`)
  const release = join(result, 'Release')
  await rm(result, { recursive: true, force: true })
  await mkdir(release, { recursive: true })
  for (const folder of ['Release', 'bin', join('llama.cpp', 'bin')]) {
    for (const name of await readdir(join(out, folder)).catch(() => [])) {
      if (/\.(so|node)$/.test(name)) await cp(join(out, folder, name), join(release, name))
    }
  }
  if (!existsSync(join(release, 'llama-addon.node')))
    throw new BuildFailed(
      'The build ended without llama-addon.node: remove node_modules and run ./mentor start.',
    )
  const metadata = {
    buildOptions: {
      customCmakeOptions: {},
      progressLogs: false,
      platform: 'linux',
      platformInfo: await distribution(),
      arch: process.arch,
      gpu: device === 'cpu' ? false : device,
      llamaCpp: { repo: 'ggml-org/llama.cpp', release: engineVersion().llamaCpp },
    },
  }
  await writeFile(join(release, '_nlcBuildMetadata.json'), JSON.stringify(metadata))
  await writeFile(join(result, 'buildDone.status'), '')
  return result
}

/** Name and version, as node-llama-cpp reads them: on another system it tests the build before it loads it. */
async function distribution(): Promise<{ name: string; version: string }> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '')
  const value = (key: string) => new RegExp(`^${key}="?(.*?)"?$`, 'm').exec(text)?.[1] ?? ''
  return { name: value('NAME'), version: value('VERSION_ID') }
}

async function install(device: BuildDevice, result: string): Promise<NewBuild> {
  const place = builtFolder(device)
  const before = join(workshop, `${device}-before`)
  await rm(before, { recursive: true, force: true })
  await mkdir(dirname(place), { recursive: true })
  if (existsSync(place)) await rename(place, before)
  await rename(result, place)
  return {
    keep: () => rm(workshop, { recursive: true, force: true }),
    undo: async () => {
      await rm(place, { recursive: true, force: true })
      if (existsSync(before)) await rename(before, place)
    },
  }
}

/** Runs one command of the build; its progress is read from what it prints. @throws BuildFailed, the signal's reason */
async function run(command: string[], { onProgress, signal }: BuildOptions): Promise<void> {
  signal.throwIfAborted()
  const child = Bun.spawn(command, {
    cwd: source,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    // Its compilers end with it.
    detached: true,
  })
  const kill = () => {
    try {
      process.kill(-child.pid, 'SIGTERM')
    } catch {
      // it has ended
    }
  }
  signal.addEventListener('abort', kill)
  const lines = openLastLines((line) => {
    const progress = progressOf(line)
    if (progress !== null) onProgress(...progress)
  })
  await Promise.all([lines.read(child.stdout), lines.read(child.stderr), child.exited])
  signal.removeEventListener('abort', kill)
  signal.throwIfAborted()
  if (child.exitCode === 0) return
  const last = lines.telling()
  throw new BuildFailed(
    `${command[0]} failed${last === null ? '' : `: ${last}`}. By hand: ${command.join(' ')}`,
  )
}

/** Ninja's `[12/218] Building …`, make's `[ 12%] Building …`. */
export function progressOf(line: string): [done: number, all: number] | null {
  const [, done, all, percent] = /^\[\s*(?:(\d+)\/(\d+)|(\d+)%)\]/.exec(line) ?? []
  if (done !== undefined && all !== undefined) return [Number(done), Number(all)]
  return percent === undefined ? null : [Number(percent), 100]
}

/** Of the finished build. */
export async function bytesOfBuild(device: BuildDevice): Promise<number> {
  const folder = join(builtFolder(device), 'Release')
  const names = await readdir(folder)
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}
