/** An e-book: its chapters in reading order, each below its name in the table of contents. */
import { decodeText } from './decode.ts'
import { type Extracted, languageTag, metadataOf, oneLine, Refused } from './extracted.ts'
import { readHtml } from './html.ts'
import { createLayout } from './layout.ts'
import { checkKind, type Parts, requiredPart, resolvePath } from './office.ts'
import { readXml, xmlAttribute } from './xml.ts'
import { openZip } from './zip.ts'

export function extractEpub(bytes: Uint8Array): Extracted {
  const parts = openZip(bytes)
  checkKind(parts, 'an EPUB book')
  const place = packagePlace(parts)
  const book = readPackage(requiredPart(parts, place), place)
  refuseLocked(parts, book.chapters)
  const names = chapterNames(parts, book)
  const layout = createLayout()
  const warnings: string[] = []
  for (const chapter of book.chapters) {
    const entry = parts.get(chapter)
    if (!entry) {
      warnings.push(`a chapter is missing in the book: ${chapter.slice(0, 80)}`)
      continue
    }
    // The table of contents as a page of the book is a list of its headings.
    if (chapter === book.contents) continue
    const page = readHtml(closed(decodeText(entry.read()).text), { wholePage: true })
    layout.leave(1)
    const name = names.get(chapter)
    const opensWithHeading = page.blocks.slice(0, 2).some((block) => block.kind === 'heading')
    if (name && !opensWithHeading && page.blocks.length > 0)
      layout.add({ kind: 'heading', level: 1, text: name })
    layout.append(page)
    for (const warning of page.warnings) if (!warnings.includes(warning)) warnings.push(warning)
  }
  return {
    ...layout.finish(),
    mediaType: 'application/epub+zip',
    title: oneLine(book.title) || null,
    language: languageTag(book.language),
    metadata: metadataOf([
      ['author', book.creators],
      ['publisher', book.publisher],
      ['date', book.date],
      ['subject', book.subjects],
    ]),
    warnings,
  }
}

/** HTML has no empty elements but its own: `<title/>` would swallow the book. */
function closed(xhtml: string): string {
  return xhtml.replace(
    /<(title|script|style|a|p|div|span|i|b|em|strong|td|th|li)(\s[^<>]*)?\/>/gi,
    '<$1$2></$1>',
  )
}

function packagePlace(parts: Parts): string {
  let place = ''
  readXml(requiredPart(parts, 'META-INF/container.xml'), {
    open(element) {
      if (element.name === 'rootfile') place ||= xmlAttribute(element, 'full-path') ?? ''
    },
  })
  return place
}

interface Book {
  title: string
  creators: string[]
  subjects: string[]
  publisher: string
  date: string
  language: string
  /** Parts of the spine, in reading order. */
  chapters: string[]
  /** The navigation of EPUB 3 or the NCX of EPUB 2. */
  contents: string | null
}

function readPackage(bytes: Uint8Array, place: string): Book {
  const folder = place.slice(0, place.lastIndexOf('/') + 1)
  const items = new Map<string, { href: string; type: string }>()
  const spine: string[] = []
  const words: Record<string, string[]> = {
    title: [],
    creator: [],
    subject: [],
    publisher: [],
    date: [],
    language: [],
  }
  let contents: string | null = null
  let open: string[] | null = null
  readXml(bytes, {
    open(element) {
      open = words[element.name] ?? null
      open?.push('')
      const href = resolvePath(folder, decoded(xmlAttribute(element, 'href') ?? ''))
      if (element.name === 'item') {
        const type = xmlAttribute(element, 'media-type') ?? ''
        items.set(xmlAttribute(element, 'id') ?? '', { href, type })
        if (/\bnav\b/.test(xmlAttribute(element, 'properties') ?? '')) contents = href
        else if (type === 'application/x-dtbncx+xml') contents ??= href
      } else if (element.name === 'itemref') spine.push(xmlAttribute(element, 'idref') ?? '')
    },
    close() {
      open = null
    },
    text(text) {
      if (open) open.push(`${open.pop() ?? ''}${text}`)
    },
  })
  const chapters = spine.flatMap((id) => {
    const item = items.get(id)
    return item && /html|xml/.test(item.type) ? [item.href] : []
  })
  const first = (name: string) => words[name]?.[0] ?? ''
  return {
    ...{
      title: first('title'),
      publisher: first('publisher'),
      date: first('date'),
      language: first('language'),
    },
    ...{
      creators: words.creator ?? [],
      subjects: words.subject ?? [],
      chapters: [...new Set(chapters)],
      contents,
    },
  }
}

/** Names of the parts in the table of contents: the first one that leads to each. */
function chapterNames(parts: Parts, { contents }: Book): Map<string, string> {
  const names = new Map<string, string>()
  const entry = contents ? parts.get(contents) : undefined
  if (!contents || !entry) return names
  const folder = contents.slice(0, contents.lastIndexOf('/') + 1)
  let label = ''
  let href = ''
  let inLabel = false
  const name = () => {
    const part = resolvePath(folder, decoded(href.replace(/#.*$/s, '')))
    if (part && label.trim() && !names.has(part)) names.set(part, oneLine(label))
  }
  readXml(entry.read(), {
    open(element) {
      if (element.name === 'a' || element.name === 'navLabel') {
        label = ''
        inLabel = true
        href = xmlAttribute(element, 'href') ?? ''
      } else if (element.name === 'content') {
        href = xmlAttribute(element, 'src') ?? ''
        name()
      }
    },
    close(element) {
      if (element === 'a') name()
      if (element === 'a' || element === 'navLabel') inLabel = false
    },
    text(text) {
      if (inLabel) label += text
    },
  })
  return names
}

function decoded(href: string): string {
  try {
    return decodeURIComponent(href)
  } catch (error) {
    if (error instanceof URIError) return href
    throw error
  }
}

/** Books under digital rights management list their chapters as encrypted; fonts are in that list in any book. */
function refuseLocked(parts: Parts, chapters: string[]): void {
  const entry = parts.get('META-INF/encryption.xml')
  if (!entry) return
  const locked: string[] = []
  readXml(entry.read(), {
    open(element) {
      if (element.name === 'CipherReference') locked.push(decoded(xmlAttribute(element, 'URI') ?? ''))
    },
  })
  if (locked.some((part) => chapters.includes(resolvePath('', part))))
    throw new Refused(
      'encrypted',
      'the book is locked by its shop (DRM): only books without a lock can be read',
    )
}
