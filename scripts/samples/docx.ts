/** A small Word document: headings, paragraphs, lists and tables. Enough for the samples, no more. */
import type { Manual, Part } from './contents.ts'
import { writeZip } from './zip.ts'

const word = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
const declaration = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
const office = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'
const openPackage = 'http://schemas.openxmlformats.org/package/2006'
const wordType = 'application/vnd.openxmlformats-officedocument.wordprocessingml'

export function writeDocx(manual: Manual): Buffer {
  const ordered = manual.parts.filter((part) => part.kind === 'list' && part.ordered)
  return writeZip([
    ['[Content_Types].xml', contentTypes],
    ['_rels/.rels', relations([['officeDocument', 'word/document.xml']], 'docProps/core.xml')],
    ['docProps/core.xml', properties(manual.title)],
    ['word/document.xml', document(manual.parts)],
    [
      'word/_rels/document.xml.rels',
      relations([
        ['styles', 'styles.xml'],
        ['numbering', 'numbering.xml'],
      ]),
    ],
    ['word/styles.xml', styles],
    ['word/numbering.xml', numbering(ordered.length)],
  ])
}

const contentTypes = `${declaration}<Types xmlns="${openPackage}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType="${wordType}.document.main+xml"/><Override PartName="/word/styles.xml" ContentType="${wordType}.styles+xml"/><Override PartName="/word/numbering.xml" ContentType="${wordType}.numbering+xml"/><Override PartName="/docProps/core.xml" ContentType="application/vnd.openxmlformats-package.core-properties+xml"/></Types>`

function relations(targets: [type: string, target: string][], core?: string): string {
  const rows = targets.map(
    ([type, target], i) => `<Relationship Id="r${i + 1}" Type="${office}/${type}" Target="${target}"/>`,
  )
  if (core)
    rows.push(
      `<Relationship Id="core" Type="${openPackage}/relationships/metadata/core-properties" Target="${core}"/>`,
    )
  return `${declaration}<Relationships xmlns="${openPackage}/relationships">${rows.join('')}</Relationships>`
}

function properties(title: string): string {
  return `${declaration}<cp:coreProperties xmlns:cp="${openPackage}/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>${escapeText(title)}</dc:title><dc:creator>Lindenmoor Botanical Garden</dc:creator></cp:coreProperties>`
}

function style(id: string, name: string, size: number): string {
  const look = size
    ? `<w:pPr><w:spacing w:before="240" w:after="80"/></w:pPr><w:rPr><w:b/><w:sz w:val="${size}"/></w:rPr>`
    : ''
  return `<w:style w:type="paragraph" w:styleId="${id}"><w:name w:val="${name}"/>${look}</w:style>`
}

const styles = `${declaration}<w:styles ${word}>${style('Normal', 'Normal', 0)}${style('Heading1', 'heading 1', 40)}${style('Heading2', 'heading 2', 28)}${style('ListParagraph', 'List Paragraph', 0)}</w:styles>`

/** Numbering 1 has bullets; each ordered list has one of its own, so that it begins at 1. */
function numbering(orderedLists: number): string {
  const level = (format: string, text: string) =>
    `<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="${format}"/><w:lvlText w:val="${text}"/><w:pPr><w:ind w:left="540" w:hanging="360"/></w:pPr></w:lvl>`
  const ids = Array.from({ length: orderedLists + 1 }, (_, i) => i + 1)
  const shapes = ids.map(
    (id) =>
      `<w:abstractNum w:abstractNumId="${id}">${id === 1 ? level('bullet', '•') : level('decimal', '%1.')}</w:abstractNum>`,
  )
  const uses = ids.map((id) => `<w:num w:numId="${id}"><w:abstractNumId w:val="${id}"/></w:num>`)
  return `${declaration}<w:numbering ${word}>${shapes.join('')}${uses.join('')}</w:numbering>`
}

function document(parts: Part[]): string {
  let lists = 1
  const blocks = parts.map((part) => block(part, part.kind === 'list' && part.ordered ? ++lists : 1))
  return `${declaration}<w:document ${word}><w:body>${blocks.join('')}<w:sectPr/></w:body></w:document>`
}

function block(part: Part, list: number): string {
  switch (part.kind) {
    case 'heading':
      return line(part.text, `<w:pStyle w:val="Heading${part.level}"/>`)
    case 'paragraph':
      return line(part.text, '<w:spacing w:after="120"/>')
    case 'list': {
      const look = `<w:pStyle w:val="ListParagraph"/><w:numPr><w:ilvl w:val="0"/><w:numId w:val="${list}"/></w:numPr>`
      return part.items.map((item) => line(item, look)).join('')
    }
    case 'table':
      return table(part.rows)
    case 'page':
      return '<w:p><w:r><w:br w:type="page"/></w:r></w:p>'
  }
}

function table(rows: string[][]): string {
  const borders = ['top', 'bottom', 'insideH'].map((side) => `<w:${side} w:val="single" w:sz="4"/>`).join('')
  const cells = (row: string[]) =>
    row
      .map((cell) => `<w:tc><w:tcPr><w:tcW w:w="2600" w:type="dxa"/></w:tcPr>${line(cell, '')}</w:tc>`)
      .join('')
  const lines = rows.map(
    (row, i) => `<w:tr>${i === 0 ? '<w:trPr><w:tblHeader/></w:trPr>' : ''}${cells(row)}</w:tr>`,
  )
  return `<w:tbl><w:tblPr><w:tblBorders>${borders}</w:tblBorders></w:tblPr>${lines.join('')}</w:tbl>${line('', '')}`
}

function line(text: string, look: string): string {
  const run = text ? `<w:r><w:t xml:space="preserve">${escapeText(text)}</w:t></w:r>` : ''
  return `<w:p>${look ? `<w:pPr>${look}</w:pPr>` : ''}${run}</w:p>`
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
