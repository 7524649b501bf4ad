/** An Excel workbook: a sheet is a section, a row is a record under its header. Values as Excel last computed them. */
import { type Extracted, Refused } from './extracted.ts'
import { createLayout } from './layout.ts'
import { checkKind, officeProperties, type Parts, relationsOf, requiredPart } from './office.ts'
import { addTable } from './records.ts'
import { readFormats, shown, type XlsxFormats } from './spreadsheet-values.ts'
import { prefixedAttribute, readXml, xmlAttribute } from './xml.ts'
import { openZip } from './zip.ts'

export function extractXlsx(bytes: Uint8Array): Extracted {
  const parts = openZip(bytes)
  checkKind(parts, 'an Excel workbook')
  const name = [...parts.keys()].find((part) => /^xl\/workbook\d*\.xml$/.test(part))
  if (!name) throw new Refused('unsupported', 'it is a binary workbook (.xlsb): save it as .xlsx')
  const { sheets, from1904 } = sheetsOf(parts, name)
  const strings = sharedStrings(parts)
  const formats = readFormats(parts.get('xl/styles.xml')?.read() ?? null, from1904)
  const layout = createLayout()
  const warnings: string[] = []
  const plain = sheets.length === 1 && /^(sheet|tabelle|feuil|hoja|foglio)\s?1$/i.test(sheets[0]?.name ?? '')
  for (const sheet of sheets) {
    const rows = rowsOf(requiredPart(parts, sheet.part), strings, formats)
    if (rows.broken) warnings.push(`the sheet "${sheet.name}" is damaged: what could be read was kept`)
    layout.leave(1)
    if (!plain && rows.tables.length > 0) layout.add({ kind: 'heading', level: 1, text: sheet.name })
    for (const table of rows.tables) addTable(layout, table, { header: 'likely' })
  }
  const { title, language, metadata } = officeProperties(parts)
  return {
    ...layout.finish(),
    mediaType: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
    ...{ title, language, metadata, warnings },
  }
}

interface Sheet {
  name: string
  part: string
}

/** Worksheets in order; hidden ones are as much part of the file as the others. */
function sheetsOf(parts: Parts, workbook: string): { sheets: Sheet[]; from1904: boolean } {
  const relations = relationsOf(parts, workbook)
  const sheets: Sheet[] = []
  let from1904 = false
  readXml(requiredPart(parts, workbook), {
    open(element) {
      if (element.name === 'workbookPr') from1904 = /^(1|true)$/.test(xmlAttribute(element, 'date1904') ?? '')
      if (element.name !== 'sheet') return
      const relation = relations.get(prefixedAttribute(element, 'id') ?? '')
      const name = xmlAttribute(element, 'name') ?? ''
      if (relation?.type === 'worksheet') sheets.push({ name, part: relation.target })
    },
  })
  return { sheets, from1904 }
}

/** Cells' texts, kept once for all sheets; phonetic readings beside them left out. */
function sharedStrings(parts: Parts): string[] {
  const entry = parts.get('xl/sharedStrings.xml')
  const strings: string[] = []
  if (!entry) return strings
  let words = ''
  let inText = false
  let phonetic = false
  readXml(entry.read(), {
    open({ name }) {
      if (name === 'si') words = ''
      else if (name === 't') inText = !phonetic
      else if (name === 'rPh') phonetic = true
    },
    close(name) {
      if (name === 't') inText = false
      else if (name === 'rPh') phonetic = false
      else if (name === 'si') strings.push(words)
    },
    text(text) {
      if (inText) words += text
    },
  })
  return strings
}

/** Tables of a sheet: an empty row, or a wide gap, ends one. */
function rowsOf(
  bytes: Uint8Array,
  strings: string[],
  formats: XlsxFormats,
): { tables: string[][][]; broken: boolean } {
  const tables: string[][][] = []
  let row: string[] = []
  let number = 0
  let last = 0
  let cell = { column: 0, type: '', style: 0, value: '' }
  let inValue = false
  const { broken } = readXml(bytes, {
    open(element) {
      if (element.name === 'row') {
        number = Number(xmlAttribute(element, 'r') ?? number + 1)
        row = []
        cell.column = -1
      } else if (element.name === 'c') {
        const place = columnOf(xmlAttribute(element, 'r') ?? '')
        cell = {
          column: place ?? cell.column + 1,
          type: xmlAttribute(element, 't') ?? 'n',
          style: Number(xmlAttribute(element, 's') ?? 0),
          value: '',
        }
      } else if (element.name === 'v' || element.name === 't') inValue = true
    },
    close(name) {
      if (name === 'v' || name === 't') inValue = false
      else if (name === 'c') {
        const text = cell.type === 's' ? strings[Number(cell.value)] : shown(cell, formats)
        if (text) {
          while (row.length < cell.column) row.push('')
          row[cell.column] = text.trim()
        }
      } else if (name === 'row' && row.some((text) => text)) {
        if (tables.length === 0 || number > last + 1) tables.push([])
        tables.at(-1)?.push(row)
        last = number
      }
    },
    text(text) {
      if (inValue) cell.value += text
    },
  })
  return { tables: joined(tables), broken }
}

/** A stretch of rows that holds one row, or the same columns as the one before, is no table of its own. */
function joined(tables: string[][][]): string[][][] {
  const kept: string[][][] = []
  for (const table of tables) {
    const before = kept.at(-1)
    const widest = (rows: string[][]) => Math.max(...rows.slice(0, 50).map((row) => row.length))
    if (
      before &&
      (before.length === 1 || (before.length > 1 && widest(before) === widest(table) && table.length < 3))
    )
      before.push(...table)
    else kept.push(table)
  }
  return kept
}

/** 0 for `A7`, 27 for `AB1`; null for what is no place in a sheet, which has 16,384 columns. */
function columnOf(reference: string): number | null {
  const letters = /^[A-Z]{1,3}/.exec(reference)?.[0]
  if (!letters) return null
  let column = 0
  for (const letter of letters) column = column * 26 + letter.charCodeAt(0) - 64
  return column <= 16_384 ? column - 1 : null
}
