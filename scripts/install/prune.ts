/** Takes out of node_modules what no command of Mentor's reads. Nothing from node_modules may be imported here. */
import type { Dirent } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Removes packages that bun.lock does not name (any more: `bun install` leaves them), the binaries of other systems that
 * packages carry, and source maps (Bun reads none of a package's). Bun takes a pruned package for installed, so the
 * next install does not bring it back; the package cache keeps its own links.
 * @param project its bun.lock and node_modules.
 */
export async function prune(
  project: string,
  platform: string = process.platform,
  arch: string = process.arch,
): Promise<void> {
  const modules = join(project, 'node_modules')
  const named = await topPackages(join(project, 'bun.lock'))
  for (const name of await installedPackages(modules)) {
    if (!named.has(name)) await remove(join(modules, name))
  }
  await removeOtherRuntimes(join(modules, 'onnxruntime-node', 'bin', 'napi-v6'), platform, arch)
  for (const name of await foldersIn(join(modules, '@node-llama-cpp'))) {
    if (!`${name}-`.startsWith(`${platform === 'darwin' ? 'mac' : platform}-${arch}-`)) {
      // The rest of the package stays, so that Bun does not fetch it again: linux-arm64 is allowed on x64 too.
      await remove(join(modules, '@node-llama-cpp', name, 'bins'))
    }
  }
  await remove(join(modules, '.mentor-gpu')) // of a GPU install that was killed
  for (const map of new Bun.Glob('**/*.map').scanSync({ cwd: modules, dot: true }))
    await remove(join(modules, map))
}

/** 245 MB of onnxruntime's 290 are for other systems. */
async function removeOtherRuntimes(bin: string, platform: string, arch: string): Promise<void> {
  for (const system of await foldersIn(bin)) {
    for (const processor of await foldersIn(join(bin, system))) {
      if (system !== platform || processor !== arch) await remove(join(bin, system, processor))
    }
  }
}

/** Names of the packages that belong directly into node_modules; `a/b` in the lock file is b inside of a. */
async function topPackages(lockFile: string): Promise<Set<string>> {
  const lock: unknown = Bun.JSONC.parse(await readFile(lockFile, 'utf8'))
  const packages = typeof lock === 'object' && lock !== null && 'packages' in lock ? lock.packages : null
  // Without this check a damaged file would empty node_modules.
  if (typeof packages !== 'object' || packages === null || !('onnxruntime-node' in packages))
    throw new Error(`${lockFile} has no packages: restore it from git.`)
  return new Set(Object.keys(packages))
}

/** What is linked into node_modules, and what other tools keep there under a dot, is not ours. */
async function installedPackages(modules: string): Promise<string[]> {
  const names = (await foldersIn(modules)).filter((name) => !name.startsWith('.'))
  const nested = await Promise.all(
    names.map(async (name) =>
      name.startsWith('@')
        ? (await foldersIn(join(modules, name))).map((inner) => `${name}/${inner}`)
        : [name],
    ),
  )
  return nested.flat()
}

async function foldersIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch((): Dirent[] => [])
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
}

function remove(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true })
}
