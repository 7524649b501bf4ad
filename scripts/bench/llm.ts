/**
 * The model service beside llama-server, same GGUF, same prompts, in turns: `bun scripts/bench/llm.ts`.
 * On a card: `bun scripts/bench/llm.ts --shape 1.7b --device cuda --concurrency 1,8,32,64`.
 * Without --model a random-weight file in the shape of Qwen3 is written: as fast as the real one, without its sense.
 */
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { version } from '../../package.json'
import { qwen3Shapes, writeRandomModel } from '../../tests/gguf/random-model.ts'
import { projectDir } from '../config.ts'
import { type Served, serve } from './chat-load.ts'
import { figure, heading, ms } from './figures.ts'
import { llamaServer } from './llama-server.ts'

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    shape: { type: 'string', default: '0.6b' },
    device: { type: 'string', default: 'cpu' },
    concurrency: { type: 'string', default: '1,4' },
    prompt: { type: 'string', default: '512' },
    tokens: { type: 'string', default: '128' },
    rounds: { type: 'string', default: '2' },
    workers: { type: 'string' },
    slots: { type: 'string' },
    threads: { type: 'string' },
    /** A llama-server that is built already. */
    server: { type: 'string' },
    /** Ours alone, where llama-server cannot be built. */
    alone: { type: 'boolean', default: false },
  },
})

const concurrencies = values.concurrency.split(',').map(Number)
const most = Math.max(...concurrencies)
const maxTokens = Number(values.tokens)
/** About 1.35 tokens a word with the shapes' vocabulary. */
const words = Math.round(Number(values.prompt) / 1.35)
/** Room for prompt and answer, however the words are cut. */
const contextTokens = Math.ceil((Number(values.prompt) * 1.5 + maxTokens + 64) / 256) * 256
const optional = (text: string | undefined) => (text === undefined ? null : Number(text))

interface Server {
  url: string
  stop(): Promise<void>
}

async function modelFile(): Promise<string> {
  if (values.model !== undefined) return values.model
  if (values.shape !== '0.6b' && values.shape !== '1.7b') throw new Error('--shape is 0.6b or 1.7b')
  const folder = join(homedir(), '.cache', 'mentor')
  const file = join(folder, `qwen3-${values.shape}-shape.gguf`)
  if (!existsSync(file)) {
    await mkdir(folder, { recursive: true })
    await writeRandomModel(file, qwen3Shapes[values.shape], { seed: 1 })
  }
  return file
}

async function ours(file: string): Promise<Server> {
  const child = Bun.spawn([process.execPath, join(projectDir, 'llm-service', 'main.ts')], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'ignore',
  })
  child.stdin.write(
    JSON.stringify({
      version,
      listen: { host: '127.0.0.1', port: 0 },
      model: { name: 'bench', file, sha256: null },
      modelsDir: join(homedir(), '.cache', 'mentor'),
      device: values.device,
      gpuLayers: null,
      workers: optional(values.workers),
      slots: optional(values.slots),
      contextTokens,
      batchTokens: null,
      threads: optional(values.threads),
      queue: { requests: 1000, tokens: 10_000_000 },
      defaults: { maxNewTokens: 256, temperature: 0.35, topP: 0.9 },
      embeddingDimension: 384,
      embeddingWorkers: 0,
      allowedOrigins: [],
      allowedHosts: [],
      apiKey: null,
    }),
  )
  await child.stdin.write('\n')
  await child.stdin.flush()
  const { value } = await child.stdout.getReader().read()
  const { url } = JSON.parse(new TextDecoder().decode(value))
  await until(async () => {
    const health = await (await fetch(`${url}/api/llm/health`)).json()
    return health.status === 'healthy'
  }, child)
  return { url: `${url}/v1`, stop: () => ended(child) }
}

async function theirs(file: string): Promise<Server> {
  const cuda = values.device === 'cuda'
  const port = 20_000 + Math.floor(Math.random() * 20_000)
  const child = Bun.spawn(
    [
      values.server ?? (await llamaServer(cuda)),
      ...['-m', file, '--host', '127.0.0.1', '--port', String(port)],
      ...['-np', String(most), '-c', String(most * contextTokens), '-ngl', cuda ? '999' : '0'],
      ...(values.threads === undefined ? [] : ['-t', values.threads]),
    ],
    { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' },
  )
  const url = `http://127.0.0.1:${port}`
  await until(async () => (await fetch(`${url}/health`)).ok, child)
  return { url: `${url}/v1`, stop: () => ended(child) }
}

async function until(ready: () => Promise<boolean>, child: Bun.Subprocess): Promise<void> {
  for (let tries = 0; tries < 1200; tries++) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('the server ended')
    if (await ready().catch(() => false)) return
    await Bun.sleep(250)
  }
  throw new Error('the server is not ready after five minutes')
}

async function ended(child: Bun.Subprocess): Promise<void> {
  child.kill('SIGTERM')
  await Promise.race([child.exited, Bun.sleep(15_000)])
  child.kill('SIGKILL')
}

function mean(runs: Served[], of: (run: Served) => number): number {
  return runs.reduce((sum, run) => sum + of(run), 0) / runs.length
}

const file = await modelFile()
heading('llm', 'at least as fast as llama-server alone, and faster with many at once', {
  model: file,
  device: values.device,
  'prompt tokens, about': values.prompt,
  'generated tokens': maxTokens,
  rounds: values.rounds,
})

const starts = values.alone ? { ours } : { ours, 'llama-server': theirs }
/** By server, then by the number of requests at once. */
const runs = new Map<string, Map<number, Served[]>>()

// One at a time: an idle llama-server beside ours was seen to halve it, and the other way round.
for (let round = 0; round < Number(values.rounds); round++) {
  for (const [name, start] of Object.entries(starts)) {
    const server = await start(file)
    const of = runs.get(name) ?? new Map<number, Served[]>()
    runs.set(name, of)
    try {
      await serve({ url: server.url, requests: 1, concurrency: 1, words, maxTokens: 8, from: 1_000_000 })
      for (const concurrency of concurrencies) {
        const requests = Math.max(4, concurrency * 2)
        const from = (concurrency * 100 + round) * 1000
        const served = await serve({ url: server.url, requests, concurrency, words, maxTokens, from })
        of.set(concurrency, [...(of.get(concurrency) ?? []), served])
      }
    } finally {
      await server.stop()
    }
  }
}

for (const concurrency of concurrencies) {
  const [us, them] = Object.keys(starts).map((name) => {
    const of = runs.get(name)?.get(concurrency) ?? []
    report(`${concurrency} at once, ${name}`, of)
    return of
  })
  if (us === undefined || them === undefined) continue
  const ratio = mean(us, (run) => run.tokensPerSecond) / mean(them, (run) => run.tokensPerSecond)
  const late = mean(us, (run) => run.firstToken.p95) / mean(them, (run) => run.firstToken.p95)
  figure(
    `${concurrency} at once, ratio`,
    `${ratio.toFixed(2)}× tokens/s, ${late.toFixed(2)}× first token p95`,
    { holds: ratio >= 1, text: 'at least 1.0×' },
  )
}

function report(name: string, of: Served[]): void {
  const first = `first token p50 ${ms(mean(of, (run) => run.firstToken.p50))}, p95 ${ms(mean(of, (run) => run.firstToken.p95))}`
  const failed = mean(of, (run) => run.failed) > 0 ? ', FAILED requests' : ''
  const each = of.map((run) => run.tokensPerSecond.toFixed(1)).join(' ')
  figure(
    name,
    `${mean(of, (run) => run.tokensPerSecond).toFixed(1)} tokens/s (${each}), ${first}, prompts of ${of[0]?.promptTokens}${failed}`,
  )
}
