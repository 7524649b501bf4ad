/** `mentor doctor`: what is there, what works, and what to do about the rest. */
import { existsSync } from 'node:fs'
import { access, constants, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { openLadder } from '../../backend/answer/ladder.ts'
import { serverAt } from '../../backend/answer/model-server.ts'
import { fixedPlace } from '../../backend/answer/service-health.ts'
import { strategyOf } from '../../backend/answer/strategy.ts'
import { counts } from '../../db/documents.ts'
import { probeFile, probeFindings } from '../../llm-service/probe/findings.ts'
import { allMiniLM, verifyModel } from '../../models/bundled.ts'
import { installedModels } from '../../models/store/installed.ts'
import { type Config, modelsFolder, projectDir } from '../config.ts'
import { makeDataDir } from '../data-dir.ts'
import { gpuPackagesFor, lookAtMachine } from '../install/gpu-machine.ts'
import { betterRung } from '../rungs.ts'
import { announcedModelService, findBackend } from '../running.ts'
import { ladderParts, ladderSettings, openStoredDatabase, version } from '../services.ts'
import { count, openTerminal, printable, type Terminal } from '../terminal.ts'

/** `failed`: Mentor cannot work so. `missing`: it works without. */
interface Finding {
  name: string
  state: 'ok' | 'missing' | 'failed'
  detail: string
  advice: string | null
}

const megabyte = 2 ** 20
/** Below this a PDF or two more may fill the disk. */
const tightDiskMegabytes = 500

/** @returns the exit code: 1 when something that Mentor needs does not work. */
export async function doctor(config: Config, json: boolean): Promise<number> {
  const terminal = openTerminal(json)
  const findings = [
    bunFinding(),
    await finding('Dependencies', dependencies),
    await finding('Embedding model', embeddingModel),
    await finding('Data directory', () => dataDirectory(config)),
    await finding('Database', () => database(config)),
    await backendFinding(config),
    ...(await rungs(config)),
    await gpuPackages(config),
    ...(await probeFindings({ cacheFile: probeFile(modelsFolder(config)) })),
    ...(await models(config)),
    optional('hnswlib-node', join('hnswlib-node', 'build', 'Release', 'addon.node')),
  ]
  const failed = findings.some(({ state }) => state === 'failed')
  if (json) terminal.json({ version, healthy: !failed, findings })
  else show(terminal, findings, failed)
  return failed ? 1 : 0
}

/** A check that throws has failed, and the error's message is the advice. */
async function finding(name: string, check: () => Promise<string>): Promise<Finding> {
  try {
    return { name, state: 'ok', detail: await check(), advice: null }
  } catch (error) {
    return {
      name,
      state: 'failed',
      detail: 'does not work',
      advice: error instanceof Error ? error.message : String(error),
    }
  }
}

function bunFinding(): Finding {
  return { name: 'Bun', state: 'ok', detail: `${Bun.version}, ${process.execPath}`, advice: null }
}

async function dependencies(): Promise<string> {
  const runtime = join(
    projectDir,
    'node_modules',
    'onnxruntime-node',
    'bin',
    'napi-v6',
    process.platform,
    process.arch,
  )
  if (!existsSync(runtime)) {
    throw new Error(
      `onnxruntime has no binary for ${process.platform} ${process.arch}, so nothing can be embedded. ` +
        'It has one for Linux and Windows (x64, arm64) and macOS (arm64); was node_modules copied from another machine? ' +
        'Then remove it and run ./mentor start.',
    )
  }
  return `as bun.lock says, onnxruntime for ${process.platform} ${process.arch}`
}

async function embeddingModel(): Promise<string> {
  await verifyModel(allMiniLM)
  return `${allMiniLM.name}, checksum ${allMiniLM.revision.slice(0, 12)}… holds`
}

async function dataDirectory(config: Config): Promise<string> {
  await makeDataDir(config.data)
  await access(config.data, constants.W_OK).catch(() => {
    throw new Error(
      `${config.data} cannot be written to: give it to this user, or name another with --data DIR.`,
    )
  })
  const { bavail, bsize } = await statfs(config.data)
  const free = Math.floor((bavail * bsize) / megabyte)
  if (free < tightDiskMegabytes) {
    throw new Error(
      `${free} MB are free under ${config.data}: make room (500 MB at least), or name another with --data DIR.`,
    )
  }
  return `${config.data}, ${(free / 1024).toFixed(1)} GB free`
}

async function database(config: Config): Promise<string> {
  if (config.databaseUrl === null && !existsSync(join(config.data, 'database'))) {
    return 'embedded, made by the first command that needs it'
  }
  const db = await openStoredDatabase(config)
  try {
    const [row] = await db.sql<{ server: string; vector: string }[]>`
      select current_setting('server_version') as server, extversion as vector
      from pg_extension where extname = 'vector'`
    const held = await counts(db)
    return (
      `${db.kind} at ${db.where}: Postgres ${row?.server}, pgvector ${row?.vector}, ` +
      `${count(held.documents, 'document')}, ${count(held.passages, 'passage')}`
    )
  } finally {
    await db.close()
  }
}

async function backendFinding(config: Config): Promise<Finding> {
  const backend = await findBackend(config.data)
  if (backend !== null) {
    return {
      name: 'Backend',
      state: 'ok',
      detail: `runs at ${backend.url} (process ${backend.pid})`,
      advice: null,
    }
  }
  return { name: 'Backend', state: 'missing', detail: 'does not run', advice: './mentor start starts it.' }
}

/**
 * The rungs are asked from here, so this holds whether the backend runs or not; the service that a running one
 * started is asked where it listens.
 */
async function rungs(config: Config): Promise<Finding[]> {
  const own = await announcedModelService(config.data)
  const place = own && fixedPlace(serverAt(own.url, config.serviceApiKey), own.model)
  const ladder = openLadder(ladderSettings(config), () => {}, {
    ...ladderParts(config, () => {}),
    ...(place === null ? {} : { place }),
  })
  const health = await ladder.check()
  await ladder.close()
  const standing = health.map<Finding>(({ rung, state, reason, model }) => ({
    name: `Rung ${rung}`,
    state: state === 'ready' ? 'ok' : 'missing',
    detail: state === 'ready' ? (model ?? 'ready') : (reason ?? state),
    advice: state === 'ready' || rung !== 'llm-service' ? null : betterRung(config),
  }))
  const strategy = strategyOf(health).replace(/^Answers come /, '')
  return [...standing, { name: 'Answers', state: 'ok', detail: strategy, advice: null }]
}

/** Which libraries for GPUs serve here; `start` installs them once there is a model to run. */
async function gpuPackages({ gpu }: Config): Promise<Finding> {
  const { names, reason } = gpuPackagesFor(gpu, await lookAtMachine())
  const detail = names.length === 0 ? `none: ${reason}` : `${names.join(', ')}: ${reason}`
  return { name: 'GPU packages', state: names.length === 0 ? 'missing' : 'ok', detail, advice: null }
}

async function models(config: Config): Promise<Finding[]> {
  const installed = await installedModels(modelsFolder(config))
  return installed.map(({ name, problem, quantization }) => ({
    name: `Model ${name}`,
    state: problem === null ? 'ok' : 'failed',
    detail: problem ?? quantization ?? 'installed',
    advice: problem === null ? null : `./mentor models remove ${name}, then pull or add it again.`,
  }))
}

function optional(name: string, mark: string): Finding {
  const there = existsSync(join(projectDir, 'node_modules', mark))
  const detail = there ? 'compiled' : 'not compiled; nothing uses it yet'
  return { name, state: there ? 'ok' : 'missing', detail, advice: null }
}

function show(terminal: Terminal, findings: Finding[], failed: boolean): void {
  const width = Math.max(...findings.map(({ name }) => name.length)) + 2
  const marks = { ok: 'ok', missing: '–', failed: 'FAILED' }
  terminal.line(terminal.bold(`Mentor ${version}`))
  for (const { name, state, detail, advice } of findings) {
    terminal.line(`  ${marks[state].padEnd(7)} ${name.padEnd(width)} ${printable(detail)}`)
    for (const line of advice?.split('\n') ?? [])
      terminal.line(terminal.dim(`${' '.repeat(width + 11)}${printable(line)}`))
  }
  terminal.line(failed ? 'Mentor cannot work like this: see FAILED above.' : 'Mentor can answer.')
}
