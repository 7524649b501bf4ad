/** A small PDF: A4 pages, Helvetica, headings, paragraphs, lists and tables. Enough for the samples, no more. */
import type { Manual, Part } from './contents.ts'

const page = { width: 595, height: 842, left: 64, right: 531, top: 772, bottom: 84 }
const body = { size: 10.5, leading: 15 }

interface Style {
  font: 'F1' | 'F2'
  size: number
}

/** Pages of drawing commands, filled from top to bottom. */
interface Sheets {
  commands: string[][]
  y: number
}

export function writePdf(manual: Manual): Buffer {
  const sheets: Sheets = { commands: [[]], y: page.top }
  for (const part of manual.parts) draw(sheets, part)
  return assemble(manual.title, sheets.commands)
}

function draw(sheets: Sheets, part: Part): void {
  switch (part.kind) {
    case 'page':
      newPage(sheets)
      break
    case 'heading': {
      const size = part.level === 1 ? 21 : 14
      down(sheets, part.level === 1 ? 10 : 16)
      write(sheets, [part.text], page.left, { font: 'F2', size }, size * 1.3)
      down(sheets, part.level === 1 ? 10 : 3)
      break
    }
    case 'paragraph':
      write(sheets, wrap(part.text, page.right - page.left), page.left, { font: 'F1', size: body.size })
      down(sheets, 8)
      break
    case 'list':
      for (const [i, item] of part.items.entries()) {
        const marker = part.ordered ? `${i + 1}. ` : '\u2022 '
        const lines = wrap(marker + item, page.right - page.left - 14)
        write(sheets, lines.slice(0, 1), page.left + 4, { font: 'F1', size: body.size })
        write(sheets, lines.slice(1), page.left + 17, { font: 'F1', size: body.size })
        down(sheets, 2)
      }
      down(sheets, 6)
      break
    case 'table':
      drawTable(sheets, part.rows)
  }
}

function drawTable(sheets: Sheets, rows: string[][]): void {
  const columns = Math.max(...rows.map((row) => row.length))
  const width = (page.right - page.left) / columns
  down(sheets, 4)
  for (const [i, row] of rows.entries()) {
    const y = sheets.y
    for (const [column, cell] of row.entries()) {
      sheets.y = y
      write(sheets, [cell], page.left + column * width, { font: i === 0 ? 'F2' : 'F1', size: body.size })
    }
    down(sheets, 2)
    sheets.commands.at(-1)?.push(`0.6 G ${page.left} ${sheets.y + 10} m ${page.right} ${sheets.y + 10} l S`)
    down(sheets, 4)
  }
  down(sheets, 8)
}

function write(sheets: Sheets, lines: string[], x: number, style: Style, leading = body.leading): void {
  for (const line of lines) {
    if (sheets.y - leading < page.bottom) newPage(sheets)
    sheets.y -= leading
    sheets.commands
      .at(-1)
      ?.push(`BT /${style.font} ${style.size} Tf ${x} ${sheets.y} Td (${escapeText(line)}) Tj ET`)
  }
}

function down(sheets: Sheets, points: number): void {
  sheets.y -= points
}

function newPage(sheets: Sheets): void {
  sheets.commands.push([])
  sheets.y = page.top
}

/** Advance widths of Helvetica for the printable ASCII characters, in thousandths of the size (Adobe's AFM file). */
const widths = [
  278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
  556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278,
  500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469,
  556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500,
  278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
]

function widthOf(text: string): number {
  let thousandths = 0
  for (const letter of text) thousandths += widths[letter.charCodeAt(0) - 32] ?? 500
  return (thousandths * body.size) / 1000
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line ? `${line} ${word}` : word
    if (line && widthOf(longer) > width) {
      lines.push(line)
      line = word
    } else line = longer
  }
  return [...lines, line]
}

/** A PDF string in WinAnsi: Latin-1, and the bullet at 0x95. */
function escapeText(text: string): string {
  return text.replaceAll('\u2022', '\x95').replace(/[\\()]/g, '\\$&')
}

function assemble(title: string, pages: string[][]): Buffer {
  const first = 6
  const kids = pages.map((_, i) => `${first + 2 * i} 0 R`).join(' ')
  const font = (name: string) =>
    `<< /Type /Font /Subtype /Type1 /BaseFont /${name} /Encoding /WinAnsiEncoding >>`
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R /Lang (en) >>',
    `<< /Type /Pages /Kids [${kids}] /Count ${pages.length} >>`,
    font('Helvetica'),
    font('Helvetica-Bold'),
    `<< /Title (${escapeText(title)}) /Author (Lindenmoor Botanical Garden) >>`,
  ]
  for (const [i, commands] of pages.entries()) {
    const foot = `BT /F1 9 Tf ${page.left} 48 Td (${escapeText(`${title}, page ${i + 1} of ${pages.length}`)}) Tj ET`
    const stream = [...commands, foot].join('\n')
    const box = `/MediaBox [0 0 ${page.width} ${page.height}]`
    const resources = '/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >>'
    objects.push(`<< /Type /Page /Parent 2 0 R ${box} ${resources} /Contents ${first + 2 * i + 1} 0 R >>`)
    objects.push(`<< /Length ${stream.length} >>\nstream\n${stream}\nendstream`)
  }
  return Buffer.from(withCrossReference(objects), 'latin1')
}

function withCrossReference(objects: string[]): string {
  let file = '%PDF-1.4\n%\xE2\xE3\xCF\xD3\n'
  const offsets = objects.map((object, i) => {
    const offset = file.length
    file += `${i + 1} 0 obj\n${object}\nendobj\n`
    return offset
  })
  const entries = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('')
  const trailer = `<< /Size ${objects.length + 1} /Root 1 0 R /Info 5 0 R >>`
  return `${file}xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${entries}trailer\n${trailer}\nstartxref\n${file.length}\n%%EOF\n`
}
