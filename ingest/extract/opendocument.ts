/** OpenDocument: texts (.odt), sheets (.ods) and slides (.odp), by their one content.xml. */
import { type Extracted, languageTag, metadataOf, Refused } from './extracted.ts'
import { createLayout } from './layout.ts'
import { checkKind, requiredPart } from './office.ts'
import { addTable } from './records.ts'
import { meaningfulTitle } from './title.ts'
import { firstTexts, readXml, type XmlElement, xmlAttribute } from './xml.ts'
import { openZip } from './zip.ts'

const mediaTypes = {
  odt: 'application/vnd.oasis.opendocument.text',
  ods: 'application/vnd.oasis.opendocument.spreadsheet',
  odp: 'application/vnd.oasis.opendocument.presentation',
}

export function extractOpenDocument(bytes: Uint8Array, kind: keyof typeof mediaTypes): Extracted {
  const parts = openZip(bytes)
  checkKind(parts, 'an OpenDocument file')
  const manifest = parts.get('META-INF/manifest.xml')
  if (manifest && Buffer.from(manifest.read()).includes('encryption-data'))
    throw new Refused('encrypted', 'the document is encrypted: save it without a password')
  const meta = parts.get('meta.xml')
  const said = meta
    ? firstTexts(meta.read(), ['title', 'creator', 'subject', 'description', 'language', 'date', 'keyword'])
    : new Map<string, string>()
  const { layout, broken } = layOut(requiredPart(parts, 'content.xml'), kind)
  const page = layout.finish()
  const first = page.blocks.find((block) => block.kind === 'heading')
  return {
    ...page,
    mediaType: mediaTypes[kind],
    title:
      meaningfulTitle(said.get('title') ?? '') ??
      (first && kind === 'odt' ? page.text.slice(first.start, first.end) : null),
    language: languageTag(said.get('language')),
    metadata: metadataOf([
      ['author', said.get('creator')],
      ['subject', said.get('subject')],
      ['description', said.get('description')],
      ['keywords', said.get('keyword')],
      ['modified', said.get('date')],
    ]),
    warnings: broken ? ['the document is damaged: what could be read was kept'] : [],
  }
}

interface Table {
  rows: string[][]
  header: boolean
  cells: string[]
  cell: string[]
  /** How often the open row and cell repeat. */
  repeatRow: number
  repeatCell: number
}

/** Rows and cells that a spreadsheet repeats to fill its screen are not worth reading more often than this. */
const mostRepeats = 200

/** Elements whose text is not part of the document: comments, deleted text, form controls, index marks. */
const unread = new Set([
  'annotation',
  'tracked-changes',
  'forms',
  'sequence-decls',
  'note-citation',
  'ruby-text',
])

function layOut(bytes: Uint8Array, kind: keyof typeof mediaTypes) {
  const layout = createLayout()
  const tables: Table[] = []
  let depth = 0
  let words: string[] | null = null
  let heading = 0
  let item: { marker: string } | null = null
  let inList = false
  let skipping = 0
  let page = 0
  let isTitle = false
  let inNotes = false

  const flush = () => {
    const text = (words ?? []).join('').trim()
    words = null
    const table = tables.at(-1)
    if (!text) return
    if (table) table.cell.push(text)
    else {
      const at = kind === 'odp' ? page : null
      if (heading > 0 || isTitle) layout.add({ kind: 'heading', level: heading || 1, text, page: at })
      else if (item && depth > 0) {
        const indent = '  '.repeat(Math.min(depth, 8) - 1)
        const separator = inList ? '\n' : '\n\n'
        layout.add({
          kind: 'list-item',
          level: depth,
          text,
          marker: item.marker,
          indent,
          separator,
          page: at,
        })
        inList = true
        item = null
        return
      } else layout.add({ kind: 'paragraph', text: inNotes ? `Notes: ${text}` : text, page: at })
      inList = false
    }
  }
  const leaveTable = (table: Table) => {
    if (tables.length > 0) tables.at(-1)?.cell.push(table.rows.map((row) => row.join(' ')).join('; '))
    else {
      const header = table.header ? 'yes' : kind === 'ods' ? 'likely' : 'if-it-reads-like-one'
      addTable(layout, table.rows, { header, page: kind === 'odp' ? page : null })
      inList = false
    }
  }
  const open = (element: XmlElement) => {
    const { name } = element
    if (skipping > 0 || unread.has(name)) {
      skipping++
      return
    }
    const table = tables.at(-1)
    const repeated = (attribute: string) =>
      Math.min(mostRepeats, Math.max(1, Number(xmlAttribute(element, attribute) ?? 1) || 1))
    switch (name) {
      case 'h':
      case 'p':
        if (words) flush()
        words = []
        heading =
          name === 'h'
            ? Math.min(6, Math.max(1, Number(xmlAttribute(element, 'outline-level') ?? 1) || 1))
            : 0
        break
      case 's':
        words?.push(' '.repeat(Math.min(100, Number(xmlAttribute(element, 'c') ?? 1) || 1)))
        break
      case 'tab':
        words?.push('\t')
        break
      case 'line-break':
        words?.push('\n')
        break
      case 'list':
        depth++
        break
      case 'list-item':
        item = { marker: '- ' }
        break
      case 'page':
        page++
        layout.leave(1)
        break
      case 'frame':
        isTitle = kind === 'odp' && xmlAttribute(element, 'class') === 'title'
        break
      case 'notes':
        inNotes = kind === 'odp'
        break
      case 'table':
        if (kind === 'ods' && tables.length === 0) {
          layout.leave(1)
          layout.add({ kind: 'heading', level: 1, text: xmlAttribute(element, 'name') ?? '' })
        }
        tables.push({ rows: [], header: false, cells: [], cell: [], repeatRow: 1, repeatCell: 1 })
        break
      case 'table-header-rows':
        if (table) table.header = true
        break
      case 'table-row':
        if (table) Object.assign(table, { cells: [], repeatRow: repeated('number-rows-repeated') })
        break
      case 'table-cell':
      case 'covered-table-cell':
        if (table) Object.assign(table, { cell: [], repeatCell: repeated('number-columns-repeated') })
    }
  }
  const close = (name: string) => {
    if (skipping > 0) {
      skipping--
      return
    }
    const table = tables.at(-1)
    switch (name) {
      case 'h':
      case 'p':
        flush()
        heading = 0
        break
      case 'list':
        depth--
        break
      case 'frame':
        isTitle = false
        break
      case 'notes':
        inNotes = false
        break
      case 'table-cell':
      case 'covered-table-cell':
        for (let i = 0; table && i < table.repeatCell; i++) table.cells.push(table.cell.join(' '))
        break
      case 'table-row':
        if (table?.cells.some((cell) => cell))
          for (let i = 0; i < table.repeatRow; i++) table.rows.push(table.cells)
        break
      case 'table':
        tables.pop()
        if (table) leaveTable(table)
    }
  }
  const { broken } = readXml(bytes, {
    open,
    close,
    text(text) {
      if (skipping === 0) words?.push(text.replace(/\s+/g, ' '))
    },
  })
  return { layout, broken }
}
