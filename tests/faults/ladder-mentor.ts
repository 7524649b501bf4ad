/** Mentor with two models, one a rung, that say different things by heart; its processes by what they do; who said a text. */
import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { RungName } from '../../backend/answer/types.ts'
import { embeddedPaths } from '../../db/embedded/paths.ts'
import {
  type MentorProcess,
  runMentor,
  startMentor,
  temporaryFolder,
} from '../../scripts/bench/mentor-process.ts'
import { announcedModelService } from '../../scripts/running.ts'
import { writeScriptModel } from '../gguf/script-model.ts'

export type ModelRung = Exclude<RungName, 'context-only'>

/** The first sentence is borne out by the handbook, so it is shown; the second tells who wrote it. */
const lines: Record<ModelRung, { model: string; says: string; repeats: string }> = {
  'llm-service': {
    model: 'first-rung',
    says: 'Chainsaws need a licence from the forestry school [1]. Alpha wrote these words all alone.',
    repeats: ' Chainsaws need a licence from the forestry school [1]. Alpha goes on and on.',
  },
  'local-model': {
    model: 'second-rung',
    says: 'Nobody works with a chainsaw alone [1]. Bravo wrote what stands here.',
    repeats: ' Nobody works with a chainsaw alone [1]. Bravo never comes to an end.',
  },
}

export const question = 'Who needs a licence for chainsaws from the forestry school?'
/** A model answers this until its tokens are used up. */
export const endlessQuestion = `${question} forever`

/** Seconds. `total`, with what a busy machine adds, is what every request is held to. */
export const deadlines = { total: 30, service: 20, firstText: 8, betweenText: 5 }

export interface LadderMentor extends MentorProcess {
  /** Ends it, removes its data, and says what was left over. */
  finish(): Promise<Left>
}

export interface Left {
  exitCode: number
  /** That still lived. */
  processes: string[]
  /** Of local models. */
  sockets: string[]
}

/** Two workers of the service and one of the local model, one thread each. */
export async function startLadderMentor(environment: Record<string, string> = {}): Promise<LadderMentor> {
  const folder = await temporaryFolder('ladder')
  const dataDir = join(folder.path, 'data')
  for (const { model, says, repeats } of Object.values(lines)) {
    const file = join(folder.path, `${model}.gguf`)
    await writeScriptModel(file, {
      name: model,
      contextLength: 8_192,
      scripts: [{ text: says }, { text: repeats, when: 'forever', endless: true }],
    })
    const added = await runMentor(['models', 'add', file, '--data', dataDir])
    if (added.code !== 0) throw new Error(added.err)
  }
  // Every process that comes from it has this, whoever its parent is by now.
  const mark = `ladder-${randomUUID()}`
  const mentor = await startMentor({
    dataDir,
    environment: {
      LLM_SERVICE_ENABLED: 'true',
      LLM_SERVICE_URL: `http://127.0.0.1:${freePort()}`,
      LLM_SERVICE_TIMEOUT: `${deadlines.service}`,
      LLM_MODEL: lines['llm-service'].model,
      MENTOR_LOCAL_MODEL: lines['local-model'].model,
      LLM_DEVICE_MAP: 'cpu',
      LLM_WORKERS: '2',
      LLM_THREADS: '1',
      MENTOR_EMBEDDING_WORKERS: '1',
      MENTOR_ANSWER_DEADLINE: `${deadlines.total}`,
      MENTOR_FIRST_TEXT_DEADLINE: `${deadlines.firstText}`,
      MENTOR_BETWEEN_TEXT_DEADLINE: `${deadlines.betweenText}`,
      MENTOR_TEST_MARK: mark,
      ...environment,
    },
  })
  await handbookRead(mentor)
  const marked = () => allProcesses().filter(({ pid }) => environmentOf(pid).includes(mark))
  async function finish(): Promise<Left> {
    const exitCode = await mentor.stop()
    // Those that were told to end with it may take a moment.
    for (const end = performance.now() + 5_000; marked().length > 0 && performance.now() < end; )
      await Bun.sleep(50)
    const processes = marked()
    for (const { pid } of processes) process.kill(pid, 'SIGKILL')
    const { socketDir } = embeddedPaths(dataDir)
    const sockets = readdirSync(socketDir).filter((name) => /^m\d/.test(name))
    await folder.remove()
    return { exitCode, processes: processes.map(({ pid, command }) => `${pid} ${command}`), sockets }
  }
  let left: Promise<Left> | null = null
  return {
    ...mentor,
    finish() {
      left ??= finish()
      return left
    },
  }
}

async function handbookRead({ url, said }: MentorProcess): Promise<void> {
  for (const end = performance.now() + 60_000; performance.now() < end; await Bun.sleep(100)) {
    const { counts, ingesting } = await (await fetch(`${url}/health`)).json()
    if (counts.documents > 0 && ingesting === null) return
  }
  throw new Error(`The handbook is not read after 60 s:\n${said()}`)
}

function freePort(): number {
  const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response() })
  const { port } = server
  void server.stop(true)
  return port ?? 0
}

export interface ServiceHealth {
  url: string
  model_loaded: boolean
  workers: { pid: number | null; state: string; restarts: number; active: number }[]
  queue: { active: number; waiting: number }
}

/** Of the llm-service where it listens now; null while there is none. */
export async function serviceHealth({ dataDir }: LadderMentor): Promise<ServiceHealth | null> {
  const url = (await announcedModelService(dataDir))?.url
  if (url === undefined) return null
  const response = await fetch(`${url}/api/llm/health`, { signal: AbortSignal.timeout(2_000) }).catch(
    () => null,
  )
  if (response === null) return null
  return { url, ...((await response.json()) as Omit<ServiceHealth, 'url'>) }
}

/** Waits until the backend asks the service and all its workers are there. */
export async function serviceReady(mentor: LadderMentor, patienceMs = 60_000): Promise<ServiceHealth> {
  for (const end = performance.now() + patienceMs; ; await Bun.sleep(100)) {
    const seen = await (await fetch(`${mentor.url}/health`)).json()
    const found = seen.rungs[0]?.state === 'ready' ? await serviceHealth(mentor) : null
    if (found?.workers.length === 2 && found.workers.every(({ state }) => state === 'ready')) return found
    if (performance.now() > end)
      throw new Error(
        `The llm-service is not ready after ${patienceMs / 1000} s: ${JSON.stringify(seen.rungs)} ${JSON.stringify(found)}\n${mentor.said()}`,
      )
  }
}

export const roles = ['service', 'service worker', 'local model', 'local model worker'] as const
export type Role = (typeof roles)[number]

export interface Process {
  pid: number
  parent: number
  /** With its id it names a process for good: ids are given anew. */
  started: string
  command: string
}

/** The processes of both rungs with a model that live now. */
export async function ladderProcesses({ dataDir, pid }: LadderMentor): Promise<(Process & { role: Role })[]> {
  const announced = (await announcedModelService(dataDir))?.pid
  const all = allProcesses()
  const workersOf = (parent: number) =>
    all.filter((one) => one.parent === parent && one.command.includes('engine/worker.ts'))
  return all
    .filter((one) => one.parent === pid && one.command.includes('llm-service/main.ts'))
    .flatMap((one) => {
      const workers = workersOf(one.pid)
      const isService = one.pid === announced
      // Before it is announced, it cannot be told which of the two it is.
      if (!isService && workers.length === 0) return []
      const role: Role = isService ? 'service' : 'local model'
      return [{ ...one, role }, ...workers.map((worker) => ({ ...worker, role: `${role} worker` as const }))]
    })
}

/** Dead ones that wait to be counted left out. */
export function allProcesses(): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const stat = read(`/proc/${name}/stat`)
      // The name of the program, which may hold anything, ends with the last parenthesis.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      const [state = 'Z', parent] = fields
      if ('ZX'.includes(state)) return []
      const command = read(`/proc/${name}/cmdline`).replaceAll('\0', ' ').trim()
      return [{ pid: Number(name), parent: Number(parent), started: fields[19] ?? '', command }]
    })
}

/** A signal to that very process; false when it has ended. */
export function signalTo({ pid, started }: Process, signal: NodeJS.Signals): boolean {
  if (!allProcesses().some((one) => one.pid === pid && one.started === started)) return false
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}

const environmentOf = (pid: number) => read(`/proc/${pid}/environ`)

/** Resident memory in MB. */
export function residentMB(pid: number): number {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) / 1024)
}

/** Files, sockets and pipes that a process has open, but for the database's own tables. */
export function openFiles(pid: number): string[] {
  const folder = `/proc/${pid}/fd`
  const targets = readdirSync(folder).flatMap((name) => {
    try {
      return [readlinkSync(join(folder, name))]
    } catch {
      return [] // it was the one that listed them, or is closed by now
    }
  })
  return targets.filter((target) => !target.includes('/data/database/'))
}

/** Empty when the process has ended meanwhile, or is somebody else's. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** Why a text is not all that a rung's model says by heart; null when it is. @param whole it was not cut off */
export function notSaidBy(rung: ModelRung, text: string, whole: boolean): string | null {
  const { says, repeats } = lines[rung]
  const said = bare(text)
  if (said === bare(says)) return null
  const rounds = Math.ceil(said.length / bare(repeats).length) + 1
  const isBeginning = bare(repeats.repeat(rounds)).startsWith(said)
  const isBroken = !whole && bare(says).startsWith(said)
  if (said !== '' && (isBeginning || isBroken)) return null
  return `${rung} never says: ${JSON.stringify(text.slice(0, 200))}…${JSON.stringify(text.slice(-200))}`
}

export const modelOf = (rung: ModelRung) => lines[rung].model

/** Without citations, whose numbers and places are the backend's, and without white space. */
function bare(text: string): string {
  return text.replace(/\[\d+\]/g, '').replace(/\s+/g, '')
}
