import { constants } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { Refused } from './extract/extracted.ts'

/** Largest file that is read: a text of this size is 250,000 passages, an hour of embedding on two cores. */
export const largestFile = 256 * 1024 ** 2
const portion = 4 * 1024 ** 2

/**
 * All bytes of a regular file, the same as they were at one moment: throws `Refused` when the file changes while it
 * is read. Never waits for a pipe and never follows a link put in its place.
 */
export async function readFile(path: Buffer): Promise<Uint8Array> {
  let handle: FileHandle | null = null
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
    const before = await handle.stat({ bigint: true })
    if (!before.isFile())
      throw new Refused('special', 'it is no ordinary file: only files and folders are read')
    if (before.size > BigInt(largestFile))
      throw new Refused(
        'too_large',
        `it has ${megabytes(before.size)} MB, more than the ${megabytes(largestFile)} that are read: split it`,
      )
    const bytes = await readAll(handle, Number(before.size))
    const after = await handle.stat({ bigint: true })
    const named = await stat(path, { bigint: true })
    const changed = after.size !== before.size || after.mtimeNs !== before.mtimeNs || named.ino !== before.ino
    if (changed || bytes.length !== Number(before.size)) throw changedWhileRead()
    return bytes
  } catch (error) {
    throw explain(error, handle !== null)
  } finally {
    await handle?.close()
  }
}

async function readAll(handle: FileHandle, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size)
  let at = 0
  while (at < size) {
    const { bytesRead } = await handle.read(bytes, at, Math.min(portion, size - at), at)
    if (bytesRead === 0) return bytes.subarray(0, at)
    at += bytesRead
  }
  return bytes
}

/** What the system says about a path, in words. */
export function explain(error: unknown, wasOpen = false): unknown {
  switch ((error as { code?: string }).code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return wasOpen
        ? changedWhileRead()
        : new Refused('missing', 'there is no such file or folder: check the path')
    case 'EACCES':
    case 'EPERM':
      return new Refused('unreadable', 'permission denied: make it readable for the user who runs this')
    case 'ELOOP':
      return new Refused('link', 'it is a link that leads back to itself: name the file itself')
    case 'ENXIO':
      return new Refused('special', 'it is a socket or device: only files and folders are read')
    case 'EIO':
      return new Refused('unreadable', 'the disk could not read it: copy it elsewhere and try again')
    case 'ENAMETOOLONG':
      return new Refused('unreadable', 'its path is too long for this system')
    default:
      return error
  }
}

function changedWhileRead(): Refused {
  return new Refused('changed', 'the file changed while it was read: ingest it again when it is at rest')
}

function megabytes(bytes: number | bigint): number {
  return Math.round(Number(bytes) / 1024 ** 2)
}
