import { describe, expect, test } from 'bun:test'
import { Refused } from '../../ingest/extract/extracted.ts'
import { formatOfName, identify } from '../../ingest/extract/identify.ts'
import { titleFromName } from '../../ingest/extract/title.ts'
import { writeZip } from '../../scripts/samples/zip.ts'

const latin1 = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'))
const zip = new Uint8Array(writeZip([['word/document.xml', '<w:document/>']]))
const refusal = (name: string, bytes: Uint8Array) => {
  try {
    return identify(name, bytes)
  } catch (error) {
    if (error instanceof Refused) return error.message
    throw error
  }
}

test('the name says what a file should be', () => {
  expect(formatOfName('notes.MD')).toBe('markdown')
  expect(formatOfName('a.b.Html')).toBe('html')
  expect(formatOfName('archive.zip')).toBeNull()
  expect(formatOfName('README')).toBeNull()
  expect(formatOfName('Budget.XLSM')).toBe('xlsx')
  expect(formatOfName('taxonomy/qna.yaml')).toBe('yaml')
  expect(formatOfName('src/main.rs')).toBe('code')
  expect(formatOfName('constructor')).toBeNull()
  expect(formatOfName('a.__proto__')).toBeNull()
})

describe('the first bytes decide whether it is', () => {
  test.each([
    ['report.txt', latin1('%PDF-1.7\n%\xE2\xE3'), 'a PDF'],
    ['notes.md', zip, 'a zip archive'],
    ['notes.txt', latin1('\x7FELF\x02\x01\x01\0'), 'an ELF program'],
    ['page.html', latin1('\x89PNG\r\n\x1A\n\0\0'), 'a PNG image'],
    ['letter.txt', latin1('{\\rtf1\\ansi Hello}'), 'an RTF document'],
    ['paper.pdf', latin1('<!DOCTYPE html><html><body>Hi'), 'an HTML page'],
    ['paper.pdf', latin1('Just some words'), 'a text'],
    ['paper.pdf', zip, 'a zip archive'],
    ['letter.docx', latin1('Just some words'), 'a text'],
    ['letter.docx', latin1('%PDF-1.7\n'), 'a PDF'],
    ['letter.rtf', latin1('Just some words'), 'a text'],
    ['sheet.xlsx', latin1('<html><body>Hi'), 'an HTML page'],
    ['table.csv', zip, 'a zip archive'],
    ['data.json', latin1('\x1F\x8B\x08\0'), 'a gzip archive'],
    ['setup.txt', latin1('MZ\x90\0\x03\0\0\0'), 'a Windows program'],
  ])('%s that is something else', (name, bytes, what) => {
    expect(refusal(name, bytes)).toStartWith(`misnamed: it looks like ${what}`)
  })

  test('words that begin like a signature are words', () => {
    expect(refusal('motorbikes.txt', latin1('MZ is a maker of motorcycles from Zschopau.'))).toBe(
      'plain-text',
    )
    expect(refusal('riff.md', latin1('RIFF stands for Resource Interchange File Format.'))).toBe('markdown')
    expect(refusal('pdf.md', latin1('# The header\n\nA file begins with %PDF-1.7, then objects.'))).toBe(
      'markdown',
    )
  })

  test('an old or encrypted Word document is told apart', () => {
    expect(refusal('a.docx', latin1('\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1'))).toStartWith('encrypted:')
  })

  test('two formats at once are refused', () => {
    const pdf = latin1('%PDF-1.4\n1 0 obj\nendobj\n%%EOF\n')
    expect(refusal('a.pdf', new Uint8Array([...pdf, ...zip]))).toStartWith('polyglot:')
    expect(refusal('a.html', latin1('<html>\n%PDF-1.4\n'))).toStartWith('polyglot:')
    expect(refusal('a.txt', latin1('words\n%PDF-1.4\n…\nstartxref\n9\n%%EOF\n'))).toStartWith('polyglot:')
    expect(refusal('a.pdf', latin1('GIF89a\x01\0\x01\0%PDF-1.4\n'))).toStartWith('polyglot:')
  })
})

test('a title from a file name', () => {
  expect(titleFromName('docs/leave_policy-2024.pdf')).toBe('leave policy 2024')
  expect(titleFromName('.hidden')).toBe('.hidden')
  expect(titleFromName('01-1.md')).toBe('01-1')
})
