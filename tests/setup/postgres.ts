/** A real Postgres 17 or later with pgvector: where its programs are, and how to get them. */
import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { holdLock } from '../../db/lock.ts'
import { canInstall, cannotInstall, install, isAvailable } from './apt.ts'
import { isRoot, mustRun, run } from './run.ts'

/** Where the programs are: in this system (`root` is `/`), or in a Debian 13 below a folder of its own. */
export interface PostgresInstall {
  root: string
  /** Folder of initdb, postgres and psql, as seen inside `root`. */
  bin: string
}

/**
 * Finds one, or installs it: the distribution's package where there is one (Debian 13 and later), else Debian 13 by
 * debootstrap in the user's cache folder, where the next clone finds it again.
 * @throws when there is none and it cannot be installed; the message is the reason of the skipped tests.
 */
export async function findPostgres(say: (line: string) => void): Promise<PostgresInstall> {
  const here = await onThisMachine()
  if (here !== null) return here
  const chroot = chrootFolder()
  if (isRoot && isComplete(chroot)) return { root: chroot, bin: debianBin(17) }
  if (!canInstall) throw new Error(`no Postgres 17 with pgvector, and ${cannotInstall}`)
  if (await isAvailable('postgresql-17-pgvector')) {
    say('installing Postgres 17 and pgvector from Debian')
    await install(['postgresql-17', 'postgresql-17-pgvector'])
    return { root: '/', bin: debianBin(17) }
  }
  await once(`${chroot}.lock`, async () => {
    if (!isComplete(chroot)) await bootstrap(chroot, say)
  })
  return { root: chroot, bin: debianBin(17) }
}

const debianBin = (major: number) => `/usr/lib/postgresql/${major}/bin`

async function onThisMachine(): Promise<PostgresInstall | null> {
  for (const major of [18, 17]) {
    const control = `/usr/share/postgresql/${major}/extension/vector.control`
    if (existsSync(join(debianBin(major), 'initdb')) && existsSync(control))
      return { root: '/', bin: debianBin(major) }
  }
  if (Bun.which('pg_config') === null) return null
  const [bin, share, version] = (await run(['pg_config', '--bindir', '--sharedir', '--version'])).out.split(
    '\n',
  )
  const major = Number(/\d+/.exec(version ?? '')?.[0] ?? 0)
  if (bin === undefined || share === undefined || major < 17) return null
  const complete = existsSync(join(bin, 'initdb')) && existsSync(join(share, 'extension', 'vector.control'))
  return complete ? { root: '/', bin } : null
}

function chrootFolder(): string {
  const cache = process.env.XDG_CACHE_HOME ?? ''
  return join(cache === '' ? join(homedir(), '.cache') : cache, 'mentor', 'postgres-17')
}

/** One at a time: a second test run waits for the first one's, and then finds it done. */
async function once(path: string, make: () => Promise<void>): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  let lock = holdLock(path)
  for (; lock === null; lock = holdLock(path)) await Bun.sleep(500)
  try {
    await make()
  } finally {
    lock.release()
  }
}

function isComplete(root: string): boolean {
  return existsSync(join(root, 'installed'))
}

/** Debian 13 in a folder, with Postgres 17 and pgvector in it; the mark `installed` is made last. */
async function bootstrap(root: string, say: (line: string) => void): Promise<void> {
  const mirror = await debianMirror()
  say(`no pgvector package for this system: building a small Debian 13 with Postgres 17 in ${root}`)
  if (Bun.which('debootstrap') === null) await install(['debootstrap'])
  await rm(root, { recursive: true, force: true }) // one that was cut off
  await mkdir(root, { recursive: true })
  await mustRun(['debootstrap', '--variant=minbase', '--include=ca-certificates', 'trixie', root, mirror])
  await copyFile('/etc/resolv.conf', join(root, 'etc', 'resolv.conf'))
  // No service starts inside, and no cluster is made with the environment's encoding on port 5432.
  await writeFile(join(root, 'usr', 'sbin', 'policy-rc.d'), '#!/bin/sh\nexit 101\n')
  await chmod(join(root, 'usr', 'sbin', 'policy-rc.d'), 0o755)
  await mkdir(join(root, 'etc', 'postgresql-common'), { recursive: true })
  await writeFile(
    join(root, 'etc', 'postgresql-common', 'createcluster.conf'),
    'create_main_cluster = false\n',
  )
  say('installing Postgres 17 and pgvector in it')
  await mustRun(inside(root, ['apt-get', '-qq', 'update']))
  await mustRun(
    inside(root, [
      ...[
        'apt-get',
        '-qq',
        '-y',
        '--no-install-recommends',
        '-o',
        'Dpkg::Options::=--force-confold',
        'install',
      ],
      ...['postgresql-17', 'postgresql-17-pgvector'],
    ]),
  )
  await mkdir(join(root, 'dev', 'shm'), { recursive: true })
  await chmod(join(root, 'dev', 'shm'), 0o1777) // shared memory segments
  await writeFile(join(root, 'installed'), '')
}

/** The mirror that this system installs from: it is the one that can be reached. */
async function debianMirror(): Promise<string> {
  const { out } = await run(['apt-get', 'indextargets', '--format', '$(SITE)'])
  const debian = out.split('\n').find((site) => /^https?:\/\/\S*\/debian\/?$/.test(site))
  return debian ?? 'http://deb.debian.org/debian'
}

/** A command as run inside the chroot, with a clean environment and this one's proxies. */
export function inside(root: string, argv: string[]): string[] {
  if (root === '/') return argv
  const proxies = ['http_proxy', 'https_proxy'].map((name) => `${name}=${process.env[name] ?? ''}`)
  return [
    ...['chroot', root, 'env', '-i', 'HOME=/root', 'LANG=C.UTF-8', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin'],
    ...['DEBIAN_FRONTEND=noninteractive', ...proxies, ...argv],
  ]
}
