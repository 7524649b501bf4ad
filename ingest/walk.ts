/** Finds the files to ingest below the paths that were named. Paths are bytes: a name need not be UTF-8. */
import type { Stats } from 'node:fs'
import { lstat, readdir, realpath, stat } from 'node:fs/promises'
import {
  type Choice,
  type Globs,
  type IgnoreRules,
  ignoreFile,
  isIgnored,
  openChoice,
  readIgnoreRules,
} from './choice.ts'
import { Refused } from './extract/extracted.ts'
import { formatOfName, supported } from './extract/identify.ts'
import { explain, readFile } from './read-file.ts'

export interface Input {
  path: string
  /** An upload's own name: then `path` is only where it lies. */
  name?: string
  /** Of a file that is tried again: `path` is its place, and this what it is called below the folder it came from. */
  source?: string
}

/** What lies below the inputs. */
export interface Survey {
  files: FoundFile[]
  /** The folders that were named, and read. */
  folders: Folder[]
  /** Files and folders that a `.mentorignore` leaves out, by their real absolute path. */
  ignored: Set<string>
}

export interface Folder {
  /** As it was typed. */
  file: string
  /** Its real absolute path. */
  place: string
  choice: Choice
}

export interface FoundFile {
  /** As it is named to people: what they typed, and the way from there. */
  file: string
  /** Path relative to the folder that was ingested, or the upload's name. */
  source: string
  origin: 'path' | 'upload'
  /** The real absolute path, or the upload's name. */
  place: string
  path: Buffer
  bytes: number
  /** It will not be read, and why. */
  refusal: { status: 'skipped' | 'failed'; reason: string } | null
}

interface Place {
  path: Buffer
  file: string
  source: string
  /** Of the folders above, the outermost first. */
  rules?: readonly IgnoreRules[]
}

/** A walk below one folder that was named. */
interface Walk {
  root: Buffer
  choice: Choice
  seen: Set<string>
  links: Place[]
  ignored: Set<string>
  add(file: FoundFile): void
}

/** Folders that hold programs' own files, whoever named the folder around them. */
const skippedFolders = new Set(['node_modules', '__MACOSX'])
const systemFolders = /^\/(proc|sys|dev)(\/|$)/

/** `survey` for who wants the files alone. */
export async function findFiles(inputs: readonly Input[], globs: Globs = {}): Promise<FoundFile[]> {
  return (await survey(inputs, globs)).files
}

/**
 * Every file below the inputs, folders before their links, by name: an unsupported type in a folder is `skipped`,
 * what was named directly and cannot be taken is `failed`. Hidden files, `node_modules` and `.git` inside a folder
 * are passed over, and so is what its `.mentorignore` files and the globs leave out. A link inside a folder is followed
 * only to what lies in that folder. A file is listed once.
 */
export async function survey(inputs: readonly Input[], globs: Globs = {}): Promise<Survey> {
  const found = new Map<string, FoundFile>()
  const folders = new Map<string, Folder>()
  const ignored = new Set<string>()
  const choice = openChoice(globs)
  const add = (file: FoundFile) => {
    const key = `${file.origin}\0${file.place}\0${file.refusal ? file.file : ''}`
    if (!found.has(key)) found.set(key, file)
  }
  for (const input of inputs) {
    if (input.name !== undefined) add(await uploaded(input.path, input.name))
    else if (input.source !== undefined) add(await again(input.path, input.source))
    else {
      const folder = await named(input.path, { choice, ignored, add })
      if (folder) folders.set(folder.place, folder)
    }
  }
  return { files: [...found.values()], folders: [...folders.values()], ignored }
}

/** A file that failed before. One that is gone by now is nobody's failure any more. */
async function again(path: string, source: string): Promise<FoundFile> {
  const place = { path: Buffer.from(path), file: path, source }
  try {
    return fileAt(place, await lstat(place.path), 'failed')
  } catch (error) {
    const reason = reasonOf(error)
    const status = reason.startsWith('missing:') ? 'skipped' : 'failed'
    return { ...refused(place, reason), refusal: { status, reason } }
  }
}

async function uploaded(path: string, name: string): Promise<FoundFile> {
  const own = { file: name, source: name, origin: 'upload' as const, place: name, path: Buffer.from(path) }
  try {
    const { size } = await stat(path)
    return { ...own, bytes: size, refusal: refusalByName(name, 'failed') }
  } catch (error) {
    return { ...own, bytes: 0, refusal: { status: 'failed', reason: reasonOf(error) } }
  }
}

/** A path named on the command line: a link is followed wherever it leads, because it was asked for. */
async function named(
  input: string,
  { choice, ignored, add }: Pick<Walk, 'choice' | 'ignored' | 'add'>,
): Promise<Folder | null> {
  const trimmed = input.replace(/(?<=.)\/+$/, '') || input
  const typed: Place = {
    path: Buffer.from(input),
    file: trimmed,
    source: readable(lastName(Buffer.from(trimmed))),
  }
  try {
    const path = await realpath(typed.path, { encoding: 'buffer' })
    const place = { ...typed, path, source: readable(lastName(path)) }
    refuseSystem(path)
    const about = await lstat(path)
    if (!about.isDirectory()) {
      add(fileAt(place, about, 'failed'))
      return null
    }
    await readdir(path) // a folder that cannot be read is no folder whose files have vanished
    await folder({ ...place, source: '' }, { root: path, choice, ignored, add, seen: new Set(), links: [] })
    return { file: trimmed, place: readable(path), choice }
  } catch (error) {
    add(refused(typed, reasonOf(error)))
    return null
  }
}

/** A folder with all below it; links are looked at last, so that a file is known by its own path. */
async function folder(top: Place, walking: Walk): Promise<void> {
  await walk(top, walking)
  for (let link = walking.links.shift(); link; link = walking.links.shift()) await followed(link, walking)
}

async function walk(top: Place, walking: Walk): Promise<void> {
  const { seen, links, choice, ignored, add } = walking
  const pending = [top]
  for (let place = pending.pop(); place; place = pending.pop()) {
    const key = place.path.toString('latin1')
    if (seen.has(key)) continue
    seen.add(key)
    const below: Place[] = []
    try {
      const names = await namesIn(place.path)
      const rules = await rulesIn(place)
      for (const name of names) {
        const entry = { ...inside(place, name), rules }
        const about = await lstat(entry.path)
        const isFolder = about.isDirectory()
        if (isIgnored(rules, entry.source, isFolder)) ignored.add(readable(entry.path))
        else if (about.isSymbolicLink()) links.push(entry)
        else if (isFolder) {
          if (choice.entersFolder(entry.source)) below.push(entry)
        } else if (choice.takesFile(entry.source)) add(fileAt(entry, about, 'skipped'))
      }
    } catch (error) {
      add(refused(place, reasonOf(error)))
    }
    pending.push(...below.toReversed())
  }
}

/** The rules above, and those of this folder's own `.mentorignore`: one that cannot be read stops the folder. */
async function rulesIn({ path, source, rules = [] }: Place): Promise<readonly IgnoreRules[]> {
  try {
    const text = await readFile(Buffer.concat([path, Buffer.from(`/${ignoreFile}`)]))
    return [...rules, readIgnoreRules(source, new TextDecoder().decode(text))]
  } catch (error) {
    if (error instanceof Refused && error.code === 'missing') return rules
    throw new Refused(
      'unreadable',
      `its ${ignoreFile} cannot be read, so nothing of it is taken: ${reasonOf(error)}`,
    )
  }
}

async function namesIn(path: Buffer): Promise<Buffer[]> {
  const names = await readdir(path, { encoding: 'buffer' })
  return names
    .filter((name) => name[0] !== 0x2e && !skippedFolders.has(name.toString('latin1')))
    .toSorted(Buffer.compare)
}

function inside(place: Place, name: Buffer): Place {
  const shown = readable(name)
  return {
    path: Buffer.concat([place.path, Buffer.from('/'), name]),
    file: `${place.file}/${shown}`.replace(/^\/\//, '/'),
    source: place.source === '' ? shown : `${place.source}/${shown}`,
  }
}

async function followed(link: Place, walking: Walk): Promise<void> {
  const { root, choice, add } = walking
  try {
    const path = await realpath(link.path, { encoding: 'buffer' })
    if (!isWithin(path, root))
      throw new Refused('link', 'it is a link that leads out of the folder: name its target to ingest it')
    const about = await lstat(path)
    if (!about.isDirectory()) {
      if (choice.takesFile(link.source)) add(fileAt({ ...link, path }, about, 'skipped'))
      return
    }
    if (isWithin(link.path, path))
      throw new Refused('link', 'it is a link to a folder that it lies in: a loop')
    if (choice.entersFolder(link.source)) await walk({ ...link, path }, walking)
  } catch (error) {
    // A broken link of a name that is not wanted is nobody's business.
    if (choice.takesFile(link.source)) add(refused(link, reasonOf(error)))
  }
}

function isWithin(path: Buffer, root: Buffer): boolean {
  const at = path.subarray(0, root.length)
  return (
    at.equals(root) && (path.length === root.length || path[root.length] === 0x2f || root.at(-1) === 0x2f)
  )
}

/** `unsupported`: what becomes of a file of a type that is not read. */
function fileAt(place: Place, about: Stats, unsupported: 'skipped' | 'failed'): FoundFile {
  if (!about.isFile()) return refused(place, special(about))
  const own = { file: place.file, source: place.source, path: place.path, place: readable(place.path) }
  return { ...own, origin: 'path', bytes: about.size, refusal: refusalByName(place.source, unsupported) }
}

function refusalByName(name: string, status: 'skipped' | 'failed'): FoundFile['refusal'] {
  return formatOfName(name)
    ? null
    : { status, reason: `unsupported: files of this type are not read: ${supported} are` }
}

function special(about: Stats): string {
  const what = about.isFIFO() ? 'a named pipe' : about.isSocket() ? 'a socket' : 'a device'
  return `special: it is ${what}: only files and folders are read`
}

function refuseSystem(path: Buffer): void {
  if (systemFolders.test(path.toString('latin1')))
    throw new Refused(
      'special',
      'it belongs to the system, not to your documents: only ordinary files are read',
    )
}

function refused(place: Place, reason: string): FoundFile {
  const { file, source, path } = place
  return {
    file,
    source,
    path,
    place: readable(path),
    origin: 'path',
    bytes: 0,
    refusal: { status: 'failed', reason },
  }
}

function reasonOf(error: unknown): string {
  const explained = explain(error)
  return explained instanceof Error ? explained.message : String(explained)
}

function lastName(path: Buffer): Buffer {
  return path.subarray(path.lastIndexOf(0x2f) + 1)
}

/** A path as text: bytes that are not UTF-8 as `\xNN`. */
function readable(path: Buffer): string {
  const text = path.toString('utf8')
  if (!text.includes('\uFFFD') || Buffer.from(text).equals(path)) return text
  let shown = ''
  for (let at = 0; at < path.length; ) {
    const length = [1, 2, 3, 4].find((n) => {
      const letter = path.subarray(at, at + n).toString('utf8')
      return letter !== '' && Buffer.from(letter).equals(path.subarray(at, at + n))
    })
    shown += length
      ? path.subarray(at, at + length).toString('utf8')
      : `\\x${path[at]?.toString(16).padStart(2, '0')}`
    at += length ?? 1
  }
  return shown
}
