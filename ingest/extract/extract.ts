import { extractCode } from './code.ts'
import { familyOfName } from './code-names.ts'
import { extractCsv } from './csv.ts'
import { refuseEmpty } from './decode.ts'
import { extractDocx } from './docx.ts'
import { extractEpub } from './epub.ts'
import { type Extracted, Refused } from './extracted.ts'
import { extractHtml } from './html.ts'
import { type Format, identify } from './identify.ts'
import { extractJson, extractJsonLines } from './json.ts'
import { extractMail, extractMbox } from './mail.ts'
import { extractMarkdown } from './markdown.ts'
import { extractNotebook } from './notebook.ts'
import { extractOpenDocument } from './opendocument.ts'
import { extractPdf } from './pdf.ts'
import { extractPlainText } from './plain-text.ts'
import { extractPptx } from './presentation.ts'
import { extractRtf } from './rtf.ts'
import { extractXlsx } from './spreadsheet.ts'
import { extractSubtitles } from './subtitles.ts'
import { extractYaml } from './yaml.ts'

export interface ReadOptions {
  /** Read as plain text whatever its format: for a Markdown file whose mark-up could not be read. */
  asPlainText?: boolean
  /** Called after each page of a PDF. */
  onPage?: (page: number) => void
}

/** The text and blocks of a file, by its name and bytes. Throws `Refused` for one that cannot be taken. */
export async function extract(
  name: string,
  bytes: Uint8Array,
  options: ReadOptions = {},
): Promise<Extracted> {
  refuseBlank(bytes)
  const format = identify(name, bytes)
  const extracted = await read({ name, format, bytes }, options)
  if (extracted.blocks.length === 0)
    throw new Refused('empty', 'there is no text in the file: nothing to ingest')
  return { ...extracted, warnings: [...extracted.warnings, ...oddities(extracted)] }
}

const longWord = 5000

/** What is unusual enough in a text to say so: the passages may not be what the author would expect. */
function oddities({ text, blocks }: Extracted): string[] {
  const found: string[] = []
  const long = blocks.filter((block) => block.end - block.start >= longWord)
  const word = long
    .map((block) => /[\p{Script=Latin}\d+/=_-]{5000,}/u.exec(text.slice(block.start, block.end)))
    .find((match) => match)
  if (word) found.push(`a word of ${word[0].length} characters was cut into pieces`)
  let headings = 0
  for (const block of blocks) if (block.kind === 'heading') headings++
  if (headings > 10_000) found.push(`${headings} headings in one document`)
  return found
}

async function read(
  { name, format, bytes }: { name: string; format: Format; bytes: Uint8Array },
  options: ReadOptions,
): Promise<Extracted> {
  if (options.asPlainText && format === 'markdown')
    return { ...extractPlainText(bytes), mediaType: 'text/markdown' }
  switch (format) {
    case 'markdown':
      return extractMarkdown(bytes)
    case 'plain-text':
      return extractPlainText(bytes)
    case 'html':
      return extractHtml(bytes)
    case 'pdf':
      return extractPdf(bytes, options.onPage)
    case 'docx':
      return extractDocx(bytes)
    case 'pptx':
      return extractPptx(bytes)
    case 'xlsx':
      return extractXlsx(bytes)
    case 'odt':
    case 'ods':
    case 'odp':
      return extractOpenDocument(bytes, format)
    case 'epub':
      return extractEpub(bytes)
    case 'rtf':
      return extractRtf(bytes)
    case 'csv':
      return extractCsv(bytes, null)
    case 'tsv':
      return extractCsv(bytes, '\t')
    case 'json':
      return extractJson(bytes)
    case 'json-lines':
      return extractJsonLines(bytes)
    case 'yaml':
      return extractYaml(name, bytes)
    case 'notebook':
      return extractNotebook(bytes)
    case 'mail':
      return extractMail(bytes)
    case 'mbox':
      return extractMbox(bytes)
    case 'srt':
    case 'vtt':
      return extractSubtitles(bytes, format)
    case 'code':
      return extractCode(name, bytes, familyOfName(name) ?? 'settings')
  }
}

/** An empty file is empty whatever its name says; only a short one, or one of NULs, is worth the look. */
function refuseBlank(bytes: Uint8Array): void {
  if (bytes.length >= 65_536 && !bytes.subarray(0, 4096).every((byte) => byte === 0)) return
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  refuseEmpty(text.replace(/^(?:\xFF\xFE|\xFE\xFF|\xEF\xBB\xBF)/, ''))
}
