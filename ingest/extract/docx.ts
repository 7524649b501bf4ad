import mammoth from 'mammoth'
import { clip, type Extracted, oneLine, Refused } from './extracted.ts'
import { readHtml } from './html.ts'
import { meaningfulTitle } from './title.ts'
import { openZip, type ZipEntry } from './zip.ts'

/**
 * A Word document by way of mammoth's HTML. The archive is checked before mammoth sees it; pictures are dropped,
 * links to other files are not followed, macros are never looked at.
 */
export async function extractDocx(bytes: Uint8Array): Promise<Extracted> {
  const entries = openZip(bytes)
  checkParts(entries)
  const { value: html } = await convert(bytes)
  const page = readHtml(html.replaceAll('↑</a>', '</a>'), { firstRowIsHeader: true })
  return {
    ...page,
    title: propertyTitle(entries) ?? page.title ?? firstHeading(page),
    mediaType: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  }
}

/** What else a zip may be, by a part that it has. */
const others: [part: RegExp, what: string][] = [
  [/^xl\/workbook/, 'an Excel workbook'],
  [/^ppt\/presentation/, 'a PowerPoint presentation'],
  [/^META-INF\/container\.xml$/, 'an EPUB book'],
  [/^content\.xml$/, 'an OpenDocument file'],
  [/^META-INF\/MANIFEST\.MF$/, 'a Java archive'],
]

function checkParts(entries: Map<string, ZipEntry>): void {
  const names = [...entries.keys()]
  if (!names.some((name) => /^word\/document\d*\.xml$/.test(name))) {
    const what = others.find(([part]) => names.some((name) => part.test(name)))?.[1] ?? 'a zip archive'
    throw new Refused('misnamed', `it looks like ${what}, not like a Word document: give it its real name`)
  }
  for (const [name, entry] of entries) {
    const unpacked = entry.read()
    if (!/\.(xml|rels)$/i.test(name)) continue
    // Word never writes a document type, and everything that XML parsers were tricked with needs one.
    if (Buffer.from(unpacked.buffer, unpacked.byteOffset, unpacked.byteLength).includes('<!DOCTYPE'))
      throw new Refused(
        'unsafe',
        'its XML declares a document type, which Word never does: save the document again',
      )
  }
}

async function convert(bytes: Uint8Array): Promise<{ value: string }> {
  try {
    return await mammoth.convertToHtml(
      { buffer: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) },
      {
        convertImage: mammoth.images.imgElement(async () => ({ src: '' })),
        externalFileAccess: false,
        includeEmbeddedStyleMap: false,
        styleMap: ["p[style-name='Title'] => h1:fresh", "p[style-name='Subtitle'] => p:fresh"],
      },
    )
  } catch (error) {
    const nested = error instanceof RangeError
    throw new Refused(
      'damaged',
      nested
        ? 'the document is nested too deep to be read: save it again from Word'
        : `the document cannot be read (${clip(oneLine(String(error)), 120)}): save it again from Word`,
    )
  }
}

/** The title in the document's properties, unless it is what a program put there by itself. */
function propertyTitle(entries: Map<string, ZipEntry>): string | null {
  const core = entries.get('docProps/core.xml')
  if (!core) return null
  const title = /<dc:title>([^<]{1,2000})<\/dc:title>/.exec(Buffer.from(core.read()).toString('utf8'))?.[1]
  return title ? meaningfulTitle(decodeXml(title)) : null
}

function decodeXml(text: string): string {
  const named: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
  return text.replace(/&(amp|lt|gt|quot|apos);/g, (whole, name: string) => named[name] ?? whole)
}

function firstHeading({ text, blocks }: Pick<Extracted, 'text' | 'blocks'>): string | null {
  const heading = blocks.find((block) => block.kind === 'heading')
  return heading ? oneLine(text.slice(heading.start, heading.end)) : null
}
