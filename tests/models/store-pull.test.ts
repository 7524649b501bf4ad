/** Pulling from a hub that does everything that hubs and networks do. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { holdLock } from '../../db/lock.ts'
import { installedModels } from '../../models/store/installed.ts'
import { lockFilePath, type Store } from '../../models/store/lock-file.ts'
import { type PullOptions, pull } from '../../models/store/pull.ts'
import { PullFailed } from '../../models/store/request.ts'
import { type FakeHub, openFakeHub, sha256 } from './fake-hub.ts'
import { largeModel, tinyAdapter, tinyModel } from './store-files.ts'

let hub: FakeHub
let store: Store
beforeEach(async () => {
  hub = await openFakeHub()
  store = { folder: await mkdtemp(join(tmpdir(), 'mentor-pull-')), takeLock: holdLock }
})
afterEach(async () => {
  hub.stop()
  await rm(store.folder, { recursive: true })
})

const large = largeModel(300_000)
const wanted = 'hf:maker/models/large.gguf'

/** Small pieces and short pauses, so that a small file has many of them. */
const quick = { pieceBytes: 32_768, pauseMs: 5, stallMs: 2000, attempts: 4, connections: 3 }

function pulling(what = wanted, options: Partial<PullOptions> = {}) {
  return pull(store, what, {
    endpoint: hub.url,
    token: null,
    offline: false,
    signal: new AbortController().signal,
    tuning: quick,
    ...options,
  })
}

async function failure(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(PullFailed)
  return error instanceof Error ? error.message : ''
}

/** Nothing is installed and nothing that could be taken for a model lies there. */
async function nothingInstalled() {
  expect(await installedModels(store.folder)).toEqual([])
  const names = await readdir(store.folder)
  expect(names.filter((name) => !name.startsWith('.'))).toEqual([])
}

const bodies = () => hub.seen.filter(({ at, range }) => at === 'store' && range !== 'bytes=0-0')

describe('a file of the hub', () => {
  test('comes in ranges, is checked against the hub’s SHA-256 and recorded with the commit', async () => {
    hub.put('maker/models/large.gguf', large)
    const shown: number[] = []
    const { model, already } = await pulling(wanted, { progress: (done) => shown.push(done) })
    expect(already).toBe(false)
    expect(large.equals(await readFile(model.file))).toBe(true)
    expect(model).toMatchObject({
      name: 'large',
      kind: 'llm',
      file: join(store.folder, 'large.gguf'),
      bytes: large.length,
      sha256: sha256(large),
      source: `hf:maker/models@${'c0ffee'.repeat(7).slice(0, 40)}/large.gguf`,
      architecture: 'llama',
      contextLength: 2048,
      problem: null,
    })
    expect(bodies().length).toBe(Math.ceil(large.length / quick.pieceBytes))
    expect(shown.at(-1)).toBe(large.length)
    expect(shown).toEqual([...shown].sort((a, b) => a - b))
    expect(await installedModels(store.folder)).toEqual([model])
    expect(await readdir(join(store.folder, '.partial'))).toEqual([])
  })

  test('is not asked for again once it is there', async () => {
    hub.put('maker/models/large.gguf', large)
    await pulling()
    hub.stop()
    expect(await pulling()).toMatchObject({ already: true, model: { name: 'large' } })
    expect(await pulling(wanted, { offline: true })).toMatchObject({ already: true })
  })

  test('an adapter goes to adapters/', async () => {
    hub.put('maker/lora/styles/terse.gguf', tinyAdapter())
    const { model } = await pulling('hf:maker/lora/styles/terse.gguf')
    expect(model).toMatchObject({
      kind: 'adapter',
      name: 'terse',
      file: join(store.folder, 'adapters', 'terse.gguf'),
    })
  })

  test('a model of the registry comes by its name, with the quantization asked for', async () => {
    hub.put('Qwen/Qwen3-0.6B-GGUF/Qwen3-0.6B-Q8_0.gguf', tinyModel())
    const { model } = await pulling('qwen3-0.6b:q8_0')
    expect(model).toMatchObject({ name: 'Qwen3-0.6B-Q8_0', licence: 'Apache-2.0' })
    expect(await failure(pulling('Qwen3-0.6B'))).toContain('unsloth/Qwen3-0.6B-GGUF')
  })

  test('an embedding model comes with all its files; the small ones are checked by git’s hash', async () => {
    const repo = 'Xenova/paraphrase-multilingual-MiniLM-L12-v2'
    const weights = Buffer.alloc(100_000, 3)
    hub.put(`${repo}/onnx/model_quantized.onnx`, weights)
    hub.put(`${repo}/tokenizer.json`, Buffer.from('{"a":1}'))
    for (const small of ['config.json', 'tokenizer_config.json'])
      hub.put(`${repo}/${small}`, Buffer.from(`{"file":"${small}"}`), { lfs: false })
    const { model } = await pulling('paraphrase-multilingual-MiniLM-L12-v2')
    expect(model).toMatchObject({ kind: 'embedding', sha256: sha256(weights), bytes: 100_000 + 7 + 22 + 32 })
    const folder = join(store.folder, 'paraphrase-multilingual-MiniLM-L12-v2')
    expect(model.file).toBe(join(folder, 'onnx', 'model_quantized.onnx'))
    expect(await readFile(join(folder, 'config.json'), 'utf8')).toBe('{"file":"config.json"}')
    expect(model.files.map(({ sha256: hash }) => hash.length)).toEqual([64, 64, 64, 64])
  })

  test('a missing file of several is told before the first byte of the others is downloaded', async () => {
    hub.put('Xenova/paraphrase-multilingual-MiniLM-L12-v2/onnx/model_quantized.onnx', Buffer.alloc(1000))
    expect(await failure(pulling('paraphrase-multilingual-MiniLM-L12-v2'))).toContain(
      'tokenizer.json does not exist',
    )
    expect(bodies()).toEqual([])
  })
})

describe('a connection that breaks', () => {
  test('in the middle, many times, is taken up where it was', async () => {
    hub.put('maker/models/large.gguf', large)
    Object.assign(hub.behaviour, { breaks: 25, breakAfter: 9000 })
    const { model } = await pulling()
    expect(model.sha256).toBe(sha256(large))
    // Each break costs what was on its way at most, never a piece that was there.
    expect(hub.sent()).toBeLessThan(large.length * 2)
    expect(
      bodies().some(({ range }) => Number(/=(\d+)/.exec(range ?? '')?.[1]) % quick.pieceBytes !== 0),
    ).toBe(true)
  })

  test('for good is given up after some attempts, and what came is used by the next pull', async () => {
    hub.put('maker/models/large.gguf', large)
    Object.assign(hub.behaviour, { breaks: 5, breakAfter: 20_000 })
    const slowly = new AbortController()
    const first = pulling(wanted, {
      signal: slowly.signal,
      progress: (done) => {
        if (done > 120_000) {
          Object.assign(hub.behaviour, { breaks: 1e9, breakAfter: 0 })
        }
      },
    })
    expect(await failure(first)).toMatch(/Given up after 4 attempts; pull again to go on/)
    await nothingInstalled()
    Object.assign(hub.behaviour, { breaks: 0 })
    const before = hub.sent()
    expect((await pulling()).model.sha256).toBe(sha256(large))
    expect(hub.sent() - before).toBeLessThan(large.length - 50_000)
  })

  test('to silence counts as broken', async () => {
    hub.put('maker/models/large.gguf', large)
    Object.assign(hub.behaviour, { hang: true, breakAfter: 0 })
    expect(await failure(pulling(wanted, { tuning: { ...quick, stallMs: 100, attempts: 2 } }))).toMatch(
      /said nothing for 0\.1 s\. Given up after 2 attempts/,
    )
  })

  test('busy servers are asked again; a server that is not there is named', async () => {
    hub.put('maker/models/large.gguf', large)
    hub.behaviour.busy = 3
    expect((await pulling()).model.sha256).toBe(sha256(large))
    const gone = await failure(pulling('hf:maker/models/other.gguf', { endpoint: 'http://127.0.0.1:1' }))
    expect(gone).toMatch(/127\.0\.0\.1:1 failed \(ECONNREFUSED\)\. Given up/)
  })
})

describe('an interrupted pull', () => {
  test('stops at once when it is told to, and goes on later', async () => {
    hub.put('maker/models/large.gguf', large)
    hub.behaviour.bytesPerSecond = 200_000
    const stop = new AbortController()
    const running = pulling(wanted, {
      signal: stop.signal,
      progress: (done) => {
        if (done > 100_000) stop.abort(new Error('Ctrl-C'))
      },
    })
    await expect(running).rejects.toThrow('Ctrl-C')
    await nothingInstalled()
    hub.behaviour.bytesPerSecond = Number.POSITIVE_INFINITY
    const before = hub.sent()
    const first: number[] = []
    const { model } = await pulling(wanted, { progress: (done) => first.push(done) })
    expect(large.equals(await readFile(model.file))).toBe(true)
    expect(first[0]).toBeGreaterThan(100_000)
    expect(hub.sent() - before).toBeLessThan(large.length - 100_000 + quick.pieceBytes)
  })

  test('kill -9: the next pull goes on with what was noted', async () => {
    hub.put('maker/models/large.gguf', large)
    hub.behaviour.bytesPerSecond = 40_000
    const script = `
      import { holdLock } from '${join(import.meta.dir, '../../db/lock.ts')}'
      import { pull } from '${join(import.meta.dir, '../../models/store/pull.ts')}'
      await pull({ folder: ${JSON.stringify(store.folder)}, takeLock: holdLock }, '${wanted}', {
        endpoint: '${hub.url}', token: null, offline: false, signal: new AbortController().signal,
        tuning: ${JSON.stringify(quick)} })`
    const child = Bun.spawn([process.execPath, '-e', script], { stdout: 'inherit', stderr: 'inherit' })
    const state = join(store.folder, '.partial', 'large', 'model.gguf.state.json')
    const noted = async () => {
      if (!existsSync(state)) return 0
      const { done } = JSON.parse(await readFile(state, 'utf8')) as { done: number[] }
      return done.reduce((sum, bytes) => sum + bytes, 0)
    }
    while ((await noted()) < 60_000) await Bun.sleep(20)
    child.kill('SIGKILL')
    await child.exited
    const kept = await noted()
    await nothingInstalled()

    hub.behaviour.bytesPerSecond = Number.POSITIVE_INFINITY
    const first: number[] = []
    const { model } = await pulling(wanted, { progress: (done) => first.push(done) })
    expect(large.equals(await readFile(model.file))).toBe(true)
    expect(first[0]).toBeGreaterThan(kept)
  }, 30_000)

  test('a damaged partial file is found by its hash and thrown away; the next pull is whole', async () => {
    hub.put('maker/models/large.gguf', large)
    Object.assign(hub.behaviour, { breaks: 1e9, breakAfter: 10_000 })
    await failure(pulling(wanted, { tuning: { ...quick, attempts: 1 } }))
    hub.behaviour.breaks = 0
    const part = join(store.folder, '.partial', 'large', 'model.gguf.part')
    const bytes = await readFile(part)
    bytes.fill(0xff, 0, 200)
    await writeFile(part, bytes)
    expect(await failure(pulling())).toMatch(/must be .+ thrown away/)
    expect(existsSync(part)).toBe(false)
    expect((await pulling()).model.sha256).toBe(sha256(large))
  })

  test('a state that is nonsense, and a partial file of another file, are begun anew', async () => {
    hub.put('maker/models/large.gguf', large)
    Object.assign(hub.behaviour, { breaks: 1e9, breakAfter: 10_000 })
    const broken = () => failure(pulling(wanted, { tuning: { ...quick, attempts: 1 } }))
    await broken()
    const state = join(store.folder, '.partial', 'large', 'model.gguf.state.json')
    await writeFile(state, '{"done":[1e9')
    await broken()
    const other = largeModel(300_000, 99)
    hub.put('maker/models/large.gguf', other)
    await broken()
    await truncate(join(store.folder, '.partial', 'large', 'model.gguf.part'), 5)
    hub.behaviour.breaks = 0
    expect((await pulling()).model.sha256).toBe(sha256(other))
  })

  test('kill -9 between recording and renaming: the next pull takes the file that is there', async () => {
    hub.put('maker/models/large.gguf', large)
    const { model } = await pulling()
    const path = join(store.folder, '.partial', 'large', 'model.gguf')
    await mkdir(join(store.folder, '.partial', 'large'))
    await rename(model.file, `${path}.part`)
    const state = {
      url: '',
      etag: null,
      bytes: large.length,
      sha256: model.sha256,
      pieceBytes: 1e6,
      done: [large.length],
    }
    await writeFile(`${path}.state.json`, JSON.stringify(state))
    expect(await installedModels(store.folder)).toMatchObject([{ problem: `${model.file} is missing` }])
    const before = bodies().length
    expect(await pulling()).toMatchObject({ already: false, model: { problem: null, sha256: sha256(large) } })
    expect(bodies().length).toBe(before)
  })
})

describe('hashes', () => {
  test('a file that is not what the hub says is thrown away', async () => {
    hub.put('maker/models/large.gguf', large)
    hub.behaviour.claim = 'ab'.repeat(32)
    const said = await failure(pulling())
    expect(said).toContain(`its hash is ${sha256(large)}, it must be ${'ab'.repeat(32)}`)
    expect(said).toContain('thrown away')
    await nothingInstalled()
    expect(existsSync(join(store.folder, '.partial', 'large', 'model.gguf.part'))).toBe(false)
  })

  test('a small file that is not what the hub’s git says is thrown away', async () => {
    const repo = 'Xenova/paraphrase-multilingual-MiniLM-L12-v2'
    for (const name of [
      'onnx/model_quantized.onnx',
      'tokenizer.json',
      'config.json',
      'tokenizer_config.json',
    ])
      hub.put(`${repo}/${name}`, Buffer.from(`{"name":"${name}"}`), { lfs: false })
    hub.behaviour.gitClaim = 'ab'.repeat(20)
    const said = await failure(pulling('paraphrase-multilingual-MiniLM-L12-v2'))
    expect(said).toMatch(
      /model_quantized\.onnx is not the file: its hash is [0-9a-f]{40}, it must be (ab){20}/,
    )
    await nothingInstalled()
  })

  test('--sha256 is held against the hub before anything is downloaded', async () => {
    hub.put('maker/models/large.gguf', large)
    expect(await failure(pulling(wanted, { sha256: 'cd'.repeat(32) }))).toContain('as --sha256 says')
    expect(bodies()).toEqual([])
    expect((await pulling(wanted, { sha256: sha256(large).toUpperCase() })).model.name).toBe('large')
  })

  test('a mirror that keeps the headers back is asked for its list', async () => {
    hub.put('maker/models/deep/large.gguf', large)
    hub.behaviour.bareMirror = true
    await pulling('hf:maker/models/deep/large.gguf')
    expect(hub.seen.some(({ path }) => path === '/api/models/maker/models/tree/main/deep')).toBe(true)
    hub.put('maker/models/deep/other.gguf', largeModel(1000))
    hub.behaviour.claim = 'ab'.repeat(32) // is in the headers alone, which nobody sees
    expect((await pulling('hf:maker/models/deep/other.gguf')).already).toBe(false)
  })

  test('what was recorded holds: a file that is lost comes back only as it was', async () => {
    hub.put('maker/models/large.gguf', large)
    const { model } = await pulling()
    await rm(model.file)
    hub.put('maker/models/large.gguf', largeModel(300_000, 5))
    expect(await failure(pulling())).toMatch(/not the file any more that was recorded.+models remove large/)
    hub.put('maker/models/large.gguf', large)
    expect((await pulling()).model.sha256).toBe(sha256(large))
  })

  test('what is no model is thrown away, however well it came', async () => {
    hub.put(
      'maker/models/page.gguf',
      Buffer.from('<!doctype html><p>Please sign in to go on to the file.</p>'),
    )
    expect(await failure(pulling('hf:maker/models/page.gguf'))).toMatch(/thrown away\..+a web page/)
    hub.put('maker/models/cut.gguf', large.subarray(0, 200_000))
    expect(await failure(pulling('hf:maker/models/cut.gguf'))).toMatch(/cut short.+bytes are missing/)
    await nothingInstalled()
  })
})

describe('refusals', () => {
  test('404 names what is wrong', async () => {
    hub.put('maker/models/large.gguf', large)
    expect(await failure(pulling('hf:maker/models/small.gguf'))).toMatch(
      /\(404\): is the name of the file right/,
    )
    expect(await failure(pulling('hf:nobody/models/small.gguf'))).toMatch(/name of the repository right/)
    expect(await failure(pulling('hf:maker/models@v9/large.gguf'))).toMatch(/name of the revision right/)
    expect(hub.seen.length).toBe(3) // and is not tried again
  })

  test('a gated file wants HF_TOKEN, and says where its terms are', async () => {
    hub.put('maker/gated/large.gguf', large, { gated: true })
    const gated = 'hf:maker/gated/large.gguf'
    const said = await failure(pulling(gated))
    expect(said).toContain(`Accept its terms at ${hub.url}/maker/gated, then set HF_TOKEN`)
    const wrong = await failure(pulling(gated, { token: 'bad-token' }))
    expect(wrong).toContain('although HF_TOKEN was sent')
    expect(wrong + said).not.toContain('bad-token')
    expect((await pulling(gated, { token: 'good-token' })).model.name).toBe('large')
  })

  test('the token goes to the hub and to nobody else', async () => {
    hub.put('maker/gated/large.gguf', large, { gated: true })
    await pulling('hf:maker/gated/large.gguf', { token: 'good-token' })
    const told = (at: string) =>
      new Set(hub.seen.filter((seen) => seen.at === at).map((seen) => seen.authorization))
    expect([...told('hub')]).toEqual(['Bearer good-token'])
    expect([...told('store')]).toEqual([null])
    await pulling(`${hub.storeUrl}/maker/gated/large.gguf`, { token: 'good-token', name: 'again' })
    expect([...told('store')]).toEqual([null])
    expect(await readFile(lockFilePath(store.folder), 'utf8')).not.toMatch(/good-token|Signature/)
  })

  test('redirects end: in circles, to nowhere, to other protocols', async () => {
    hub.put('maker/models/large.gguf', large)
    hub.behaviour.redirectTo = `${hub.url}/maker/models/resolve/main/large.gguf`
    expect(await failure(pulling())).toContain('redirects more than 5 times')
    expect(hub.seen.length).toBe(6)
    hub.behaviour.redirectTo = 'file:///etc/passwd'
    expect(await failure(pulling())).toContain('redirects to file:, only http(s) is followed')
    hub.behaviour.redirectTo = 'http://'
    expect(await failure(pulling())).toContain('redirects to nowhere')
  })

  test('a server without ranges gives the file in one stream, from the start after each break', async () => {
    hub.put('maker/models/large.gguf', large)
    Object.assign(hub.behaviour, { ranges: false, breaks: 2, breakAfter: 50_000 })
    expect(large.equals(await readFile((await pulling()).model.file))).toBe(true)
  })

  test('a server that gives ranges at first and then no more is asked for the whole', async () => {
    hub.put('maker/models/large.gguf', large)
    const { model } = await pulling(wanted, {
      progress: (done) => {
        if (done > 60_000) hub.behaviour.ranges = false
      },
    })
    expect(large.equals(await readFile(model.file))).toBe(true)
  })

  test('hub and file store that disagree about the length are not believed', async () => {
    hub.put('maker/models/large.gguf', large)
    hub.behaviour.linkedLength = 5
    expect(await failure(pulling())).toMatch(/has 5 bytes, the file server says \d+/)
    expect(bodies()).toEqual([])
  })

  test('a disk without room is told with numbers, before the download', async () => {
    hub.put('maker/models/large.gguf', large)
    hub.behaviour.length = 9e14
    const said = await failure(pulling())
    expect(said).toMatch(
      /large needs 900,000 GB more and 0\.3 GB to spare, but [\d.,]+ GB are free in .+MENTOR_MODELS/,
    )
    expect(bodies()).toEqual([])
  })

  test('offline says what to do instead, and asks nobody', async () => {
    const said = await failure(pulling('Qwen3-1.7B', { offline: true }))
    expect(said).toMatch(/forbidden \(--offline, MENTOR_OFFLINE\).+Qwen3-1\.7B-Q4_K_M\.gguf.+models add FILE/)
    expect(hub.seen).toEqual([])
  })

  test('two pulls of one model at once: the second is refused, two models go side by side', async () => {
    hub.put('maker/models/large.gguf', large)
    hub.put('maker/models/tiny.gguf', tinyModel())
    hub.behaviour.bytesPerSecond = 300_000
    const first = pulling()
    while (bodies().length === 0) await Bun.sleep(5)
    expect(await failure(pulling())).toContain('Another process is pulling or adding large')
    await pulling('hf:maker/models/tiny.gguf')
    await first
    expect((await installedModels(store.folder)).map(({ name }) => name)).toEqual(['large', 'tiny'])
  })

  test('a name that is taken, also in other letters, is not overwritten', async () => {
    hub.put('maker/models/large.gguf', large)
    hub.put('maker/other/large.gguf', tinyModel())
    hub.put('maker/other/Large.gguf', tinyModel())
    await pulling()
    expect(await failure(pulling('hf:maker/other/large.gguf'))).toContain('--name')
    expect(await failure(pulling('hf:maker/other/Large.gguf'))).toContain('large is installed already')
    expect((await pulling('hf:maker/other/large.gguf', { name: 'small' })).model.name).toBe('small')
  })

  test('a file that a person put there is not overwritten', async () => {
    hub.put('maker/models/large.gguf', large)
    await writeFile(join(store.folder, 'large.gguf'), 'mine')
    expect(await failure(pulling())).toContain('is in the way and not recorded')
    expect(await readFile(join(store.folder, 'large.gguf'), 'utf8')).toBe('mine')
  })
})

describe('a URL', () => {
  test('is pulled as it is; the first SHA-256 holds from then on', async () => {
    hub.put('maker/models/large.gguf', large)
    const lines: string[] = []
    const url = `${hub.storeUrl}/maker/models/large.gguf?X-Signature=secret`
    const { model } = await pulling(url, { say: (line) => lines.push(line) })
    expect(model).toMatchObject({ source: `${hub.storeUrl}/maker/models/large.gguf`, sha256: sha256(large) })
    expect(lines.join()).toContain('No SHA-256 is told')
    expect(lines.join()).not.toContain('secret')
  })

  test('that changes while it is downloaded is begun anew, never mixed', async () => {
    // A server of its own: a file, its ETag, and another one of the same length after the first request for a body.
    const other = largeModel(300_000, 42)
    let current = { bytes: large, etag: '"one"' }
    const server = createServer((request, response) => {
      const [, from = '0', to = '0'] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? []
      const { bytes, etag } = current
      const body = bytes.subarray(Number(from), Number(to) + 1)
      response.writeHead(206, {
        etag,
        'content-range': `bytes ${from}-${to}/${bytes.length}`,
        'content-length': body.length,
      })
      response.end(body)
      if (body.length > 1) current = { bytes: other, etag: '"two"' }
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    const url = `http://127.0.0.1:${address.port}/large.gguf`
    const options = { tuning: { ...quick, connections: 1 } }
    try {
      expect(await failure(pulling(url, options))).toContain('changed while it was downloaded')
      expect((await pulling(url, options)).model.sha256).toBe(sha256(other))
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })

  test.each([
    ['http://example.org/m.gguf', 'use https'],
    ['https://user:pass@example.org/m.gguf', 'Leave user and password out'],
    ['ftp://example.org/m.gguf', 'Only https URLs'],
    ['file:///etc/passwd', 'Only https URLs'],
    ['https://example.org/', 'cannot be a model'],
    ['https://example.org/%2e%2e%2fsecret name.gguf', 'cannot be a model'],
    ['https://example.org/m-00001-of-00003.gguf', 'one part of a model'],
    ['hf:maker/models', 'write hf:OWNER/REPO/FILE.gguf'],
    ['hf:maker/../x.gguf', 'write hf:OWNER/REPO/FILE.gguf'],
    ['hf:maker/models/../../x.gguf', 'write hf:OWNER/REPO/FILE.gguf'],
    ['hf:maker/models/model.safetensors', 'write hf:OWNER/REPO/FILE.gguf'],
    ['GPT-9', 'is not known. There are Qwen3-1.7B (Q4_K_M, Q8_0)'],
    ['Qwen3-1.7B:Q3_X', 'is not known'],
    ['all-MiniLM-L6-v2', 'comes with Mentor'],
    ['sentence-transformers/all-MiniLM-L6-v2', 'comes with Mentor'],
  ])('%s: %s', async (what, reason) => {
    expect(await failure(pulling(what))).toContain(reason)
  })
})

test('what is written is for its owner alone', async () => {
  hub.put('maker/models/large.gguf', large)
  const { model } = await pulling()
  for (const path of [model.file, lockFilePath(store.folder), join(store.folder, 'models.verified.json')])
    expect((await stat(path)).mode & 0o777).toBe(0o600)
})
