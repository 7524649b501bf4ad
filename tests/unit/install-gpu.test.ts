/** GPU packages: which a machine gets, and that what arrives is whole, checked and put where node-llama-cpp looks. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import {
  type GpuMachine,
  gpuPackagesFor,
  loadableLibraries,
  lookAtMachine,
  parseGpuChoice,
} from '../../scripts/install/gpu-machine.ts'
import gpuPackages from '../../scripts/install/gpu-packages.json'

const project = resolve(import.meta.dir, '..', '..')
const cuda = '@node-llama-cpp/linux-x64-cuda'
const cuda12 = '@node-llama-cpp/linux-x64-cuda-ext'
const vulkan = '@node-llama-cpp/linux-x64-vulkan'

const bare: GpuMachine = {
  platform: 'linux',
  arch: 'x64',
  nvidia: false,
  nvidiaDriver: null,
  cudaRuntimes: [],
  vulkan: false,
}

describe('which packages', () => {
  test.each<[string, Partial<GpuMachine>, string[]]>([
    ['no GPU', {}, []],
    ['Vulkan', { vulkan: true }, [vulkan]],
    ['CUDA 13', { nvidia: true, nvidiaDriver: 580, cudaRuntimes: [13] }, [cuda]],
    [
      'CUDA 13, and Vulkan beside it',
      { nvidia: true, nvidiaDriver: 590, cudaRuntimes: [12, 13], vulkan: true },
      [cuda, vulkan],
    ],
    ['CUDA 12', { nvidia: true, nvidiaDriver: 580, cudaRuntimes: [12] }, [cuda, cuda12]],
    [
      'CUDA 13 on a driver that is too old for it',
      { nvidia: true, nvidiaDriver: 570, cudaRuntimes: [12, 13] },
      [cuda, cuda12],
    ],
    ['a driver that does not say its version', { nvidia: true, cudaRuntimes: [13] }, [cuda, cuda12]],
    ['a card without a CUDA runtime', { nvidia: true, nvidiaDriver: 580 }, []],
    ['the same with Vulkan', { nvidia: true, nvidiaDriver: 580, vulkan: true }, [vulkan]],
    ['a runtime without a card', { cudaRuntimes: [12, 13] }, []],
    ['arm64', { arch: 'arm64', nvidia: true, nvidiaDriver: 580, cudaRuntimes: [13], vulkan: true }, []],
    ['macOS', { platform: 'darwin', arch: 'arm64' }, []],
  ])('auto, %s', (_, machine, names) => {
    expect(gpuPackagesFor('auto', { ...bare, ...machine }).names).toEqual(names)
  })

  test("the user's word counts, even where nothing was found", () => {
    expect(gpuPackagesFor('cuda', bare).names).toEqual([cuda, cuda12])
    expect(gpuPackagesFor('vulkan', bare).names).toEqual([vulkan])
    expect(gpuPackagesFor('none', { ...bare, nvidia: true, cudaRuntimes: [13], vulkan: true }).names).toEqual(
      [],
    )
  })

  test('the reason names what is missing', () => {
    expect(gpuPackagesFor('auto', { ...bare, nvidia: true, nvidiaDriver: 580 }).reason).toContain('libcudart')
  })

  test('a choice is one of four words', () => {
    expect(parseGpuChoice('CUDA')).toBe('cuda')
    expect(() => parseGpuChoice('metal')).toThrow('one of auto, none, cuda, vulkan.')
  })
})

describe.skipIf(process.platform !== 'linux')('what a machine has', () => {
  let root: string
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'mentor-machine-'))
  })
  afterAll(() => rm(root, { recursive: true, force: true }))

  test('nothing: no library is tried', async () => {
    const machine = await lookAtMachine(root, () => {
      throw new Error('tried')
    })
    expect(machine).toMatchObject({ nvidia: false, vulkan: false, cudaRuntimes: [] })
  })

  test('NVIDIA: driver from /proc, runtimes that load as a pair', async () => {
    await mkdir(join(root, 'proc/driver/nvidia'), { recursive: true })
    await writeFile(
      join(root, 'proc/driver/nvidia/version'),
      'NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build  (root@host)\nGCC version: 12\n',
    )
    const loadable = ['libcuda.so.1', 'libcudart.so.12', 'libcudart.so.13', 'libcublas.so.13']
    expect(await lookAtMachine(root, async () => loadable)).toMatchObject({
      nvidia: true,
      nvidiaDriver: 580,
      cudaRuntimes: [13],
      vulkan: false,
    })
    await writeFile(
      join(root, 'proc/driver/nvidia/version'),
      'NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 19:39:15 UTC 2024\n',
    )
    expect(await lookAtMachine(root, async () => loadable)).toMatchObject({ nvidiaDriver: 535 })
    expect(await lookAtMachine(root, async () => [])).toMatchObject({ nvidia: false, nvidiaDriver: null })
    await rm(join(root, 'proc'), { recursive: true })
  })

  test('Vulkan: its loader and a render node', async () => {
    await mkdir(join(root, 'dev/dri'), { recursive: true })
    await writeFile(join(root, 'dev/dri/card0'), '')
    expect(await lookAtMachine(root, async () => ['libvulkan.so.1'])).toMatchObject({ vulkan: false })
    await writeFile(join(root, 'dev/dri/renderD128'), '')
    expect(await lookAtMachine(root, async () => ['libvulkan.so.1'])).toMatchObject({
      vulkan: true,
      nvidia: false,
    })
  })

  test('libraries are tried by the loader itself', async () => {
    const functions = { 'libmissing.so.1': 'getpid', 'libc.so.6': 'getpid', 'libm.so.6': 'noSuchFunction' }
    expect(await loadableLibraries(functions)).toEqual(['libc.so.6'])
  })
})

test('the checksums are for the node-llama-cpp that bun.lock names', async () => {
  const lock = await readFile(join(project, 'bun.lock'), 'utf8')
  expect(lock).toContain(`["node-llama-cpp@${gpuPackages.version}", `)
  expect(Object.keys(gpuPackages.packages)).toEqual([cuda, cuda12, vulkan])
})

describe.skipIf(process.platform !== 'linux' || process.arch !== 'x64')('installing', () => {
  const version = gpuPackages.version
  let folder: string
  let clone: string
  let registry: ReturnType<typeof Bun.serve>
  let tarball: Buffer
  let requests: string[] = []
  /** What the registry sends, where it is not the package. */
  let answer: (() => Response) | null = null

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mentor-gpu-'))
    clone = join(folder, 'clone')
    tarball = await packVulkan(join(folder, 'package'))
    registry = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch(request) {
        requests.push(new URL(request.url).pathname)
        return answer?.() ?? new Response(new Uint8Array(tarball))
      },
    })
    for (const path of ['scripts/install', 'db/lock.ts']) {
      await cp(join(project, path), join(clone, path), { recursive: true })
    }
    await writeFile(join(clone, '.npmrc'), `registry=${registry.url}\n`)
    const integrity = `sha512-${new Bun.CryptoHasher('sha512').update(tarball).digest('base64')}`
    await writeFile(
      join(clone, 'scripts/install/gpu-packages.json'),
      JSON.stringify({ version, packages: { [vulkan]: { integrity, downloadMegabytes: 1 } } }),
    )
  })
  afterAll(async () => {
    await registry.stop(true)
    await rm(folder, { recursive: true, force: true })
  })

  const engine = () => join(clone, 'node_modules', 'node-llama-cpp')
  const place = () => join(engine(), 'node_modules', vulkan)

  /** As `bun install` leaves it: the engine, and a placeholder where the package would be. */
  async function freshModules(): Promise<void> {
    await rm(join(clone, 'node_modules'), { recursive: true, force: true })
    await cp(join(project, 'scripts/install/absent/nothing'), place(), { recursive: true })
    await writeFile(join(engine(), 'package.json'), JSON.stringify({ name: 'node-llama-cpp', version }))
    requests = []
    answer = null
  }

  async function install(choice: string): Promise<{ code: number; err: string }> {
    const child = Bun.spawn([process.execPath, join(clone, 'scripts/install/gpu.ts'), choice], {
      cwd: folder,
      // A home of its own: no cache holds the package, and none will.
      env: { PATH: '/usr/bin:/bin', HOME: join(folder, 'home') },
      stdin: 'ignore',
      stdout: 'ignore',
      stderr: 'pipe',
    })
    const [err, code] = await Promise.all([new Response(child.stderr).text(), child.exited])
    return { code, err }
  }

  test('over the placeholder, where node-llama-cpp finds it, and once', async () => {
    await freshModules()
    const first = await install('vulkan')
    expect(first).toMatchObject({ code: 0 })
    expect(first.err).toContain(`installing ${vulkan} (1 MB to download; MENTOR_GPU=vulkan)`)
    const resolved = createRequire(join(engine(), 'index.js')).resolve(vulkan)
    expect(await import(resolved)).toMatchObject({ here: true })
    const asked = requests.length
    expect(asked).toBeGreaterThan(0)
    expect((await install('vulkan')).err).not.toContain('installing')
    expect(requests.length).toBe(asked)
    expect(await readdir(join(clone, 'node_modules'))).toEqual(['node-llama-cpp'])
    expect(await readdir(join(clone, '.bun'))).toEqual(['install.lock'])
  })

  test('two at once: one waits and finds it done', async () => {
    await freshModules()
    const both = await Promise.all([install('vulkan'), install('vulkan')])
    expect(both.map(({ code }) => code)).toEqual([0, 0])
    expect(requests.filter((path) => path.endsWith('.tgz'))).toHaveLength(1)
  })

  test('another file than the one whose checksum is known is refused', async () => {
    await freshModules()
    const other = await packVulkan(join(folder, 'other'), 'export const here = "tampered"')
    answer = () => new Response(new Uint8Array(other))
    const ran = await install('vulkan')
    expect(ran.code).toBe(1)
    expect(ran.err).toContain('the GPU packages cannot be installed')
    expect(ran.err).toContain('do not use it')
    expect(await readFile(join(place(), 'package.json'), 'utf8')).toContain('"nothing"')
    expect(await readdir(join(clone, 'node_modules'))).toEqual(['node-llama-cpp'])
  })

  test('a registry that has nothing: said, the placeholder stays, the next try works', async () => {
    await freshModules()
    answer = () => new Response('not found', { status: 404 })
    const ran = await install('vulkan')
    expect(ran.code).toBe(1)
    expect(ran.err).toContain('Models run on the CPU until then')
    expect(await readdir(place())).toEqual(['package.json'])
    answer = null
    expect(await install('vulkan')).toMatchObject({ code: 0 })
  })

  test('what a killed install left behind is replaced', async () => {
    await freshModules()
    await mkdir(join(clone, 'node_modules/.mentor-gpu/node_modules', vulkan, 'half'), { recursive: true })
    expect(await install('vulkan')).toMatchObject({ code: 0 })
    expect(await readdir(place())).toEqual(['index.js', 'package.json'])
  })

  test('another version of node-llama-cpp is not given these packages', async () => {
    await freshModules()
    await writeFile(
      join(engine(), 'package.json'),
      JSON.stringify({ name: 'node-llama-cpp', version: '9.9.9' }),
    )
    const ran = await install('vulkan')
    expect(ran.code).toBe(1)
    expect(ran.err).toContain(
      `node-llama-cpp is 9.9.9, and scripts/install/gpu-packages.json is for ${version}`,
    )
    expect(requests).toEqual([])
  })

  test('none asks for nothing; a word that is no choice is named', async () => {
    await freshModules()
    expect(await install('none')).toMatchObject({ code: 0 })
    expect(requests).toEqual([])
    expect(await install('metal')).toMatchObject({
      code: 2,
      err: 'mentor: metal is not one of auto, none, cuda, vulkan.\n',
    })
  })

  /** A package of that name and version as npm would pack it. */
  async function packVulkan(from: string, source = 'export const here = true'): Promise<Buffer> {
    await mkdir(from, { recursive: true })
    await writeFile(
      join(from, 'package.json'),
      JSON.stringify({ name: vulkan, version, type: 'module', exports: './index.js' }),
    )
    await writeFile(join(from, 'index.js'), source)
    const packed = Bun.spawn(
      [process.execPath, 'pm', 'pack', '--quiet', '--filename', join(from, 'out.tgz')],
      {
        cwd: from,
        stdout: 'ignore',
        stderr: 'pipe',
      },
    )
    expect(await packed.exited, await new Response(packed.stderr).text()).toBe(0)
    return await readFile(join(from, 'out.tgz'))
  }
})
