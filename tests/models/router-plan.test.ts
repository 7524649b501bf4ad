/** What the router derives from the model and the machine, and what it checks before a file is loaded. */
import { afterAll, describe, expect, test } from 'bun:test'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { holdLock } from '../../db/lock.ts'
import { loadingChecks } from '../../llm-service/router/loading-checks.ts'
import { makePlan, type UsableDevice } from '../../llm-service/router/make-plan.ts'
import { type Machine, planSizes, shortOfMemory, type Wanted } from '../../llm-service/router/plan.ts'
import { parseSettings, WrongSettings } from '../../llm-service/settings.ts'
import type { Device } from '../../llm-service/types.ts'
import { addFile } from '../../models/store/add.ts'
import { temporaryFolder } from '../../scripts/bench/mentor-process.ts'
import { settingsFor } from '../faults/llm-service-process.ts'
import { tinyAdapter, tinyModel } from './store-files.ts'

const folder = await temporaryFolder('router-plan')
afterAll(() => folder.remove())

const GB = 1e9
const open: Wanted = {
  gpuLayers: null,
  workers: null,
  slots: null,
  contextTokens: null,
  batchTokens: null,
  threads: null,
}
/** Qwen3-1.7B in Q4_K_M. */
const qwen = { fileBytes: 1.1 * GB, kvBytesPerToken: 114_688, contextLength: 40_960, vocabularySize: 151_936 }
const cpu = (ram: number): Machine => ({ device: 'cpu', cores: 4, ram, vram: null })
const card = (vram: number | null): Machine => ({ device: 'cuda', cores: 16, ram: 64 * GB, vram })

describe('the sizes', () => {
  test('on a CPU are one worker of four slots of 8,192 tokens, where that fits', () => {
    expect(planSizes(open, cpu(24 * GB), qwen)).toMatchObject({ workers: 1, slots: 4, contextTokens: 8_192 })
  })

  test.each([
    [7 * GB, 4, 4_096],
    [4 * GB, 1, 4_096],
    [3.4 * GB, 1, 3_072],
    [3 * GB, 1, 1_024],
  ])('with %d bytes free lose context, then slots, then context again', (ram, slots, contextTokens) => {
    expect(planSizes(open, cpu(ram), qwen)).toMatchObject({ workers: 1, slots, contextTokens })
  })

  test('of what does not fit at all are the smallest, and it is said', () => {
    const sizes = planSizes(open, cpu(1 * GB), qwen)
    expect(sizes).toMatchObject({ workers: 1, slots: 1, contextTokens: 1_024 })
    expect(shortOfMemory(sizes, 'cpu')).toContain('only 0.6 GB')
    expect(shortOfMemory(planSizes(open, cpu(24 * GB), qwen), 'cpu')).toBeNull()
  })

  test('on a large card are several workers, on a small one fewer slots', () => {
    expect(planSizes(open, card(139 * GB), qwen)).toMatchObject({
      workers: 4,
      slots: 16,
      contextTokens: 8_192,
    })
    const small = planSizes(open, card(8 * GB), qwen)
    expect(small.workers).toBe(1)
    expect(small.needed).toBeLessThan(7.2 * GB)
    expect(small.slots * small.contextTokens).toBeGreaterThan(30_000)
    expect(planSizes(open, card(null), qwen)).toMatchObject({ workers: 1, slots: 4 })
  })

  test('never exceed what the model was trained for', () => {
    expect(planSizes(open, cpu(24 * GB), { ...qwen, contextLength: 2_048 }).contextTokens).toBe(2_048)
    expect(planSizes(open, cpu(24 * GB), { ...qwen, contextLength: 512 }).contextTokens).toBe(512)
    const untold = { ...qwen, contextLength: null, kvBytesPerToken: null, vocabularySize: null }
    expect(planSizes(open, cpu(24 * GB), untold).contextTokens).toBe(8_192)
  })

  test('that are set stay as they are', () => {
    const set = { ...open, workers: 3, slots: 7, contextTokens: 20_000, batchTokens: 99 }
    expect(planSizes(set, cpu(1 * GB), qwen)).toMatchObject({
      workers: 3,
      slots: 7,
      contextTokens: 20_000,
      batchTokens: 99,
    })
    expect(planSizes({ ...open, contextTokens: 16_384 }, cpu(7 * GB), qwen)).toMatchObject({
      slots: 1,
      contextTokens: 16_384,
    })
    expect(planSizes({ ...open, slots: 1 }, cpu(4.5 * GB), qwen)).toMatchObject({
      slots: 1,
      contextTokens: 8_192,
    })
  })

  test('fit whatever they are derived for, or are the smallest there are', () => {
    for (let ram = 0.5; ram < 40; ram += 0.5) {
      for (const machine of [cpu(ram * GB), card(ram * GB)]) {
        const sizes = planSizes(open, machine, qwen)
        if (sizes.needed > sizes.budget)
          expect(sizes).toMatchObject({ workers: 1, slots: 1, contextTokens: 1_024 })
      }
    }
  })
})

describe('the device', () => {
  const usable = (device: Device): UsableDevice => ({
    device,
    vram: device === 'cpu' ? null : 24 * GB,
    environment: {},
  })
  const works =
    (...devices: Device[]) =>
    async (asked: Device[]) =>
      devices.filter((device) => asked.includes(device)).map(usable)
  const file = join(folder.path, 'device.gguf')
  const plan = async (
    device: ReturnType<typeof settingsFor>['device'],
    failed: Device[],
    ...devices: Device[]
  ) => {
    await writeFile(file, tinyModel())
    const log: string[] = []
    const made = await makePlan(
      settingsFor(file, { device }),
      works(...devices),
      failed,
      (line) => void log.push(line),
    )
    return { device: made.engine.device, log: log.join('\n') }
  }

  test('is the first that works', async () => {
    expect(await plan('auto', [], 'cuda', 'cpu')).toEqual({ device: 'cuda', log: '' })
    expect(await plan('auto', [], 'cpu')).toEqual({ device: 'cpu', log: '' })
  })
  test('is not one that could not load the model', async () => {
    expect((await plan('auto', ['cuda'], 'cuda', 'vulkan', 'cpu')).device).toBe('vulkan')
    expect((await plan('auto', ['cuda', 'vulkan'], 'cuda', 'vulkan', 'cpu')).device).toBe('cpu')
    expect((await plan('cuda', ['cuda'], 'cuda', 'cpu')).device).toBe('cpu')
    expect((await plan('cpu', ['cpu'], 'cuda')).device).toBe('cpu')
  })
  test('that is set but does not work is said', async () => {
    const { device, log } = await plan('cuda', [], 'cpu')
    expect(device).toBe('cpu')
    expect(log).toContain('cuda, cannot be used here')
    expect(await plan('vulkan', [], 'cuda', 'vulkan')).toEqual({ device: 'vulkan', log: '' })
  })
  test('has no say in what is no model', async () => {
    const adapter = join(folder.path, 'adapter.gguf')
    await writeFile(adapter, tinyAdapter())
    await expect(makePlan(settingsFor(adapter), works('cpu'), [], () => {})).rejects.toThrow('not a model')
    const missing = settingsFor(join(folder.path, 'missing.gguf'))
    await expect(makePlan(missing, works('cpu'), [], () => {})).rejects.toThrow('ENOENT')
  })
})

describe('before a file is loaded', () => {
  const sha256 = (bytes: Uint8Array) => new Bun.CryptoHasher('sha256').update(bytes).digest('hex')

  test('one outside of the store has the SHA-256 that it should have, also after it changed', async () => {
    const file = join(folder.path, 'alone.gguf')
    await writeFile(file, tinyModel())
    const settings = settingsFor(file, { model: { name: 'm', file, sha256: sha256(tinyModel()) } })
    const { verify } = loadingChecks(settings)
    await verify()
    await verify()
    await writeFile(file, tinyModel({ fill: 1 }))
    await expect(verify()).rejects.toThrow(/SHA-256/)
    await loadingChecks(settingsFor(file)).verify() // recorded nowhere, and none is asked for
  })

  test('one of the store is what was recorded, an adapter too; what is not recorded is no adapter', async () => {
    const store = { folder: join(folder.path, 'store'), takeLock: holdLock }
    await mkdir(join(store.folder, 'adapters'), { recursive: true })
    const signal = new AbortController().signal
    const add = async (name: string, bytes: Uint8Array) => {
      const path = join(folder.path, `${name}.gguf`)
      await writeFile(path, bytes)
      return (await addFile(store, path, { signal })).model.file
    }
    const file = await add('tiny', tinyModel())
    const adapter = await add('formal', tinyAdapter())
    const settings = settingsFor(file, {
      modelsDir: store.folder,
      model: { name: 'm', file, sha256: sha256(tinyModel()) },
    })
    const checks = loadingChecks(settings)
    await checks.verify()
    await checks.verifyAdapter(adapter)

    const stray = join(store.folder, 'adapters', 'stray.gguf')
    await writeFile(stray, tinyAdapter())
    await expect(checks.verifyAdapter(stray)).rejects.toThrow(/stray.gguf is not recorded/)
    const bytes = await readFile(adapter)
    bytes[bytes.length - 1] = 77
    await writeFile(adapter, bytes)
    await expect(checks.verifyAdapter(adapter)).rejects.toThrow(/SHA-256/)
    const weights = await readFile(file)
    weights[weights.length - 1] = 77
    await writeFile(file, weights)
    await expect(checks.verify()).rejects.toThrow(/SHA-256/)
  })
})

describe('the settings', () => {
  const good = settingsFor('/models/m.gguf')
  test('that are right come through as they are', () => {
    expect(parseSettings(JSON.stringify(good))).toEqual(good)
    expect(parseSettings(JSON.stringify({ ...good, listen: { unix: '/tmp/s' } })).listen).toEqual({
      unix: '/tmp/s',
    })
  })
  test.each([
    ['port', { listen: { host: 'localhost', port: 70_000 } }],
    ['device', { device: 'canary' }],
    ['model.sha256', { model: { name: 'a', file: '/a', sha256: 'canary' } }],
    ['defaults.temperature', { defaults: { ...good.defaults, temperature: -1 } }],
    ['defaults.topP', { defaults: { ...good.defaults, topP: 0 } }],
    ['workers', { workers: 1.5 }],
    ['slots', { slots: '4' }],
    ['queue.requests', { queue: { requests: -1, tokens: 1 } }],
    ['apiKey', { apiKey: '' }],
    ['canaries', { canaries: 1 }],
  ])('with a wrong %s are refused by its name', (field, wrong) => {
    const parse = () => parseSettings(JSON.stringify({ ...good, ...wrong }))
    expect(parse).toThrow(WrongSettings)
    expect(parse).toThrow(field === 'port' ? 'listen' : field)
    expect(parse).not.toThrow(/canary$|canary'/)
  })
})
