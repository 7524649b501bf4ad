import type { Sql } from 'postgres'
import { DatabaseUnavailable, DataDirMismatch } from './errors.ts'
import { errorCode } from './reach.ts'

const oldestMajor = 17
/** The first with `hnsw.iterative_scan`, without which a filtered search comes back nearly empty. */
const oldestVector = [0, 8] as const

/** Throws with advice unless this is Postgres 17 or later with pgvector 0.8 or later at hand. */
export async function checkServer(sql: Sql, where: string): Promise<void> {
  const found = await ask(sql, where)
  if (found.major < oldestMajor) {
    throw new DataDirMismatch(
      `The server ${where} is Postgres ${found.major}; Mentor needs ${oldestMajor} or later. ` +
        'Upgrade it, or leave DATABASE_URL out to use the embedded database.',
    )
  }
  if (found.vector === null) {
    throw new DataDirMismatch(
      `The server ${where} has no pgvector. Install it there (Debian: apt-get install postgresql-${found.major}-pgvector; ` +
        'Docker: the image pgvector/pgvector), or leave DATABASE_URL out to use the embedded database.',
    )
  }
  const [major = 0, minor = 0] = found.vector.split('.').map(Number)
  if (major < oldestVector[0] || (major === oldestVector[0] && minor < oldestVector[1])) {
    throw new DataDirMismatch(
      `The server ${where} has pgvector ${found.vector}; Mentor needs ${oldestVector.join('.')} or later. ` +
        'Install it, then run in this database: alter extension vector update',
    )
  }
  if (!found.installed && !found.mayCreate) {
    throw new DataDirMismatch(
      `The database ${where} does not have the extension vector yet, and this user may not create it. ` +
        'Run in this database as a superuser: create extension vector',
    )
  }
}

interface Found {
  major: number
  vector: string | null
  installed: boolean
  mayCreate: boolean
}

async function ask(sql: Sql, where: string): Promise<Found> {
  try {
    const [found] = await sql<Found[]>`
      select
        current_setting('server_version_num')::int / 10000 as major,
        coalesce(installed_version, default_version) as vector,
        installed_version is not null as installed,
        (select rolsuper from pg_roles where rolname = current_user) or coalesce(trusted, false) as "mayCreate"
      from (values (1)) as one
      left join pg_available_extensions e on e.name = 'vector'
      left join pg_available_extension_versions v on v.name = e.name and v.version = e.default_version`
    if (!found) throw new Error('the server gave no answer about itself')
    return found
  } catch (error) {
    throw refusedBy(error, where)
  }
}

/** What a server says before it lets anybody in, as advice. */
function refusedBy(error: unknown, where: string): unknown {
  const said = error instanceof Error ? error.message : String(error)
  switch (errorCode(error)) {
    case '28P01':
    case '28000':
      return new DatabaseUnavailable(`The server ${where} refused the login: ${said}. Check DATABASE_URL.`, {
        cause: error,
      })
    case '3D000':
      return new DatabaseUnavailable(
        `The server ${where} has no such database: ${said}. Create it (createdb), or check DATABASE_URL.`,
        { cause: error },
      )
    default:
      return error
  }
}

/** For messages and logs: the address without the password. */
export function withoutPassword(url: string): string {
  const parsed = URL.parse(url)
  if (parsed === null) {
    throw new DataDirMismatch(
      'DATABASE_URL is no address of a database. It looks like postgres://USER:PASSWORD@HOST:5432/DATABASE',
    )
  }
  // An @ or / that was not written as %40 or %2F: part of the password would be taken for the host or the path.
  if (parsed.pathname.includes('@') || parsed.host.includes('@') || !decodes(parsed.password)) {
    throw new DataDirMismatch(
      'The user or password in DATABASE_URL has an @, /, # or % in it: write them as %40, %2F, %23 and %25.',
    )
  }
  parsed.password = ''
  parsed.search = ''
  return parsed.href
}

function decodes(part: string): boolean {
  try {
    decodeURIComponent(part)
    return true
  } catch {
    return false
  }
}
