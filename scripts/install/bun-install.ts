/** `bun install` of a folder, frozen and without scripts. Nothing from node_modules may be imported here. */
import { mkdir, readdir, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { holdLock, type Lock } from '../../db/lock.ts'

/** The dependencies cannot be installed; the message says what to do. */
export class InstallFailed extends Error {
  override readonly name = 'InstallFailed'
}

/**
 * Installs what the folder's bun.lock names, and nothing else: every package's install script is switched off, and so
 * are peers that no dependency names itself (43 MB: TypeScript and types that Elysia and Drizzle know of).
 * Where the user has no package cache of Bun's, one in the project is used and removed when all is in place: it would
 * keep 300 MB on the disk that `prune` takes away from node_modules.
 * @param project holds `.bun`, and that cache in it.
 * @throws InstallFailed
 */
export async function bunInstall(project: string, folder: string, flags: string[] = []): Promise<void> {
  const ownCache = join(project, '.bun', 'cache')
  const cache = (await hasPackageCache()) ? {} : { BUN_INSTALL_CACHE_DIR: ownCache }
  const child = Bun.spawn(
    [
      process.execPath,
      'install',
      '--frozen-lockfile',
      '--ignore-scripts',
      '--omit=peer',
      '--no-progress',
      '--no-summary',
      ...flags,
    ],
    // A cache that the environment names wins over ours.
    { cwd: folder, env: { ...cache, ...process.env }, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' },
  )
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  if (code !== 0) {
    const last = `${out}\n${err}`.trim().split('\n').slice(-8).join('\n')
    throw new InstallFailed(`${last}\n${advice(`${out}${err}`, project)}`)
  }
  await rm(ownCache, { recursive: true, force: true })
}

/** Every run of Bun keeps transpiled sources there, in `@t@`; packages are there when the user installs with Bun. */
async function hasPackageCache(): Promise<boolean> {
  const names = await readdir(join(homedir(), '.bun', 'install', 'cache')).catch((): string[] => [])
  return names.some((name) => name !== '@t@')
}

function advice(output: string, project: string): string {
  if (/frozen/i.test(output)) {
    return 'package.json and bun.lock disagree: run `bun install` and commit bun.lock, or restore both from git.'
  }
  if (/integrity/i.test(output)) {
    return 'The registry (or a mirror or proxy before it) sent another file than the one that was checked in: do not use it.'
  }
  if (/ENOSPC|no space/i.test(output)) {
    return 'The disk is full: about 1 GB is needed in the project and in the package cache (~/.bun).'
  }
  if (/EACCES|EROFS|permission/i.test(output)) {
    return `${project} cannot be written to: make the folder writable for this user.`
  }
  return 'Check the network and the npm registry (a mirror: BUN_CONFIG_REGISTRY=URL), then run this again.'
}

/**
 * Only one process installs into a project at a time; waits for another.
 * @throws InstallFailed
 */
export async function lockInstall(project: string): Promise<Lock> {
  const path = join(project, '.bun', 'install.lock')
  await mkdir(dirname(path), { recursive: true }).catch((error: unknown) => {
    throw new InstallFailed(`${dirname(path)} cannot be made (${error}): make the project's folder writable.`)
  })
  for (let told = false; ; told = true) {
    const lock = holdLock(path)
    if (lock !== null) return lock
    if (!told) say('another command is installing the dependencies: waiting for it')
    await Bun.sleep(200)
  }
}

export function say(text: string): void {
  for (const line of text.split('\n')) process.stderr.write(`mentor: ${line}\n`)
}
