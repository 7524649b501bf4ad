/** llama-server, to be measured beside our service: built from the llama.cpp source that node-llama-cpp ships. */
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { availableParallelism, homedir } from 'node:os'
import { join } from 'node:path'
import release from '../../node_modules/node-llama-cpp/llama/llama.cpp.info.json'
import { projectDir } from '../config.ts'

const bundle = join(projectDir, 'node_modules', 'node-llama-cpp', 'llama', 'gitRelease.bundle')
const built = join(homedir(), '.cache', 'mentor', `llama-server-${release.tag}`)

/**
 * The program's path; builds it the first time, which takes 5 to 30 minutes and needs git, cmake and a C++ compiler
 * (Debian: `apt-get install git cmake g++`; with `cuda` nvcc too).
 * @throws with what the compiler said last
 */
export async function llamaServer(cuda: boolean): Promise<string> {
  const build = join(built, cuda ? 'cuda' : 'cpu')
  const program = join(build, 'bin', 'llama-server')
  if (existsSync(program)) return program
  await mkdir(built, { recursive: true })
  const source = join(built, 'source')
  if (!existsSync(join(source, 'CMakeLists.txt'))) await run(['git', 'clone', '--quiet', bundle, source])
  console.log(`  building llama-server ${release.tag} in ${build}, once`)
  await run([
    'cmake',
    ...['-S', source, '-B', build, '-DCMAKE_BUILD_TYPE=Release'],
    ...['-DLLAMA_CURL=OFF', '-DLLAMA_OPENSSL=OFF', '-DLLAMA_BUILD_TESTS=OFF', '-DLLAMA_BUILD_EXAMPLES=OFF'],
    ...(cuda ? ['-DGGML_CUDA=ON', '-DCMAKE_CUDA_ARCHITECTURES=native'] : []),
  ])
  const jobs = String(availableParallelism())
  await run(['cmake', '--build', build, '--target', 'llama-server', '-j', jobs])
  return program
}

async function run(command: string[]): Promise<void> {
  const child = Bun.spawn(command, { stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' })
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  if (code === 0) return
  const last = `${out}\n${err}`.trim().split('\n').slice(-12).join('\n')
  throw new Error(`${command.slice(0, 2).join(' ')} failed (${code}):\n${last}`)
}
