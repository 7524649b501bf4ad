import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { getDocument, type PDFDocumentProxy, VerbosityLevel } from 'pdfjs-dist/legacy/build/pdf.mjs'
import { clip, type Extracted, languageTag, metadataOf, oneLine, Refused } from './extracted.ts'
import { layOutPdf } from './pdf-layout.ts'
import { linesOfPage, type PdfLine } from './pdf-lines.ts'
import { meaningfulTitle } from './title.ts'

const mostPages = 50_000
const manyPages = 5_000
/** So many unreadable pages at the beginning, and the file is taken for damaged. */
const patience = 20

/**
 * The text of a PDF, page by page. Nothing in it is executed and nothing is fetched: character maps and fonts come
 * from the package.
 */
export async function extractPdf(bytes: Uint8Array, onPage?: (page: number) => void): Promise<Extracted> {
  const pdf = await open(bytes)
  if (pdf.numPages > mostPages)
    throw new Refused(
      'too_large',
      `${pdf.numPages} pages are more than the ${mostPages} that are read: split the document`,
    )
  const { pages, unreadable } = await readPages(pdf, onPage)
  const blank = pages.filter((lines) => lines.length === 0).length - unreadable
  if (pages.every((lines) => lines.length === 0))
    throw new Refused(
      'no_text',
      'the PDF holds no text, so its pages are probably scanned: run a text recognition (OCR) on it first',
    )
  const { text, blocks, title } = layOutPdf(pages, await outlineOf(pdf))
  const warnings = hasTable(bytes) ? [] : ['the table of its objects (xref) is damaged: it was rebuilt']
  if (unreadable > 0) warnings.push(`${unreadable} of ${pages.length} pages could not be read`)
  if (blank > 0) warnings.push(`${blank} of ${pages.length} pages hold no text`)
  if (pages.length > manyPages) warnings.push(`${pages.length} pages in one document`)
  const said = await propertiesOf(pdf)
  return { ...said, text, mediaType: 'application/pdf', title: said.title ?? title, blocks, warnings }
}

/** Whether the last lines lead to a table of objects; without it pdf.js searches the file, and may miss something. */
function hasTable(bytes: Uint8Array): boolean {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const at = /startxref\s+(\d{1,12})\s+%%EOF\s*$/.exec(file.subarray(-2048).toString('latin1'))?.[1]
  const header = Math.max(0, file.subarray(0, 1024).indexOf('%PDF-'))
  const places = at === undefined ? [] : [Number(at), Number(at) + header]
  return places.some((place) =>
    /^\s*(xref|\d+\s+\d+\s+obj)\b/.test(file.subarray(place, place + 64).toString('latin1')),
  )
}

async function open(bytes: Uint8Array): Promise<PDFDocumentProxy> {
  const home = dirname(createRequire(import.meta.url).resolve('pdfjs-dist/package.json'))
  try {
    return await getDocument({
      data: new Uint8Array(bytes), // pdf.js keeps and detaches what it is given
      enableXfa: false,
      disableFontFace: true,
      useSystemFonts: false,
      useWorkerFetch: false,
      useWasm: false,
      cMapUrl: join(home, 'cmaps/'),
      cMapPacked: true,
      standardFontDataUrl: join(home, 'standard_fonts/'),
      verbosity: VerbosityLevel.ERRORS,
    }).promise
  } catch (error) {
    throw refusal(error)
  }
}

function refusal(error: unknown): Refused {
  if (error instanceof Error && error.name === 'PasswordException')
    return new Refused('encrypted', 'the PDF asks for a password: save it without one')
  return new Refused(
    'damaged',
    `the PDF cannot be read (${clip(oneLine(String(error)), 120)}): export it again`,
  )
}

async function readPages(
  pdf: PDFDocumentProxy,
  onPage?: (page: number) => void,
): Promise<{ pages: PdfLine[][]; unreadable: number }> {
  const pages: PdfLine[][] = []
  let unreadable = 0
  let first: unknown = null
  for (let number = 1; number <= pdf.numPages; number++) {
    try {
      const page = await pdf.getPage(number)
      pages.push(linesOfPage(await page.getTextContent(), number))
      page.cleanup()
    } catch (error) {
      first ??= error
      unreadable++
      pages.push([])
      if (unreadable === number && (unreadable >= patience || number === pdf.numPages)) throw refusal(first)
    }
    onPage?.(number)
  }
  return { pages, unreadable }
}

/** Titles of the bookmarks with their depth: headings that the author named. */
async function outlineOf(pdf: PDFDocumentProxy): Promise<Map<string, number>> {
  const titles = new Map<string, number>()
  try {
    let level = (await pdf.getOutline()) ?? []
    for (let depth = 1; level.length > 0 && depth <= 6 && titles.size < 5000; depth++) {
      for (const { title } of level) if (!titles.has(oneLine(title))) titles.set(oneLine(title), depth)
      level = level.flatMap((item) => item.items)
    }
  } catch (error) {
    // A broken outline costs heading names, not the document.
    if (!(error instanceof Error)) throw error
  }
  return titles
}

async function propertiesOf(
  pdf: PDFDocumentProxy,
): Promise<Pick<Extracted, 'title' | 'language' | 'metadata'>> {
  const info: Record<string, unknown> = {}
  try {
    Object.assign(info, (await pdf.getMetadata()).info)
  } catch (error) {
    // Broken metadata costs the title, not the document.
    if (!(error instanceof Error)) throw error
  }
  const said = (key: string) => {
    const value = info[key]
    return typeof value === 'string' ? value.replaceAll('\0', '').toWellFormed() : ''
  }
  return {
    title: meaningfulTitle(said('Title')),
    language: languageTag(said('Language')),
    metadata: metadataOf([
      ['author', said('Author')],
      ['subject', said('Subject')],
      ['keywords', said('Keywords')],
      ['created', pdfDate(said('CreationDate'))],
    ]),
  }
}

/** `D:20240131…` as 2024-01-31; null for what is no date. */
function pdfDate(date: string): string | null {
  const [, year, month = '01', day = '01'] = /^D:(\d{4})(\d{2})?(\d{2})?/.exec(date) ?? []
  return year ? `${year}-${month}-${day}` : null
}
