/**
 * Which device answers: each is tried with a real decode in a child process, because a driver that does not fit aborts
 * the process that uses it (a prebuilt CUDA binary did, at its first decode, on a driver older than its compiler), and
 * a wrong kernel says nothing at all. What was found is kept until something that decides it changes.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Device } from '../types.ts'
import { type Binary, type Build, installedBinaries, possibleDevices } from './binaries.ts'
import { problemWithLogits } from './logits.ts'
import { type ProbeKey, probeKey } from './machine.ts'
import { writeProbeModel } from './probe-model.ts'
import { readResults, type StoredResult, writeResults } from './results.ts'
import { notTried, type Trial, tryDevice, usualCommand } from './trial.ts'

export interface ProbedDevice {
  device: Device
  /** Null where nothing is installed for the device. */
  build: Build | null
  /** `untried`: a better one works. */
  state: 'works' | 'failed' | 'absent' | 'untried'
  /** In words; empty when it works. */
  reason: string
  /** What to do about it. */
  advice: string | null
  deviceName: string | null
  memoryBytes: number | null
  /** Milliseconds of the trial; null without one. */
  ms: number | null
}

export interface ProbeReport {
  /** In the order in which they are worth having. */
  devices: ProbedDevice[]
  /** The first that works; null: none does, not even the CPU. */
  chosen: ProbedDevice | null
  /** Nothing had to be tried. */
  cached: boolean
  key: ProbeKey
}

export interface ProbeOptions {
  /** Where results are kept; null: nowhere. */
  cacheFile: string | null
  /** Of these alone; all by default. */
  devices?: Device[]
  /** Tries all of them, whatever is known and whatever works. */
  again?: boolean
  /** Told before each trial. */
  onTrial?: (device: Device, build: Build) => void
  signal?: AbortSignal
  /** For tests: another child, another patience, another machine. */
  childCommand?: string[]
  silenceMs?: number
  key?: ProbeKey
  binaries?: Binary[]
}

/** A card that is asleep, or code that its driver compiles at first use, takes some seconds. */
const usualSilenceMs = 20_000

/** A card whose memory another program holds, or a machine without processes left, may be another one tomorrow. */
const passing = /out of memory|no memory|(cannot|failed to|unable to) allocate|could not be tried/i

/**
 * Tries the devices in their order until one works. Costs file look-ups where the results are kept, 0.5 s on a machine
 * without a card, and at most 20 s without a sign of life per device that hangs.
 * @throws the signal's reason
 */
export async function probeDevices(options: ProbeOptions): Promise<ProbeReport> {
  const key = options.key ?? probeKey()
  const binaries = options.binaries ?? installedBinaries()
  const wanted = possibleDevices().filter((device) => options.devices?.includes(device) ?? true)
  const kept = options.cacheFile === null ? [] : await readResults(options.cacheFile, key)
  const known = options.again === true ? [] : kept
  const trials = openTrials(binaries, options)
  try {
    const devices: ProbedDevice[] = []
    for (const device of wanted) {
      const mine = binaries.filter((binary) => binary.device === device)
      if (mine.length === 0) devices.push(absent(device))
      for (const binary of mine) {
        const result = known.find((one) => one.device === device && one.build === binary.build)
        const found = options.again !== true && devices.some(({ state }) => state === 'works')
        if (found && result === undefined) devices.push(untried(binary))
        else devices.push(shown(result ?? (await trials.judge(binary))))
      }
    }
    const tried = trials.results()
    if (options.cacheFile !== null && tried.length > 0) {
      const others = kept.filter(
        (old) => !tried.some((now) => now.device === old.device && now.build === old.build),
      )
      await writeResults(options.cacheFile, key, [...others, ...tried.filter(({ lasting }) => lasting)])
    }
    const chosen = devices.find(({ state }) => state === 'works') ?? null
    return { devices, chosen, cached: tried.length === 0, key }
  } finally {
    await trials.close()
  }
}

/** Trials of one probe: the model is written for the first of them, and the CPU's logits are taken once. */
function openTrials(binaries: Binary[], options: ProbeOptions) {
  const done: StoredResult[] = []
  let folder: Promise<string> | null = null
  let reference: Promise<number[][] | null> | null = null

  async function modelFile(): Promise<string> {
    folder ??= mkdtemp(join(tmpdir(), 'mentor-probe-')).then(async (path) => {
      await writeProbeModel(join(path, 'probe.gguf'))
      return path
    })
    return join(await folder, 'probe.gguf')
  }

  async function judge(binary: Binary): Promise<StoredResult> {
    const before = done.find(({ device, build }) => device === binary.device && build === binary.build)
    if (before !== undefined) return before
    const right = binary.device === 'cpu' ? null : await cpuLogits()
    return (await judged(binary, right)).result
  }

  /** Of the first CPU binary that works. */
  function cpuLogits(): Promise<number[][] | null> {
    reference ??= (async () => {
      for (const binary of binaries.filter(({ device }) => device === 'cpu')) {
        const { trial, result } = await judged(binary, null)
        if (result.problem === null && isNumbers(trial.logits)) return trial.logits
      }
      return null
    })()
    return reference
  }

  async function judged(
    binary: Binary,
    right: number[][] | null,
  ): Promise<{ trial: Trial; result: StoredResult }> {
    const { device, build } = binary
    options.onTrial?.(device, build)
    const command = options.childCommand ?? usualCommand
    const silenceMs = options.silenceMs ?? usualSilenceMs
    const trial = await modelFile().then(
      (file) =>
        tryDevice({ device, build, modelFile: file, command, silenceMs, signal: options.signal ?? null }),
      notTried, // no room, or no right to write there
    )
    const { deviceName, memoryBytes, ms } = trial
    const problem = trial.problem ?? problemWithLogits(trial.logits ?? [], right)
    const lasting = problem === null || !passing.test(problem)
    const result = { device, build, problem, deviceName, memoryBytes, ms, lasting }
    done.push(result)
    return { trial, result }
  }

  return {
    judge,
    results: () => done,
    close: async () => {
      if (folder === null) return
      const path = await folder.catch(() => null)
      if (path !== null) await rm(path, { recursive: true, force: true })
    },
  }
}

function isNumbers(rows: (number | null)[][] | null): rows is number[][] {
  return rows?.every((row) => row.every((value) => value !== null)) ?? false
}

function shown({ device, build, problem, deviceName, memoryBytes, ms }: StoredResult): ProbedDevice {
  if (problem === null) {
    return { device, build, state: 'works', reason: '', advice: null, deviceName, memoryBytes, ms }
  }
  const compiles = device === 'cuda' || device === 'vulkan'
  const advice = compiles
    ? `./mentor llm build --gpu ${device} compiles it for this machine; ./mentor llm probe --again tries it once more.`
    : './mentor llm probe --again tries it once more.'
  return { device, build, state: 'failed', reason: problem, advice, deviceName, memoryBytes, ms }
}

const nothing = { deviceName: null, memoryBytes: null, ms: null }

function absent(device: Device): ProbedDevice {
  const installs =
    device === 'cuda' || device === 'vulkan'
      ? `With a card for it: MENTOR_GPU=${device} ./mentor start installs it, ./mentor llm build --gpu ${device} compiles it.`
      : 'Remove node_modules and run ./mentor start.'
  return { device, build: null, state: 'absent', reason: 'not installed', advice: installs, ...nothing }
}

function untried({ device, build }: Binary): ProbedDevice {
  const reason = 'was not tried: a better one works'
  return { device, build, state: 'untried', reason, advice: null, ...nothing }
}
