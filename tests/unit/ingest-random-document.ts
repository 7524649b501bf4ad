/** Documents nobody would write, from a seed: every format says the same things in its own way. */
import type { Manual, Part } from '../../scripts/samples/contents.ts'
import { writeDocx } from '../../scripts/samples/docx.ts'
import { writePdf } from '../../scripts/samples/pdf.ts'
import { epub, openDocument, pptx, xlsx } from './ingest-documents.ts'

export type Random = () => number

/** mulberry32: small, and the same on every machine. */
export function seeded(seed: number): Random {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const latin =
  'the garden opens at nine and closes when it is dark, 14 km north of Köln; façade naïve co-operate 3.5'.split(
    ' ',
  )
const others = [
  'дверь',
  'закрыта',
  '図書館は閉まっています',
  '😀',
  '👩‍👩‍👧‍👦',
  'สวัสดีครับ',
  'é́́',
  '𝒳𝒴',
  'مرحبا',
  'x'.repeat(300),
  '&<>',
]

function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T
}

function sentence(random: Random, words: readonly string[]): string {
  const text = Array.from({ length: 1 + Math.floor(random() * 25) }, () => pick(random, words)).join(' ')
  return `${text[0]?.toUpperCase()}${text.slice(1)}${pick(random, ['.', '?', '!', '.'])}`
}

function paragraph(random: Random, words: readonly string[]): string {
  const sentences = random() < 0.15 ? 40 : 1 + Math.floor(random() * 6)
  return Array.from({ length: sentences }, () => sentence(random, words)).join(' ')
}

export function randomManual(random: Random, alphabet: 'latin' | 'every'): Manual {
  const words = alphabet === 'latin' ? latin : [...latin, ...others]
  const parts = Array.from({ length: 1 + Math.floor(random() * 14) }, (): Part => {
    const kind = random()
    if (kind < 0.25)
      return {
        kind: 'heading',
        level: random() < 0.3 ? 1 : 2,
        text: sentence(random, words).slice(0, 80).toWellFormed(),
      }
    if (kind < 0.65) return { kind: 'paragraph', text: paragraph(random, words) }
    if (kind < 0.8)
      return {
        kind: 'list',
        ordered: random() < 0.5,
        items: Array.from({ length: 1 + Math.floor(random() * 8) }, () => sentence(random, words)),
      }
    if (kind < 0.9) {
      const columns = 2 + Math.floor(random() * 3)
      const row = () => Array.from({ length: columns }, () => pick(random, latin))
      return { kind: 'table', rows: Array.from({ length: 2 + Math.floor(random() * 20) }, row) }
    }
    return { kind: 'page' }
  })
  return {
    title: sentence(random, latin),
    parts: [...parts, { kind: 'paragraph', text: paragraph(random, words) }],
  }
}

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

function asMarkdown(part: Part): string {
  switch (part.kind) {
    case 'heading':
      return `${'#'.repeat(part.level)} ${part.text}`
    case 'paragraph':
      return part.text
    case 'list':
      return part.items.map((item, i) => `${part.ordered ? `${i + 1}.` : '-'} ${item}`).join('\n')
    case 'table': {
      const [header = [], ...rows] = part.rows.map((row) => `| ${row.join(' | ')} |`)
      return [header, `|${'---|'.repeat(part.rows[0]?.length ?? 1)}`, ...rows].join('\n')
    }
    case 'page':
      return '---'
  }
}

function asHtml(part: Part): string {
  switch (part.kind) {
    case 'heading':
      return `<h${part.level}>${escaped(part.text)}</h${part.level}>`
    case 'paragraph':
      return `<p>${escaped(part.text)}</p>`
    case 'list': {
      const tag = part.ordered ? 'ol' : 'ul'
      return `<${tag}>${part.items.map((item) => `<li>${escaped(item)}</li>`).join('')}</${tag}>`
    }
    case 'table': {
      const rows = part.rows.map((row, i) =>
        row.map((cell) => (i === 0 ? `<th>${cell}</th>` : `<td>${cell}</td>`)).join(''),
      )
      return `<table>${rows.map((row) => `<tr>${row}</tr>`).join('')}</table>`
    }
    case 'page':
      return '<hr>'
  }
}

function linesOf(part: Part): string[] {
  if (part.kind === 'list') return part.items
  if (part.kind === 'table') return part.rows.map((row) => row.join(' '))
  return part.kind === 'page' ? [] : [part.text]
}

function asOpenDocument(part: Part): string {
  const paragraph = (text: string) => `<text:p>${escaped(text)}</text:p>`
  switch (part.kind) {
    case 'heading':
      return `<text:h text:outline-level="${part.level}">${escaped(part.text)}</text:h>`
    case 'list':
      return `<text:list>${part.items.map((item) => `<text:list-item>${paragraph(item)}</text:list-item>`).join('')}</text:list>`
    case 'table': {
      const row = (cells: string[]) =>
        `<table:table-row>${cells.map((cell) => `<table:table-cell>${paragraph(cell)}</table:table-cell>`).join('')}</table:table-row>`
      return `<table:table>${part.rows.map(row).join('')}</table:table>`
    }
    default:
      return linesOf(part).map(paragraph).join('')
  }
}

const asSheetRow = (line: string, i: number) =>
  `<row r="${i + 1}">${line
    .split('.', 40)
    .map((cell) => `<c t="inlineStr"><is><t>${escaped(cell)}</t></is></c>`)
    .join('')}</row>`

const asCsvRow = (line: string) =>
  line
    .split(' ', 200)
    .map((cell) => `"${cell.replaceAll('"', '""')}"`)
    .join(',')

/** Every character beyond ASCII as its UTF-16 code units, the way Word writes it. */
const asRtf = (line: string) =>
  `${line.replace(/[\\{}]/g, '\\$&').replace(/[^ -~]/g, (letter) => [...Array(letter.length).keys()].map((i) => `\\u${(letter.charCodeAt(i) << 16) >> 16}?`).join(''))}\\par`

/** The same document as a file of each format. */
export const writers: Record<string, (manual: Manual, random: Random) => Uint8Array> = {
  md: ({ parts }, random) => encode(parts.map(asMarkdown).join(pick(random, ['\n\n', '\r\n\r\n', '\n\n\n']))),
  txt: ({ parts }, random) =>
    encode(parts.map(asMarkdown).join(pick(random, ['\n\n', '\n', '\r\n\r\n', '\r\r']))),
  html: ({ title, parts }) => encode(`<title>${escaped(title)}</title>${parts.map(asHtml).join('\n')}`),
  odt: ({ parts }) => openDocument(`<office:text>${parts.map(asOpenDocument).join('')}</office:text>`),
  epub: ({ parts }) => epub({ Book: parts.map(asHtml).join('\n').replaceAll('<hr>', '<hr/>') }),
  pptx: ({ title, parts }) =>
    pptx([
      { title: escaped(title), lines: parts.flatMap(linesOf).map(escaped) },
      { lines: [escaped(title)] },
    ]),
  xlsx: ({ parts }) => xlsx({ One: parts.flatMap(linesOf).map(asSheetRow).join('') }),
  rtf: ({ parts }) => encode(`{\\rtf1\\uc1 ${parts.flatMap(linesOf).map(asRtf).join('\n')}}`),
  csv: ({ parts }) => encode(parts.flatMap(linesOf).map(asCsvRow).join('\r\n')),
  json: ({ title, parts }) => encode(JSON.stringify({ title, parts })),
  jsonl: ({ parts }) => encode(parts.map((part) => JSON.stringify(part)).join('\n')),
  ipynb: ({ parts }) =>
    encode(
      JSON.stringify({ cells: parts.map((part) => ({ cell_type: 'markdown', source: asMarkdown(part) })) }),
    ),
  eml: ({ title, parts }) =>
    encode(
      `From: a@b\r\nSubject: ${title}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${parts.map(asMarkdown).join('\r\n\r\n')}`,
    ),
  srt: ({ parts }) =>
    encode(
      parts
        .flatMap(linesOf)
        .map((line, i) => `${i}\n00:00:${10 + (i % 50)},000 --> 00:00:59,000\n${line}\n`)
        .join('\n'),
    ),
  ts: ({ parts }) =>
    encode(
      parts
        .flatMap(linesOf)
        .map((line, i) => `function f${i}() {\n  // ${line}\n}`)
        .join('\n\n'),
    ),
  docx: (manual) => new Uint8Array(writeDocx(manual)),
  pdf: (manual) => new Uint8Array(writePdf(manual)),
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
