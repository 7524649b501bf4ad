/** What was dropped or picked, folders opened, as files with the paths they had. */

export interface DroppedFile {
  /** Steps joined by `/`, from the dropped folder on. */
  name: string
  file: File
}

export interface Dropped {
  files: DroppedFile[]
  /** How many files of folders were left out, because they are hidden or hold no text. */
  leftOut: number
  /** Folders that hold nothing to read, or that the browser could not read. */
  folders: { name: string; state: 'empty' | 'unreadable' }[]
}

/**
 * Kinds that hold no text, which come in numbers where a whole folder is dropped. A single file is sent whatever it
 * is: the backend says why it cannot read it.
 */
const noText =
  /\.(png|jpe?g|gif|webp|avif|heic|bmp|ico|tiff?|svg|psd|mp[34]|m4[av]|mov|avi|mkv|webm|wav|ogg|flac|zip|7z|rar|gz|bz2|xz|tar|tgz|jar|exe|dll|so|dylib|bin|o|a|class|pyc|wasm|iso|dmg|woff2?|ttf|otf|eot|db|sqlite3?|lock|gguf|onnx|map)$/i
const hidden = /(^|\/)(\.[^/]+|node_modules|__pycache__|Thumbs\.db|desktop\.ini)(\/|$)/i

export function isWorthSending(path: string): boolean {
  return !hidden.test(path) && !noText.test(path)
}

/** Of a file dialog: files as they are, a folder's with the path from it on. */
export function pickedFiles(picked: File[]): Dropped {
  const files = picked.map((file) => ({ name: file.webkitRelativePath || file.name, file }))
  const wanted = files.filter(({ name }) => !name.includes('/') || isWorthSending(name))
  const first = files[0]?.name.split('/')[0]
  const empty = wanted.length === 0 && files.length > 0 && first !== undefined
  return {
    files: wanted,
    leftOut: files.length - wanted.length,
    folders: empty ? [{ name: first, state: 'empty' }] : [],
  }
}

/** Of a drop. Its entries have to be taken before the first `await`: the browser forgets them then. */
export async function droppedFiles(dropped: DataTransfer): Promise<Dropped> {
  const taken = [...dropped.items].map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }))
  const found: Dropped = { files: [], leftOut: 0, folders: [] }
  for (const { entry, file } of taken) {
    if (entry?.isDirectory === true) await openFolder(entry, found)
    else if (file !== null) found.files.push({ name: file.name, file })
  }
  return found
}

async function openFolder(folder: FileSystemEntry, found: Dropped): Promise<void> {
  const before = found.files.length
  try {
    await walk(folder, found)
    if (found.files.length === before) found.folders.push({ name: folder.name, state: 'empty' })
  } catch {
    found.folders.push({ name: folder.name, state: 'unreadable' })
  }
}

async function walk(entry: FileSystemEntry, found: Dropped): Promise<void> {
  const path = entry.fullPath.replace(/^\//, '')
  if (isFile(entry)) {
    if (!isWorthSending(path)) found.leftOut += 1
    else found.files.push({ name: path, file: await new Promise(entry.file.bind(entry)) })
    return
  }
  if (!isFolder(entry) || hidden.test(path)) return
  const reader = entry.createReader()
  // At most a hundred entries come at once; an empty answer is the end.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    )
    if (some.length === 0) return
    for (const one of some) await walk(one, found)
  }
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile
}

function isFolder(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory
}
