/** A PowerPoint presentation: a slide is a page, its title a heading; its notes follow it. */
import type { Extracted } from './extracted.ts'
import { createLayout, type Layout } from './layout.ts'
import { checkKind, officeProperties, type Parts, relationsOf, requiredPart } from './office.ts'
import { addTable } from './records.ts'
import { prefixedAttribute, readXml, xmlAttribute } from './xml.ts'
import { openZip } from './zip.ts'

export function extractPptx(bytes: Uint8Array): Extracted {
  const parts = openZip(bytes)
  checkKind(parts, 'a PowerPoint presentation')
  const name = [...parts.keys()].find((part) => /^ppt\/presentation\d*\.xml$/.test(part)) ?? ''
  const layout = createLayout()
  const warnings: string[] = []
  let firstTitle: string | null = null
  for (const [i, slide] of slidesOf(parts, name).entries()) {
    const shapes = shapesOf(requiredPart(parts, slide))
    if (shapes.broken) warnings.push(`slide ${i + 1} is damaged: what could be read was kept`)
    layout.leave(1)
    firstTitle ??= titleOf(shapes.shapes)
    addShapes(layout, shapes.shapes, i + 1)
    for (const { type, target } of relationsOf(parts, slide).values()) {
      const part = parts.get(target)
      if (part && type === 'diagramData') addShapes(layout, shapesOf(part.read()).shapes, i + 1)
      if (part && type === 'notesSlide') addNotes(layout, shapesOf(part.read()).shapes, i + 1)
    }
  }
  const { title, language, metadata } = officeProperties(parts)
  return {
    ...layout.finish(),
    mediaType: 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
    ...{ title: title ?? firstTitle, language, metadata, warnings },
  }
}

/** The slides' parts in the order in which they are shown. */
function slidesOf(parts: Parts, presentation: string): string[] {
  const relations = relationsOf(parts, presentation)
  const slides: string[] = []
  readXml(requiredPart(parts, presentation), {
    open(element) {
      const target = relations.get(prefixedAttribute(element, 'id') ?? '')
      if (element.name === 'sldId' && target?.type === 'slide') slides.push(target.target)
    },
  })
  return slides
}

interface Paragraph {
  text: string
  /** From 0; null when the paragraph is no item of a list. */
  level: number | null
}

interface Shape {
  /** Role of its placeholder: `title`, `body`, `sldNum`; empty for a text box. */
  role: string
  paragraphs: Paragraph[]
  /** Rows of a table, instead of paragraphs. */
  rows: string[][] | null
  firstRowIsHeader: boolean
}

/** What is on every slide and says nothing about it. */
const furniture = new Set(['dt', 'ftr', 'hdr', 'sldNum', 'sldImg'])

/** Shapes with text in the order in which the slide draws them. */
function shapesOf(bytes: Uint8Array): { shapes: Shape[]; broken: boolean } {
  const shapes: Shape[] = []
  let shape: Shape = { role: '', paragraphs: [], rows: null, firstRowIsHeader: false }
  let paragraph: Paragraph = { text: '', level: null }
  let inText = false
  let cell: string[] | null = null
  const begin = () => {
    shape = { role: '', paragraphs: [], rows: null, firstRowIsHeader: false }
    shapes.push(shape)
  }
  const { broken } = readXml(bytes, {
    open(element) {
      switch (element.name) {
        case 'sp':
        case 'graphicFrame':
        case 'pt': // a point of a diagram
          begin()
          break
        case 'ph':
          shape.role = xmlAttribute(element, 'type') ?? 'body'
          break
        case 'tbl':
          shape.rows = []
          break
        case 'tblPr':
          shape.firstRowIsHeader = /^(1|true)$/.test(xmlAttribute(element, 'firstRow') ?? '')
          break
        case 'tr':
          shape.rows?.push([])
          break
        case 'tc':
          cell = []
          break
        case 'p':
          paragraph = { text: '', level: shape.role === 'body' ? 0 : null }
          break
        case 'pPr': {
          const level = xmlAttribute(element, 'lvl')
          if (level) paragraph.level = Number(level)
          break
        }
        case 'buNone':
          paragraph.level = null
          break
        case 'buChar':
        case 'buAutoNum':
          paragraph.level ??= 0
          break
        case 't':
          inText = true
          break
        case 'br':
          paragraph.text += '\n'
      }
    },
    close(name) {
      if (name === 't') inText = false
      else if (name === 'p' && paragraph.text.trim()) {
        if (cell) cell.push(paragraph.text.trim())
        else shape.paragraphs.push(paragraph)
        paragraph = { text: '', level: null }
      } else if (name === 'tc') {
        shape.rows?.at(-1)?.push(cell?.join(' ') ?? '')
        cell = null
      }
    },
    text(text) {
      if (inText) paragraph.text += text
    },
  })
  return { shapes: shapes.filter((one) => !furniture.has(one.role)), broken }
}

function isTitle({ role }: Shape): boolean {
  return role === 'title' || role === 'ctrTitle'
}

function titleOf(shapes: Shape[]): string | null {
  return (
    shapes
      .find(isTitle)
      ?.paragraphs.map(({ text }) => text)
      .join(' ') || null
  )
}

function addShapes(layout: Layout, shapes: Shape[], page: number): void {
  const title = titleOf(shapes)
  if (title) layout.add({ kind: 'heading', level: 1, text: title.replace(/\s+/g, ' '), page })
  for (const shape of shapes) {
    if (isTitle(shape)) continue
    if (shape.rows)
      addTable(layout, shape.rows, { header: shape.firstRowIsHeader ? 'yes' : 'if-it-reads-like-one', page })
    addParagraphs(layout, shape.paragraphs, page)
  }
}

function addParagraphs(layout: Layout, paragraphs: Paragraph[], page: number): void {
  // A single line in a body is a sentence, not a list of one.
  const isList = paragraphs.length > 1
  for (const [i, { text, level }] of paragraphs.entries())
    if (level === null || !isList) layout.add({ kind: 'paragraph', text, page })
    else
      layout.add({
        ...{ kind: 'list-item', level: level + 1, text, page, marker: '- ' },
        indent: '  '.repeat(Math.min(level, 8)),
        separator: i === 0 ? '\n\n' : '\n',
      })
}

function addNotes(layout: Layout, shapes: Shape[], page: number): void {
  const words = shapes
    .filter((shape) => shape.role === 'body')
    .flatMap((shape) => shape.paragraphs.map(({ text }) => text))
  for (const [i, text] of words.entries())
    layout.add({ kind: 'paragraph', text: i === 0 ? `Notes: ${text}` : text, page })
}
