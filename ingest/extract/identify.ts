/** Which format a file is: its name says what it should be, its first bytes decide whether it is. */
import { extensionOf, familyOfName } from './code-names.ts'
import { Refused } from './extracted.ts'

export type Format =
  | 'markdown'
  | 'plain-text'
  | 'html'
  | 'pdf'
  | 'rtf'
  | 'csv'
  | 'tsv'
  | 'json'
  | 'json-lines'
  | 'yaml'
  | 'notebook'
  | 'mail'
  | 'mbox'
  | 'srt'
  | 'vtt'
  | 'code'
  | keyof typeof archives

/** Documents that are zip archives, and what to call them. */
const archives = {
  docx: 'a Word document',
  pptx: 'a PowerPoint presentation',
  xlsx: 'an Excel workbook',
  epub: 'an EPUB book',
  odt: 'an OpenDocument text',
  ods: 'an OpenDocument spreadsheet',
  odp: 'an OpenDocument presentation',
} as const

/** Formats and the extensions that claim them; those of source code are in `code-names.ts`. */
const extensions: Record<Exclude<Format, 'code'>, string> = {
  markdown: 'md markdown mdx mkd qmd rmd',
  'plain-text': 'txt text log rst adoc asciidoc org tex',
  html: 'html htm xhtml',
  pdf: 'pdf',
  docx: 'docx docm dotx',
  pptx: 'pptx pptm ppsx potx',
  xlsx: 'xlsx xlsm xltx',
  epub: 'epub',
  odt: 'odt ott',
  ods: 'ods ots',
  odp: 'odp otp',
  rtf: 'rtf',
  csv: 'csv',
  tsv: 'tsv tab',
  json: 'json json5 jsonc geojson',
  'json-lines': 'jsonl ndjson',
  yaml: 'yaml yml',
  notebook: 'ipynb',
  mail: 'eml',
  mbox: 'mbox',
  srt: 'srt',
  vtt: 'vtt',
}

const formats = new Map<string, Format>(
  Object.entries(extensions).flatMap(([format, all]) =>
    all.split(' ').map((extension): [string, Format] => [extension, format as Format]),
  ),
)

export const supported =
  'md, txt, html, pdf, docx, pptx, xlsx, odt, ods, odp, epub, rtf, csv, tsv, json, jsonl, yaml, ipynb, eml, mbox, srt, vtt and source code'

/** The format that a file's name claims; null for one that is not read. */
export function formatOfName(name: string): Format | null {
  return formats.get(extensionOf(name)) ?? (familyOfName(name) ? 'code' : null)
}

/** First bytes of files that are no text, in Latin-1, and what to call them. */
const signatures: [start: string, what: string][] = [
  ['%PDF-', 'a PDF'],
  ['PK\x03\x04', 'a zip archive (or an Office document)'],
  ['PK\x05\x06', 'an empty zip archive'],
  ['\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1', 'an old or encrypted Office document'],
  ['{\\rtf', 'an RTF document'],
  ['\x7FELF', 'an ELF program'],
  ['MZ', 'a Windows program'],
  ['\xCF\xFA\xED\xFE', 'a macOS program'],
  ['\xCE\xFA\xED\xFE', 'a macOS program'],
  ['\xCA\xFE\xBA\xBE', 'a Java class or a macOS program'],
  ['\0asm', 'a WebAssembly module'],
  ['\x89PNG\r\n\x1A\n', 'a PNG image'],
  ['\xFF\xD8\xFF', 'a JPEG image'],
  ['GIF87a', 'a GIF image'],
  ['GIF89a', 'a GIF image'],
  ['II*\0', 'a TIFF image'],
  ['MM\0*', 'a TIFF image'],
  ['\x1F\x8B', 'a gzip archive'],
  ['BZh', 'a bzip2 archive'],
  ['\xFD7zXZ\0', 'an xz archive'],
  ['\x28\xB5\x2F\xFD', 'a zstd archive'],
  ['7z\xBC\xAF\x27\x1C', 'a 7z archive'],
  ['Rar!\x1A\x07', 'a RAR archive'],
  ['SQLite format 3\0', 'an SQLite database'],
  ['OggS', 'an Ogg recording'],
  ['fLaC', 'a FLAC recording'],
  ['ID3', 'an MP3 recording'],
  ['RIFF', 'a RIFF file (WAV, AVI or WebP)'],
  ['wOFF', 'a web font'],
  ['wOF2', 'a web font'],
]

/** Signatures that are also how a sentence may begin: they count only when what follows is no text either. */
const couldBeText = new Set(['MZ', 'BZh', 'ID3', 'RIFF', 'OggS', 'fLaC', 'wOFF', 'wOF2', 'GIF87a', 'GIF89a'])

/**
 * The format of a file, from its name and bytes.
 * Refuses an unsupported name, a file that is not what its name says, and one that is two formats at once: two
 * programs would read two different documents in it.
 */
export function identify(name: string, bytes: Uint8Array): Format {
  const claimed = formatOfName(name)
  if (!claimed) throw new Refused('unsupported', `files of this type are not read: ${supported} are`)
  const head = latin1(bytes.subarray(0, 1024))
  const actual = contentOf(head)
  if (claimed === 'pdf') checkPdf(name, bytes, head, actual)
  else if (isArchive(claimed)) checkArchive(name, claimed, head, actual)
  else if (claimed === 'rtf') {
    if (actual !== 'an RTF document') throw misnamed(actual ?? textOr('binary data', head), name)
  } else {
    if (actual) throw misnamed(actual, name)
    if (claimed === 'html' && head.includes('%PDF-')) throw polyglot('an HTML page', 'a PDF')
    if (head.includes('%PDF-') && latin1(bytes.subarray(-1024)).includes('%%EOF'))
      throw polyglot('a text', 'a PDF')
  }
  return claimed
}

function contentOf(head: string): string | null {
  for (const [start, what] of signatures)
    if (head.startsWith(start) && (!couldBeText.has(start) || !isPrintable(head.slice(0, 64)))) return what
  if (head.slice(4, 8) === 'ftyp') return 'an MP4 or HEIC recording'
  return null
}

function checkPdf(name: string, bytes: Uint8Array, head: string, actual: string | null): void {
  if (actual && actual !== 'a PDF') {
    if (head.includes('%PDF-')) throw polyglot(actual, 'a PDF')
    throw misnamed(actual, name)
  }
  if (!head.includes('%PDF-')) throw misnamed(textOr('binary data of no known kind', head), name)
  if (/<(html|script|body)\b/i.test(head.slice(0, head.indexOf('%PDF-'))))
    throw polyglot('an HTML page', 'a PDF')
  if (hasZipDirectory(bytes)) throw polyglot('a PDF', 'a zip archive')
}

function isArchive(format: Format): format is keyof typeof archives {
  return Object.hasOwn(archives, format)
}

function checkArchive(
  name: string,
  format: keyof typeof archives,
  head: string,
  actual: string | null,
): void {
  if (actual?.startsWith('an old or encrypted'))
    throw new Refused(
      'encrypted',
      `this is ${archives[format]} with a password, or of before 2007: save it as .${format} without a password`,
    )
  if (!actual?.startsWith('a zip')) throw misnamed(actual ?? textOr('binary data', head), name)
  if (head.includes('%PDF-')) throw polyglot(archives[format], 'a PDF')
}

function textOr(otherwise: string, head: string): string {
  if (/<(!doctype\s+html|html|head|body)\b/i.test(head)) return 'an HTML page'
  return isPrintable(head) ? 'a text' : otherwise
}

/** A zip's directory ends with a record that says where it begins: only a real one points at an entry. */
function hasZipDirectory(bytes: Uint8Array): boolean {
  const tail = Math.max(0, bytes.length - 65_557)
  const end = latin1(bytes.subarray(tail)).lastIndexOf('PK\x05\x06')
  if (end < 0 || tail + end + 22 > bytes.length) return false
  const view = new DataView(bytes.buffer, bytes.byteOffset + tail + end, 22)
  const directory = tail + end - view.getUint32(12, true)
  return directory >= 0 && latin1(bytes.subarray(directory, directory + 4)) === 'PK\x01\x02'
}

function isPrintable(head: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return !/[\0-\x08\x0E-\x1A]/.test(head)
}

function misnamed(actual: string, name: string): Refused {
  const extension = name.slice(name.lastIndexOf('.'))
  return new Refused(
    'misnamed',
    `it looks like ${actual}, not like a ${extension} file: give it its real name`,
  )
}

function polyglot(one: string, other: string): Refused {
  return new Refused(
    'polyglot',
    `it is ${one} and ${other} at once: export the document again, as one format`,
  )
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
