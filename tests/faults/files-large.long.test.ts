/** The shapes of the fault catalogue that are too large to be embedded in a test: read by the parser's own process. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { openParser, type Parser } from '../../ingest/extract/parser.ts'
import { allMiniLM } from '../../models/bundled.ts'
import { pdfOf } from './bad-files.ts'

let parser: Parser
beforeAll(() => {
  parser = openParser(allMiniLM)
})
afterAll(() => parser.close())

const encode = (text: string) => new TextEncoder().encode(text)

/** The file as it is read, with its first passages; the rest is left, as it is when an ingestion is stopped. */
async function begin(name: string, bytes: Uint8Array) {
  const file = await parser.open({ name, bytes })
  for await (const passages of file.passages()) return { ...file, first: passages }
  return { ...file, first: [] }
}

test('a line of 100 MB', async () => {
  const { first, text } = await begin('line.txt', encode('word and more words. '.repeat(5_000_000)))
  expect(text).toHaveLength(104_999_999 + 1)
  expect(first.length).toBeGreaterThan(10)
  for (const { start, end, text: passage } of first) expect(text.slice(start, end)).toBe(passage)
}, 120_000)

test('a word of 2 MB', async () => {
  const { first, warnings } = await begin('word.txt', encode('x'.repeat(2_000_000)))
  expect(warnings).toEqual(['a word of 2000000 characters was cut into pieces'])
  expect(first.length).toBeGreaterThan(10)
}, 60_000)

test('a million lines', async () => {
  const { first, warnings } = await begin('lines.txt', encode('A line about the pump.\n'.repeat(1_000_000)))
  expect(warnings).toEqual([])
  expect(first.length).toBeGreaterThan(10)
}, 60_000)

test('a hundred thousand headings', async () => {
  const source = Array.from({ length: 100_000 }, (_, i) => `# ${i}\n\nx\n\n`).join('')
  const { warnings } = await begin('headings.md', encode(source))
  expect(warnings.join()).toContain('100000 headings in one document')
}, 120_000)

test('a million rows', async () => {
  const rows = Array.from({ length: 1_000_000 }, (_, i) => `${i},Lima,${i % 97}`)
  const { first } = await begin('rows.csv', encode(`id,city,age\n${rows.join('\n')}\n`))
  expect(first[0]?.text).toStartWith('id: 0 | city: Lima | age: 0\nid: 1 |')
}, 120_000)

test('ten thousand pages', async () => {
  const pages = 10_000
  const kids = Array.from({ length: pages }, (_, i) => `${5 + i} 0 R`).join(' ')
  const shown = 'BT /F 12 Tf 72 700 Td (The pump is checked on Tuesday.) Tj ET'
  const bytes = pdfOf([
    '<< /Type /Catalog /Pages 2 0 R >>',
    `<< /Type /Pages /Kids [${kids}] /Count ${pages} /MediaBox [0 0 595 842] /Resources << /Font << /F 3 0 R >> >> >>`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
    `<< /Length ${shown.length} >>\nstream\n${shown}\nendstream`,
    ...Array.from({ length: pages }, () => '<< /Type /Page /Parent 2 0 R /Contents 4 0 R >>'),
  ])
  const { warnings, first } = await begin('pages.pdf', bytes)
  expect(warnings).toEqual([`${pages} pages in one document`])
  expect(first[0]?.text).toContain('The pump is checked')
}, 240_000)

test('what takes the square of its size in many a parser', async () => {
  const baits: [name: string, source: string][] = [
    ['links.md', '[a](<b'.repeat(3000)],
    ['divs.html', `<article>${'<div>'.repeat(100_000)}The bottom of it all is here.`],
    ['links.html', `<p>Words.${'<a href=x>link</a><br>'.repeat(50_000)}`],
    ['class.html', `<p class="${'a-'.repeat(500_000)}">Words.`],
    ['aliases.yaml', `a: &a x\n${'b: *a\n'.repeat(50_000)}`],
    ['braces.yaml', `seed_examples: ${'{'.repeat(50_000)}`],
    ['spaces.csv', `a,b\n${' '.repeat(2_000_000)},c\n`],
    ['long.ts', 'export function f(a: number) {\n'.repeat(50_000)],
    ['minified.js', 'function a(b){return b};'.repeat(100_000)],
    ['cues.srt', '1\n00:00:01,000 --> 00:00:02,000\nwords\n\n'.repeat(50_000)],
  ]
  for (const [name, source] of baits) {
    const { first } = await begin(name, encode(source))
    expect([name, first.length > 0]).toEqual([name, true])
  }
}, 240_000)
