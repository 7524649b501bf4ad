import mammoth from 'mammoth'
import { clip, type Extracted, oneLine, Refused } from './extracted.ts'
import { readHtml } from './html.ts'
import { checkKind, officeProperties, type Parts } from './office.ts'
import { openZip } from './zip.ts'

/**
 * A Word document by way of mammoth's HTML. The archive is checked before mammoth sees it; pictures are dropped,
 * links to other files are not followed, macros are never looked at.
 */
export async function extractDocx(bytes: Uint8Array): Promise<Extracted> {
  const entries = openZip(bytes)
  checkParts(entries)
  const { value: html } = await convert(bytes)
  const page = readHtml(html.replaceAll('↑</a>', '</a>'), { firstRowIsHeader: true, wholePage: true })
  const { title, language, metadata } = officeProperties(entries)
  return {
    ...page,
    ...{ title: title ?? page.title ?? firstHeading(page), language, metadata },
    mediaType: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  }
}

/** Mammoth unpacks and parses what it needs by itself: every part is tried before, and none may declare a document type. */
function checkParts(parts: Parts): void {
  checkKind(parts, 'a Word document')
  for (const [name, entry] of parts) {
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

function firstHeading({ text, blocks }: Pick<Extracted, 'text' | 'blocks'>): string | null {
  const heading = blocks.find((block) => block.kind === 'heading')
  return heading ? oneLine(text.slice(heading.start, heading.end)) : null
}
