/** `mentor llm build` compiles llama.cpp for this machine; `mentor llm probe` shows which devices it works on. */
import { mkdir, statfs } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { holdLock } from '../../db/lock.ts'
import { llamaDir } from '../../llm-service/probe/binaries.ts'
import { type BuildDevice, type MissingTool, missingTools } from '../../llm-service/probe/build-tools.ts'
import { inWords, probeFile } from '../../llm-service/probe/findings.ts'
import { type ProbedDevice, probeDevices } from '../../llm-service/probe/probe.ts'
import {
  BuildFailed,
  buildFromSource,
  bytesOfBuild,
  diskNeeded,
} from '../../llm-service/probe/source-build.ts'
import { availableMemory } from '../../llm-service/router/memory.ts'
import { amount } from '../amount.ts'
import { type Config, modelsFolder, projectDir } from '../config.ts'
import { lookAtMachine } from '../install/gpu-machine.ts'
import { CommandFailed, openTerminal, printable, type Terminal } from '../terminal.ts'

/** @returns the exit code: 1 when no device works. */
export async function probe(
  config: Config,
  { json, again }: { json: boolean; again: boolean },
  signal: AbortSignal,
): Promise<number> {
  const terminal = openTerminal(json)
  const report = await probeDevices({
    cacheFile: probeFile(modelsFolder(config)),
    again,
    onTrial: (device, build) => terminal.line(terminal.dim(`Trying ${device} (${build}) …`)),
    signal,
  })
  const { devices, chosen, cached } = report
  if (json) terminal.json({ devices, chosen, cached })
  for (const one of devices) {
    terminal.line(`  ${one === chosen ? '→' : ' '} ${printable(inWords(one))}${time(one)}`)
    if (one.advice !== null) terminal.line(terminal.dim(`      ${one.advice}`))
  }
  if (cached) terminal.line('As found before; nothing has changed since. --again tries them all.')
  if (chosen === null) terminal.line('No device works: answers come from the documents alone.')
  return chosen === null ? 1 : 0
}

function time({ ms }: ProbedDevice): string {
  return ms === null ? '' : ` (tried in ${(ms / 1000).toFixed(1)} s)`
}

/** Compilers at once: the largest files of llama.cpp take so much memory each. */
const memoryPerJob = 2 * 2 ** 30

/** Until it is compiled and has passed the probe. @throws CommandFailed that says what is missing, or what failed */
export async function build(
  config: Config,
  wish: { gpu: BuildDevice | null; jobs: number | null },
  signal: AbortSignal,
): Promise<void> {
  const terminal = openTerminal(false)
  if (process.platform !== 'linux') {
    throw new CommandFailed(
      `The source build is for Linux; on ${process.platform} models run with the binaries of node-llama-cpp.`,
    )
  }
  const device = wish.gpu ?? (await usualDevice())
  const missing = missingTools(device)
  if (missing.length > 0) throw new CommandFailed(whatToInstall(device, missing))
  await checkDisk(device)
  const lockFile = join(projectDir, '.bun', 'llm-build.lock')
  await mkdir(dirname(lockFile), { recursive: true })
  const lock = holdLock(lockFile)
  if (lock === null) throw new CommandFailed('Another llm build is under way: wait for it.')
  try {
    await buildAndProve(config, device, Math.max(1, wish.jobs ?? usualJobs()), terminal, signal)
  } catch (error) {
    if (error instanceof BuildFailed) throw new CommandFailed(printable(error.message))
    throw error
  } finally {
    lock.release()
  }
}

async function buildAndProve(
  config: Config,
  device: BuildDevice,
  jobs: number,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const began = performance.now()
  const bar = progressOn(process.stderr)
  const files = `${jobs} ${jobs === 1 ? 'file' : 'files'} at once`
  terminal.line(
    `Compiling llama.cpp for ${device}, ${files}. After Ctrl-C, ./mentor llm build goes on from there.`,
  )
  const made = await buildFromSource({
    device,
    jobs,
    onStep: (step) => terminal.line(terminal.dim(`  ${step} …`)),
    onProgress: bar.show,
    signal,
  }).finally(bar.end)
  const minutes = ((performance.now() - began) / 60_000).toFixed(1)
  terminal.line(`Compiled in ${minutes} min, ${amount(await bytesOfBuild(device))}. Trying it …`)
  const found = await proven(config, device, signal).catch(async (error: unknown) => {
    await made.undo()
    throw error
  })
  if (found?.state !== 'works') {
    await made.undo()
    throw new CommandFailed(
      `The build does not work here, so it is not used: ${printable(found === undefined ? 'it was not found' : inWords(found))}.`,
    )
  }
  await made.keep()
  terminal.line(`${inWords(found)}. It is used from the next start on.`)
}

async function proven(
  config: Config,
  device: BuildDevice,
  signal: AbortSignal,
): Promise<ProbedDevice | undefined> {
  const cacheFile = probeFile(modelsFolder(config))
  const { devices } = await probeDevices({ cacheFile, devices: [device], again: true, signal })
  return devices.find((one) => one.device === device && one.build === 'source')
}

async function usualDevice(): Promise<BuildDevice> {
  const { nvidia, vulkan } = await lookAtMachine()
  if (nvidia) return 'cuda'
  return vulkan ? 'vulkan' : 'cpu'
}

function usualJobs(): number {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(availableMemory() / memoryPerJob)))
}

async function checkDisk(device: BuildDevice): Promise<void> {
  const { bavail, bsize } = await statfs(llamaDir)
  if (bavail * bsize >= diskNeeded[device]) return
  throw new CommandFailed(
    `Compiling for ${device} needs ${amount(diskNeeded[device])} on the disk of ${llamaDir}, and ${amount(bavail * bsize)} are free.`,
  )
}

function whatToInstall(device: BuildDevice, missing: MissingTool[]): string {
  const lines = missing.map(({ what }) => `  ${what}`)
  const debian = missing.map((tool) => tool.debian).join(' ')
  const nvidia = missing.some((tool) => tool.debian === 'nvidia-cuda-toolkit')
    ? "\nThe CUDA compiler must fit the driver: NVIDIA's own packages (https://developer.nvidia.com/cuda-downloads) are newer than Debian's."
    : ''
  return `To compile llama.cpp for ${device}, this machine lacks:\n${lines.join('\n')}\nOn Debian and Ubuntu: sudo apt install ${debian}${nvidia}`
}

/** At a terminal one line that changes; in a log a line every tenth. */
function progressOn(out: { isTTY?: boolean; write(text: string): unknown }) {
  let tenths = -1
  let open = false
  return {
    show(done: number, all: number) {
      const text = `  ${Math.floor((done / all) * 100)} % (${done} of ${all})`
      if (out.isTTY) out.write(`\r${text}\x1b[K`)
      else if (Math.floor((done / all) * 10) > tenths) out.write(`${text}\n`)
      tenths = Math.floor((done / all) * 10)
      open = out.isTTY === true
    },
    end() {
      if (open) out.write('\n')
      open = false
    },
  }
}
