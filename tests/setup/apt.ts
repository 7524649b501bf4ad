/** Debian packages, where this process is root and apt is there. */
import { isRoot, mustRun, run } from './run.ts'

export const canInstall = isRoot && Bun.which('apt-get') !== null
/** What a skipped test says. */
export const cannotInstall = isRoot ? 'no apt-get on this system' : 'needs root to install packages'

const quiet = { DEBIAN_FRONTEND: 'noninteractive', DEBCONF_NONINTERACTIVE_SEEN: 'true' }
// Another apt (unattended upgrades, a second test run) holds dpkg's lock for minutes, not for ever.
const patience = ['-o', 'DPkg::Lock::Timeout=600', '-o', 'Acquire::Retries=3']

let updated = false

/** Refreshes the package lists, once a process. */
async function update(): Promise<void> {
  if (updated) return
  await mustRun(['apt-get', ...patience, '-qq', 'update'], quiet)
  updated = true
}

export async function isAvailable(name: string): Promise<boolean> {
  await update()
  const { out } = await run(['apt-cache', 'policy', name])
  return /Candidate: (?!\(none\))\S/.test(out)
}

/** @throws with apt's last lines. */
export async function install(names: string[]): Promise<void> {
  await update()
  await mustRun(['apt-get', ...patience, '-qq', '-y', '--no-install-recommends', 'install', ...names], quiet)
}
