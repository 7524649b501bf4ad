/** What an install brings to the disk: what bun.lock leaves out, and what is taken away after it. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { prune } from '../../scripts/install/prune.ts'

const project = resolve(import.meta.dir, '..', '..')

describe('pruning', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mentor-prune-'))
    await writeFile(
      join(folder, 'bun.lock'),
      `{ "lockfileVersion": 1, "packages": { "kept": ["kept@1.0.0"], "@scope/kept": ["@scope/kept@1.0.0"],
        "onnxruntime-node": ["onnxruntime-node@1.30.0"], "@node-llama-cpp/linux-x64": ["x"],
        "@node-llama-cpp/linux-arm64": ["x"], "@node-llama-cpp/mac-x64": ["x"], }, }`,
    )
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  async function file(path: string): Promise<string> {
    const full = join(folder, 'node_modules', path)
    await mkdir(dirname(full), { recursive: true })
    await writeFile(full, '')
    return full
  }

  test('keeps the binaries of this system alone', async () => {
    const kept = [
      await file('onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime.so.1'),
      await file('onnxruntime-node/dist/index.js'),
      await file('@node-llama-cpp/linux-x64/bins/linux-x64/llama-addon.node'),
      await file('@node-llama-cpp/linux-arm64/package.json'),
    ]
    const gone = [
      await file('onnxruntime-node/bin/napi-v6/linux/arm64/libonnxruntime.so.1'),
      await file('onnxruntime-node/bin/napi-v6/darwin/arm64/libonnxruntime.dylib'),
      await file('onnxruntime-node/bin/napi-v6/win32/x64/onnxruntime.dll'),
      await file('@node-llama-cpp/linux-arm64/bins/linux-arm64/llama-addon.node'),
      await file('@node-llama-cpp/mac-x64/bins/mac-x64/llama-addon.node'),
    ]
    await prune(folder, 'linux', 'x64')
    expect(kept.filter((path) => !existsSync(path))).toEqual([])
    expect(gone.filter((path) => existsSync(path))).toEqual([])
  })

  test('on macOS those of macOS, under the name that node-llama-cpp has for it', async () => {
    const mac = await file('@node-llama-cpp/mac-x64/bins/mac-x64/llama-addon.node')
    const linux = await file('@node-llama-cpp/linux-x64/bins/linux-x64/llama-addon.node')
    await prune(folder, 'darwin', 'x64')
    expect([existsSync(mac), existsSync(linux)]).toEqual([true, false])
  })

  test('removes what bun.lock does not name, never what is linked in or belongs to a tool', async () => {
    const old = await file('onnxruntime-web/dist/ort.wasm')
    const oldScoped = await file('@scope/old/index.js')
    const kept = [
      await file('kept/index.js'),
      await file('kept/node_modules/inner/index.js'),
      await file('@scope/kept/index.js'),
      await file('.bin/kept'),
      await file('.cache/tool/state'),
    ]
    const elsewhere = join(folder, 'elsewhere')
    await mkdir(elsewhere)
    await writeFile(join(elsewhere, 'index.js.map'), '')
    await symlink(elsewhere, join(folder, 'node_modules', 'linked'))
    await prune(folder, 'linux', 'x64')
    expect([existsSync(old), existsSync(oldScoped)]).toEqual([false, false])
    expect(kept.filter((path) => !existsSync(path))).toEqual([])
    expect(await readdir(elsewhere)).toEqual(['index.js.map'])
    expect(existsSync(join(folder, 'node_modules', 'linked'))).toBe(true)
  })

  test('removes source maps; a second time there are none', async () => {
    const map = await file('kept/dist/deep/index.js.map')
    const source = await file('kept/dist/deep/index.js')
    await prune(folder, 'linux', 'x64')
    await prune(folder, 'linux', 'x64')
    expect([existsSync(map), existsSync(source)]).toEqual([false, true])
  })

  test('a lock file that is none removes nothing', async () => {
    const kept = await file('kept/index.js')
    for (const text of ['[]', 'null', '{ "packages": null }', '{ "packages": {} }']) {
      await writeFile(join(folder, 'bun.lock'), text)
      await expect(prune(folder, 'linux', 'x64')).rejects.toThrow('restore it from git')
    }
    expect(existsSync(kept)).toBe(true)
  })
})

describe('what bun.lock leaves out', () => {
  test('no GPU library, no onnxruntime for browsers, no image or canvas library', async () => {
    const lock = await readFile(join(project, 'bun.lock'), 'utf8')
    const heavy = [...lock.matchAll(/\["((?:@[^/"]+\/)?[^@"]+)@\d/g)]
      .map(([, name]) => name ?? '')
      .filter((name) =>
        /^(onnxruntime-web|sharp|@img\/|@napi-rs\/|@node-llama-cpp\/linux-.*-(cuda|vulkan))/.test(name),
      )
    expect(heavy).toEqual([])
    expect(lock).toContain('["onnxruntime-node@')
    expect(lock).toContain('["@node-llama-cpp/linux-x64@')
    expect(lock).not.toMatch(/https?:\/\//)
  })

  test('the stand-ins are what their packages are replaced by', async () => {
    const { overrides } = await Bun.file(join(project, 'package.json')).json()
    for (const specifier of Object.values<string>(overrides)) {
      const manifest = join(project, specifier.replace('file:', ''), 'package.json')
      expect(await Bun.file(manifest).json()).toMatchObject({ version: '0.0.0', private: true })
    }
  })

  test('pdf.js and Transformers.js start on the stand-ins, without a word', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mentor-absent-'))
    try {
      // Copies: the stand-ins must do without anything beside them.
      for (const name of ['canvas', 'sharp'])
        await cp(join(project, 'scripts/install/absent', name), join(folder, name), { recursive: true })
      const { default: sharp } = await import(join(folder, 'sharp', 'index.js'))
      expect(() => sharp()).toThrow('embeds no images')
      const canvas = await import(join(folder, 'canvas', 'index.js'))
      expect(() => canvas.createCanvas(1, 1)).toThrow('draws no PDF pages')
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
    const child = Bun.spawn(
      [
        process.execPath,
        '-e',
        "await import('pdfjs-dist/legacy/build/pdf.mjs'); await import('@huggingface/transformers'); process.exit(0)",
      ],
      { cwd: project, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' },
    )
    const [out, err, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ])
    expect({ out, err, code }).toEqual({ out: '', err: '', code: 0 })
  })
})
