/** `mentor models` as a person runs it, against a hub on loopback. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runMentor, temporaryFolder } from '../../scripts/bench/mentor-process.ts'
import { projectDir } from '../../scripts/config.ts'
import { followDownload, progressLine } from '../../scripts/download-progress.ts'
import { type FakeHub, openFakeHub, sha256 } from '../models/fake-hub.ts'
import { largeModel, tinyAdapter, tinyModel } from '../models/store-files.ts'

let hub: FakeHub
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let environment: Record<string, string>
beforeAll(async () => {
  hub = await openFakeHub()
  folder = await temporaryFolder('models')
})
beforeEach(async () => {
  const models = join(folder.path, 'models')
  await rm(models, { recursive: true, force: true })
  environment = {
    MENTOR_MODELS: models,
    MENTOR_DATA: join(folder.path, 'data'),
    HF_ENDPOINT: hub.url,
    HF_TOKEN: '',
    HUGGINGFACE_API_KEY: '',
    MENTOR_OFFLINE: '',
  }
  Object.assign(hub.behaviour, { bytesPerSecond: Number.POSITIVE_INFINITY })
})
afterAll(async () => {
  hub.stop()
  await folder.remove()
})

const large = largeModel(400_000)
const run = (args: string[], more: Record<string, string> = {}) =>
  runMentor(['models', ...args], { ...environment, ...more })

test('pull, list, verify, remove', async () => {
  hub.put('maker/models/large.gguf', large)
  const pulled = await run(['pull', 'hf:maker/models/large.gguf'])
  expect(pulled).toMatchObject({ code: 0, out: '' })
  expect(pulled.err).toContain('401 kB of 401 kB, 100 %')
  expect(pulled.err).toContain(`large is installed: 401 kB, SHA-256 ${sha256(large)}`)

  const again = await run(['pull', 'hf:maker/models/large.gguf', '--json', '--offline'])
  expect(JSON.parse(again.out)).toMatchObject({ name: 'large', already: true, sha256: sha256(large) })

  const listed = JSON.parse((await run(['--json'])).out)
  expect(listed).toMatchObject({
    folder: environment.MENTOR_MODELS,
    installed: [
      { name: 'large', defaultFor: ['llm-service', 'local-model'], model: { architecture: 'llama' } },
    ],
    bundled: [{ name: 'all-MiniLM-L6-v2' }],
    unrecorded: [],
  })
  expect(listed.available.map(({ name }: { name: string }) => name)).toContain('Qwen3-1.7B-Q4_K_M')
  const shown = (await run(['list'])).err
  expect(shown).toMatch(/large \(default of the llm-service and the local-model\)/)
  expect(shown).toMatch(/Qwen3-1\.7B-Q4_K_M\n +1\.1 GB · 1\.8 GB of memory · Apache-2\.0/)

  expect(await run(['verify', '--json'])).toMatchObject({
    code: 0,
    out: `${JSON.stringify({ models: [{ name: 'large', ok: true, problem: null }] })}\n`,
  })
  const file = join(environment.MENTOR_MODELS ?? '', 'large.gguf')
  const bytes = await readFile(file)
  bytes[300_000] = (bytes[300_000] ?? 0) ^ 1
  await writeFile(file, bytes)
  const wrong = await run(['verify'])
  expect(wrong.code).toBe(1)
  expect(wrong.err).toMatch(
    /WRONG +large: .+expected .+Get it again with: .\/mentor models remove large, then/,
  )

  expect(JSON.parse((await run(['remove', 'large', '--json'])).out)).toEqual({
    removed: 'large',
    unfinished: false,
  })
  expect(existsSync(file)).toBe(false)
  const gone = await run(['remove', 'large'])
  expect(gone).toMatchObject({ code: 1, out: '' })
  expect(gone.err).toContain('large is not installed')
}, 60_000)

test('add takes models and adapters, by their file’s name or another', async () => {
  const model = join(folder.path, 'mine.gguf')
  const adapter = join(folder.path, 'terse.gguf')
  await writeFile(model, tinyModel())
  await writeFile(adapter, tinyAdapter())
  expect((await run(['add', model])).err).toContain('mine is installed')
  const added = JSON.parse((await run(['add', adapter, '--name', 'short', '--json'])).out)
  expect(added).toMatchObject({ name: 'short', kind: 'adapter', already: false })
  await writeFile(join(folder.path, 'cut.gguf'), tinyModel().subarray(0, 900))
  const cut = await run(['add', join(folder.path, 'cut.gguf')])
  expect(cut).toMatchObject({ code: 1, out: '' })
  expect(cut.err).toMatch(/cut\.gguf is refused: it is cut short: .+ bytes are missing/)
  await writeFile(join(environment.MENTOR_MODELS ?? '', 'dropped.gguf'), tinyModel())
  expect((await run(['list'])).err).toContain('dropped.gguf is not recorded, so it is not loaded')
}, 60_000)

describe('pull', () => {
  test('of a gated model takes the token under either name, and never shows it', async () => {
    hub.put('maker/gated/large.gguf', large, { gated: true })
    const refused = await run(['pull', 'hf:maker/gated/large.gguf'])
    expect(refused.code).toBe(1)
    expect(refused.err).toContain('set HF_TOKEN')
    const wrong = await run(['pull', 'hf:maker/gated/large.gguf'], { HF_TOKEN: 'hunter2' })
    expect(wrong.err).toContain('although HF_TOKEN was sent')
    const malformed = await run(['pull', 'hf:maker/gated/large.gguf'], { HF_TOKEN: 'hunter2\nX-Evil: 1' })
    expect(malformed.code).toBe(2)
    expect(malformed.err).toContain('HF_TOKEN=… is not a token')
    const pulled = await run(['pull', 'hf:maker/gated/large.gguf'], { HUGGINGFACE_API_KEY: 'good-token' })
    expect(pulled.code).toBe(0)
    expect(refused.err + wrong.err + malformed.err + pulled.err).not.toMatch(/hunter2|good-token/)
  }, 30_000)

  test('says what was wrong in one line, with exit code 1; wrong use has 2', async () => {
    hub.put('maker/models/large.gguf', large)
    const missing = await run(['pull', 'hf:maker/models/none.gguf'])
    expect(missing.code).toBe(1)
    expect(missing.err.trim().split('\n')).toHaveLength(1)
    expect(missing.err).toContain('(404)')
    const offline = await run(['pull', 'Qwen3-1.7B'], { MENTOR_OFFLINE: '1' })
    expect(offline).toMatchObject({ code: 1, out: '' })
    expect(offline.err).toMatch(/forbidden \(--offline, MENTOR_OFFLINE\).+models add FILE/)
    for (const args of [['pull'], ['pull', 'x', '--sha256', 'abc'], ['fetch', 'x'], ['list', 'x']])
      expect((await run(args)).code).toBe(2)
    expect((await run(['pull', 'x'], { HF_ENDPOINT: 'ftp://x' })).err).toContain('HF_ENDPOINT=ftp://x is not')
  }, 30_000)

  test.each([
    ['SIGINT', 130],
    ['SIGKILL', null],
  ] as const)(
    'after %s goes on where it was',
    async (signal, code) => {
      hub.put('maker/models/large.gguf', large)
      hub.behaviour.bytesPerSecond = 100_000
      const child = Bun.spawn([join(projectDir, 'mentor'), 'models', 'pull', 'hf:maker/models/large.gguf'], {
        env: { ...process.env, ...environment },
        stdin: 'ignore',
        stdout: 'ignore',
        stderr: 'pipe',
      })
      const state = join(environment.MENTOR_MODELS ?? '', '.partial', 'large', 'model.gguf.state.json')
      while (!existsSync(state)) await Bun.sleep(20) // noted after a second
      child.kill(signal)
      const said = await new Response(child.stderr).text()
      await child.exited
      expect(child.exitCode).toBe(code)
      if (signal === 'SIGINT')
        expect(said).toContain('What came is kept: ./mentor models pull hf:maker/models/large.gguf goes on.')
      const noted = JSON.parse(await readFile(state, 'utf8')).done[0]
      expect(noted).toBeGreaterThan(20_000)

      hub.behaviour.bytesPerSecond = Number.POSITIVE_INFINITY
      const before = hub.sent()
      expect((await run(['pull', 'hf:maker/models/large.gguf'])).code).toBe(0)
      expect(hub.sent() - before).toBeLessThanOrEqual(large.length - noted + 1) // one byte to ask for the length
      expect((await run(['verify'])).code).toBe(0)
    },
    60_000,
  )
})

describe('progress', () => {
  test('names bytes, share, rate and the time left', () => {
    expect(progressLine(123e6, 1.107e9, 24e6)).toBe('123 MB of 1.1 GB, 11 %, 24 MB/s, 41 s left')
    expect(progressLine(0, 5e9, 1e6)).toBe('0 bytes of 5.0 GB, 0 %, 1.0 MB/s, 83 min left')
    expect(progressLine(0, 4e10, 1e6)).toBe('0 bytes of 40.0 GB, 0 %, 1.0 MB/s, 11.1 h left')
    expect(progressLine(10, 10, 5)).toBe('10 bytes of 10 bytes, 100 %')
  })

  test('is one changing line at a terminal, and few lines in a log', () => {
    for (const isTTY of [true, false]) {
      let at = 0
      let text = ''
      const progress = followDownload({ isTTY, write: (more: string) => (text += more) }, () => at)
      for (; at <= 60_000; at += 50) progress.show(at, 60_000)
      progress.end()
      expect(text.split('\n').length - 1).toBe(isTTY ? 1 : 7)
      expect(text).toContain(', 1 kB/s, ')
    }
  })
})
