/** The smallest files of each format that the programs which own it would open, and a way to compare what is read. */

import { extract } from '../../ingest/extract/extract.ts'
import type { Extracted } from '../../ingest/extract/extracted.ts'
import { writeZip } from '../../scripts/samples/zip.ts'

export const encode = (text: string) => new TextEncoder().encode(text)
export const zip = (files: [name: string, content: string][]) => new Uint8Array(writeZip(files))

export const read = (name: string, content: string | Uint8Array) =>
  extract(name, typeof content === 'string' ? encode(content) : content)

/** Blocks as `kind heading > path: words`, short enough to compare. */
export function outline({ text, blocks }: Pick<Extracted, 'text' | 'blocks'>): string[] {
  return blocks.map(({ kind, heading, start, end, page }) => {
    const above = heading.length > 0 ? ` ${heading.join(' > ')}` : ''
    return `${kind}${page === null ? '' : ` p${page}`}${above}: ${text.slice(start, end)}`
  })
}

const relationships = (body: string) =>
  `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${body}</Relationships>`
const office = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'
export const relation = (id: string, type: string, target: string, mode = '') =>
  `<Relationship Id="${id}" Type="${office}/${type}" Target="${target}"${mode}/>`
const core = (title: string) =>
  `<cp:coreProperties xmlns:cp="c" xmlns:dc="d"><dc:title>${title}</dc:title><dc:creator>Ada</dc:creator></cp:coreProperties>`

/** `sheets`: XML of the rows of each sheet. Styles: 0 plain, 1 date, 2 per cent, 3 a date and time of its own. */
export function xlsx(sheets: Record<string, string>, strings: string[] = []): Uint8Array {
  const names = Object.keys(sheets)
  return zip([
    [
      'xl/workbook.xml',
      `<workbook xmlns:r="${office}"><sheets>${names.map((name, i) => `<sheet name="${name}" sheetId="${i + 1}" r:id="rId${i + 1}"/>`).join('')}</sheets></workbook>`,
    ],
    [
      'xl/_rels/workbook.xml.rels',
      relationships(
        names.map((_, i) => relation(`rId${i + 1}`, 'worksheet', `worksheets/s${i}.xml`)).join(''),
      ),
    ],
    ['xl/sharedStrings.xml', `<sst>${strings.map((text) => `<si><t>${text}</t></si>`).join('')}</sst>`],
    [
      'xl/styles.xml',
      '<styleSheet><numFmts><numFmt numFmtId="164" formatCode="dd.mm.yyyy hh:mm"/></numFmts><cellStyleXfs><xf numFmtId="9"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="9"/><xf numFmtId="164"/></cellXfs></styleSheet>',
    ],
    ['docProps/core.xml', core('Water readings')],
    ...names.map((name, i): [string, string] => [
      `xl/worksheets/s${i}.xml`,
      `<worksheet><sheetData>${sheets[name]}</sheetData></worksheet>`,
    ]),
  ])
}

const shape = (type: string, paragraphs: string) =>
  `<p:sp><p:nvSpPr><p:nvPr>${type ? `<p:ph type="${type}"/>` : '<p:ph idx="1"/>'}</p:nvPr></p:nvSpPr><p:txBody>${paragraphs}</p:txBody></p:sp>`
const line = (text: string, level = 0) =>
  `<a:p>${level ? `<a:pPr lvl="${level}"/>` : ''}<a:r><a:t>${text}</a:t></a:r></a:p>`

export interface Slide {
  title?: string
  lines?: (string | [text: string, level: number])[]
  table?: string[][]
  notes?: string
}

export function pptx(slides: Slide[]): Uint8Array {
  const namespaces = 'xmlns:p="p" xmlns:a="a" xmlns:r="r"'
  return zip([
    [
      'ppt/presentation.xml',
      `<p:presentation ${namespaces}><p:sldIdLst>${slides.map((_, i) => `<p:sldId id="${256 + i}" r:id="rId${slides.length - i}"/>`).join('')}</p:sldIdLst></p:presentation>`,
    ],
    [
      'ppt/_rels/presentation.xml.rels',
      relationships(
        slides.map((_, i) => relation(`rId${slides.length - i}`, 'slide', `slides/slide${i}.xml`)).join(''),
      ),
    ],
    ...slides.flatMap(({ title, lines = [], table, notes }, i): [string, string][] => [
      [
        `ppt/slides/slide${i}.xml`,
        `<p:sld ${namespaces}><p:cSld><p:spTree>${title ? shape('title', line(title)) : ''}${
          lines.length > 0
            ? shape('', lines.map((l) => (typeof l === 'string' ? line(l) : line(...l))).join(''))
            : ''
        }${
          table
            ? `<p:graphicFrame><a:tbl><a:tblPr firstRow="1"/>${table.map((row) => `<a:tr>${row.map((cell) => `<a:tc><a:txBody>${line(cell)}</a:txBody></a:tc>`).join('')}</a:tr>`).join('')}</a:tbl></p:graphicFrame>`
            : ''
        }${shape('sldNum', line(String(i + 1)))}</p:spTree></p:cSld></p:sld>`,
      ],
      [
        `ppt/slides/_rels/slide${i}.xml.rels`,
        relationships(notes ? relation('rId9', 'notesSlide', `../notesSlides/notes${i}.xml`) : ''),
      ],
      ...(notes
        ? ([
            [
              `ppt/notesSlides/notes${i}.xml`,
              `<p:notes ${namespaces}>${shape('sldImg', '')}${shape('body', line(notes))}</p:notes>`,
            ],
          ] as [string, string][])
        : []),
    ]),
  ])
}

export function openDocument(body: string, extra: [string, string][] = []): Uint8Array {
  return zip([
    ['mimetype', 'application/vnd.oasis.opendocument.text'],
    [
      'content.xml',
      `<office:document-content xmlns:office="o" xmlns:text="t" xmlns:table="tb" xmlns:draw="d" xmlns:presentation="p"><office:body>${body}</office:body></office:document-content>`,
    ],
    [
      'meta.xml',
      '<office:meta xmlns:dc="d"><dc:title>Hausordnung</dc:title><dc:creator>Ada</dc:creator><dc:language>de-DE</dc:language></office:meta>',
    ],
    ...extra,
  ])
}

/** `chapters`: XHTML bodies by their name in the table of contents. */
export function epub(chapters: Record<string, string>, extra: [string, string][] = []): Uint8Array {
  const names = Object.keys(chapters)
  return zip([
    ['mimetype', 'application/epub+zip'],
    [
      'META-INF/container.xml',
      '<container><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>',
    ],
    [
      'OEBPS/book.opf',
      `<package xmlns:dc="d"><metadata><dc:title>The Salt Road</dc:title><dc:creator>M. Orne</dc:creator><dc:creator>L. Voss</dc:creator><dc:language>en-GB</dc:language></metadata><manifest><item id="toc" href="toc.ncx" media-type="application/x-dtbncx+xml"/>${names
        .map((_, i) => `<item id="c${i}" href="text/c%20${i}.xhtml" media-type="application/xhtml+xml"/>`)
        .toReversed()
        .join(
          '',
        )}</manifest><spine>${names.map((_, i) => `<itemref idref="c${i}"/>`).join('')}</spine></package>`,
    ],
    [
      'OEBPS/toc.ncx',
      `<!DOCTYPE ncx PUBLIC "-//NISO//DTD ncx 2005-1//EN" "http://www.daisy.org/z3986/2005/ncx-2005-1.dtd"><ncx><navMap>${names.map((name, i) => `<navPoint><navLabel><text>${name}</text></navLabel><content src="text/c%20${i}.xhtml#top"/></navPoint>`).join('')}</navMap></ncx>`,
    ],
    ...names.map((name, i): [string, string] => [
      `OEBPS/text/c ${i}.xhtml`,
      `<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "http://www.w3.org/TR/xhtml11/DTD/xhtml11.dtd"><html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head><body>${chapters[name]}</body></html>`,
    ]),
    ...extra,
  ])
}
