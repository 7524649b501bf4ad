/** The probe of the devices: the CPU for real, and children that crash, hang and lie. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Binary, environmentOf, installedBinaries } from '../../llm-service/probe/binaries.ts'
import { inWords, probeFindings } from '../../llm-service/probe/findings.ts'
import { problemWithLogits, relativeDifference } from '../../llm-service/probe/logits.ts'
import { type ProbeKey, probeKey } from '../../llm-service/probe/machine.ts'
import { type ProbeOptions, type ProbeReport, probeDevices } from '../../llm-service/probe/probe.ts'
import { probeAnswers, writeProbeModel } from '../../llm-service/probe/probe-model.ts'
import { tryDevice, usualCommand } from '../../llm-service/probe/trial.ts'
import type { Device } from '../../llm-service/types.ts'
import { readGguf } from '../../models/gguf.ts'
import { temporaryFolder } from '../../scripts/bench/mentor-process.ts'
import type { Mishap, ProbeScript } from './scripted-probe-child.ts'

const folder = await temporaryFolder('probe')
afterAll(() => folder.remove())

const binary = (device: Device, build: Binary['build'] = 'package'): Binary => ({
  device,
  build,
  file: '',
  stamp: 'of the test',
})
const all = [binary('cuda'), binary('vulkan'), binary('cpu')]

let turn = 0
/** A probe with scripted children; `ran` are the devices tried, in their order. */
async function scripted(
  does: Partial<Record<Device, Mishap>>,
  options: Partial<ProbeOptions> = {},
): Promise<ProbeReport & { ran: string[]; pids: number[] }> {
  const record = join(folder.path, `record-${turn++}`)
  await writeFile(record, '')
  const script: ProbeScript = { does, record }
  const report = await probeDevices({
    cacheFile: null,
    binaries: all,
    childCommand: [
      process.execPath,
      join(import.meta.dir, 'scripted-probe-child.ts'),
      JSON.stringify(script),
    ],
    ...options,
  })
  const lines = (await readFile(record, 'utf8')).split('\n').filter((line) => line !== '')
  return {
    ...report,
    ran: lines.map((line) => line.split(' ')[0] ?? '').filter((name) => name !== 'started'),
    pids: lines.map((line) => Number(line.split(' ')[1])),
  }
}

const stateOf = ({ devices }: ProbeReport, device: Device) => devices.find((one) => one.device === device)

/** Waits a little: the system ends a killed process when it gets to it, and nobody may reap a grandchild. */
async function gone(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 50; tries++) {
    const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null)
    if (state === null || / [ZX] /.test(state.slice(state.lastIndexOf(')')))) return true
    await Bun.sleep(20)
  }
  return false
}

describe('the probe model', () => {
  const file = join(folder.path, 'probe.gguf')
  beforeAll(() => writeProbeModel(file))

  test('is a GGUF file with the types of a Q4_K_M model, the same each time', async () => {
    expect(readGguf(file)).toMatchObject({ architecture: 'qwen3', type: 'model', vocabularySize: 512 })
    const again = join(folder.path, 'again.gguf')
    await writeProbeModel(again)
    const [one, other] = await Promise.all([readFile(file), readFile(again)])
    expect(one.equals(other)).toBe(true)
  })

  test('the CPU decodes it and gives the answers that it must', async () => {
    const trial = await tryDevice({
      device: 'cpu',
      build: 'package',
      modelFile: file,
      command: usualCommand,
      silenceMs: 20_000,
      signal: null,
    })
    expect(trial.problem).toBeNull()
    const rows = numbers(trial.logits)
    expect(problemWithLogits(rows, null)).toBeNull()
    expect(probeAnswers.filter((answer) => answer !== null).length).toBeGreaterThan(5)

    // Rounding of the size that devices differ by passes, five times as much does not.
    const noisy = (share: number) =>
      rows.map((row) => row.map((value, at) => value + 5.8 * share * Math.sin(at * 7)))
    const differences = (share: number) =>
      noisy(share).map((row, at) => relativeDifference(row, rows[at] ?? []))
    expect(Math.max(...differences(0.03))).toBeLessThan(0.06)
    expect(Math.min(...differences(0.03))).toBeGreaterThan(0.015)
    expect(problemWithLogits(noisy(0.03), rows)).toBeNull()
    expect(problemWithLogits(noisy(0.15), rows)).toContain('computes wrongly')
  })

  function numbers(rows: (number | null)[][] | null): number[][] {
    return (rows ?? []).map((row) => row.map((value) => value ?? Number.NaN))
  }
})

describe('this machine', () => {
  test('runs models on the CPU at least, and is not asked again', async () => {
    const cacheFile = join(folder.path, 'real', 'devices.json')
    const first = await probeDevices({ cacheFile, devices: ['cpu'] })
    expect(first).toMatchObject({ cached: false, chosen: { device: 'cpu', state: 'works' } })
    expect(first.chosen?.deviceName).not.toBeNull()
    const second = await probeDevices({
      cacheFile,
      devices: ['cpu'],
      onTrial: () => expect.unreachable('it was tried again'),
    })
    expect(second).toMatchObject({ cached: true, chosen: first.chosen })
  })

  test('its binaries are those that node-llama-cpp takes', () => {
    const devices = installedBinaries().map(({ device }) => device)
    expect(devices).toContain('cpu')
    for (const { stamp } of installedBinaries()) expect(stamp).toMatch(/^\d+$/)
    // No placeholder counts for a binary.
    expect(installedBinaries('linux', 'riscv64')).toEqual([])
  })

  const cards = installedBinaries().filter(({ device }) => device !== 'cpu')
  test.skipIf(cards.length === 0)(
    'each GPU binary ends in a verdict with a reason',
    async () => {
      const { devices } = await probeDevices({ cacheFile: null, again: true })
      for (const one of devices) {
        if (one.state === 'works') expect(one.deviceName).not.toBeNull()
        else expect(one.reason).not.toBe('')
      }
    },
    300_000,
  )
})

describe('a device that fails leaves it to the next one', () => {
  test('llama.cpp is compared with itself', async () => {
    const report = await scripted({ cuda: 'nearly', vulkan: 'real', cpu: 'real' })
    expect(report.chosen).toMatchObject({ device: 'vulkan', state: 'works' })
    expect(stateOf(report, 'cuda')?.reason).toContain('from the CPU')
  }, 20_000)

  test.each<[Mishap, RegExp]>([
    ['abort', /^crashed at its first decode: SIG(ABRT|ILL|TRAP) \(.*PTX was compiled with an unsupported/],
    ['segfault', /^crashed while it opened its library: SIGSEGV/],
    ['exit', /^ended while it opened its library with exit code 3/],
    ['garbage', /^ended while it opened its library without a result/],
    ['no-driver', /^does not work: libcuda\.so\.1: cannot open shared object file$/],
    ['other-binary', /^does not work: its binary does not load$/],
    ['zeros', /^computes wrongly: another token/],
    ['not-numbers', /^computes wrongly: some logits are no numbers/],
    ['nearly', /^computes wrongly: its logits differ by \d+ % from the CPU's/],
    ['short', /^gave 9 rows of logits instead of 10/],
  ])('%s', async (mishap, reason) => {
    const report = await scripted({ cuda: mishap })
    expect(stateOf(report, 'cuda')).toMatchObject({ state: 'failed', reason: expect.stringMatching(reason) })
    expect(stateOf(report, 'cuda')?.advice).toContain('./mentor llm build --gpu cuda')
    expect(report.chosen).toMatchObject({ device: 'vulkan', state: 'works' })
    // The CPU once, for the logits that the others are compared with.
    expect(report.ran).toEqual(['cpu', 'cuda', 'vulkan'])
  })

  test('hang: killed after its time, with all that it started', async () => {
    const report = await scripted({ cuda: 'hang', vulkan: 'babble' }, { silenceMs: 2_500 })
    expect(stateOf(report, 'cuda')?.reason).toBe(
      'hung while it loaded a model of 5 MB, 2.5 s without a sign of life',
    )
    expect(stateOf(report, 'vulkan')?.reason).toContain('hung while it loaded')
    expect(report.chosen?.device).toBe('cpu')
    expect(report.pids).toHaveLength(4)
    for (const pid of report.pids) expect(await gone(pid)).toBe(true)
  }, 20_000)

  test('all of them: nothing is chosen, and each says why', async () => {
    const report = await scripted({ cuda: 'abort', vulkan: 'segfault', cpu: 'exit' })
    expect(report.chosen).toBeNull()
    expect(report.devices.map(({ state }) => state)).toEqual(['failed', 'failed', 'failed'])
    expect(report.devices.map(inWords).join('\n')).toContain('CUDA crashed at its first decode')
  })

  test('a CPU that computes wrongly is no measure for the others', async () => {
    const report = await scripted({ cpu: 'zeros' })
    expect(report.chosen).toMatchObject({ device: 'cuda', state: 'works' })
  })

  test('a build made here comes before the package, and the package stands in for it', async () => {
    const binaries = [binary('cuda', 'source'), ...all]
    const works = await scripted({}, { binaries })
    expect(works.chosen).toMatchObject({ device: 'cuda', build: 'source' })
    expect(works.devices[1]).toMatchObject({ device: 'cuda', build: 'package', state: 'untried' })
    expect(environmentOf('source')).toEqual({})
    expect(Object.keys(environmentOf('package'))).toEqual(['NODE_LLAMA_CPP_CMAKE_OPTION_MENTOR_PACKAGE'])
  })

  test('what cannot be started is no crash', async () => {
    const report = await scripted({}, { childCommand: [join(folder.path, 'missing')] })
    expect(report.chosen).toBeNull()
    expect(stateOf(report, 'cpu')?.reason).toContain('could not be tried')
  })

  test('nothing is left in the temporary folder, and nothing runs on after Ctrl-C', async () => {
    const left = () => [...new Bun.Glob('mentor-probe-*').scanSync({ cwd: tmpdir(), onlyFiles: false })]
    const before = left()
    const stop = new AbortController()
    const probing = scripted(
      { cpu: 'hang' },
      { signal: stop.signal, onTrial: () => setTimeout(() => stop.abort(), 400) },
    )
    await expect(probing).rejects.toThrow('abort')
    expect(left()).toEqual(before)
    const record = await readFile(join(folder.path, `record-${turn - 1}`), 'utf8')
    for (const [, pid] of record.matchAll(/ (\d+)$/gm)) expect(await gone(Number(pid))).toBe(true)
  })
})

describe('what is not there', () => {
  test('is not tried, and says how to get it', async () => {
    const report = await scripted({}, { binaries: [binary('cpu')] })
    expect(report.ran).toEqual(['cpu'])
    expect(stateOf(report, 'cuda')).toMatchObject({ state: 'absent', build: null, reason: 'not installed' })
    expect(stateOf(report, 'cuda')?.advice).toContain('MENTOR_GPU=cuda')
    expect(report.chosen?.device).toBe('cpu')
  })

  test('findings for the doctor: a line each, with what to do', async () => {
    const childCommand = [
      process.execPath,
      join(import.meta.dir, 'scripted-probe-child.ts'),
      JSON.stringify({ does: { cuda: 'abort' }, record: join(folder.path, 'record') }),
    ]
    const findings = await probeFindings({
      cacheFile: null,
      binaries: [binary('cuda'), binary('cpu')],
      childCommand,
    })
    expect(findings.map(({ name, state }) => `${name}: ${state}`)).toEqual([
      'Device cuda: missing',
      'Device vulkan: missing',
      'Device cpu: ok',
    ])
    expect(findings[0]?.detail).toContain('crashed at its first decode')
    expect(findings[0]?.advice).toContain('./mentor llm build --gpu cuda')
    expect(findings[2]?.detail).toContain('models run on it')
  })
})

describe('what was found is kept', () => {
  const key: ProbeKey = {
    ...probeKey('/nowhere', { environment: {} }),
    cards: ['a card'],
    drivers: ['580.1'],
  }
  const cacheFile = join(folder.path, 'kept', 'devices.json')
  const crash = { cuda: 'abort', vulkan: 'segfault' } as const
  // Each begins with one probe in which CUDA and Vulkan crash.
  async function afterCrash(): Promise<void> {
    await rm(cacheFile, { force: true })
    await scripted(crash, { cacheFile, key })
  }

  test('a crash is not tried again', async () => {
    await afterCrash()
    const again = await scripted({}, { cacheFile, key })
    expect(again.ran).toEqual([])
    expect(again).toMatchObject({ cached: true, chosen: { device: 'cpu' } })
    expect(stateOf(again, 'cuda')?.reason).toContain('crashed at its first decode')
  })

  test.each<[string, Partial<ProbeKey>]>([
    ['a driver', { drivers: ['590.2'] }],
    ['a card', { cards: ['another card'] }],
    ['a binary', { binaries: ['cuda source 1'] }],
    ['a version of node-llama-cpp', { engine: 'node-llama-cpp 4' }],
    ['a system', { system: 'linux x64 7.0' }],
    ['a variable', { environment: { CUDA_VISIBLE_DEVICES: '1' } }],
  ])('until %s changes', async (_, change) => {
    await afterCrash()
    const again = await scripted({}, { cacheFile, key: { ...key, ...change } })
    expect(again).toMatchObject({ cached: false, chosen: { device: 'cuda', state: 'works' } })
  })

  test('or somebody asks for it', async () => {
    await afterCrash()
    const again = await scripted({}, { cacheFile, key, again: true })
    expect(again.ran.toSorted()).toEqual(['cpu', 'cuda', 'vulkan'])
    expect(again.chosen?.device).toBe('cuda')
    expect(await scripted(crash, { cacheFile, key })).toMatchObject({
      cached: true,
      chosen: { device: 'cuda' },
    })
  })

  test('for each device by itself', async () => {
    await rm(cacheFile, { force: true })
    expect((await scripted({}, { cacheFile, key, devices: ['vulkan'] })).ran).toEqual(['cpu', 'vulkan'])
    expect((await scripted({ cuda: 'abort' }, { cacheFile, key })).ran).toEqual(['cpu', 'cuda'])
    expect(await scripted({}, { cacheFile, key })).toMatchObject({
      cached: true,
      chosen: { device: 'vulkan' },
    })
  })

  test('but not that a card had no memory left', async () => {
    await rm(cacheFile, { force: true })
    const first = await scripted({ cuda: 'no-memory' }, { cacheFile, key })
    expect(stateOf(first, 'cuda')?.reason).toContain('out of memory')
    expect((await scripted({}, { cacheFile, key })).chosen?.device).toBe('cuda')
  })

  test.each([
    ['empty', ''],
    ['no JSON', '{"key":'],
    ['of another shape', '{"key":{},"results":7}'],
    ['with results of another shape', 'KEY'],
  ])('a file that is %s counts for none', async (_, text) => {
    await mkdir(join(folder.path, 'kept'), { recursive: true })
    const results = [null, 7, { device: 'cuda', build: 'package', problem: null }]
    await writeFile(cacheFile, text === 'KEY' ? JSON.stringify({ key, results }) : text)
    const found = await scripted({}, { cacheFile, key, devices: ['cpu'] })
    expect(found).toMatchObject({ cached: false, chosen: { device: 'cpu' } })
  })

  test('a folder that cannot be written to costs only the next probe', async () => {
    await writeFile(join(folder.path, 'file'), '')
    const nowhere = join(folder.path, 'file', 'devices.json')
    expect((await scripted({}, { cacheFile: nowhere, key, devices: ['cpu'] })).chosen?.device).toBe('cpu')
  })
})

describe('what a result holds for', () => {
  const root = join(folder.path, 'root')
  const put = async (path: string, text: string) => {
    await mkdir(join(root, path, '..'), { recursive: true })
    await writeFile(join(root, path), text)
  }
  const driver = (version: string) =>
    put(
      'proc/driver/nvidia/version',
      `NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  ${version}  Release Build\nGCC version: 13\n`,
    )
  const quiet = { environment: {} }

  test('cards, drivers and libraries are read without loading any', async () => {
    await driver('580.95.05')
    await put('proc/driver/nvidia/gpus/0000:01:00.0/information', 'Model: \t NVIDIA H200\nIRQ: 12\n')
    await put('sys/class/drm/card0/device/vendor', '0x1002\n')
    await put('sys/class/drm/card0/device/device', '0x744c\n')
    await put('dev/dri/renderD128', '')
    await put('etc/ld.so.cache', 'libraries')
    const key = probeKey(root, quiet)
    expect(key.cards).toEqual(['NVIDIA H200 at 0000:01:00.0', 'card0 0x1002:0x744c', 'renderD128'])
    expect(key.drivers[0]).toContain('580.95.05')
    expect(key.drivers[1]).toMatch(/^etc\/ld\.so\.cache 9 \d+$/)
    expect(probeKey(root, quiet)).toEqual(key)

    await driver('590.10')
    expect(probeKey(root, quiet)).not.toEqual(key)
  })

  test('a machine without any of it has a key too', () => {
    expect(probeKey('/nowhere', quiet)).toMatchObject({ cards: [], drivers: [], environment: {} })
  })

  test('of the environment only what decides about cards', () => {
    const environment = {
      HF_TOKEN: 'secret',
      CUDA_VISIBLE_DEVICES: '0',
      LD_LIBRARY_PATH: '/cuda',
      HOME: '/h',
    }
    expect(probeKey('/nowhere', { environment }).environment).toEqual({
      CUDA_VISIBLE_DEVICES: '0',
      LD_LIBRARY_PATH: '/cuda',
    })
  })
})
