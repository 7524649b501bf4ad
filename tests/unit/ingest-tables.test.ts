import { describe, expect, test } from 'bun:test'
import { openDocument, outline, read, xlsx } from './ingest-documents.ts'

const cell = (place: string, value: string | number, type = '', style = '') =>
  `<c r="${place}"${type && ` t="${type}"`}${style && ` s="${style}"`}><v>${value}</v></c>`

describe('CSV', () => {
  test('names every value, whatever the separator, and unfolds quotes', async () => {
    const page = await read(
      'people.csv',
      'Name;Born;Note\r\nAda;1815;"wrote ""notes"";\r\nin 1843"\r\nGrace;1906;\r\n',
    )
    expect(outline(page)).toEqual([
      'table-row: Name: Ada | Born: 1815 | Note: wrote "notes"; in 1843',
      'table-row: Name: Grace | Born: 1906',
    ])
    expect(page.warnings).toEqual([])
    expect(outline(await read('p.tsv', 'City\tPeople\nLima, Peru\t10\n'))).toEqual([
      'table-row: City: Lima, Peru | People: 10',
    ])
  })

  test('has no header where the first row holds values', async () => {
    expect((await read('n.csv', '1,2\n3,4\n')).text).toBe('1 | 2\n3 | 4')
  })

  test('keeps a title above the table, and says where rows are ragged', async () => {
    const page = await read('t.csv', 'Wells of the north\n\nWell,Depth,Checked\nA,12\nB,9,May,twice\n')
    expect(outline(page)).toEqual([
      'paragraph: Wells of the north',
      'table-row: Well: A | Depth: 12',
      'table-row: Well: B | Depth: 9 | Checked: May | twice',
    ])
    expect(page.warnings).toEqual(['2 rows with another number of cells than the 3 columns (row 4 first)'])
  })

  test('cuts a long row between its cells, each piece led by the first', async () => {
    const header = Array.from({ length: 40 }, (_, i) => `column ${i}`)
    const row = ['Boiler seven', ...header.slice(1).map((_, i) => `value ${i} of this row`)]
    const page = await read('w.csv', `${header.join(',')}\n${row.join(',')}\n`)
    expect(page.blocks.length).toBeGreaterThan(1)
    expect(page.blocks.map((block) => block.header)).toEqual(
      page.blocks.map((_, i) => (i === 0 ? null : 'column 0: Boiler seven')),
    )
    expect(page.text.replaceAll('\n', ' | ')).toBe(header.map((name, i) => `${name}: ${row[i]}`).join(' | '))
  })
})

describe('Excel', () => {
  test('has a section a sheet, and values as they are shown', async () => {
    const rows = [
      `<row r="1">${cell('A1', 0, 's')}</row>`,
      `<row r="3">${cell('A3', 1, 's')}${cell('B3', 2, 's')}${cell('C3', 3, 's')}</row>`,
      `<row r="4">${cell('A4', 45_000, '', '1')}${cell('B4', '0.30000000000000004')}${cell('C4', 0.125, '', '2')}</row>`,
      `<row r="5">${cell('A5', 45_001.5, '', '3')}<c r="C5" t="inlineStr"><is><t>leak</t></is></c><c r="D5"><f>B4*2</f><v>0.6</v></c></row>`,
    ].join('')
    const page = await read(
      'w.xlsx',
      xlsx({ Readings: rows, Notes: `<row r="1">${cell('A1', 1, 'b')}</row>` }, [
        'Wells of the north',
        'Date',
        'Level',
        'Share',
      ]),
    )
    expect(outline(page)).toEqual([
      'heading: Readings',
      'paragraph Readings: Wells of the north',
      'table-row Readings: Date: 2023-03-15 | Level: 0.3 | Share: 12.5 %',
      'table-row Readings: Date: 2023-03-16 12:00 | Share: leak | 0.6',
      'heading: Notes',
      'table-row Notes: TRUE',
    ])
    expect(page.title).toBe('Water readings')
    expect({ ...page.metadata }).toEqual({ author: 'Ada' })
  })
})

describe('OpenDocument spreadsheet', () => {
  test('is read without the million rows that fill its screen', async () => {
    const texts = (...cells: string[]) =>
      cells.map((text) => `<table:table-cell><text:p>${text}</text:p></table:table-cell>`).join('')
    const filler =
      '<table:table-row table:number-rows-repeated="1048000"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
    const page = await read(
      's.ods',
      openDocument(
        `<office:spreadsheet><table:table table:name="Kasse"><table:table-row>${texts('Datum', 'Betrag')}</table:table-row><table:table-row>${texts('1.3.', '5,00')}</table:table-row>${filler}</table:table></office:spreadsheet>`,
      ),
    )
    expect(outline(page)).toEqual(['heading: Kasse', 'table-row Kasse: Datum: 1.3. | Betrag: 5,00'])
  })
})
