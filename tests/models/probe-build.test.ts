/** The source build: what it asks for before it begins, and how it reads its own progress. */
import { afterAll, describe, expect, test } from 'bun:test'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { missingTools } from '../../llm-service/probe/build-tools.ts'
import { progressOf } from '../../llm-service/probe/source-build.ts'
import { runMentor, temporaryFolder } from '../../scripts/bench/mentor-process.ts'

const root = await temporaryFolder('probe-build')
afterAll(() => root.remove())

const having =
  (...names: string[]) =>
  (name: string) =>
    names.includes(name) ? join(root.path, 'usr/bin', name) : null
const packages = (device: 'cpu' | 'cuda' | 'vulkan', ...names: string[]) =>
  missingTools(device, having(...names), root.path).map(({ debian }) => debian)

describe('what a source build needs', () => {
  const compiler = ['git', 'cmake', 'clang++', 'make']

  test('each missing tool with its Debian package', () => {
    expect(packages('cpu')).toEqual(['git', 'cmake', 'g++', 'ninja-build'])
    expect(packages('cpu', ...compiler)).toEqual([])
    expect(packages('cpu', 'git', 'cmake', 'g++', 'ninja')).toEqual([])
  })

  test('for CUDA its compiler', () => {
    expect(packages('cuda', ...compiler, 'nvcc')).toEqual([])
  })

  test('for Vulkan the shader compiler and the headers of both', async () => {
    expect(packages('vulkan', ...compiler)).toEqual(['glslc', 'libvulkan-dev', 'spirv-headers'])
    for (const path of ['usr/include/vulkan/vulkan.h', 'usr/include/spirv/unified1/spirv.h']) {
      await mkdir(dirname(join(root.path, path)), { recursive: true })
      await writeFile(join(root.path, path), '')
    }
    expect(packages('vulkan', ...compiler, 'glslc')).toEqual([])
  })
})

test.each<[string, [number, number] | null]>([
  ['[12/218] Building CXX object ggml/src/ggml.cpp.o', [12, 218]],
  ['[ 42%] Building CXX object llama.cpp/src/llama.cpp.o', [42, 100]],
  ['-- Found OpenMP: TRUE', null],
  ['warning: [12/218]', null],
])('progress in %j', (line, progress) => {
  expect(progressOf(line)).toEqual(progress)
})

describe('the command line', () => {
  test('refuses a device that cannot be compiled for', async () => {
    const ran = await runMentor(['llm', 'build', '--gpu', 'metal'])
    expect(ran.code).toBe(2)
    expect(ran.err).toContain('cuda')
  })

  test('`llm probe` says what each device does, and remembers it', async () => {
    const data = ['--data', join(root.path, 'data')]
    const first = await runMentor(['llm', 'probe', '--json', ...data])
    expect(first.code).toBe(0)
    expect(JSON.parse(first.out)).toMatchObject({ cached: false, chosen: { state: 'works' } })
    const second = await runMentor(['llm', 'probe', ...data])
    expect(second.err).toContain('the CPU works')
    expect(second.err).toContain('--again')
  }, 60_000)
})
