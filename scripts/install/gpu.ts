/**
 * Installs the GPU packages of node-llama-cpp where they serve: they are 70 to 540 MB, so bun.lock leaves them out
 * (package.json, overrides). `bun scripts/install/gpu.ts cuda` does it by hand, for an image that is built on a machine
 * without a card. Nothing from node_modules may be imported here.
 */
import { cp, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { bunInstall, lockInstall, say } from './bun-install.ts'
import { type GpuChoice, gpuPackagesFor, lookAtMachine, parseGpuChoice } from './gpu-machine.ts'
import gpuPackages from './gpu-packages.json'

export interface GpuInstall {
  /** Packages that are in place now. */
  installed: string[]
  /** Why these, or why none, in words. */
  reason: string
  /** What went wrong with the others; null when all that serve are in place. */
  failed: string | null
}

/** npm's own checksums (`npm view NAME@VERSION dist.integrity`), for the version of node-llama-cpp in bun.lock. */
const locked: {
  version: string
  packages: Record<string, { integrity: string; downloadMegabytes: number }>
} = gpuPackages
const project = dirname(dirname(import.meta.dir))

/**
 * Puts the GPU packages that serve on this machine beside node-llama-cpp, at its version and with the checksums of
 * gpu-packages.json, from the registry that Bun is set up for. Never throws: without them models run on the CPU, and
 * what failed is said and returned. Costs a few file look-ups when nothing is to be done and no GPU is there.
 * A package is moved into place when it is whole, so a crash leaves the placeholder or the package.
 */
export async function ensureGpuPackages(choice: GpuChoice): Promise<GpuInstall> {
  if (choice === 'none') return { installed: [], reason: 'MENTOR_GPU=none', failed: null }
  const { names, reason } = gpuPackagesFor(choice, await lookAtMachine())
  let failed: string | null = null
  try {
    if ((await missing(names)).length > 0) await install(names, reason)
  } catch (error) {
    failed = error instanceof Error ? error.message : String(error)
    say(`the GPU packages cannot be installed:\n${failed}`)
    say('Models run on the CPU until then; MENTOR_GPU=none stops the attempts.')
  }
  const absent = await missing(names)
  return { installed: names.filter((name) => !absent.includes(name)), reason, failed }
}

async function install(names: string[], reason: string): Promise<void> {
  const engine = await versionIn(join(project, 'node_modules', 'node-llama-cpp'))
  if (engine !== locked.version) {
    throw new Error(
      `node-llama-cpp is ${engine ?? 'not installed'}, and scripts/install/gpu-packages.json is for ${locked.version}: ` +
        'run ./mentor doctor, which installs what bun.lock names, or bring the file up to date.',
    )
  }
  const lock = await lockInstall(project)
  // In node_modules, so that moving a package is a rename; what a killed install left there is of no use.
  const workshop = join(project, 'node_modules', '.mentor-gpu')
  try {
    const wanted = await missing(names)
    if (wanted.length === 0) return // another process was first
    await rm(workshop, { recursive: true, force: true })
    for (const name of wanted) {
      say(`installing ${name} (${locked.packages[name]?.downloadMegabytes} MB to download; ${reason})`)
    }
    await fetchPackages(workshop, wanted)
    for (const name of wanted) await moveIntoPlace(join(workshop, 'node_modules', name), placeOf(name))
  } finally {
    await rm(workshop, { recursive: true, force: true }).catch(() => {})
    lock.release()
  }
}

/** A project of its own with a lock file that names the checksums, so that Bun does the rest as for all packages. */
async function fetchPackages(folder: string, names: string[]): Promise<void> {
  await mkdir(folder, { recursive: true })
  const dependencies = Object.fromEntries(names.map((name) => [name, locked.version]))
  const packages = Object.fromEntries(
    names.map((name) => {
      const integrity = locked.packages[name]?.integrity
      if (integrity === undefined) throw new Error(`gpu-packages.json has no checksum of ${name}.`)
      return [name, [`${name}@${locked.version}`, '', {}, integrity]]
    }),
  )
  const workspaces = { '': { name: 'gpu', dependencies } }
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'gpu', private: true, dependencies }))
  await writeFile(join(folder, 'bun.lock'), JSON.stringify({ lockfileVersion: 1, workspaces, packages }))
  // A registry of the project's own.
  await cp(join(project, '.npmrc'), join(folder, '.npmrc')).catch(() => {})
  await cp(join(project, 'bunfig.toml'), join(folder, 'bunfig.toml')).catch(() => {})
  await bunInstall(project, folder, ['--production', '--linker=hoisted'])
}

/** Over the placeholder that bun.lock puts there; `bun install` leaves a folder that it finds there alone. */
async function moveIntoPlace(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true })
  await rm(to, { recursive: true, force: true })
  await rename(from, to)
}

/** node-llama-cpp finds its own node_modules first. */
function placeOf(name: string): string {
  return join(project, 'node_modules', 'node-llama-cpp', 'node_modules', name)
}

async function missing(names: string[]): Promise<string[]> {
  const versions = await Promise.all(names.map((name) => versionIn(placeOf(name))))
  return names.filter((_, index) => versions[index] !== locked.version)
}

/** @returns null where no whole package is; a placeholder's is 0.0.0. */
async function versionIn(folder: string): Promise<string | null> {
  const manifest: unknown = await Bun.file(join(folder, 'package.json'))
    .json()
    .catch(() => null)
  if (typeof manifest !== 'object' || manifest === null || !('version' in manifest)) return null
  return typeof manifest.version === 'string' ? manifest.version : null
}

if (import.meta.main) process.exit(await byHand(process.argv[2] ?? 'auto'))

async function byHand(word: string): Promise<number> {
  let choice: GpuChoice
  try {
    choice = parseGpuChoice(word)
  } catch (error) {
    say(`${word} is not ${error instanceof Error ? error.message : error}`)
    return 2
  }
  const { reason, failed, installed } = await ensureGpuPackages(choice)
  if (failed !== null) return 1
  say(`GPU packages: ${installed.join(', ') || 'none'} (${reason})`)
  return 0
}
