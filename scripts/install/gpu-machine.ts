/** What a machine has for running models on a GPU, and which packages of node-llama-cpp that calls for. */
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

export const gpuChoices = ['auto', 'none', 'cuda', 'vulkan'] as const
/** Which GPU packages to install: `auto` looks at the machine, the others are the user's word. */
export type GpuChoice = (typeof gpuChoices)[number]

/** @throws with what was expected, to follow `MENTOR_GPU=value is not `. */
export function parseGpuChoice(text: string): GpuChoice {
  const choice = gpuChoices.find((one) => one === text.toLowerCase())
  if (choice !== undefined) return choice
  throw new Error(`one of ${gpuChoices.join(', ')}.`)
}

export interface GpuMachine {
  platform: string
  arch: string
  /** A card of NVIDIA's whose driver is loaded. */
  nvidia: boolean
  /** Major version of that driver; null where it does not say (WSL). */
  nvidiaDriver: number | null
  /** Major versions of the CUDA runtime that a program finds: the packages bring none of it. */
  cudaRuntimes: number[]
  /** Vulkan's loader, and a device that it may drive. */
  vulkan: boolean
}

export interface GpuPackages {
  /** Names in the order in which they are worth having. */
  names: string[]
  /** Why these, or why none, in words. */
  reason: string
}

const cuda = '@node-llama-cpp/linux-x64-cuda'
/** The same for CUDA 12, which node-llama-cpp loads when the one for CUDA 13 does not load. */
const cuda12 = '@node-llama-cpp/linux-x64-cuda-ext'
const vulkan = '@node-llama-cpp/linux-x64-vulkan'
/** The first driver that runs CUDA 13 (https://docs.nvidia.com/cuda/cuda-toolkit-release-notes/). */
const firstDriverForCuda13 = 580

/**
 * The packages that serve on a machine. On one with both CUDA and Vulkan these are all: a prebuilt CUDA binary may abort
 * on a driver that is older than its compiler, and then Vulkan is what is left of the card.
 */
export function gpuPackagesFor(choice: GpuChoice, machine: GpuMachine): GpuPackages {
  if (choice === 'none') return { names: [], reason: 'MENTOR_GPU=none' }
  if (machine.platform === 'darwin')
    return { names: [], reason: "macOS: Metal comes with node-llama-cpp's own package" }
  if (machine.platform !== 'linux' || machine.arch !== 'x64') {
    return {
      names: [],
      reason: `there are GPU packages for Linux x64, none for ${machine.platform} ${machine.arch}`,
    }
  }
  const cudaNames = runsCuda13(machine) ? [cuda] : [cuda, cuda12]
  if (choice === 'cuda') return { names: cudaNames, reason: 'MENTOR_GPU=cuda' }
  if (choice === 'vulkan') return { names: [vulkan], reason: 'MENTOR_GPU=vulkan' }
  const cudaServes = machine.nvidia && machine.cudaRuntimes.length > 0
  return {
    names: [...(cudaServes ? cudaNames : []), ...(machine.vulkan ? [vulkan] : [])],
    reason: [describeNvidia(machine), machine.vulkan ? 'Vulkan and a device for it' : 'no Vulkan'].join(', '),
  }
}

function runsCuda13({ cudaRuntimes, nvidiaDriver }: GpuMachine): boolean {
  return cudaRuntimes.includes(13) && (nvidiaDriver ?? 0) >= firstDriverForCuda13
}

function describeNvidia({ nvidia, nvidiaDriver, cudaRuntimes }: GpuMachine): string {
  if (!nvidia) return 'no NVIDIA card'
  const card = `an NVIDIA card${nvidiaDriver === null ? '' : ` with driver ${nvidiaDriver}`}`
  if (cudaRuntimes.length > 0) return `${card} and CUDA ${cudaRuntimes.join(' and ')}`
  return `${card}, but no CUDA 12 or 13 runtime that programs find (libcudart and libcublas)`
}

/**
 * Looks at this machine. One without a device file of a GPU costs a few file look-ups, others a child process that
 * loads libraries: only the system's own loader knows where it finds them (ldconfig's cache, LD_LIBRARY_PATH), and a
 * driver that crashes takes nobody with it.
 * @param root stands for `/` in tests.
 * @param loadable tells which of some shared libraries can be loaded.
 */
export async function lookAtMachine(root = '/', loadable = loadableLibraries): Promise<GpuMachine> {
  const here = { platform: process.platform, arch: process.arch }
  const none = { ...here, nvidia: false, nvidiaDriver: null, cudaRuntimes: [], vulkan: false }
  if (here.platform !== 'linux') return none
  const driver = await readFile(join(root, 'proc/driver/nvidia/version'), 'utf8').catch(() => null)
  // Windows' own driver lends its card to WSL under this name.
  const nvidiaDevice =
    driver !== null || ['dev/nvidia0', 'dev/dxg'].some((path) => existsSync(join(root, path)))
  const renderers = await readdir(join(root, 'dev/dri')).catch((): string[] => [])
  const renderDevice = renderers.some((name) => name.startsWith('renderD'))
  if (!nvidiaDevice && !renderDevice) return none
  const found = new Set(await loadable(libraries))
  const nvidia = nvidiaDevice && found.has('libcuda.so.1')
  return {
    ...here,
    nvidia,
    nvidiaDriver: nvidia ? driverVersion(driver ?? '') : null,
    cudaRuntimes: [12, 13].filter(
      (major) => found.has(`libcudart.so.${major}`) && found.has(`libcublas.so.${major}`),
    ),
    vulkan: found.has('libvulkan.so.1'),
  }
}

/** And a function that each has: Bun opens no library for nothing. */
const libraries = {
  'libcuda.so.1': 'cuInit',
  'libcudart.so.12': 'cudaRuntimeGetVersion',
  'libcublas.so.12': 'cublasCreate_v2',
  'libcudart.so.13': 'cudaRuntimeGetVersion',
  'libcublas.so.13': 'cublasCreate_v2',
  'libvulkan.so.1': 'vkGetInstanceProcAddr',
}

/** `NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build …`: 580. */
function driverVersion(text: string): number | null {
  const major = /Kernel Module\s+(?:for \S+\s+)?(\d+)\./.exec(text)?.[1]
  return major === undefined ? null : Number(major)
}

const loaderTimeoutMilliseconds = 20_000

/** Those of some shared libraries (and a function of each) that the system's loader finds and loads, tried in a child process. */
export async function loadableLibraries(functions: Record<string, string>): Promise<string[]> {
  const program = `
    const { dlopen } = await import('bun:ffi')
    for (const [library, name] of Object.entries(${JSON.stringify(functions)})) {
      try { dlopen(library, { [name]: { args: [], returns: 'i32' } }); console.log(library) } catch {}
    }
    process.exit(0)`
  const child = Bun.spawn([process.execPath, '--no-env-file', '-e', program], {
    cwd: '/', // Bun would also try the working folder
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'ignore',
    timeout: loaderTimeoutMilliseconds,
    killSignal: 'SIGKILL',
  })
  // What was said before a crash holds.
  return (await new Response(child.stdout).text()).split('\n').filter((name) => name in functions)
}
