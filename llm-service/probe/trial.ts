/** One trial of a device: the probe's child process, watched, and killed with all it started. */
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openLastLines } from '../router/last-lines.ts'
import type { Device } from '../types.ts'
import { type Build, environmentOf } from './binaries.ts'

/** How far the child got, in this order. */
export type ChildLine =
  | { stage: 'opened'; build: Build; deviceName: string | null; memoryBytes: number | null }
  | { stage: 'loaded' }
  | { stage: 'read' }
  | { stage: 'done'; logits: (number | null)[][] }
  | { stage: 'failed'; message: string }

export interface TrialOptions {
  device: Device
  build: Build
  modelFile: string
  /** The child; device and model file are added. */
  command: string[]
  /** Without a sign of life for so long, it hangs. */
  silenceMs: number
  signal: AbortSignal | null
}

export interface Trial {
  /** Null when it failed. */
  logits: (number | null)[][] | null
  /** In words, to follow the device's name; null when it did not fail. */
  problem: string | null
  deviceName: string | null
  memoryBytes: number | null
  ms: number
}

/** `--no-orphans`: the kernel ends the child with this process. */
export const usualCommand = [
  process.execPath,
  '--no-orphans',
  fileURLToPath(new URL('probe-child.ts', import.meta.url)),
]

/** How far it got, and what it did then. */
const phases = [
  'while it opened its library',
  'while it loaded a model of 5 MB',
  'at its first decode',
  'at the decodes of single tokens',
] as const
const reached = { opened: 1, loaded: 2, read: 3, done: 4, failed: 4 }

/** A child says a line of some 50 KB at most; one that prints without end must not fill the memory. */
const longestLine = 2 ** 20

/** Never rejects, but with the signal's reason. */
export async function tryDevice(options: TrialOptions): Promise<Trial> {
  const began = performance.now()
  const trial: Trial = {
    logits: null,
    problem: null,
    deviceName: null,
    memoryBytes: null,
    ms: 0,
  }
  let phase = 0
  let hung = false
  const lastLines = openLastLines(() => {})
  options.signal?.throwIfAborted()
  const child = spawn(options)
  if (child instanceof Error) return notTried(child)

  const kill = () => killGroup(child.pid)
  const onSilence = () => {
    hung = true
    kill()
  }
  let watch = setTimeout(onSilence, options.silenceMs)
  options.signal?.addEventListener('abort', kill)

  const heard = (line: ChildLine) => {
    // Only what goes on is a sign of life.
    if (reached[line.stage] <= phase) return
    phase = reached[line.stage]
    clearTimeout(watch)
    watch = setTimeout(onSilence, options.silenceMs)
    if (line.stage === 'opened') {
      trial.deviceName = line.deviceName
      trial.memoryBytes = line.memoryBytes
      // node-llama-cpp falls back on the other one when a binary does not load.
      if (line.build !== options.build) {
        trial.problem = 'its binary does not load'
        kill()
      }
    }
    if (line.stage === 'failed') trial.problem = line.message
    if (line.stage === 'done') {
      trial.logits = line.logits
      kill() // libraries of cards take their time to end
    }
  }
  const written = lastLines.read(child.stderr)
  const said = readLines(child.stdout, heard)
  await child.exited
  clearTimeout(watch)
  // What it started may hold its pipes open.
  kill()
  await Promise.race([Promise.all([said, written]), Bun.sleep(500)])
  options.signal?.removeEventListener('abort', kill)
  options.signal?.throwIfAborted()
  if (trial.logits === null) {
    trial.problem = problemOf(
      trial.problem,
      hung ? options.silenceMs : null,
      child,
      phases[phase] ?? 'at its end',
      lastLines.telling(),
    )
  }
  return { ...trial, ms: Math.round(performance.now() - began) }
}

function spawn({ command, device, modelFile, build }: TrialOptions) {
  try {
    return Bun.spawn([...command, device, modelFile], {
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
      // A core file of a crash goes where it is removed again.
      cwd: dirname(modelFile),
      // A group of its own, so that the kill reaches what it started too.
      detached: true,
      // Bun would report a crash to its makers over the network.
      env: { ...process.env, ...environmentOf(build), BUN_ENABLE_CRASH_REPORTING: '0' },
    })
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** Nothing was found out about the device. */
export function notTried(error: unknown): Trial {
  const words = error instanceof Error ? error.message : String(error)
  return { logits: null, problem: `could not be tried: ${words}`, deviceName: null, memoryBytes: null, ms: 0 }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // all of it is gone
  }
}

function problemOf(
  told: string | null,
  silentMs: number | null,
  { exitCode, signalCode }: { exitCode: number | null; signalCode: string | number | null },
  doing: string,
  lastLine: string | null,
): string {
  const last = lastLine === null ? '' : ` (${lastLine})`
  if (silentMs !== null) return `hung ${doing}, ${silentMs / 1000} s without a sign of life`
  if (told !== null) return `does not work: ${told}`
  if (signalCode !== null) return `crashed ${doing}: ${signalCode}${last}`
  if (exitCode !== 0) return `ended ${doing} with exit code ${exitCode}${last}`
  return `ended ${doing} without a result${last}`
}

/** Other lines are a native library's, which may print on stdout as it likes. */
async function readLines(
  stream: ReadableStream<Uint8Array>,
  heard: (line: ChildLine) => void,
): Promise<void> {
  const decoder = new TextDecoder()
  let begun = ''
  try {
    for await (const chunk of stream) {
      const parts = (begun + decoder.decode(chunk, { stream: true })).split('\n')
      begun = (parts.pop() ?? '').slice(0, longestLine)
      for (const part of parts) {
        const line = childLine(part)
        if (line !== null) heard(line)
      }
    }
  } catch {
    // the pipe broke with its process
  }
}

function childLine(text: string): ChildLine | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null || !('stage' in value)) return null
  const { stage } = value
  if (stage === 'loaded' || stage === 'read') return { stage }
  if (stage === 'failed' && 'message' in value) return { stage, message: String(value.message) }
  if (stage === 'done' && 'logits' in value && isRows(value.logits)) return { stage, logits: value.logits }
  if (stage !== 'opened') return null
  const name = 'deviceName' in value ? value.deviceName : null
  const memory = 'memoryBytes' in value ? value.memoryBytes : null
  return {
    stage,
    build: 'build' in value && value.build === 'source' ? 'source' : 'package',
    deviceName: typeof name === 'string' ? name : null,
    memoryBytes: typeof memory === 'number' ? memory : null,
  }
}

/** JSON has no NaN: it arrives as null. */
function isRows(value: unknown): value is (number | null)[][] {
  return (
    Array.isArray(value) &&
    value.every(
      (row) => Array.isArray(row) && row.every((entry) => entry === null || typeof entry === 'number'),
    )
  )
}
