/**
 * Installs the locked dependencies: `bun scripts/install.ts STAMP`, run by `./mentor` when node_modules is missing or
 * another lock file made it. Nothing from node_modules may be imported here.
 */
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { holdLock, type Lock } from '../db/lock.ts'

const project = dirname(import.meta.dir)
const modules = join(project, 'node_modules')
/** `production STAMP` or `full STAMP`; missing while an install is unfinished. */
const stampFile = join(modules, '.mentor-installed')
/** One of the development packages: there, all are. */
const developmentMark = join(modules, '.bin', 'biome')

/** The dependencies cannot be installed; the message says what to do. */
export class InstallFailed extends Error {
  override readonly name = 'InstallFailed'
}

/**
 * Installs what bun.lock names, and nothing else: frozen, and with every package's install script switched off.
 * (onnxruntime-node's downloads and fails offline, its CPU binary is in the package already; hnswlib-node compiles for
 * seven seconds and nothing uses it yet.) Development packages come with `full`, and once there they stay.
 * Waits for another install of the same project; one that was cut off is done again, because the stamp is written last.
 * @param stamp names the state of the lock file, as `./mentor` computes it.
 * @throws InstallFailed
 */
export async function installDependencies(stamp: string, kind: 'production' | 'full'): Promise<void> {
  const lock = await waitForLock(join(project, '.bun', 'install.lock'))
  try {
    const installed = await readFile(stampFile, 'utf8').catch(() => '')
    const full = kind === 'full' || installed.startsWith('full ') || existsSync(developmentMark)
    if (installed.endsWith(` ${stamp}`) && (kind === 'production' || installed.startsWith('full '))) return
    say('installing the dependencies that bun.lock names')
    await rm(stampFile, { force: true })
    await bunInstall(full ? [] : ['--production'])
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

async function bunInstall(flags: string[]): Promise<void> {
  const child = Bun.spawn(
    [
      process.execPath,
      'install',
      '--frozen-lockfile',
      '--ignore-scripts',
      '--no-progress',
      '--no-summary',
      ...flags,
    ],
    { cwd: project, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' },
  )
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  if (code === 0) return
  const last = `${out}\n${err}`.trim().split('\n').slice(-8).join('\n')
  throw new InstallFailed(`${last}\n${advice(`${out}${err}`)}`)
}

function advice(output: string): string {
  if (/frozen/i.test(output)) {
    return 'package.json and bun.lock disagree: run `bun install` and commit bun.lock, or restore both from git.'
  }
  if (/ENOSPC|no space/i.test(output)) {
    return 'The disk is full: about 1.5 GB are needed in the project and in the package cache (~/.bun).'
  }
  if (/EACCES|EROFS|permission/i.test(output)) {
    return `${project} cannot be written to: make the folder writable for this user.`
  }
  return 'Check the network and the npm registry (a mirror: BUN_CONFIG_REGISTRY=URL), then run this again.'
}

async function waitForLock(path: string): Promise<Lock> {
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

function say(text: string): void {
  process.stderr.write(`mentor: ${text}\n`)
}

if (import.meta.main) {
  try {
    await installDependencies(process.argv[2] ?? '', 'production')
  } catch (error) {
    if (!(error instanceof InstallFailed)) throw error
    for (const line of error.message.split('\n')) say(line)
    process.exit(1)
  }
}
