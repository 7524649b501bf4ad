/** A zip archive's directory, read with suspicion: the guard in front of everything that unpacks one. */
import { inflateRawSync } from 'node:zlib'
import { Refused } from './extracted.ts'

export interface ZipEntry {
  name: string
  /** Unpacks the entry; refuses one that holds more than it says. */
  read(): Uint8Array
  size: number
}

/** Bytes of all entries together, and of one. A book in Word is 5 MB unpacked without its pictures. */
const mostTogether = 400 * 1024 * 1024
const mostInOne = 100 * 1024 * 1024
/** Text shrinks 5 to 20 times, deflate's limit is 1,032; a bomb lives near that limit. */
const mostShrunk = 200
const shrunkMatters = 8 * 1024 * 1024
const mostEntries = 20_000

/** Entries by name. Refuses what is cut short, encrypted, unsafe or a bomb: by what it declares, and by what is read. */
export function openZip(bytes: Uint8Array): Map<string, ZipEntry> {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const end = findEnd(file)
  const entries = new Map<string, ZipEntry>()
  const count = file.readUInt16LE(end + 10)
  if (count > mostEntries) throw bomb(`${count} entries`)
  let at = file.readUInt32LE(end + 16)
  let together = 0
  for (let i = 0; i < count; i++) {
    if (at + 46 > file.length || file.readUInt32LE(at) !== 0x02014b50) throw damaged()
    const flags = file.readUInt16LE(at + 8)
    const packed = file.readUInt32LE(at + 20)
    const size = file.readUInt32LE(at + 24)
    const nameLength = file.readUInt16LE(at + 28)
    const name = file.subarray(at + 46, at + 46 + nameLength).toString('utf8')
    if (flags & 1)
      throw new Refused('encrypted', 'the archive is encrypted: save the document without a password')
    if (/^[/\\]|^[a-z]:|(^|[/\\])\.\.([/\\]|$)/i.test(name))
      throw new Refused(
        'unsafe',
        'the archive holds a path that leaves its folder: this is no ordinary document',
      )
    together += size
    if (size > mostInOne || together > mostTogether) throw bomb(`${Math.round(together / 1e6)} MB unpacked`)
    if (size > shrunkMatters && size > mostShrunk * packed)
      throw bomb(`one part shrinks ${Math.round(size / packed)} times`)
    const method = file.readUInt16LE(at + 10)
    const offset = file.readUInt32LE(at + 42)
    entries.set(name, { name, size, read: () => unpack(file, { offset, packed, size, method }) })
    at += 46 + nameLength + file.readUInt16LE(at + 30) + file.readUInt16LE(at + 32)
  }
  return entries
}

/** The record at the end, which a comment of up to 65,535 bytes may follow. */
function findEnd(file: Buffer): number {
  for (let at = file.length - 22; at >= Math.max(0, file.length - 65_557); at--)
    if (file.readUInt32LE(at) === 0x06054b50) return at
  throw damaged()
}

function unpack(
  file: Buffer,
  entry: { offset: number; packed: number; size: number; method: number },
): Uint8Array {
  if (entry.offset + 30 > file.length || file.readUInt32LE(entry.offset) !== 0x04034b50) throw damaged()
  const start =
    entry.offset + 30 + file.readUInt16LE(entry.offset + 26) + file.readUInt16LE(entry.offset + 28)
  const packed = file.subarray(start, start + entry.packed)
  if (packed.length < entry.packed) throw damaged()
  if (entry.method === 0) return packed
  if (entry.method !== 8) throw new Refused('unsupported', 'the archive is packed in a way Word never uses')
  try {
    const unpacked = inflateRawSync(packed, { maxOutputLength: entry.size + 1 })
    if (unpacked.length !== entry.size) throw bomb('a part is not of the size it declares')
    return unpacked
  } catch (error) {
    if (error instanceof Refused) throw error
    const tooLong =
      error instanceof RangeError || (error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE'
    throw tooLong ? bomb('a part is larger than it declares') : damaged()
  }
}

function bomb(what: string): Refused {
  return new Refused('zip_bomb', `the archive would unpack to far more than a document: ${what}`)
}

function damaged(): Refused {
  return new Refused('damaged', 'the archive is cut short or damaged: copy or save the document again')
}
