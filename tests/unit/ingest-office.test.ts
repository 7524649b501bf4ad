import { describe, expect, test } from 'bun:test'
import { Refused } from '../../ingest/extract/extracted.ts'
import { encode, epub, openDocument, outline, pptx, read } from './ingest-documents.ts'

test('PowerPoint: slides are pages, titles headings, notes follow, in the order shown', async () => {
  const page = await read(
    'p.pptx',
    pptx([
      {
        title: 'Pumps',
        lines: ['Check weekly', ['Oil first', 1], 'Write it down'],
        notes: 'Mention the leak.',
      },
      {
        lines: ['Only one line.'],
        table: [
          ['Day', 'Hours'],
          ['Monday', 'nine to five'],
        ],
      },
    ]),
  )
  expect(page.title).toBe('Pumps')
  expect(outline(page)).toEqual([
    'heading p1: Pumps',
    'list-item p1 Pumps: - Check weekly',
    'list-item p1 Pumps: - Oil first',
    'list-item p1 Pumps: - Write it down',
    'paragraph p1 Pumps: Notes: Mention the leak.',
    'paragraph p2: Only one line.',
    'table-row p2: Day: Monday | Hours: nine to five',
  ])
  expect(page.blocks.map(({ level }) => level)).toEqual([1, 1, 2, 1, 0, 0, 0])
})

describe('OpenDocument', () => {
  const row = (...cells: string[]) =>
    `<table:table-row>${cells.map((text) => `<table:table-cell><text:p>${text}</text:p></table:table-cell>`).join('')}</table:table-row>`

  test('text has headings, lists and tables, and no deleted words', async () => {
    const page = await read(
      'o.odt',
      openDocument(
        `<office:text><text:tracked-changes><text:p>deleted</text:p></text:tracked-changes><text:h text:outline-level="1">Haus</text:h><text:p>Ruhe ab<text:s/><text:span>22</text:span> Uhr<text:note><text:note-citation>1</text:note-citation></text:note>.</text:p><text:list><text:list-item><text:p>Müll trennen</text:p><text:list><text:list-item><text:p>Glas</text:p></text:list-item></text:list></text:list-item></text:list><table:table><table:table-header-rows>${row('Tag', 'Dienst')}</table:table-header-rows>${row('Montag', 'Vogt')}</table:table></office:text>`,
      ),
    )
    expect(page.text).toBe(
      'Haus\n\nRuhe ab 22 Uhr.\n\n- Müll trennen\n  - Glas\n\nTag: Montag | Dienst: Vogt',
    )
    expect([page.title, page.language, page.metadata?.author]).toEqual(['Hausordnung', 'de', 'Ada'])
  })

  test('slides are pages', async () => {
    const page = await read(
      's.odp',
      openDocument(
        '<office:presentation><draw:page><draw:frame presentation:class="title"><text:p>Eins</text:p></draw:frame><draw:frame><text:p>Wort</text:p></draw:frame></draw:page><draw:page><text:p>Zwei</text:p></draw:page></office:presentation>',
      ),
    )
    expect(outline(page)).toEqual(['heading p1: Eins', 'paragraph p1 Eins: Wort', 'paragraph p2: Zwei'])
  })
})

describe('EPUB', () => {
  test('is read in the order of its spine, chapters named by the table of contents', async () => {
    const page = await read(
      'b.epub',
      epub({
        'One: salt': '<p>He walked.</p><aside>A note.</aside>',
        Two: '<h1>Two</h1><h2>Deeper</h2><p>She&#160;waited.</p>',
      }),
    )
    expect(outline(page)).toEqual([
      'heading: One: salt',
      'paragraph One: salt: He walked.',
      'paragraph One: salt: A note.',
      'heading: Two',
      'heading Two: Deeper',
      'paragraph Two > Deeper: She waited.',
    ])
    expect([page.title, page.language]).toEqual(['The Salt Road', 'en'])
    expect({ ...page.metadata }).toEqual({ author: ['M. Orne', 'L. Voss'] })
  })

  test('under a lock is refused, with locked fonts it is not', async () => {
    const locked = (place: string): [string, string][] => [
      [
        'META-INF/encryption.xml',
        `<encryption><CipherData><CipherReference URI="${place}"/></CipherData></encryption>`,
      ],
    ]
    await expect(
      read('b.epub', epub({ One: '<p>x y</p>' }, locked('OEBPS/text/c%200.xhtml'))),
    ).rejects.toThrow('encrypted:')
    expect((await read('b.epub', epub({ One: '<p>x y</p>' }, locked('OEBPS/f.otf')))).text).toBe('One\n\nx y')
  })
})

describe('RTF', () => {
  const source =
    "{\\rtf1\\ansi\\ansicpg1252\\deff0{\\fonttbl{\\f0 Arial;}}{\\info{\\title Pump book}{\\author Ada}}\\deflang1031{\\header page}\\pard\\fs36 Pumps\\par\\pard\\fs22 Stra\\'dfe und \\u8364 ? \\uc1\\u8211-5\\par{\\*\\generator x}Second {\\b bold} line, long enough to be most of it.\\par\\trowd\\pard\\intbl Day\\cell Hours\\cell\\row\\trowd\\pard\\intbl Monday\\cell 9\\cell\\row\\pard{\\pict 0a0b0c}{\\field{\\*\\fldinst HYPERLINK x}{\\fldrslt A link}}}"

  test('has headings by size, tables, and the characters of its code page', async () => {
    const page = await read('r.rtf', source)
    expect(outline(page)).toEqual([
      'heading: Pumps',
      'paragraph Pumps: Straße und € –5',
      'paragraph Pumps: Second bold line, long enough to be most of it.',
      'table-row Pumps: Day: Monday | Hours: 9',
      'paragraph Pumps: A link',
    ])
    expect([page.title, page.language, page.metadata?.author]).toEqual(['Pump book', 'de', 'Ada'])
  })

  test('that is cut short is read as far as it goes, and said so', async () => {
    const page = await read('r.rtf', source.slice(0, source.indexOf('\\trowd')))
    expect(page.text).toContain('Second bold line')
    expect(page.warnings).toEqual(['the document is cut short: what is there was read'])
  })

  test('in Japanese keeps two bytes together', async () => {
    const page = await read('j.rtf', "{\\rtf1\\ansi\\ansicpg932 \\'93\\'fa\\'96\\'7b\\par}")
    expect(page.text).toBe('日本')
  })
})

test('an office document under another one’s name says what it is', async () => {
  const deck = pptx([{ lines: ['Words.'] }])
  for (const name of ['a.docx', 'a.xlsx', 'a.epub', 'a.odt'])
    await expect(read(name, deck)).rejects.toThrow('misnamed: it looks like a PowerPoint presentation')
  await expect(read('a.rtf', encode('Just words.'))).rejects.toThrow('misnamed: it looks like a text')
  await expect(read('a.pptx', encode('Just words.'))).rejects.toBeInstanceOf(Refused)
})
