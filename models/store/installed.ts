/** What is installed, and which of it is meant by a name. */
import { readdir, realpath, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { findRegistered, installedName, registry } from '../registry.ts'
import { chooseModel } from './choose.ts'
import { isMissing, type LockedModel, type ModelKind, readLockFile } from './lock-file.ts'

export interface InstalledFile {
  /** Absolute. */
  path: string
  bytes: number
  /** Hex; what the file must have to be loaded. */
  sha256: string
}

export interface InstalledModel {
  name: string
  kind: ModelKind
  /** The models folder that it belongs to. */
  folder: string
  /** Its weights, absolute. */
  file: string
  /** Of all its files. */
  bytes: number
  /** Of the weights, hex. */
  sha256: string
  /** The weights first. */
  files: InstalledFile[]
  source: string
  /** ISO 8601, when it was pulled or added. */
  at: string
  licence: string | null
  /** As GGUF names it, like `qwen3`. */
  architecture: string | null
  quantization: string | null
  parameterCount: number | null
  /** Tokens it was trained for. */
  contextLength: number | null
  /** Bytes of the key-value cache per token at 16 bits. */
  kvBytesPerToken: number | null
  /** Of an adapter: the model it was made for, as its maker named it. */
  baseModel: string | null
  /** Why it cannot be loaded, as far as the sizes of its files tell; null: nothing is known against it. */
  problem: string | null
}

/**
 * No installed model is meant, or the one that is cannot be loaded; the message lists what there is and how to get
 * more.
 */
export class NoSuchModel extends Error {
  override readonly name = 'NoSuchModel'
}

/** Everything recorded in the folder's lock file, by name. @throws LockFileUnusable */
export async function installedModels(folder: string): Promise<InstalledModel[]> {
  const root = resolve(folder)
  return Promise.all((await readLockFile(root)).map((locked) => installed(root, locked)))
}

async function installed(folder: string, locked: LockedModel): Promise<InstalledModel> {
  const files = locked.files.map(({ file, bytes, sha256 }) => ({ path: join(folder, file), bytes, sha256 }))
  const [weights] = files
  if (weights === undefined) throw new Error(`${locked.name} has no files in the lock file`)
  const { name, kind, source, at, licence, architecture } = locked
  const { quantization, parameterCount, contextLength, kvBytesPerToken, baseModel } = locked
  const problems = await Promise.all(files.map(problemOf))
  return {
    name,
    kind,
    folder,
    file: weights.path,
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    sha256: weights.sha256,
    files,
    source,
    at,
    licence,
    architecture,
    quantization,
    parameterCount,
    contextLength,
    kvBytesPerToken,
    baseModel,
    problem: problems.find((problem) => problem !== null) ?? null,
  }
}

async function problemOf(file: InstalledFile): Promise<string | null> {
  try {
    const found = await stat(file.path)
    if (!found.isFile()) return `${file.path} is no file`
    return found.size === file.bytes
      ? null
      : `${file.path} has ${found.size} bytes, ${file.bytes} are recorded`
  } catch (error) {
    return isMissing(error) ? `${file.path} is missing` : `${file.path} cannot be read`
  }
}

/**
 * The installed language model that a setting names: by its name, by its name in the registry (with `dtype`, or else
 * with whichever quantization is there, the registry's default first), or by the path of a file in the models folder.
 * Upper and lower case are the same.
 * @param wanted null when the setting is not set: what `chooseModel` takes for the llm-service
 * @param dtype a quantization like `Q8_0`; `auto` and null leave it open
 * @throws NoSuchModel, LockFileUnusable
 */
export async function resolveModel(
  folder: string,
  wanted: string | null,
  dtype: string | null,
): Promise<InstalledModel> {
  const models = (await installedModels(folder)).filter(({ kind }) => kind === 'llm')
  const quantization = dtype === null || dtype.toLowerCase() === 'auto' ? null : dtype
  const fits = (model: InstalledModel) =>
    quantization === null || model.quantization?.toLowerCase() === quantization.toLowerCase()
  if (wanted === null) {
    const chosen = chooseModel(models.filter(fits), { memoryBytes: null, prefer: 'llm-service' })
    if (chosen !== null) return chosen
  }
  const named = wanted === null ? models : await meant(models, wanted)
  const [found] = named.filter(fits)
  if (found !== undefined) return loadable(found)
  throw new NoSuchModel(await advice(folder, models, named, wanted, quantization))
}

/** Those that a name may mean, the likeliest first. */
async function meant(models: InstalledModel[], wanted: string): Promise<InstalledModel[]> {
  const name = wanted.toLowerCase()
  const exact = models.filter((model) => model.name.toLowerCase() === name)
  if (exact.length > 0) return exact
  const choice = findRegistered(wanted)
  if (choice?.model.kind === 'llm') {
    const { model, quantization } = choice
    const order = quantization === null ? Object.keys(model.quantizations) : [quantization]
    const names = order.map((of) => installedName(model, of).toLowerCase())
    // One that was added by hand has the registry's name when its file had.
    const others = models.filter(
      (one) => quantization === null && one.name.toLowerCase().startsWith(`${model.name.toLowerCase()}-`),
    )
    const ranked = names.flatMap((known) => models.filter((one) => one.name.toLowerCase() === known))
    return [...new Set([...ranked, ...others])]
  }
  const path = await realpath(wanted).catch(() => null)
  if (path === null) return []
  const paths = await Promise.all(models.map((model) => realpath(model.file).catch(() => null)))
  return models.filter((_, index) => paths[index] === path)
}

function loadable(model: InstalledModel): InstalledModel {
  if (model.problem === null) return model
  throw new NoSuchModel(
    `${model.name} cannot be loaded: ${model.problem}. ./mentor models verify tells more; remove and pull or add it again.`,
  )
}

async function advice(
  folder: string,
  models: InstalledModel[],
  named: InstalledModel[],
  wanted: string | null,
  quantization: string | null,
): Promise<string> {
  const list = models.map(({ name }) => name).join(', ')
  const there = models.length === 0 ? `No language model is installed in ${folder}.` : `Installed: ${list}.`
  if (wanted === null) {
    const as =
      quantization === null || models.length === 0 ? '' : ` None is ${quantization}: change LLM_DTYPE.`
    return `${there}${as} ./mentor models list shows what can be had.`
  }
  if (named.length > 0)
    return `${wanted} is installed, but not as ${quantization}: ${named.map(({ name }) => name).join(', ')}. Change LLM_DTYPE, or pull that quantization.`
  const choice = findRegistered(wanted)
  if (choice !== null) {
    const name = installedName(choice.model, choice.quantization)
    return `${name} is not installed. ${there} Get it with: ./mentor models pull ${name}`
  }
  const isFile = await stat(wanted).then(
    (found) => found.isFile(),
    () => false,
  )
  if (isFile)
    return `${wanted} is not recorded, and only files whose SHA-256 is recorded are loaded. Do: ./mentor models add ${wanted}`
  const known = registry.filter(({ kind }) => kind === 'llm').map(({ name }) => name)
  return (
    `${wanted} is not known. ${there} By name there are ${known.join(', ')}; any other GGUF file comes in with ` +
    './mentor models add FILE or ./mentor models pull hf:OWNER/REPO/FILE.gguf.'
  )
}

/** GGUF files in the folder that nobody recorded, relative to it: they are not loaded, and a person wonders why. */
export async function unrecordedFiles(folder: string): Promise<string[]> {
  const recorded = (await readLockFile(folder)).flatMap(({ files }) => files.map(({ file }) => file))
  const found: string[] = []
  for (const below of ['', 'adapters/']) {
    const names = await readdir(join(folder, below)).catch(() => [])
    found.push(...names.filter((name) => /\.gguf$/i.test(name)).map((name) => below + name))
  }
  return found.filter((file) => !recorded.includes(file)).sort()
}
