import { describe, expect, test } from 'bun:test'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import {
  isLoopback,
  readConfig,
  type Setting,
  settings,
  testSettings,
  WrongSetting,
} from '../../scripts/config.ts'

const project = resolve(import.meta.dir, '..', '..')

describe('settings', () => {
  test('defaults are those of the contract', () => {
    const config = readConfig({}, {})
    expect(config).toMatchObject({
      data: join(project, '.mentor'),
      port: 8000,
      host: '127.0.0.1',
      databaseUrl: null,
      serviceUrl: 'http://localhost:8001',
      serviceEnabled: true,
      serviceTimeout: 60,
      maxNewTokens: 256,
      temperature: 0.35,
      topP: 0.9,
      answerDeadline: 120,
      firstTextDeadline: 30,
      betweenTextDeadline: 15,
      reserve: 2,
    })
  })

  test('a flag wins over the environment, the environment over the default; empty means not set', () => {
    expect(readConfig({ port: '7' }, { MENTOR_PORT: '8' }).port).toBe(7)
    expect(readConfig({}, { MENTOR_PORT: '8' }).port).toBe(8)
    expect(readConfig({}, { MENTOR_PORT: '' }).port).toBe(8000)
  })

  test('the older name of the model server counts when the newer one is not set', () => {
    expect(readConfig({}, { VLLM_API_URL: 'http://a:1/v1/' }).serviceUrl).toBe('http://a:1/v1')
    expect(readConfig({}, { VLLM_API_URL: 'http://a:1', LLM_SERVICE_URL: 'http://b:2' }).serviceUrl).toBe(
      'http://b:2',
    )
  })

  test('a relative data directory is relative to where the command is called', () => {
    expect(readConfig({ data: 'here' }, {}).data).toBe(join(process.cwd(), 'here'))
  })

  const good: [string, string, keyof typeof settings, unknown][] = [
    ['MENTOR_PORT', '0', 'port', 0],
    ['MENTOR_PORT', '65535', 'port', 65_535],
    ['MENTOR_HOST', '[::1]', 'host', '::1'],
    ['MENTOR_ALLOWED_HOSTS', 'mentor.example, Box', 'allowedHosts', ['mentor.example', 'box']],
    ['MENTOR_MAX_UPLOAD', '20MB', 'maxUpload', 20 * 2 ** 20],
    ['MENTOR_MAX_UPLOAD', '1048576', 'maxUpload', 2 ** 20],
    ['LLM_SERVICE_ENABLED', 'FALSE', 'serviceEnabled', false],
    ['LLM_SERVICE_ENABLED', '1', 'serviceEnabled', true],
    ['LLM_TEMPERATURE', '0', 'temperature', 0],
    ['LLM_TOP_P', '1', 'topP', 1],
    ['DATABASE_URL', 'postgres://a:b@c/d', 'databaseUrl', 'postgres://a:b@c/d'],
    ['LLM_DEVICE_MAP', 'cuda:0', 'deviceMap', 'cuda'],
    ['LLM_DEVICE_MAP', 'mps', 'deviceMap', 'metal'],
    ['LLM_CONTEXT', 'auto', 'contextTokens', null],
    ['LLM_CONTEXT', '4096', 'contextTokens', 4096],
    ['LLM_GPU_LAYERS', '0', 'gpuLayers', 0],
    ['LLM_DTYPE', 'Q8_0', 'dtype', 'Q8_0'],
    ['MENTOR_LOCAL_MODEL', 'off', 'localModel', 'off'],
    ['MENTOR_LOCAL_MODEL_IDLE', '1.5', 'localModelIdle', 1.5],
    ['EMBEDDING_MODEL', 'all-MiniLM-L6-v2', 'embeddingModel', 'all-MiniLM-L6-v2'],
    ['EMBEDDING_DIMENSION', '384', 'embeddingDimension', 384],
  ]
  test.each(good)('%s=%s is read', (name, text, key, value) => {
    expect(readConfig({}, { [name]: text })[key]).toEqual(value as never)
  })

  const bad: [string, string][] = [
    ['MENTOR_PORT', 'abc'],
    ['MENTOR_PORT', '65536'],
    ['MENTOR_PORT', '-1'],
    ['MENTOR_PORT', '80.5'],
    ['MENTOR_PORT', '0x10'],
    ['MENTOR_PORT', '1e3'],
    ['MENTOR_HOST', 'http://localhost'],
    ['MENTOR_HOST', 'a b'],
    ['MENTOR_MAX_UPLOAD', '0'],
    ['MENTOR_MAX_UPLOAD', '10 elephants'],
    ['LLM_SERVICE_URL', 'localhost:8001'],
    ['LLM_SERVICE_URL', 'file:///etc/passwd'],
    ['LLM_SERVICE_ENABLED', 'maybe'],
    ['LLM_SERVICE_TIMEOUT', '0'],
    ['LLM_TEMPERATURE', 'NaN'],
    ['LLM_TEMPERATURE', '-0.1'],
    ['LLM_TOP_P', '0'],
    ['LLM_TOP_P', '1.1'],
    ['DATABASE_URL', 'mysql://a/b'],
    ['MENTOR_EMBEDDING_WORKERS', '0'],
    ['LLM_DEVICE_MAP', 'tpu'],
    ['LLM_CONTEXT', '12'],
    ['LLM_WORKERS', '0'],
    ['LLM_SLOTS', 'many'],
    ['LLM_BATCH', '1'],
    ['LLM_THREADS', '-1'],
    ['LLM_GPU_LAYERS', '1e9'],
    ['LLM_QUEUE', '0'],
    ['LLM_DTYPE', 'Q4 K M'],
    ['LLM_SERVICE_PORT', '65536'],
    ['LLM_SERVICE_HOST', 'http://x'],
    ['MENTOR_LOCAL_MODEL_IDLE', '0'],
    ['EMBEDDING_MODEL', 'text-embedding-3-small'],
  ]
  test.each(bad)('%s=%s is refused, by name and with what to write', (name, text) => {
    const read = () => readConfig({}, { [name]: text })
    expect(read).toThrow(WrongSetting)
    expect(read).toThrow(new RegExp(`^${name}=.+ is not (a|an|one) `))
  })

  test('a password in a wrong value is not echoed', () => {
    expect(() => readConfig({}, { DATABASE_URL: 'mysql://me:hunter2@c/d' })).toThrow(/^DATABASE_URL=… is not/)
  })

  test('a reserve that eats the whole deadline is refused', () => {
    expect(() => readConfig({}, { MENTOR_RESERVE: '5', MENTOR_ANSWER_DEADLINE: '4' })).toThrow(
      /make it smaller/,
    )
  })

  test('vectors of another length than the model’s are refused', () => {
    expect(() => readConfig({}, { EMBEDDING_DIMENSION: '768' })).toThrow(
      /does not fit all-MiniLM-L6-v2.* 384/,
    )
  })

  test('only this machine reaches a loopback address', () => {
    expect(['localhost', '127.0.0.1', '127.1.2.3', '::1'].map(isLoopback)).toEqual([true, true, true, true])
    expect(['0.0.0.0', '::', '192.168.1.2', '127.example.org', 'example.org'].map(isLoopback)).not.toContain(
      true,
    )
  })
})

test.each([
  ['Setting', settings],
  ['For tests', testSettings],
])("README's table %s is the one that the program reads", async (title, table) => {
  const readme = await readFile(join(project, 'README.md'), 'utf8')
  const rows = Object.values(table as Record<string, Setting<unknown>>).map((of) => {
    const names = [...of.env, ...(of.flag === undefined ? [] : [of.flag])]
      .map((name) => `\`${name}\``)
      .join(', ')
    return `| ${names} | ${of.shownDefault ?? `\`${of.default}\``} | ${of.meaning} |`
  })
  // The formatter pads the columns.
  const lines = readme.split('\n').map((line) => line.replace(/ +/g, ' '))
  const first = lines.indexOf(`| ${title} | Default | Meaning |`) + 2
  expect(lines.slice(first, lines.indexOf('', first))).toEqual(rows)
})
