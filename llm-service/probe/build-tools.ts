/** What a source build needs on this machine. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

export type BuildDevice = 'cpu' | 'cuda' | 'vulkan'

export interface MissingTool {
  /** In words, like `a C++ compiler (g++ or clang++)`. */
  what: string
  /** Debian's and Ubuntu's package. */
  debian: string
}

/** The CUDA compiler: of the search path, or where NVIDIA's packages put it. */
export function findNvcc(which: typeof Bun.which = Bun.which): string | null {
  const usual = '/usr/local/cuda/bin/nvcc'
  return which('nvcc') ?? (existsSync(usual) ? usual : null)
}

/** @param which finds a program, null where it is missing; @param root stands for `/` in tests */
export function missingTools(
  device: BuildDevice,
  which: typeof Bun.which = Bun.which,
  root = '/',
): MissingTool[] {
  const missing: MissingTool[] = []
  const needs = (there: boolean, what: string, debian: string) => {
    if (!there) missing.push({ what, debian })
  }
  const program = (...names: string[]) => names.some((name) => which(name) !== null)
  needs(program('git'), 'git', 'git')
  needs(program('cmake'), 'CMake 3.19 or later', 'cmake')
  needs(program('g++', 'clang++', 'c++'), 'a C++ compiler (g++ or clang++)', 'g++')
  needs(program('ninja', 'make'), 'ninja or make', 'ninja-build')
  if (device === 'cuda') {
    needs(findNvcc(which) !== null, 'the CUDA compiler (nvcc)', 'nvidia-cuda-toolkit')
  }
  if (device === 'vulkan') {
    const glslc = which('glslc')
    needs(glslc !== null, "Vulkan's shader compiler (glslc)", 'glslc')
    // Beside glslc in Vulkan's own SDK.
    const includes = [join(root, 'usr/include'), join(root, 'usr/local/include')]
    if (glslc !== null) includes.push(join(dirname(dirname(glslc)), 'include'))
    const header = (path: string) => includes.some((folder) => existsSync(join(folder, path)))
    needs(header('vulkan/vulkan.h'), "Vulkan's headers", 'libvulkan-dev')
    needs(header('spirv/unified1/spirv.h'), "SPIR-V's headers", 'spirv-headers')
  }
  return missing
}
