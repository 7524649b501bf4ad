/**
 * Installs the locked dependencies: `bun scripts/install.ts STAMP`, run by `./mentor` when node_modules is missing or
 * another lock file made it. Nothing from node_modules may be imported here.
 */
import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { bunInstall, InstallFailed, lockInstall, say } from './install/bun-install.ts'
import { prune } from './install/prune.ts'

const project = dirname(import.meta.dir)
const modules = join(project, 'node_modules')
/** `production STAMP` or `full STAMP`; missing while an install is unfinished. */
const stampFile = join(modules, '.mentor-installed')
/** One of the development packages: there, all are. */
const developmentMark = join(modules, '.bin', 'biome')

/**
 * Installs what bun.lock names, and nothing else: frozen, and with every package's install script switched off.
 * (onnxruntime-node's and node-llama-cpp's download and fail offline, their CPU binaries are in packages already;
 * hnswlib-node compiles for seven seconds and nothing uses it yet.) Development packages come with `full`, and once
 * there they stay. What this system has no use for is removed, and GPU packages are ensureGpuPackages's.
 * Waits for another install of the same project; one that was cut off is done again, because the stamp is written last.
 * @param stamp names the state of the lock file, as `./mentor` computes it.
 * @throws InstallFailed
 */
export async function installDependencies(stamp: string, kind: 'production' | 'full'): Promise<void> {
  const lock = await lockInstall(project)
  try {
    const installed = await readFile(stampFile, 'utf8').catch(() => '')
    const full = kind === 'full' || installed.startsWith('full ') || existsSync(developmentMark)
    if (installed.endsWith(` ${stamp}`) && (kind === 'production' || installed.startsWith('full '))) return
    say('installing the dependencies that bun.lock names')
    await rm(stampFile, { force: true })
    await bunInstall(project, project, full ? [] : ['--production'])
    await prune(project)
    await writeFile(stampFile, `${full ? 'full' : 'production'} ${stamp}`)
  } finally {
    lock.release()
  }
}

/** Installs the development packages (types, linter, browser driver) where they are missing. */
export async function installDevelopment(): Promise<void> {
  if (existsSync(developmentMark)) return
  const installed = await readFile(stampFile, 'utf8').catch(() => '')
  await installDependencies(installed.split(' ').slice(1).join(' '), 'full')
}

if (import.meta.main) {
  try {
    await installDependencies(process.argv[2] ?? '', 'production')
  } catch (error) {
    if (!(error instanceof InstallFailed)) throw error
    say(error.message)
    process.exit(1)
  }
}
