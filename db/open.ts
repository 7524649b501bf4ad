import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import postgres, { type Sql } from 'postgres'
import { attacher } from './embedded/attach.ts'
import { type EmbeddedPaths, embeddedPaths } from './embedded/paths.ts'
import { DatabaseUnavailable, DataDirMismatch } from './errors.ts'
import { migrate } from './migrate.ts'
import { errorCode, translate } from './reach.ts'
import * as schema from './schema.ts'
import { checkServer, withoutPassword } from './server.ts'
import { sessionSettings } from './settings.ts'

export interface Database {
  kind: 'embedded' | 'server'
  sql: Sql
  orm: PostgresJsDatabase<typeof schema>
  /** For people: the data directory, or the server's address without its password. */
  where: string
  close(): Promise<void>
}

export interface OpenOptions {
  dataDir: string
  /** Postgres 17 or later with pgvector; without it the embedded database of the data directory is used. */
  databaseUrl?: string
  /** Most connections at once. Embedded: 4 (they share one session); a server: 10. */
  connections?: number
  /** A server cancels a statement that runs longer. The embedded database cannot. */
  statementTimeoutMs?: number
}

/** Half of the 2 s within which a database that is away must be reported, for a handshake that hangs. */
const serverConnectSeconds = 1.5
/** The embedded database greets nobody while a query runs, and building an index takes seconds. */
const embeddedConnectSeconds = 60
/** A client that dies or forgets in a transaction holds its locks no longer than this. */
const idleInTransactionMs = 30_000
const defaultStatementTimeoutMs = 60_000

/** `bigint` holds identities, counts and sizes, all far below 2^53; as text they would compare as text. */
const bigint = { to: 20, from: [20], parse: Number, serialize: String }

/** Of both databases. The types of arrays are not asked for: arrays travel as literals (see `arrays.ts`). */
const common = {
  fetch_types: false,
  types: { bigint },
  onnotice: () => {},
  // postgres.js would wait up to 20 s before it tries again; a database that is back must be used within 5.
  backoff: () => 0.2,
}

/**
 * Opens the database and brings its schema up to date: the server that `databaseUrl` names, or the embedded one
 * of the data directory, whose process is found or started. Either may be killed and come back while it is open:
 * what was running fails with `DatabaseUnavailable`, what comes next connects anew.
 * Throws `DataDirMismatch` or `DatabaseUnavailable`.
 */
export async function openDatabase(options: OpenOptions): Promise<Database> {
  return options.databaseUrl === undefined ? openEmbedded(options) : openServer(options, options.databaseUrl)
}

async function openEmbedded(options: OpenOptions): Promise<Database> {
  const paths = pathsOf(options.dataDir)
  const connection = {
    ...common,
    path: paths.socket,
    user: 'postgres',
    database: 'postgres',
    max: options.connections ?? 4,
    connect_timeout: embeddedConnectSeconds,
    max_lifetime: null,
    // Documented, but not in its types: how a connection is made.
    socket: attacher(paths),
  }
  const sql = postgres(connection)
  const database = made('embedded', sql, paths.dataDir)
  // The server's process migrates before it listens, so an answer means that all is ready.
  return opened(database, async () => {
    await sql`select 1`
  })
}

async function openServer(options: OpenOptions, url: string): Promise<Database> {
  const where = withoutPassword(url)
  const sql = postgres(url, {
    ...common,
    max: options.connections ?? 10,
    connect_timeout: serverConnectSeconds,
    connection: {
      application_name: 'mentor',
      statement_timeout: options.statementTimeoutMs ?? defaultStatementTimeoutMs,
      idle_in_transaction_session_timeout: idleInTransactionMs,
      ...sessionSettings,
    },
  })
  const database = made('server', sql, where)
  return opened(database, async () => {
    await checkServer(sql, where)
    await migrate(
      {
        transaction: async (work) => {
          await sql.begin((tx) => work((statement) => tx.unsafe(statement)))
        },
      },
      where,
    )
  })
}

function made(kind: Database['kind'], sql: Sql<{ bigint: number }>, where: string): Database {
  const close = () => sql.end({ timeout: 5 })
  return { kind, sql, orm: drizzle(sql, { schema }), where, close }
}

async function opened(database: Database, prepare: () => Promise<void>): Promise<Database> {
  try {
    await prepare()
    return database
  } catch (error) {
    await database.close()
    throw translate(error, database.where)
  }
}

function pathsOf(dataDir: string): EmbeddedPaths {
  try {
    return embeddedPaths(dataDir)
  } catch (error) {
    if (error instanceof DataDirMismatch) throw error
    const reason = errorCode(error) ?? String(error)
    if (reason === 'ENOSPC')
      throw new DatabaseUnavailable(`The disk under ${dataDir} is full: make room and try again.`)
    throw new DataDirMismatch(
      `The data directory ${dataDir} cannot be used (${reason}). ` +
        'Name one that is yours to write: --data DIR, or the setting MENTOR_DATA.',
    )
  }
}
