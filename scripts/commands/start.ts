/** `mentor start`: database, ingestion, backend and page, from one command, until Ctrl-C. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Elysia } from 'elysia'
import { counts } from '../../db/documents.ts'
import { createJob, pendingJobs } from '../../db/jobs.ts'
import { holdLock } from '../../db/lock.ts'
import type { Database } from '../../db/open.ts'
import { serve } from '../../http/serve.ts'
import { buildPage } from '../../web/build.ts'
import { type Config, isLoopback, projectDir } from '../config.ts'
import { makeDataDir } from '../data-dir.ts'
import { watchJob } from '../job-progress.ts'
import { joinRunning } from '../join-running.ts'
import { openLogFile } from '../log-file.ts'
import {
  announceBackend,
  announcedModelService,
  backendLock,
  databaseMark,
  withdrawBackend,
} from '../running.ts'
import { openApp, openServices, type Services } from '../services.ts'
import { startScreen } from '../start-screen.ts'
import { CommandFailed, openTerminal, printable, type Terminal } from '../terminal.ts'

/** The screen waits so long for the folders and the model, so that it can say how many documents there are and who answers. */
const screenPatienceMs = 20_000
/** After Ctrl-C the process ends by force when something does not let go. */
const stopPatienceMs = 5_000

const pageDir = join(projectDir, 'web', 'dist')

export async function start(
  config: Config,
  folders: string[],
  options: { unsafeNoKeys: boolean },
): Promise<void> {
  const terminal = openTerminal(false)
  if (!isLoopback(config.host) && !options.unsafeNoKeys) throw new CommandFailed(openAddress(config.host), 2)
  const inputs = folders.map(existingPath)
  await makeDataDir(config.data)
  const stopped = stopSignal(terminal)
  const lock = holdLock(backendLock(config.data))
  if (lock === null) return joinRunning(config, inputs, terminal, stopped)

  const log = openLogFile(config.data)
  let shown = false // until then the screen itself says who answers
  const tell = (line: string) => {
    if (shown) terminal.line(terminal.dim(printable(line)))
    log.write(line)
  }
  const onScreen = () => {
    shown = true
  }
  try {
    await withdrawBackend(config.data) // of one that was killed
    await refuseTakenPort(config)
    await buildPage(pageDir)
    const services = await openServices(config, { tell, log: log.write }, { supervise: true })
    try {
      if (!stopped.aborted)
        await runBackend(config, services, inputs, { stopped, terminal, log: log.write, onScreen })
    } finally {
      await services.close()
    }
  } finally {
    await withdrawBackend(config.data)
    log.close()
    lock.release()
  }
  // Ctrl-C is how it is meant to end. All is closed; a timer of some request's deadline need not be waited for.
  process.exit(0)
}

interface Surroundings {
  stopped: AbortSignal
  terminal: Terminal
  log: (line: string) => void
  onScreen: () => void
}

async function runBackend(
  config: Config,
  services: Services,
  inputs: string[],
  { stopped, terminal, log, onScreen }: Surroundings,
): Promise<void> {
  const { db, embedder, ladder } = services
  const job = await queueFolders(db, inputs)
  const app = openApp(config, services, { pageDir, startJob: job, log })
  const server = await serve(app, { host: config.host, port: config.port })
  try {
    await announceBackend(config.data, {
      pid: process.pid,
      url: server.url,
      database: databaseMark(config.databaseUrl),
    })
    terminal.line(`Mentor is up: ${server.url}`)
    // The first question then finds the model loaded.
    embedder.embed(['warm']).catch((error: unknown) => {
      if (!stopped.aborted) terminal.line(`The embedding model does not start: ${error}`)
    })
    let done = false
    const ended =
      job === null
        ? null
        : watchJob(db, job, terminal, stopped).then(() => {
            done = true
          })
    await Promise.race([
      Promise.all([rungsKnown(services, terminal, stopped), ended]),
      pause(screenPatienceMs, stopped),
    ])
    if (!stopped.aborted) {
      const health = ladder.health()
      const held = { ...(await counts(db)), growing: job !== null && !done }
      const own = await announcedModelService(config.data)
      startScreen(terminal, config, server.url, health, held, own?.url ?? null)
    }
    onScreen()
    await new Promise<void>((done) => {
      if (stopped.aborted) done()
      else stopped.addEventListener('abort', () => done(), { once: true })
    })
  } finally {
    await server.stop()
  }
}

/** Until it is known who answers: a model service that is starting up reads its model first. */
async function rungsKnown(
  { ladder, modelService }: Services,
  terminal: Terminal,
  stopped: AbortSignal,
): Promise<void> {
  await modelService?.settled
  let told = false
  while (!stopped.aborted) {
    const loading = (await ladder.check()).find(({ state }) => state === 'checking')
    if (loading === undefined) return
    if (!told) terminal.line(printable(`${loading.rung}: ${loading.reason ?? 'looked for'}…`))
    told = true
    await pause(200, stopped)
  }
}

/** Before anything is made: an app that is no app is given the port for a moment. */
async function refuseTakenPort({ host, port }: Config): Promise<void> {
  if (port !== 0) await (await serve(new Elysia(), { host, port })).stop()
}

/** The folders given; none given and nothing stored yet: the handbook, so that the first question works. */
async function queueFolders(db: Database, inputs: string[]): Promise<string | null> {
  let paths = inputs
  if (paths.length === 0) {
    const empty = (await counts(db)).documents === 0 && (await pendingJobs(db)) === 0
    if (empty) paths = [join(projectDir, 'samples')]
  }
  if (paths.length === 0) return null
  return createJob(db, { kind: 'paths', collection: 'default', inputs: paths.map((path) => ({ path })) })
}

function existingPath(path: string): string {
  const absolute = resolve(path)
  if (existsSync(absolute)) return absolute
  throw new CommandFailed(`${printable(path)} does not exist (looked for ${printable(absolute)}).`, 2)
}

function openAddress(host: string): string {
  return (
    `${host} can be reached from other machines, and nothing asks for a key yet: everyone there could read and delete ` +
    'your documents.\nLeave --host away to listen on this machine only, put a proxy that asks for a password before it, ' +
    'or say --unsafe-no-keys if only trusted machines reach this address.'
  )
}

/** Aborted by Ctrl-C, SIGTERM or the end of the terminal; a second signal, or five seconds more, end the process. */
function stopSignal(terminal: Terminal): AbortSignal {
  const stop = new AbortController()
  const onSignal = () => {
    if (stop.signal.aborted) process.exit(1)
    terminal.line('\nStopping…')
    stop.abort()
    setTimeout(() => process.exit(1), stopPatienceMs).unref()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
  return stop.signal
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) return done() // an event that has passed comes no more
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      done()
    })
  })
}
