/**
 * The model service's process: `bun llm-service/main.ts`, started by `./mentor start` or the backend. One JSON document
 * (`ServiceProcessSettings`, a line) comes on stdin; one JSON line goes to stdout, `{"url", "pid"}` as soon as it listens,
 * which is before the model is loaded, or `{"error", "message"}` (exit code 3 for a port that is taken, else 1). The log
 * is stderr. It stops when it is told to (SIGTERM, SIGINT) and when stdin ends: whoever started it is gone.
 */

import { lstat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { type Embedder, openEmbedder } from '../embedding/embedder.ts'
import { type Listening, PortTaken, serve } from '../http/serve.ts'
import { allMiniLM } from '../models/bundled.ts'
import { createServiceApp } from './http/app.ts'
import { environmentOf } from './probe/binaries.ts'
import { probeFile } from './probe/findings.ts'
import { probeDevices } from './probe/probe.ts'
import { loadingChecks } from './router/loading-checks.ts'
import { makePlan, type UsableDevice } from './router/make-plan.ts'
import { openModelService } from './router/service.ts'
import { parseSettings, type ServiceProcessSettings } from './settings.ts'
import type { Device } from './types.ts'

/** Streams under way may take so long to end. */
const graceMs = 10_000
/** What has not let go by then is left to the system: the workers end with this process. */
const patienceMs = graceMs + 5_000
/** Embedding workers above the first are given back after so long without work, as the backend does it. */
const embeddingIdleMs = 60_000

const log = (line: string) => void process.stderr.write(`${line.replaceAll('\n', ' ')}\n`)

class CannotStart extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message)
  }
}

async function main(): Promise<void> {
  const stdin = openStdin()
  const settings = parseSettings(await stdin.document)
  if (settings.embeddingDimension !== allMiniLM.dimensions)
    throw new CannotStart('embedding_dimension', wrongDimension(settings.embeddingDimension))

  const checks = loadingChecks(settings)
  const service = openModelService({
    model: settings.model.name,
    adaptersDir: join(settings.modelsDir, 'adapters'),
    queue: settings.queue,
    plan: (failed) => makePlan(settings, (devices) => usableDevices(settings, devices), failed, log),
    ...checks,
    log,
  })
  const embedder = openEmbeddings(settings)
  const stopped = stopSignal(stdin.ended)
  const app = createServiceApp({ service, embed: embedder, settings, log })
  const listening = await listen(app, settings.listen).catch(async (error: unknown) => {
    await Promise.all([service.close(0), embedder?.close()])
    throw error
  })
  say({ url: listening.url, pid: process.pid })
  log(`The model service listens at ${listening.url}.`)
  log(`It stops: ${await stopped}.`)
  setTimeout(() => process.exit(1), patienceMs).unref()
  await Promise.all([service.close(graceMs), listening.stop()])
  await embedder?.close()
}

/** Tried with a real decode once; results are kept beside the models. */
async function usableDevices(
  { modelsDir }: ServiceProcessSettings,
  devices: Device[],
): Promise<UsableDevice[]> {
  const report = await probeDevices({
    cacheFile: probeFile(modelsDir),
    devices,
    onTrial: (device, build) => log(`Trying ${device} (${build}).`),
  })
  for (const { device, state, reason } of report.devices)
    if (state === 'failed') log(`${device} cannot be used: ${reason}.`)
  return report.devices.flatMap(({ device, build, state, memoryBytes }) =>
    state === 'works' && build !== null
      ? [{ device, vram: device === 'cpu' ? null : memoryBytes, environment: environmentOf(build) }]
      : [],
  )
}

async function listen(
  app: Parameters<typeof serve>[0],
  address: ServiceProcessSettings['listen'],
): Promise<Listening> {
  if ('unix' in address) await removeLeftSocket(address.unix)
  // Streams end by the router's grace; a moment more lets their last event be read.
  return serve(app, { ...address, graceMs: graceMs + 1_000 })
}

/** Of a service that was killed. @throws PortTaken when somebody listens there */
async function removeLeftSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => null)
  if (found === null || !found.isSocket()) return
  try {
    const connection = await Bun.connect({ unix: path, socket: { data() {} } })
    connection.end()
  } catch {
    await unlink(path)
    return
  }
  throw new PortTaken(`Another program listens at ${path}: stop it, or take another path.`)
}

function openEmbeddings({ embeddingWorkers: workers }: ServiceProcessSettings): Embedder | null {
  return workers === 0 ? null : openEmbedder({ model: allMiniLM, workers, idleMs: embeddingIdleMs })
}

function wrongDimension(wanted: number): string {
  return (
    `EMBEDDING_DIMENSION is ${wanted}, and ${allMiniLM.name} gives ${allMiniLM.dimensions} numbers a text: ` +
    'vectors of another length would be compared with none of yours. Leave it out, or set the model that it belongs to.'
  )
}

/** The document is the first line, or all there is; after it stdin only says whether the parent is there. */
function openStdin(): { document: Promise<string>; ended: Promise<void> } {
  const document = Promise.withResolvers<string>()
  const ended = Promise.withResolvers<void>()
  let text = ''
  const decoder = new TextDecoder()
  const read = async () => {
    for await (const chunk of Bun.stdin.stream()) {
      text += decoder.decode(chunk, { stream: true })
      const end = text.indexOf('\n')
      if (end < 0) continue
      document.resolve(text.slice(0, end))
      text = ''
    }
  }
  const finish = () => {
    document.resolve(text)
    ended.resolve()
  }
  // A broken pipe is an end, too.
  read().then(finish, finish)
  return { document: document.promise, ended: ended.promise }
}

/** Settles with the reason. A second signal ends the process at once. */
function stopSignal(stdinEnded: Promise<void>): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  let signals = 0
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (++signals > 1) process.exit(1)
      resolve(signal)
    })
  }
  void stdinEnded.then(() => resolve('its stdin has ended'))
  return promise
}

function say(line: { url: string; pid: number } | { error: string; message: string }): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

// One request's mistake must not end those of others; it is logged, and the request fails by its own means.
process.on('unhandledRejection', (error) =>
  log(`Unexpected: ${error instanceof Error ? error.stack : error}`),
)

try {
  await main()
  process.exit(0)
} catch (error) {
  const message = error instanceof Error ? error.message : String(error)
  const code =
    error instanceof CannotStart ? error.code : error instanceof PortTaken ? 'port_taken' : 'cannot_start'
  log(message)
  say({ error: code, message })
  process.exit(error instanceof PortTaken ? 3 : 1)
}
