/** What a cell of an Excel sheet shows: numbers, percentages, dates and times by their number format. */
import { readXml, xmlAttribute } from './xml.ts'

export interface XlsxFormats {
  /** By the number of a cell's style. */
  kinds: Kind[]
  /** Days are counted from 1904 on, as Excel for Mac once did. */
  from1904: boolean
}

type Kind = 'number' | 'percent' | 'date' | 'time' | 'date-time'

/** `styles`: the part of that name; null when there is none, and every number is plain. */
export function readFormats(styles: Uint8Array | null, from1904: boolean): XlsxFormats {
  const kinds: Kind[] = []
  if (!styles) return { kinds, from1904 }
  const codes = new Map<number, string>()
  let inCells = false
  readXml(styles, {
    open(element) {
      if (element.name === 'numFmt')
        codes.set(Number(xmlAttribute(element, 'numFmtId')), xmlAttribute(element, 'formatCode') ?? '')
      else if (element.name === 'cellXfs') inCells = true
      else if (inCells && element.name === 'xf') {
        const id = Number(xmlAttribute(element, 'numFmtId') ?? 0)
        kinds.push(builtIn(id) ?? kindOf(codes.get(id) ?? ''))
      }
    },
    close(name) {
      if (name === 'cellXfs') inCells = false
    },
  })
  return { kinds, from1904 }
}

/** Formats that have a number and no code in the file (ECMA-376 part 1, 18.8.30). */
function builtIn(id: number): Kind | null {
  if (id === 9 || id === 10) return 'percent'
  if ((id >= 14 && id <= 17) || (id >= 27 && id <= 31) || id === 36) return 'date'
  if ((id >= 18 && id <= 21) || (id >= 32 && id <= 35) || (id >= 45 && id <= 47)) return 'time'
  return id === 22 ? 'date-time' : null
}

function kindOf(code: string): Kind {
  const bare = code.replace(/"[^"]*"|\\.|\[[^\]]*\]|_./g, '').toLowerCase()
  if (bare.includes('%')) return 'percent'
  const date = /[yd]|mmm/.test(bare)
  const time = /h|s/.test(bare) && !/general/.test(bare)
  return date && time ? 'date-time' : date ? 'date' : time ? 'time' : 'number'
}

/** The words of a cell that is no shared string. */
export function shown(cell: { type: string; style: number; value: string }, formats: XlsxFormats): string {
  const { type, value } = cell
  if (type === 'b') return value === '1' ? 'TRUE' : value === '0' ? 'FALSE' : value
  if (type !== 'n' || value.trim() === '') return value
  const number = Number(value)
  if (!Number.isFinite(number)) return value
  const kind = formats.kinds[cell.style] ?? 'number'
  if (kind === 'percent') return `${plain(number * 100)} %`
  if (kind === 'number') return plain(number)
  return moment(number, kind, formats.from1904) ?? plain(number)
}

/** Fifteen digits, as Excel shows them: 0.1 + 0.2 is 0.3. */
function plain(number: number): string {
  return String(Number(number.toPrecision(15)))
}

const dayMs = 86_400_000

/** ISO 8601 of a day number; null outside of the years 1900 to 9999. */
function moment(days: number, kind: Kind, from1904: boolean): string | null {
  if (days < 0 || days >= 2_958_466) return null
  // Excel counts a 29 February 1900, which never was.
  const epoch = from1904 ? Date.UTC(1904, 0, 1) : Date.UTC(1899, 11, days < 60 ? 31 : 30)
  const iso = new Date(epoch + Math.round((days * dayMs) / 1000) * 1000).toISOString()
  const time = iso.slice(11, iso.endsWith(':00.000Z') ? 16 : 19)
  if (kind === 'time') return days < 1 ? time : plain(days)
  if (kind === 'date' || time === '00:00') return iso.slice(0, 10)
  return `${iso.slice(0, 10)} ${time}`
}
