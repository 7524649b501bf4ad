/**
 * Runs the model service beside the backend: when a model is installed and nobody answers at LLM_SERVICE_URL. It is
 * started again when it dies, and stops with the backend. A server of somebody else that answers there is used as it is.
 */
import { stat } from 'node:fs/promises'
import { RungDeclined } from '../backend/answer/failures.ts'
import { findModel, type ModelServer, serverAt } from '../backend/answer/model-server.ts'
import type { ServicePlace } from '../backend/answer/service-health.ts'
import {
  ServiceNotStarted,
  type ServiceProcess,
  startServiceProcess,
} from '../backend/answer/service-process.ts'
import type { InstalledModel } from '../models/store/installed.ts'
import { isLoopback } from './config.ts'
import type { ModelChoice } from './model-choice.ts'
import { announcedModelService, announceModelService, withdrawModelService } from './running.ts'

export interface ModelServiceOptions {
  /** LLM_SERVICE_URL, one that `canRunAt`. */
  url: string
  apiKey: string | null
  /** LLM_MODEL, to ask a server of somebody else for. */
  model: string | null
  dataDir: string
  command: string[]
  /** Which model it would load. */
  choose(): Promise<ModelChoice>
  /** The JSON document for its stdin. */
  settings(model: InstalledModel, listen: { host: string; port: number }): string
  /** Lines for people. */
  tell(line: string): void
  /** What it writes itself. */
  log(line: string): void
}

export interface SupervisedModelService {
  /** Where the ladder finds it. */
  place: ServicePlace
  /** Settles when it is known for the first time who serves, or that nobody does. */
  settled: Promise<void>
  pid(): number | null
  close(): Promise<void>
}

/** A model installed or removed meanwhile is seen within this time. */
const lookMs = 5_000
/** So many looks in a row without an answer, half a minute of them, and its process is ended. */
const mostSilent = 6
/** Between the starts of one that dies at once: 1 s, 2 s, 4 s …; a model that cannot be loaded is not read for ever. */
const longestPauseMs = 120_000
/** One that ran for so long was well; its death begins a new count. */
const wellMs = 60_000
/** Somebody else's server that went away may be restarting: its port is left to it, and for so long its place too. */
const foreignGraceMs = 15_000
/** Of a backend that was killed: its service ends by itself, streams under way included. */
const leftOverMs = 12_000
/** When it is stopped, the backend has cut its streams already. */
const graceMs = 2_000

/** Only a service of this machine can be started, and only under an address of its own. */
export function canRunAt(url: string): boolean {
  const { protocol, hostname, pathname } = new URL(url)
  return protocol === 'http:' && isLoopback(hostname.replace(/^\[|\]$/g, '')) && /^\/(v1)?$/.test(pathname)
}

export function superviseModelService(options: ModelServiceOptions): SupervisedModelService {
  const configured = serverAt(options.url, options.apiKey)
  const place = openPlace({ server: null, model: null, note: 'looked for just now', starting: true })
  const first = Promise.withResolvers<void>()
  let closed = false
  let child: ServiceProcess | null = null
  let failures = 0
  /** Somebody else listens on the port, or did. */
  let portTaken = false
  let foreign = false

  const move = (to: ReturnType<ServicePlace['now']>) => {
    place.move(to)
    if (!to.starting) first.resolve()
  }

  async function run(): Promise<void> {
    await waitForLeftOver(options.dataDir, () => closed)
    while (!closed) {
      const found = await whoAnswers(configured, options.model)
      if (closed) return
      if (found === 'model server') {
        foreign = true
        move({ server: configured, model: options.model, note: null, starting: false })
        await place.untilLost()
        await place.nap(foreignGraceMs)
        continue
      }
      const choice = await options.choose()
      if ('missing' in choice) {
        move({ server: configured, model: options.model, note: choice.missing, starting: false })
        await place.nap(lookMs)
        continue
      }
      portTaken ||= foreign || found === 'something else'
      await serveOnce(choice.model)
    }
  }

  async function serveOnce(model: InstalledModel): Promise<void> {
    const began = performance.now()
    move({ server: null, model: model.name, note: `it is being started with ${model.name}`, starting: true })
    const { hostname, port } = new URL(options.url)
    const host = hostname === 'localhost' ? '127.0.0.1' : hostname.replace(/^\[|\]$/g, '')
    const listen = { host, port: portTaken ? 0 : Number(port || 80) }
    const started = startServiceProcess({
      command: options.command,
      settings: options.settings(model, listen),
      log: (line) => options.log(`llm-service: ${line}`),
    })
    child = started
    let how: string | null = null
    try {
      const url = await started.listening
      if (url !== options.url && portTaken)
        options.log(`${configured.place} is taken: the llm-service listens at ${url}.`)
      await noted(announceModelService(options.dataDir, { pid: started.pid, url, model: model.name }))
      const server = serverAt(url, options.apiKey)
      move({ server, model: model.name, note: null, starting: false })
      how = await served(started, model, server)
    } catch (error) {
      await started.stop(graceMs)
      if (error instanceof ServiceNotStarted && error.code === 'port_taken' && !portTaken) {
        portTaken = true
        return // at once, on a free port
      }
      how = error instanceof Error ? error.message : String(error)
    }
    child = null
    await noted(withdrawModelService(options.dataDir))
    if (closed) return
    if (how === null) {
      options.tell(`The llm-service is stopped: ${model.name} was removed.`)
      return
    }
    failures = performance.now() - began > wellMs ? 1 : failures + 1
    const pauseMs = Math.min(1_000 * 2 ** (failures - 1), longestPauseMs)
    options.tell(`The llm-service is started again in ${pauseMs / 1000} s: ${how}.`)
    move({ server: null, model: null, note: `${how}, and it is started again`, starting: false })
    await place.nap(pauseMs)
  }

  /** The note is for others and for a later start: on a full disk there is none, and the service goes on. */
  function noted(writing: Promise<void>): Promise<void> {
    return writing.catch((error: unknown) => options.log(`llm-service.json cannot be kept: ${error}`))
  }

  /** How it ended; null: its model was removed, and it with it, though it would have kept the file. */
  async function served(
    started: ServiceProcess,
    model: InstalledModel,
    server: ModelServer,
  ): Promise<string | null> {
    let silent = 0
    for (;;) {
      const ended = await Promise.race([started.ended, Bun.sleep(lookMs).then(() => null)])
      if (ended !== null) return ended
      if ((await stat(model.file).catch(() => null)) === null) {
        await started.stop(graceMs)
        return null
      }
      silent = (await whoAnswers(server, null)) === 'model server' ? 0 : silent + 1
      if (silent < mostSilent) continue
      await started.stop(0)
      return 'it hung'
    }
  }

  const running = run().catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error)
    options.tell(`The llm-service is not looked after any longer: ${reason}`)
    move({ server: configured, model: options.model, note: reason, starting: false })
  })
  return {
    place,
    settled: first.promise,
    pid: () => child?.pid ?? null,
    async close() {
      closed = true
      first.resolve()
      place.wake()
      await child?.stop(graceMs)
      await running
    },
  }
}

interface MovingPlace extends ServicePlace {
  move(to: ReturnType<ServicePlace['now']>): void
  /** Waits until nobody answers there any more. */
  untilLost(): Promise<void>
  /** Waits so long. */
  nap(ms: number): Promise<void>
  /** Ends both, from now on. */
  wake(): void
}

function openPlace(at: ReturnType<ServicePlace['now']>): MovingPlace {
  let current = at
  let awake = false
  let woken: (() => void) | null = null
  let lost: (() => void) | null = null
  const listeners: (() => void)[] = []
  const until = (ms: number | null, byLoss: boolean) =>
    new Promise<void>((resolve) => {
      if (awake) return resolve()
      const timer = ms === null ? undefined : setTimeout(done, ms)
      function done() {
        clearTimeout(timer)
        woken = null
        lost = null
        resolve()
      }
      woken = done
      lost = byLoss ? done : null
    })
  return {
    now: () => current,
    onMove: (listener) => listeners.push(listener),
    lost: () => lost?.(),
    move(to) {
      current = to
      for (const tell of listeners) tell()
    },
    untilLost: () => until(null, true),
    nap: (ms) => until(ms, false),
    wake() {
      awake = true
      woken?.()
    },
  }
}

type Answering = 'model server' | 'something else' | 'nothing'

async function whoAnswers(server: ModelServer, model: string | null): Promise<Answering> {
  if (!(await isListening(server))) return 'nothing'
  try {
    await findModel(server, model, new AbortController().signal)
    return 'model server'
  } catch (error) {
    // One that loads its model is one; one that refuses the key, or has no model, cannot be used.
    return error instanceof RungDeclined ? 'model server' : 'something else'
  }
}

async function isListening({ base }: ModelServer): Promise<boolean> {
  const { hostname, port } = new URL(base)
  try {
    const socket = await Bun.connect({
      hostname: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port || 80),
      socket: { data() {}, error() {} },
    })
    socket.end()
    return true
  } catch {
    return false
  }
}

async function waitForLeftOver(dataDir: string, closed: () => boolean): Promise<void> {
  const until = performance.now() + leftOverMs
  while (!closed() && performance.now() < until) {
    const left = await announcedModelService(dataDir)
    // Another process may have got its id: then nothing listens there.
    if (left === null || !(await isListening(serverAt(left.url, null)))) break
    await Bun.sleep(100)
  }
  await withdrawModelService(dataDir).catch(() => undefined) // an old note is seen through by the next to read it
}
