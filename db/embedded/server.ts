/**
 * The embedded database's process: the only one that opens a data directory's PGlite. Started by whoever needs
 * it first (`attach.ts`), it serves everybody and leaves when its last client has left.
 *   bun db/embedded/server.ts DATA_DIR
 * Ends with 0 (no longer needed), 3 (another server serves this directory), 4 (refused: the reason lies in
 * `database.refused`), 1 (a defect: see `logs/database.log`).
 */
import { chmodSync, existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { basename, join } from 'node:path'
import type { PGlite } from '@electric-sql/pglite'
import { DataDirMismatch } from '../errors.ts'
import { holdLock, type Lock } from '../lock.ts'
import { openEngine } from './engine.ts'
import { exitCodes } from './exit.ts'
import { listen } from './listen.ts'
import { type EmbeddedPaths, embeddedPaths, makeSocketFolder } from './paths.ts'
import { checkRecord, writeRecord } from './record.ts'

/** Long enough for the next command of a script to find the server still there. */
const lingerMs = 2_000
/** Whoever started the server died before it connected. */
const nobodyCameMs = 30_000
/** How long a new server waits for one that is leaving (it closes the database properly, about 100 ms). */
const lockPatienceMs = 20_000

const log = (line: string) => console.error(`${new Date().toISOString()} ${line}`)

// PGlite makes its files readable and writable by everybody, as far as this mask lets it.
process.umask(0o077)

const [dataDir] = process.argv.slice(2)
if (dataDir === undefined) throw new Error('usage: bun db/embedded/server.ts DATA_DIR')
const paths = embeddedPaths(dataDir)
const lock = await waitForLock(paths)
if (lock === null) process.exit(exitCodes.anotherServes)
rmSync(paths.refusal, { force: true })
try {
  await serve(paths)
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error)
  log(
    error instanceof DataDirMismatch
      ? reason
      : `failed to start: ${error instanceof Error ? error.stack : reason}`,
  )
  process.exit(tellRefusal(paths, { known: error instanceof DataDirMismatch, reason }))
}

/** Leaves the reason for whoever asked, and gives the exit code that says so. A full disk may not even take that. */
function tellRefusal(at: EmbeddedPaths, refusal: { known: boolean; reason: string }): number {
  try {
    writeFileSync(at.refusal, JSON.stringify(refusal))
    return exitCodes.refused
  } catch (error) {
    log(`the reason could not be written: ${error}`)
    return exitCodes.broken
  }
}

/** Null when another server answers: then there is nothing to do here. */
async function waitForLock(at: EmbeddedPaths): Promise<Lock | null> {
  const deadline = performance.now() + lockPatienceMs
  for (;;) {
    const held = holdLock(at.lock)
    if (held !== null) return held
    if (performance.now() > deadline || (await answers(at.socket))) return null
    await Bun.sleep(20)
  }
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

async function serve(at: EmbeddedPaths): Promise<void> {
  checkRecord(at)
  sweepUnfinished(at)
  if (!existsSync(at.database)) await create(at)
  chmodSync(at.database, 0o700) // of a database that an earlier Mentor made
  const engine = await openEngine(at.database, at.dataDir)
  writeRecord(at)
  makeSocketFolder(at.socketDir)
  // Ours to remove: the lock says that whoever listened on it is gone.
  rmSync(at.socket, { force: true })

  let gone = false
  let leaving: ReturnType<typeof setTimeout> | undefined
  const leaveAfter = (ms: number) => {
    clearTimeout(leaving)
    leaving = setTimeout(() => leave('nobody is connected'), ms)
  }
  const { stop } = await listen(engine, at.socket, {
    changed: (clients) => (clients > 0 ? clearTimeout(leaving) : leaveAfter(lingerMs)),
    broken: (error) => {
      if (gone) return
      log(`the database failed, the next query opens it anew: ${error.stack}`)
      process.exit(exitCodes.broken)
    },
    log,
  })
  leaveAfter(nobodyCameMs)
  log(`process ${process.pid} serves ${at.database} on ${at.socket}`)

  const leave = (reason: string) => {
    if (gone) return
    gone = true
    log(`leaving: ${reason}`)
    // Whoever comes from here on is refused, and starts a server that waits for this one's lock.
    stop()
    rmSync(at.socket, { force: true })
    void close(engine)
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => leave(signal))
}

async function close(engine: PGlite): Promise<void> {
  try {
    await engine.close()
  } catch (error) {
    log(`closing failed: ${error}`)
  }
  process.exit(exitCodes.done)
}

/**
 * In a process of its own, into a folder of its own that gets its name once it is whole. The folder is never the
 * one of an earlier try: when this process is killed, the one that creates may live on for a moment, and two that
 * write one folder would destroy it.
 */
async function create(at: EmbeddedPaths): Promise<void> {
  const unfinished = `${at.unfinished}.${crypto.randomUUID()}`
  const creator = Bun.spawn([process.execPath, join(import.meta.dir, 'create.ts'), unfinished], {
    stdin: 'pipe', // it ends when this end of the pipe is gone
    stdout: 'inherit',
    stderr: 'pipe',
  })
  const [said, code] = await Promise.all([new Response(creator.stderr).text(), creator.exited])
  if (code === 0) return renameSync(unfinished, at.database)
  log(`creating the database failed with ${code}: ${said.trim().slice(-2_000)}`)
  rmSync(unfinished, { recursive: true, force: true })
  const reason = /^(?:\w*error|E[A-Z]+): .*$/im.exec(said)?.[0].slice(0, 300) ?? `it ended with ${code}`
  throw new Error(`The database could not be made in ${at.dataDir}: ${reason}. More stands in ${at.log}.`)
}

/** Removes what processes that were killed while they created a database left behind. */
function sweepUnfinished(at: EmbeddedPaths): void {
  for (const name of readdirSync(at.dataDir)) {
    if (name.startsWith(basename(at.unfinished)))
      rmSync(join(at.dataDir, name), { recursive: true, force: true })
  }
}
