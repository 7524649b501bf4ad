/** Builds the page into static files: minified, names with a hash, the licences of what is in them beside them. */
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, relative, sep } from 'node:path'

const sources = import.meta.dir
const project = dirname(sources)
/** Names what a folder was built from. */
const stampName = '.built-from'
const keptMs = 24 * 60 * 60 * 1000

/**
 * Builds the page into `outDir`; nothing is done when it was built from the same sources, lock file and Bun.
 * A server may read the folder meanwhile: index.html is put in its place as a whole, after what it names and
 * before what only the former one named is removed.
 * @throws when the sources do not build; `outDir` is then as it was.
 */
export async function buildPage(outDir: string): Promise<void> {
  const stamp = await stampOfSources()
  if ((await readOr(join(outDir, stampName), '')) === stamp) return
  const { files, modules } = await bundle()
  files.set('licences.txt', await licences(modules))
  files.set(stampName, stamp)
  await mkdir(outDir, { recursive: true })
  const names = [...files.keys()].sort((a, b) => rank(a) - rank(b))
  for (const name of names) await writeWhole(join(outDir, name), files.get(name) ?? '')
  await removeOthers(outDir, files)
}

/** Hashed files, then the page that names them, then the word that all is there. */
function rank(name: string): number {
  return name === stampName ? 2 : name === 'index.html' ? 1 : 0
}

interface Bundle {
  files: Map<string, string | Blob>
  /** Paths of the modules in it, relative to the working directory. */
  modules: string[]
}

/** Bundles index.html and all it names. */
async function bundle(): Promise<Bundle> {
  const built = await Bun.build({
    entrypoints: [join(sources, 'index.html')],
    target: 'browser',
    minify: true,
    naming: { entry: '[name].[ext]', chunk: '[name]-[hash].[ext]', asset: '[name]-[hash].[ext]' },
    // React picks its production build by this; without it the page is half as large again, and slower.
    define: { 'process.env.NODE_ENV': '"production"' },
    jsx: { runtime: 'automatic', development: false },
    metafile: true,
  })
  return {
    files: new Map(built.outputs.map((output) => [basename(output.path), output])),
    modules: Object.keys(built.metafile?.inputs ?? {}),
  }
}

async function writeWhole(path: string, content: string | Blob): Promise<void> {
  const part = `${path}.${crypto.randomUUID()}`
  await Bun.write(part, content)
  await rename(part, path)
}

/**
 * Removes the files of former builds. Those of the last day stay: a page that is open may still ask for one, and
 * another build at the same time may have written them (Bun's hashes differ with the working directory).
 */
async function removeOthers(outDir: string, files: Map<string, unknown>): Promise<void> {
  for (const name of await readdir(outDir)) {
    if (files.has(name)) continue
    const path = join(outDir, name)
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }))
    if (Date.now() - mtimeMs > keptMs) await rm(path, { recursive: true, force: true })
  }
}

/** SHA-256 over the page's sources, the lock file and Bun's version. */
async function stampOfSources(): Promise<string> {
  const names = (await readdir(sources, { withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(sources, entry.name))
    .sort()
  const hash = createHash('sha256').update(Bun.version)
  for (const path of [...names, join(project, 'bun.lock')]) {
    hash.update(`\0${relative(project, path)}\0`).update(await readFile(path))
  }
  return hash.digest('hex')
}

/** The licence texts of the packages that the modules come from: minifying drops their comments. */
async function licences(modules: string[]): Promise<string> {
  const roots = new Set(modules.flatMap((path) => packageRoot(path) ?? []))
  const texts: string[] = []
  for (const root of [...roots].sort()) {
    const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
    const file = (await readdir(root)).find((name) => /^licen[cs]e/i.test(name))
    const text = file === undefined ? '' : await readFile(join(root, file), 'utf8')
    texts.push(`${manifest.name} ${manifest.version} (${manifest.license})\n\n${text.trim()}\n`)
  }
  return texts.join(`\n${'-'.repeat(80)}\n\n`)
}

function packageRoot(path: string): string | undefined {
  const found = /^.*node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(path.split('/').join(sep))
  return found?.[0]
}

async function readOr(path: string, otherwise: string): Promise<string> {
  const file = Bun.file(path)
  return (await file.exists()) ? await file.text() : otherwise
}

if (import.meta.main) await buildPage(process.argv[2] ?? join(sources, 'dist'))
