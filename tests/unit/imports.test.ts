/**
 * Imports between the top-level folders go one way: embedding, models ← db ← ingest, backend; embedding, models ←
 * llm-service; http ← backend, llm-service.
 */
import { expect, test } from 'bun:test'
import { readFile } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'

const project = resolve(import.meta.dir, '..', '..')

/** Folder → the folders it may import; scripts and tests may import everything, and nobody imports them. */
const allowed: Record<string, string[]> = {
  models: [],
  http: [],
  embedding: ['models'],
  db: ['embedding', 'models'],
  ingest: ['db', 'embedding', 'models'],
  backend: ['db', 'embedding', 'http', 'models'],
  'llm-service': ['embedding', 'http', 'models'],
  web: [],
}
const free = ['scripts', 'tests']

interface Import {
  file: string
  from: string
  to: string
}

/** Type-only imports count too: they are erased from the program, but not from what a reader must know. */
async function importsOf(file: string): Promise<Import[]> {
  const source = await readFile(join(project, file), 'utf8')
  const specifiers = source.matchAll(
    /(?:\bfrom\s*|\bimport\s*\(?\s*|\bnew URL\(\s*)['"](\.{1,2}\/[^'"]+)['"]/g,
  )
  return [...specifiers].map(([, specifier = '']) => ({
    file,
    from: top(file),
    to: top(relative(project, resolve(project, dirname(file), specifier))),
  }))
}

const top = (path: string) => path.split(sep)[0] ?? ''

async function sourceFiles(): Promise<string[]> {
  const folders = [...Object.keys(allowed), ...free].join(',')
  const glob = new Bun.Glob(`{${folders}}/**/*.{ts,tsx}`)
  return [...glob.scanSync({ cwd: project })].filter((file) => !file.startsWith(join('web', 'dist')))
}

test('every import between top-level folders goes the allowed way', async () => {
  const files = await sourceFiles()
  expect(files.length).toBeGreaterThan(50)
  const imports = (await Promise.all(files.map(importsOf))).flat()
  const wrong = imports.filter(({ from, to }) => {
    if (from === to || free.includes(from)) return false
    // package.json and the like lie beside the folders.
    return free.includes(to) || (to in allowed && !allowed[from]?.includes(to))
  })
  expect(wrong.map(({ file, to }) => `${file} imports ${to}/`)).toEqual([])
})

test('what the bundler sees agrees with what the test reads', async () => {
  // Bun's own parser leaves type-only imports out, so it must find a part of what the pattern finds.
  const transpiler = { ts: new Bun.Transpiler({ loader: 'ts' }), tsx: new Bun.Transpiler({ loader: 'tsx' }) }
  const files = (await sourceFiles()).filter((file) => !free.includes(top(file)))
  for (const file of files) {
    const source = await readFile(join(project, file), 'utf8')
    const parsed = transpiler[file.endsWith('x') ? 'tsx' : 'ts'].scanImports(source)
    const local = parsed
      .filter(({ path }) => path.startsWith('.'))
      .map(({ path }) => resolve(project, dirname(file), path))
    const found = (await importsOf(file)).length
    expect(`${file}: ${local.length <= found}`).toBe(`${file}: true`)
  }
})

test('only scripts/config.ts reads the environment', async () => {
  // One file documents and reads all settings; elsewhere a variable would be a setting that nobody finds.
  const readers: string[] = []
  for (const file of await sourceFiles()) {
    if (top(file) === 'tests' || file === join('scripts', 'config.ts')) continue
    if (
      /(?<!')\b(?:process|Bun|import\.meta)\.env\b(?!\s*[,}])/.test(
        await readFile(join(project, file), 'utf8'),
      )
    )
      readers.push(file)
  }
  expect(readers).toEqual([])
})
