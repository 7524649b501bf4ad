/** Adding, removing, verifying, and finding the model that is meant. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import {
  appendFile,
  chmod,
  copyFile,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { holdLock } from '../../db/lock.ts'
import { ModelCorrupt } from '../../models/bundled.ts'
import { GgufUnusable } from '../../models/gguf.ts'
import { findRegistered, installedName, registry } from '../../models/registry.ts'
import { AddRefused, addFile } from '../../models/store/add.ts'
import { chooseModel, memoryNeeded } from '../../models/store/choose.ts'
import {
  type InstalledModel,
  installedModels,
  NoSuchModel,
  resolveModel,
  unrecordedFiles,
} from '../../models/store/installed.ts'
import {
  LockFileUnusable,
  lockFilePath,
  modelName,
  type Store,
  updateLockFile,
} from '../../models/store/lock-file.ts'
import { removeModel } from '../../models/store/remove.ts'
import { verifyAgain, verifyFile } from '../../models/store/verify.ts'
import { sha256 } from './fake-hub.ts'
import { tinyAdapter, tinyModel } from './store-files.ts'

let folder: string
let store: Store
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mentor-store-'))
  store = { folder: join(folder, 'models'), takeLock: holdLock }
})
afterEach(() => rm(folder, { recursive: true }))

const signal = new AbortController().signal

async function write(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, bytes)
  return path
}

/** Models of these names, each a file of its own. */
async function add(...names: string[]): Promise<InstalledModel[]> {
  const added: InstalledModel[] = []
  for (const [fill, name] of names.entries()) {
    const path = await write(
      `${name}.gguf`,
      tinyModel({ fill: fill + 1, metadata: { 'general.file_type': 15 } }),
    )
    added.push((await addFile(store, path, { signal })).model)
  }
  return added
}

describe('add', () => {
  test('records what the file is, and keeps a copy of its own', async () => {
    const bytes = tinyModel({ metadata: { 'general.license': 'apache-2.0' } })
    const path = await write('Tiny-F32.gguf', bytes)
    const { model, already } = await addFile(store, path, { signal })
    expect(already).toBe(false)
    expect(model).toMatchObject({
      name: 'Tiny-F32',
      kind: 'llm',
      file: join(store.folder, 'Tiny-F32.gguf'),
      bytes: bytes.length,
      sha256: sha256(bytes),
      source: path,
      licence: 'apache-2.0',
      architecture: 'llama',
      quantization: 'F32',
      contextLength: 2048,
      kvBytesPerToken: 256,
      problem: null,
    })
    // A hard link would become what somebody writes into the original.
    expect((await stat(model.file)).ino).not.toBe((await stat(path)).ino)
    expect(await readdir(join(store.folder, '.partial'))).toEqual([])
    expect(await addFile(store, path, { signal })).toMatchObject({ already: true })
  })

  test('an adapter lies below adapters/', async () => {
    const path = await write('terse.gguf', tinyAdapter())
    const { model } = await addFile(store, path, { signal })
    expect(model).toMatchObject({
      kind: 'adapter',
      baseModel: 'Tiny',
      file: join(store.folder, 'adapters', 'terse.gguf'),
    })
  })

  test('a file that lies in the folder already is recorded where it is', async () => {
    await mkdir(store.folder)
    const path = join(store.folder, 'mine.gguf')
    await writeFile(path, tinyModel())
    expect(await unrecordedFiles(store.folder)).toEqual(['mine.gguf'])
    const { model } = await addFile(store, path, { signal })
    expect(model.file).toBe(path)
    expect(await unrecordedFiles(store.folder)).toEqual([])
    expect((await stat(path)).nlink).toBe(1)
  })

  test('from another file system it is copied', async () => {
    if (!existsSync('/dev/shm')) return
    const other = await mkdtemp('/dev/shm/mentor-store-')
    try {
      await writeFile(join(other, 'far.gguf'), tinyModel())
      const { model } = await addFile(store, join(other, 'far.gguf'), { signal })
      expect(await readFile(model.file)).toEqual(await readFile(join(other, 'far.gguf')))
      await verifyFile(model)
    } finally {
      await rm(other, { recursive: true })
    }
  })

  test('one symbolic link is followed, as a hub cache has them; a second one is not', async () => {
    const path = await write('blob', tinyModel())
    await symlink('blob', join(folder, 'linked.gguf'))
    await symlink('linked.gguf', join(folder, 'twice.gguf'))
    await symlink('loop.gguf', join(folder, 'loop.gguf'))
    const { model } = await addFile(store, join(folder, 'linked.gguf'), { signal })
    expect(model).toMatchObject({ name: 'linked', source: path })
    for (const name of ['twice.gguf', 'loop.gguf'])
      await expect(addFile(store, join(folder, name), { signal })).rejects.toThrow(/which is no file/)
  })

  test('what is no model file is refused, and nothing of it stays', async () => {
    const cut = await write('cut.gguf', tinyModel().subarray(0, -1))
    await expect(addFile(store, cut, { signal })).rejects.toThrow(GgufUnusable)
    await expect(addFile(store, cut, { signal })).rejects.toThrow(
      /cut\.gguf is refused: it is cut short.+1 bytes are missing/,
    )
    await expect(addFile(store, join(folder, 'none.gguf'), { signal })).rejects.toThrow(/does not exist/)
    await expect(addFile(store, folder, { signal })).rejects.toThrow(AddRefused)
    const spaced = await write('my model.gguf', tinyModel())
    await expect(addFile(store, spaced, { signal })).rejects.toThrow(/with --name/)
    expect(await installedModels(store.folder)).toEqual([])
    expect((await addFile(store, spaced, { name: 'mine', signal })).model.name).toBe('mine')
  })

  test('a FIFO is refused without waiting for a writer', async () => {
    const path = join(folder, 'pipe.gguf')
    Bun.spawnSync(['mkfifo', path])
    await expect(addFile(store, path, { signal })).rejects.toThrow(/is no file/)
  })

  test('another file under a taken name, and a file in the way, are not overwritten', async () => {
    await add('one')
    const other = await write('other.gguf', tinyModel({ fill: 9 }))
    await expect(addFile(store, other, { name: 'One', signal })).rejects.toThrow(/one is installed already/)
    await writeFile(join(store.folder, 'two.gguf'), 'mine')
    await expect(addFile(store, other, { name: 'two', signal })).rejects.toThrow(/in the way/)
    expect(await readFile(join(store.folder, 'two.gguf'), 'utf8')).toBe('mine')
    expect((await installedModels(store.folder)).map(({ name }) => name)).toEqual(['one'])
  })

  test('eight at once are all recorded', async () => {
    const paths = await Promise.all(
      Array.from({ length: 8 }, (_, fill) => write(`m${fill}.gguf`, tinyModel({ fill }))),
    )
    await Promise.all(paths.map((path) => addFile(store, path, { signal })))
    expect(await installedModels(store.folder)).toHaveLength(8)
  })
})

describe('verify', () => {
  test('a changed file is never loaded again, whatever its times say', async () => {
    const [model] = await add('one')
    if (model === undefined) throw new Error('not added')
    await verifyFile(model)
    const { atime, mtime } = await stat(model.file)
    const bytes = await readFile(model.file)
    bytes[bytes.length - 1] = 0xee
    await writeFile(model.file, bytes)
    await utimes(model.file, atime, mtime)
    await expect(verifyFile(model)).rejects.toThrow(ModelCorrupt)
    await expect(verifyFile(model)).rejects.toThrow(
      /not the file that was recorded.+models remove one.+add FILE/,
    )
    await appendFile(model.file, 'x')
    await expect(verifyFile(model)).rejects.toThrow(/it has \d+ bytes, expected \d+/)
    await rm(model.file)
    await expect(verifyFile(model)).rejects.toThrow(/cannot be read/)
  })

  test('an unchanged file is not read again at load, and always by verifyAgain', async () => {
    const [model] = await add('one')
    if (model === undefined) throw new Error('not added')
    // A note that says so is believed for this very state of the file: that is what spares the reading.
    const notes = join(store.folder, 'models.verified.json')
    const noted = await readFile(notes, 'utf8')
    const wrong = {
      ...model,
      sha256: 'ab'.repeat(32),
      files: model.files.map((file) => ({ ...file, sha256: 'ab'.repeat(32) })),
    }
    await writeFile(notes, noted.replaceAll(model.sha256, 'ab'.repeat(32)))
    await verifyFile(wrong)
    await expect(verifyAgain(wrong)).rejects.toThrow(ModelCorrupt)
    // Found wrong once, the note is gone.
    await expect(verifyFile(wrong)).rejects.toThrow(ModelCorrupt)
    await writeFile(notes, 'no JSON')
    await verifyFile(model)
    expect(JSON.parse(await readFile(notes, 'utf8'))[model.file].sha256).toBe(model.sha256)
  })

  test('another file moved into its place is found, of the same size and time', async () => {
    const [one, two] = await add('one', 'two')
    if (one === undefined || two === undefined) throw new Error('not added')
    const { atime, mtime } = await stat(one.file)
    await copyFile(two.file, join(folder, 'swap'))
    await utimes(join(folder, 'swap'), atime, mtime)
    await rename(join(folder, 'swap'), one.file)
    await expect(verifyFile(one)).rejects.toThrow(ModelCorrupt)
  })

  test('a folder that cannot be written to is no hindrance', async () => {
    const [model] = await add('one')
    if (model === undefined) throw new Error('not added')
    await rm(join(store.folder, 'models.verified.json'))
    await chmod(store.folder, 0o500)
    try {
      await verifyFile(model)
    } finally {
      await chmod(store.folder, 0o700)
    }
  })
})

describe('remove', () => {
  test('takes the files, the record and the note away, and nothing else', async () => {
    const [one] = await add('one', 'two')
    const adapter = await addFile(store, await write('terse.gguf', tinyAdapter()), { signal })
    expect((await removeModel(store, 'ONE'))?.name).toBe('one')
    expect(existsSync(one?.file ?? '')).toBe(false)
    expect(existsSync(join(folder, 'one.gguf'))).toBe(true) // the file it was made from
    expect(await readFile(join(store.folder, 'models.verified.json'), 'utf8')).not.toContain('one.gguf')
    await removeModel(store, 'terse')
    expect(existsSync(adapter.model.file)).toBe(false)
    expect((await installedModels(store.folder)).map(({ name }) => name)).toEqual(['two'])
  })

  test('an unfinished download is removed too; a name that is nothing is refused with those that are', async () => {
    await add('two')
    await mkdir(join(store.folder, '.partial', 'half'), { recursive: true })
    await writeFile(join(store.folder, '.partial', 'half', 'model.gguf.part'), 'x')
    expect(await removeModel(store, 'half')).toBeNull()
    await expect(removeModel(store, 'half')).rejects.toThrow(/half is not installed in .+Installed: two/)
    await expect(removeModel(store, 'all-MiniLM-L6-v2')).rejects.toThrow(/comes with Mentor/)
    for (const name of ['..', '../..', '.', '', '/', '../store'])
      await expect(removeModel(store, name)).rejects.toThrow(NoSuchModel)
    expect((await installedModels(store.folder)).map(({ name }) => name)).toEqual(['two'])
  })
})

describe('the lock file', () => {
  const broken: [string, string][] = [
    ['no JSON', '{"version": 1'],
    ['a newer version', '{"version": 2, "models": []}'],
    ['no list', '{"version": 1, "models": {}}'],
  ]
  test.each(broken)('%s is refused by name, and not overwritten', async (_, text) => {
    await mkdir(store.folder)
    await writeFile(lockFilePath(store.folder), text)
    await expect(installedModels(store.folder)).rejects.toThrow(LockFileUnusable)
    await expect(installedModels(store.folder)).rejects.toThrow(
      /models\.lock\.json cannot be used.+Move it away/,
    )
    const path = await write('one.gguf', tinyModel())
    await expect(addFile(store, path, { signal })).rejects.toThrow(LockFileUnusable)
    expect(await readFile(lockFilePath(store.folder), 'utf8')).toBe(text)
  })

  test.each(['../one.gguf', '/etc/passwd', 'a/../../b', 'a//b', '.locks/x', 'a\\b', 'a/./b'])(
    'a path out of the folder is refused: %s',
    async (file) => {
      await add('one')
      const lock = JSON.parse(await readFile(lockFilePath(store.folder), 'utf8'))
      lock.models[0].files[0].file = file
      await writeFile(lockFilePath(store.folder), JSON.stringify(lock))
      await expect(installedModels(store.folder)).rejects.toThrow(/no path inside the models folder/)
    },
  )

  test('a folder that is not there holds nothing', async () => {
    expect(await installedModels(join(folder, 'nowhere'))).toEqual([])
    expect(await unrecordedFiles(join(folder, 'nowhere'))).toEqual([])
  })

  test('changes at once are made one after the other, also by two processes', async () => {
    await add('one')
    const script = `
      import { holdLock } from '${join(import.meta.dir, '../../db/lock.ts')}'
      import { updateLockFile } from '${join(import.meta.dir, '../../models/store/lock-file.ts')}'
      const store = { folder: ${JSON.stringify(store.folder)}, takeLock: holdLock }
      for (let n = 0; n < 5; n++)
        await updateLockFile(store, ([one, ...others]) => [one, ...others, { ...one, name: process.argv[1] + n }])`
    const children = ['a', 'b'].map((name) =>
      Bun.spawn([process.execPath, '-e', script, name], { stderr: 'inherit' }),
    )
    await Promise.all(children.map((child) => child.exited))
    expect(await installedModels(store.folder)).toHaveLength(11)
    await updateLockFile(store, () => [])
    expect(await installedModels(store.folder)).toEqual([])
  }, 20_000)
})

describe('the model that is meant', () => {
  test('by its name, by the registry’s name with and without a quantization, by its path', async () => {
    await add('Qwen3-1.7B-Q4_K_M', 'Qwen3-0.6B-Q4_K_M', 'mine')
    const q8 = await write('q8.gguf', tinyModel({ fill: 77, metadata: { 'general.file_type': 7 } }))
    await addFile(store, q8, { name: 'Qwen3-1.7B-Q8_0', signal })
    const named = async (wanted: string | null, dtype: string | null = null) =>
      (await resolveModel(store.folder, wanted, dtype)).name
    expect(await named('qwen3-1.7b-q8_0')).toBe('Qwen3-1.7B-Q8_0')
    expect(await named('Qwen3-1.7B')).toBe('Qwen3-1.7B-Q4_K_M')
    expect(await named('Qwen3-1.7B', 'auto')).toBe('Qwen3-1.7B-Q4_K_M')
    expect(await named('Qwen3-1.7B', 'q8_0')).toBe('Qwen3-1.7B-Q8_0')
    expect(await named('Qwen/Qwen3-1.7B', 'Q8_0')).toBe('Qwen3-1.7B-Q8_0')
    expect(await named('Qwen3-1.7B:Q8_0')).toBe('Qwen3-1.7B-Q8_0')
    expect(await named('MINE')).toBe('mine')
    expect(await named(join(store.folder, 'mine.gguf'))).toBe('mine')
    expect(await named(null)).toBe('Qwen3-1.7B-Q4_K_M')
    expect(await named(null, 'Q8_0')).toBe('Qwen3-1.7B-Q8_0')
  })

  test('a hand-made quantization of a registered model answers to its name', async () => {
    await add('Qwen3-4B-Q5_K_M')
    expect((await resolveModel(store.folder, 'Qwen3-4B', null)).name).toBe('Qwen3-4B-Q5_K_M')
  })

  test('an error says what is there and how to get what is not', async () => {
    const said = async (wanted: string | null, dtype: string | null = null) => {
      const error = await resolveModel(store.folder, wanted, dtype).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(NoSuchModel)
      return error instanceof Error ? error.message : ''
    }
    expect(await said(null)).toMatch(/No language model is installed in .+models list/)
    expect(await said('Qwen3-4B')).toContain('./mentor models pull Qwen3-4B-Q4_K_M')
    await add('Qwen3-0.6B-Q4_K_M')
    expect(await said('Qwen3-1.7B:Q8_0')).toMatch(/Installed: Qwen3-0\.6B-Q4_K_M\..+pull Qwen3-1\.7B-Q8_0/)
    expect(await said('Qwen3-0.6B', 'Q8_0')).toContain('is installed, but not as Q8_0')
    expect(await said(null, 'Q8_0')).toContain('None is Q8_0')
    expect(await said('GPT-9')).toMatch(/GPT-9 is not known.+hf:OWNER\/REPO/)
    // A file that nobody recorded is not loaded, wherever it lies.
    const stray = await write('stray.gguf', tinyModel())
    expect(await said(stray)).toContain(`./mentor models add ${stray}`)
    await addFile(store, await write('terse.gguf', tinyAdapter()), { signal })
    expect(await said('terse')).toContain('is not known')
    await rm(join(store.folder, 'Qwen3-0.6B-Q4_K_M.gguf'))
    expect(await said('Qwen3-0.6B')).toMatch(/cannot be loaded: .+ is missing/)
  })
})

describe('the model that a rung takes', () => {
  const installed = (
    name: string,
    gigabytes: number,
    more: Partial<InstalledModel> = {},
  ): InstalledModel => ({
    name,
    kind: 'llm',
    folder: '/m',
    file: `/m/${name}.gguf`,
    bytes: gigabytes * 1e9,
    sha256: '',
    files: [],
    source: '',
    at: '',
    licence: null,
    architecture: null,
    quantization: null,
    parameterCount: null,
    contextLength: null,
    kvBytesPerToken: 100_000,
    baseModel: null,
    problem: null,
    ...more,
  })
  const all = [
    installed('big', 30),
    installed('Qwen3-1.7B-Q4_K_M', 1.1),
    installed('Qwen3-0.6B-Q4_K_M', 0.4),
    installed('tiny', 0.1),
    installed('terse', 0.01, { kind: 'adapter' }),
    installed('lost', 0.05, { problem: 'missing' }),
  ]
  const without = (...names: string[]) =>
    all.filter(({ name }) => !names.some((start) => name.startsWith(start)))

  test.each([
    ['llm-service', all, null, 'Qwen3-1.7B-Q4_K_M'],
    ['llm-service', without('Qwen3-1.7B'), null, 'big'],
    ['llm-service', without('Qwen3-1.7B'), 8e9, 'Qwen3-0.6B-Q4_K_M'],
    ['llm-service', all, 1.5e9, 'Qwen3-0.6B-Q4_K_M'],
    ['llm-service', all, 1e8, undefined],
    ['local-model', all, null, 'Qwen3-0.6B-Q4_K_M'],
    ['local-model', without('Qwen3-0.6B'), null, 'tiny'],
    ['local-model', all, 0.9e9, 'tiny'],
    ['local-model', without('Qwen3-0.6B', 'tiny'), 8e9, 'Qwen3-1.7B-Q4_K_M'],
    ['local-model', [], null, undefined],
  ] as const)('%s', (prefer, models, memoryBytes, expected) => {
    expect(chooseModel(models, { memoryBytes, prefer })?.name).toBe(expected)
  })

  test('memory is the file, its cache for 4,096 tokens, and what the engine needs beside', () => {
    expect(memoryNeeded({ bytes: 1e9, kvBytesPerToken: 100_000 })).toBe(1e9 + 409_600_000 + 2 ** 28)
  })
})

test('the registry is consistent', () => {
  const names = registry.flatMap((model) => [model.name.toLowerCase(), ...model.aliases])
  expect(new Set(names).size).toBe(names.length)
  for (const model of registry) {
    expect(findRegistered(model.name)?.model).toBe(model)
    for (const alias of model.aliases) expect(alias).toBe(alias.toLowerCase())
    if (model.kind === 'embedding') continue
    for (const [quantization, file] of Object.entries(model.quantizations)) {
      const name = installedName(model, quantization)
      expect(name).toMatch(modelName)
      expect(findRegistered(name)).toEqual({ model, quantization })
      expect(file.path.toLowerCase()).toEndWith(`${quantization.toLowerCase()}.gguf`)
      expect(file.bytes).toBeGreaterThan(1e8)
    }
  }
})

test('a hard link of the original changes nothing that was recorded', async () => {
  const [model] = await add('one')
  if (model === undefined) throw new Error('not added')
  await link(model.file, join(folder, 'again'))
  await verifyFile(model)
})
