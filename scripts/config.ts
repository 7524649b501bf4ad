/**
 * Every setting of Mentor: its name in the environment, its flag, its default and what it means. The only file that
 * reads the environment; everything else is given values. README.md's table is this one, and a test compares them.
 */
import { availableParallelism } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { allMiniLM } from '../models/bundled.ts'
import { type GpuChoice, parseGpuChoice } from './install/gpu-machine.ts'

export const projectDir = dirname(import.meta.dir)

/** A setting has a value that cannot be used; the message names it and says what to write instead. */
export class WrongSetting extends Error {
  override readonly name = 'WrongSetting'
}

export interface Setting<T> {
  /** The variable, and older names that mean the same; the first one that is set counts. */
  env: [string, ...string[]]
  /** The command-line flag, which wins over the environment. */
  flag?: string
  default: T
  /** The default as the table shows it, where that is not the value itself. */
  shownDefault?: string
  meaning: string
  /** @throws with what was expected, to follow `NAME=value is not `. */
  parse(text: string): T
}

const setting = <T>(of: Setting<T>): Setting<T> => of

export type DeviceMap = 'auto' | 'cpu' | 'cuda' | 'vulkan' | 'metal'

/** Found out on the machine; `auto` says the same. */
const derived = { default: null, shownDefault: 'derived' }

export const settings = {
  data: setting({
    env: ['MENTOR_DATA'],
    flag: '--data',
    default: join(projectDir, '.mentor'),
    shownDefault: '`.mentor/` in the project',
    meaning: 'Folder of the embedded database, uploads and logs',
    parse: (text) => resolve(text),
  }),
  port: setting({
    env: ['MENTOR_PORT'],
    flag: '--port',
    default: 8000,
    meaning: 'Port of the page and the API; 0 takes any free one',
    parse: wholeNumber(0, 65_535),
  }),
  host: setting({
    env: ['MENTOR_HOST'],
    flag: '--host',
    default: '127.0.0.1',
    meaning: 'Address to listen on; one that others can reach is refused without `--unsafe-no-keys`',
    parse: hostName,
  }),
  allowedHosts: setting<string[]>({
    env: ['MENTOR_ALLOWED_HOSTS'],
    default: [],
    shownDefault: 'none',
    meaning: 'Further names under which browsers may reach the backend, separated by commas',
    parse: (text) => text.split(',').map((name) => hostName(name.trim())),
  }),
  maxUpload: setting({
    env: ['MENTOR_MAX_UPLOAD'],
    default: 100 * 2 ** 20,
    shownDefault: '100MB',
    meaning: 'Largest upload, all its files together',
    parse: byteSize,
  }),
  databaseUrl: setting<string | null>({
    env: ['DATABASE_URL'],
    default: null,
    shownDefault: 'the embedded one',
    meaning: 'A Postgres 17 or later with pgvector: `postgres://user:password@host:5432/name`',
    parse: postgresUrl,
  }),
  embeddingWorkers: setting({
    env: ['MENTOR_EMBEDDING_WORKERS'],
    default: Math.min(availableParallelism(), 4),
    shownDefault: 'a core each, at most 4',
    meaning: 'Embedding workers, one thread and about 200 MB each',
    parse: wholeNumber(1, 64),
  }),
  serviceUrl: setting({
    env: ['LLM_SERVICE_URL', 'VLLM_API_URL'],
    default: 'http://localhost:8001',
    meaning: 'An OpenAI-compatible model server, with or without `/v1`',
    parse: httpUrl,
  }),
  serviceEnabled: setting({
    env: ['LLM_SERVICE_ENABLED'],
    default: true,
    meaning: 'Whether to ask the model server at all',
    parse: yesOrNo,
  }),
  serviceTimeout: setting({
    env: ['LLM_SERVICE_TIMEOUT'],
    default: 60,
    meaning: 'Seconds the model server may take for one answer',
    parse: decimal(1, 3600),
  }),
  serviceApiKey: setting<string | null>({
    env: ['LLM_SERVICE_API_KEY'],
    default: null,
    shownDefault: 'none',
    meaning: 'Sent to the model server as `Authorization: Bearer …`',
    parse: (text) => text,
  }),
  model: setting<string | null>({
    env: ['LLM_MODEL'],
    default: null,
    shownDefault: 'the first it lists; of those installed, Qwen3-1.7B or the largest that fits',
    meaning: 'Model to ask the model server for, and the installed one that the own service loads',
    parse: (text) => text,
  }),
  maxNewTokens: setting({
    env: ['LLM_MAX_NEW_TOKENS'],
    default: 256,
    meaning: 'Tokens a model may write',
    parse: wholeNumber(1, 32_768),
  }),
  temperature: setting({
    env: ['LLM_TEMPERATURE'],
    default: 0.35,
    meaning: 'Sampling temperature',
    parse: decimal(0, 2),
  }),
  topP: setting({
    env: ['LLM_TOP_P'],
    default: 0.9,
    meaning: 'Share of the probability that sampling draws from',
    parse: decimal(0.01, 1),
  }),
  servicePort: setting({
    env: ['LLM_SERVICE_PORT'],
    default: 8001,
    meaning: 'Port of `llm serve`; 0 takes any free one. `start` takes the one of `LLM_SERVICE_URL`',
    parse: wholeNumber(0, 65_535),
  }),
  serviceHost: setting({
    env: ['LLM_SERVICE_HOST'],
    default: '127.0.0.1',
    meaning: 'Address of `llm serve`; one that others can reach needs `LLM_SERVICE_API_KEY`',
    parse: hostName,
  }),
  deviceMap: setting<DeviceMap>({
    env: ['LLM_DEVICE_MAP'],
    default: 'auto',
    meaning: 'Where the own model service computes: `auto`, `cpu`, `cuda`, `vulkan` or `metal`',
    parse: deviceMap,
  }),
  dtype: setting({
    env: ['LLM_DTYPE'],
    default: 'auto',
    meaning: 'Quantization where a model is installed in several, like `Q8_0`',
    parse: quantization,
  }),
  contextTokens: setting<number | null>({
    env: ['LLM_CONTEXT'],
    ...derived,
    meaning: 'Tokens that one request of the own model service may hold, its answer included',
    parse: orAuto(wholeNumber(256, 1_048_576)),
  }),
  llmWorkers: setting<number | null>({
    env: ['LLM_WORKERS'],
    ...derived,
    meaning: 'Processes of the own model service, each with the model',
    parse: orAuto(wholeNumber(1, 64)),
  }),
  llmSlots: setting<number | null>({
    env: ['LLM_SLOTS'],
    ...derived,
    meaning: 'Requests that one of them works on at once',
    parse: orAuto(wholeNumber(1, 256)),
  }),
  llmBatch: setting<number | null>({
    env: ['LLM_BATCH'],
    ...derived,
    meaning: 'Tokens that one of them evaluates in a step',
    parse: orAuto(wholeNumber(32, 8_192)),
  }),
  llmThreads: setting<number | null>({
    env: ['LLM_THREADS'],
    ...derived,
    meaning: 'Threads of one of them',
    parse: orAuto(wholeNumber(1, 1_024)),
  }),
  gpu: setting<GpuChoice>({
    env: ['MENTOR_GPU'],
    default: 'auto',
    meaning:
      'GPU libraries to install for the own model service: `auto` looks for a card, `none`, `cuda`, `vulkan`',
    parse: parseGpuChoice,
  }),
  gpuLayers: setting<number | null>({
    env: ['LLM_GPU_LAYERS'],
    ...derived,
    meaning: 'Layers of the model that are put on the GPU',
    parse: orAuto(wholeNumber(0, 1_000)),
  }),
  llmQueue: setting({
    env: ['LLM_QUEUE'],
    default: 128,
    meaning: 'Requests that may wait at the own model service; more are told to come again',
    parse: wholeNumber(1, 100_000),
  }),
  localModel: setting<string | null>({
    env: ['MENTOR_LOCAL_MODEL'],
    default: null,
    shownDefault: 'Qwen3-0.6B, or the smallest installed',
    meaning: 'Installed model that answers when no model server does; `off` for none',
    parse: (text) => text,
  }),
  localModelIdle: setting({
    env: ['MENTOR_LOCAL_MODEL_IDLE'],
    default: 600,
    meaning: 'Seconds without a question after which the local model gives its memory back',
    parse: decimal(1, 604_800),
  }),
  embeddingModel: setting({
    env: ['EMBEDDING_MODEL'],
    default: `sentence-transformers/${allMiniLM.name}`,
    meaning: 'The embedding model; the bundled one is the only one yet',
    parse: embeddingModel,
  }),
  embeddingDimension: setting({
    env: ['EMBEDDING_DIMENSION'],
    default: allMiniLM.dimensions,
    meaning: 'Numbers in a vector; another count than the model gives stops every command',
    parse: wholeNumber(1, 65_536),
  }),
  answerDeadline: setting({
    env: ['MENTOR_ANSWER_DEADLINE'],
    default: 120,
    meaning: 'Seconds for one answer, all rungs together',
    parse: decimal(1, 3600),
  }),
  firstTextDeadline: setting({
    env: ['MENTOR_FIRST_TEXT_DEADLINE'],
    default: 30,
    meaning: 'Seconds until a model’s first text, after which the next rung is asked',
    parse: decimal(0.1, 3600),
  }),
  betweenTextDeadline: setting({
    env: ['MENTOR_BETWEEN_TEXT_DEADLINE'],
    default: 15,
    meaning: 'Seconds between two pieces of a model’s text, after which the stream is given up',
    parse: decimal(0.1, 3600),
  }),
  reserve: setting({
    env: ['MENTOR_RESERVE'],
    default: 2,
    meaning: 'Seconds of the answer’s deadline always kept for quoting the documents',
    parse: decimal(0.1, 600),
  }),
  models: setting<string | null>({
    env: ['MENTOR_MODELS'],
    default: null,
    shownDefault: '`models/` in the data directory',
    meaning: 'Folder of the language models; several data directories may share one',
    parse: (text) => resolve(text),
  }),
  hubEndpoint: setting({
    env: ['HF_ENDPOINT'],
    default: 'https://huggingface.co',
    meaning: 'Model hub that `models pull` downloads from, or a mirror of it',
    parse: httpUrl,
  }),
  hubToken: setting<string | null>({
    env: ['HF_TOKEN', 'HUGGINGFACE_API_KEY'],
    default: null,
    shownDefault: 'none',
    meaning: 'Sent to the model hub, and to no other host, for gated and private models',
    parse: token,
  }),
  offline: setting({
    env: ['MENTOR_OFFLINE'],
    flag: '--offline',
    default: false,
    meaning: 'Whether downloads are forbidden',
    parse: yesOrNo,
  }),
}

export type SettingName = keyof typeof settings
export type Config = { [K in SettingName]: (typeof settings)[K]['default'] }

/**
 * Settings from flags, then the environment, then the defaults. An empty variable counts as not set.
 * @throws WrongSetting
 */
export function readConfig(
  flags: Partial<Record<SettingName, string>>,
  environment: Record<string, string | undefined> = process.env,
): Config {
  const entries = Object.entries(settings).map(([name, of]) => {
    return [name, read<unknown>(of, flags[name as SettingName], environment)]
  })
  const config = Object.fromEntries(entries) as Config
  if (config.reserve >= config.answerDeadline) {
    throw new WrongSetting(
      `MENTOR_RESERVE=${config.reserve} leaves nothing of MENTOR_ANSWER_DEADLINE=${config.answerDeadline}: make it smaller.`,
    )
  }
  if (config.embeddingDimension !== allMiniLM.dimensions) {
    throw new WrongSetting(
      `EMBEDDING_DIMENSION=${config.embeddingDimension} does not fit ${allMiniLM.name}, whose vectors have ` +
        `${allMiniLM.dimensions} numbers: leave it away.`,
    )
  }
  return config
}

function read<T>(
  of: Setting<T>,
  flag: string | undefined,
  environment: Record<string, string | undefined>,
): T {
  const variable = of.env.find((name) => (environment[name] ?? '') !== '')
  const [name, text] =
    flag !== undefined
      ? [`${of.flag} `, flag]
      : variable !== undefined
        ? [`${variable}=`, environment[variable] ?? '']
        : [null, '']
  if (name === null) return of.default
  try {
    return of.parse(text)
  } catch (error) {
    // A key or a password is not echoed.
    const shown = /KEY|HF_TOKEN|DATABASE_URL/.test(name) ? '…' : text
    throw new WrongSetting(`${name}${shown} is not ${error instanceof Error ? error.message : error}`)
  }
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
    if (value >= least && value <= most) return value
    throw new Error(`a whole number from ${least} to ${most}.`)
  }
}

function decimal(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
    if (value >= least && value <= most) return value
    throw new Error(`a number from ${least} to ${most}.`)
  }
}

function orAuto(parse: (text: string) => number): (text: string) => number | null {
  return (text) => (text.toLowerCase() === 'auto' ? null : parse(text))
}

/** As `device_map` of transformers writes them too. */
function deviceMap(text: string): DeviceMap {
  const name = text.toLowerCase().replace(/:\d+$/, '')
  const device = name === 'mps' ? 'metal' : name
  for (const known of ['auto', 'cpu', 'cuda', 'vulkan', 'metal'] as const) if (known === device) return known
  throw new Error('one of auto, cpu, cuda, vulkan and metal.')
}

function quantization(text: string): string {
  if (/^[A-Za-z0-9_]{2,24}$/.test(text)) return text
  throw new Error('a quantization, like Q4_K_M, or auto.')
}

function embeddingModel(text: string): string {
  const name = text.toLowerCase().split('/').at(-1)
  if (name === allMiniLM.name.toLowerCase()) return text
  throw new Error(`an embedding model that is here: only sentence-transformers/${allMiniLM.name} is.`)
}

function yesOrNo(text: string): boolean {
  const value = text.toLowerCase()
  if (['true', '1', 'yes', 'on'].includes(value)) return true
  if (['false', '0', 'no', 'off'].includes(value)) return false
  throw new Error('one of true and false.')
}

/** A line break in it would be another header. */
function token(text: string): string {
  if (/^[\x21-\x7e]+$/.test(text)) return text
  throw new Error('a token: visible ASCII characters without spaces.')
}

function byteSize(text: string): number {
  const match = /^(\d{1,9})\s*(B|KB|MB|GB)?$/i.exec(text)
  const unit = { B: 1, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30 }[(match?.[2] ?? 'B').toUpperCase()]
  const value = Number(match?.[1] ?? 0) * (unit ?? 0)
  if (value >= 1024 && value <= 2 ** 40) return value
  throw new Error('a size from 1KB to 1024GB, like 100MB.')
}

function hostName(text: string): string {
  const name = text.replace(/^\[(.*)\]$/, '$1')
  if (/^[A-Za-z0-9.:_-]{1,253}$/.test(name)) return name.toLowerCase()
  throw new Error('a host name or an address, like 127.0.0.1 (without http:// and without a port).')
}

function httpUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) return text.replace(/\/+$/, '')
  throw new Error('an http or https URL, like http://localhost:11434.')
}

function postgresUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url !== null && /^postgres(ql)?:$/.test(url.protocol)) return text
  throw new Error('a Postgres URL, like postgres://user:password@localhost:5432/mentor.')
}

/** Where the language models are: big, so that several data directories may share one folder. */
export function modelsFolder(config: Pick<Config, 'models' | 'data'>): string {
  return config.models ?? join(config.data, 'models')
}

/** What the tests and benchmarks find in their environment; `./mentor test` fills in what is missing. */
export const testSettings = {
  shared: setting({
    env: ['MENTOR_SHARED'],
    default: join(projectDir, '..', 'shared'),
    shownDefault: '`../shared` beside the project',
    meaning: 'Folder whose `data/` holds the graded collections',
    parse: (text) => resolve(text),
  }),
  databaseUrl: setting<string | null>({
    env: ['MENTOR_TEST_DATABASE_URL'],
    default: null,
    shownDefault: 'one is started',
    meaning: 'A Postgres 17 or later with pgvector, whose user may create databases',
    parse: postgresUrl,
  }),
  chromium: setting<string | null>({
    env: ['MENTOR_TEST_CHROMIUM'],
    default: null,
    shownDefault: 'the one on PATH',
    meaning: 'Chromium for the test of the page',
    parse: (text) => resolve(text),
  }),
  ci: setting({
    env: ['CI'],
    default: false,
    meaning: 'A skipped test is a failure, unless it needs a GPU',
    // Some services put their own name there.
    parse: (text) => !['false', '0', 'no'].includes(text.toLowerCase()),
  }),
}

export type TestConfig = { [K in keyof typeof testSettings]: (typeof testSettings)[K]['default'] }

/** @throws WrongSetting */
export function readTestConfig(environment: Record<string, string | undefined> = process.env): TestConfig {
  const entries = Object.entries(testSettings).map(([name, of]) => [
    name,
    read<unknown>(of, undefined, environment),
  ])
  return Object.fromEntries(entries) as TestConfig
}

/** Whether only this machine can reach an address. `localhost` is taken at its word. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}
