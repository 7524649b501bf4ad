/** Finds the files to ingest below the paths that were named. Paths are bytes: a name need not be UTF-8. */
import type { Stats } from 'node:fs'
import { lstat, readdir, realpath, stat } from 'node:fs/promises'
import { Refused } from './extract/extracted.ts'
import { formatOfName, supported } from './extract/identify.ts'
import { explain } from './read-file.ts'

export interface Input {
  path: string
  /** An upload's own name: then `path` is only where it lies. */
  name?: string
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
}

/** Folders that hold programs' own files, whoever named the folder around them. */
const skippedFolders = new Set(['node_modules', '__MACOSX'])
const systemFolders = /^\/(proc|sys|dev)(\/|$)/

/**
 * Every file below the inputs, folders before their links, by name: an unsupported type in a folder is `skipped`,
 * what was named directly and cannot be taken is `failed`. Hidden files, `node_modules` and `.git` inside a folder
 * are passed over. A link inside a folder is followed only to what lies in that folder. A file is listed once.
 */
export async function findFiles(inputs: readonly Input[]): Promise<FoundFile[]> {
  const found = new Map<string, FoundFile>()
  const add = (file: FoundFile) => {
    const key = `${file.origin}\0${file.place}\0${file.refusal ? file.file : ''}`
    if (!found.has(key)) found.set(key, file)
  }
  for (const input of inputs) {
    if (input.name !== undefined) add(await uploaded(input.path, input.name))
    else await named(input.path, add)
  }
  return [...found.values()]
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

type Add = (file: FoundFile) => void

/** A path named on the command line: a link is followed wherever it leads, because it was asked for. */
async function named(input: string, add: Add): Promise<void> {
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
    if (about.isDirectory()) await folder({ ...place, source: '' }, path, add)
    else add(fileAt(place, about, 'failed'))
  } catch (error) {
    add(refused(typed, reasonOf(error)))
  }
}

/** A folder with all below it; links are looked at last, so that a file is known by its own path. */
async function folder(top: Place, root: Buffer, add: Add): Promise<void> {
  const links: Place[] = []
  const seen = new Set<string>()
  await walk(top, seen, links, add)
  for (let link = links.shift(); link; link = links.shift()) await followed(link, root, seen, links, add)
}

async function walk(top: Place, seen: Set<string>, links: Place[], add: Add): Promise<void> {
  const pending = [top]
  for (let place = pending.pop(); place; place = pending.pop()) {
    const key = place.path.toString('latin1')
    if (seen.has(key)) continue
    seen.add(key)
    const below: Place[] = []
    try {
      for (const name of await namesIn(place.path)) {
        const entry = inside(place, name)
        const about = await lstat(entry.path)
        if (about.isSymbolicLink()) links.push(entry)
        else if (about.isDirectory()) below.push(entry)
        else add(fileAt(entry, about, 'skipped'))
      }
    } catch (error) {
      add(refused(place, reasonOf(error)))
    }
    pending.push(...below.toReversed())
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

async function followed(
  link: Place,
  root: Buffer,
  seen: Set<string>,
  links: Place[],
  add: Add,
): Promise<void> {
  try {
    const path = await realpath(link.path, { encoding: 'buffer' })
    if (!isWithin(path, root))
      throw new Refused('link', 'it is a link that leads out of the folder: name its target to ingest it')
    const about = await lstat(path)
    if (!about.isDirectory()) return add(fileAt({ ...link, path }, about, 'skipped'))
    if (isWithin(link.path, path))
      throw new Refused('link', 'it is a link to a folder that it lies in: a loop')
    await walk({ ...link, path }, seen, links, add)
  } catch (error) {
    add(refused(link, reasonOf(error)))
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
