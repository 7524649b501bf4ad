/** A throw-away Postgres for one test run: a data folder and a port of its own, gone afterwards. */
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inside, type PostgresInstall } from './postgres.ts'
import { isRoot, mustRun, run } from './run.ts'

const prefix = 'mentor-postgres-'

export interface PostgresServer {
  url: string
  version: string
  stop(): Promise<void>
}

/** @throws with the server's last lines when it does not start. */
export async function startPostgres(programs: PostgresInstall): Promise<PostgresServer> {
  const { root, bin } = programs
  const parent = root === '/' ? tmpdir() : join(root, 'var', 'tmp')
  await removeLeftovers(parent)
  const folder = await mkdtemp(join(parent, prefix))
  const data = join(root === '/' ? folder : folder.slice(root.length), 'data')
  const port = await freePort()
  const discard = () => rm(folder, { recursive: true, force: true })
  try {
    if (isRoot) await mustRun(inside(root, ['chown', 'postgres:postgres', join(data, '..')]))
    const settings = ['--username=mentor', '--auth=trust', '--encoding=UTF8', '--locale=C.UTF-8', '--no-sync']
    await mustRun(asPostgres(root, [join(bin, 'initdb'), '-D', data, ...settings]))
  } catch (error) {
    await discard()
    throw error
  }
  // No fsync: the folder is thrown away, and a killed process loses nothing by it, only a power cut would.
  const options = ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', '-c', 'fsync=off']
  const argv = [
    join(bin, 'postgres'),
    '-D',
    data,
    '-p',
    String(port),
    ...options,
    '-c',
    'max_connections=200',
  ]
  const log = join(folder, 'server.log')
  const server = Bun.spawn(asPostgres(root, argv), {
    stdin: 'ignore',
    stdout: Bun.file(log),
    stderr: Bun.file(log),
  })
  const stop = async () => {
    server.kill('SIGINT') // a fast shutdown: clients are disconnected
    const patience = setTimeout(() => server.kill('SIGKILL'), 10_000)
    await server.exited
    clearTimeout(patience)
    await discard()
  }
  const sql = (database: string, command: string) =>
    inside(root, [
      join(bin, 'psql'),
      '-h',
      '127.0.0.1',
      '-p',
      String(port),
      '-U',
      'mentor',
      '-d',
      database,
      '-qAtc',
      command,
    ])
  try {
    for (let tries = 0; (await run(sql('postgres', 'select 1'))).code !== 0; tries += 1) {
      if (tries === 300 || server.exitCode !== null)
        throw new Error(`Postgres did not start:\n${await Bun.file(log).text()}`)
      await Bun.sleep(100)
    }
    await mustRun(sql('postgres', 'create database mentor'))
    await mustRun(sql('mentor', 'create extension vector'))
    const version = await mustRun(
      sql(
        'mentor',
        `select 'Postgres ' || current_setting('server_version') || ', pgvector ' || extversion from pg_extension where extname = 'vector'`,
      ),
    )
    return { url: `postgres://mentor@127.0.0.1:${port}/mentor`, version, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Folders of runs that were killed: no server runs in them (it removes its pid file), and they are not new. */
async function removeLeftovers(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const folder = join(parent, name)
    if (!name.startsWith(prefix) || existsSync(join(folder, 'data', 'postmaster.pid'))) continue
    const { mtimeMs } = await stat(folder)
    if (Date.now() - mtimeMs > 600_000) await rm(folder, { recursive: true, force: true })
  }
}

/** Postgres refuses to run as root. Where `setpriv` can, the server ends with this process, however it ends. */
function asPostgres(root: string, argv: string[]): string[] {
  const withRunner = Bun.which('setpriv') !== null || root !== '/'
  if (!withRunner) return argv
  const user = isRoot ? ['--reuid=postgres', '--regid=postgres', '--init-groups'] : []
  return inside(root, ['setpriv', ...user, '--pdeathsig=INT', ...argv])
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
