/** Rich Text Format 1.9: groups, control words and text in whatever code page the document names. */
import { type Extracted, languageTag, metadataOf, Refused } from './extracted.ts'
import { createLayout, type Layout } from './layout.ts'
import { addTable } from './records.ts'
import { meaningfulTitle } from './title.ts'

/** What a group inherits from the one around it. */
interface State {
  /** `text` is read; `title`, `author` and the like are collected; null is skipped. */
  into: string | null
  /** Bytes that stand for a character after `\u`, for readers without Unicode. */
  fallback: number
  hidden: boolean
  /** Size of the letters in half points, and whether they are bold. */
  size: number
  bold: boolean
}

/** Groups that hold no text of the document. */
const skipped = new Set(
  'fonttbl colortbl stylesheet listtable listoverridetable rsidtbl generator pict object objdata themedata datastore latentstyles header headerl headerr headerf footer footerl footerr footerf xmlnstbl mmathPr fldinst bkmkstart bkmkend filetbl revtbl template passwordhash shppict nonshppict listtext pntext pntxta pntxtb wgrffmtfilter private userprops annotation atnid atnauthor'.split(
    ' ',
  ),
)
const properties = new Set(['title', 'author', 'subject', 'keywords', 'doccomm', 'category', 'company'])

const symbols: Record<string, string> = {
  tab: '\t',
  line: '\n',
  lquote: '‘',
  rquote: '’',
  ldblquote: '“',
  rdblquote: '”',
  bullet: '•',
  endash: '–',
  emdash: '—',
  emspace: ' ',
  enspace: ' ',
  qmspace: ' ',
  zwj: '\u200D',
  zwnj: '\u200C',
}

/** Code page numbers that the platform knows under another name. */
const codePages: Record<number, string> = {
  437: 'ibm866',
  850: 'windows-1252',
  866: 'ibm866',
  874: 'windows-874',
  932: 'shift_jis',
  936: 'gbk',
  949: 'euc-kr',
  950: 'big5',
  10000: 'macintosh',
  65001: 'utf-8',
}

const deepest = 10_000
const tokens =
  /\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z'])|([{}])|[\r\n]+|([^\\{}\r\n]+)/g

export function extractRtf(bytes: Uint8Array): Extracted {
  // RTF is ASCII; a byte above it stands for a character of the code page.
  const rtf = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  const layout = createLayout()
  const said = new Map<string, string>()
  const paragraphs = collectParagraphs(layout)
  let state: State = { into: 'text', fallback: 1, hidden: false, size: 24, bold: false }
  const stack: State[] = []
  let codePage = 'windows-1252'
  let pending: number[] = []
  let skipBytes = 0
  let starred = false
  let language: string | null = null

  const write = (text: string) => {
    if (state.hidden || state.into === null) return
    if (state.into === 'text') paragraphs.write(text, state)
    else said.set(state.into, (said.get(state.into) ?? '') + text)
  }
  const flushBytes = () => {
    if (pending.length === 0) return
    const text = new TextDecoder(codePage).decode(new Uint8Array(pending))
    pending = []
    write(text)
  }
  const takeByte = (byte: number) => {
    if (skipBytes > 0) skipBytes--
    else pending.push(byte)
  }

  tokens.lastIndex = 0
  for (let match = tokens.exec(rtf); match; match = tokens.exec(rtf)) {
    const [, word, given, hex, symbol, brace, text] = match
    if (hex !== undefined) {
      takeByte(Number.parseInt(hex, 16))
      continue
    }
    if (text !== undefined) {
      const rest = text.slice(Math.min(skipBytes, text.length))
      skipBytes = Math.max(0, skipBytes - text.length)
      for (let i = 0; i < rest.length; i++) pending.push(rest.charCodeAt(i))
      continue
    }
    flushBytes()
    if (brace === '{') {
      skipBytes = 0
      if (stack.push({ ...state }) > deepest)
        throw new Refused('damaged', 'its groups are nested too deep to be read: save the document again')
    } else if (brace === '}') {
      skipBytes = 0
      state = stack.pop() ?? state
    } else if (symbol !== undefined) {
      if (symbol === '*') starred = true
      else if (symbol === '~') write('\u00A0')
      else if (symbol === '_') write('\u2011')
      else if (symbol === '\n' || symbol === '\r') paragraphs.end()
      else if ('\\{}'.includes(symbol)) write(symbol)
      continue
    } else if (word !== undefined) {
      const number = given === undefined ? null : Number(given)
      if (word === 'bin') tokens.lastIndex += Math.max(0, number ?? 0)
      else if (word === 'ansicpg' && number !== null) codePage = encodingOf(number)
      else if (word === 'mac') codePage = 'macintosh'
      else if (word === 'uc') state.fallback = Math.min(8, Math.max(0, number ?? 1))
      else if (word === 'u' && number !== null) {
        write(String.fromCharCode(number & 0xffff))
        skipBytes = state.fallback
      } else if (word === 'deflang' && number) language ??= languageOf(number)
      else if (properties.has(word)) state.into = word
      else if (starred || skipped.has(word)) state.into = word === 'shptxt' ? 'text' : null
      else if (word === 'info') state.into = null
      else if (word === 'v') state.hidden = number !== 0
      else if (word === 'fs' && number) state.size = number
      else if (word === 'b') state.bold = number !== 0
      else if (word === 'plain') Object.assign(state, { size: 24, bold: false, hidden: false })
      else if (symbols[word] !== undefined) write(symbols[word])
      else if (state.into === 'text') paragraphs.control(word, number)
    }
    starred = false
  }
  flushBytes()
  paragraphs.finish()
  const page = layout.finish()
  return {
    ...page,
    mediaType: 'application/rtf',
    title: meaningfulTitle(said.get('title') ?? ''),
    language,
    metadata: metadataOf([...said].filter(([key]) => key !== 'title')),
    warnings: stack.length > 0 ? ['the document is cut short: what is there was read'] : [],
  }
}

function encodingOf(codePage: number): string {
  const name = codePages[codePage] ?? `windows-${codePage}`
  try {
    return new TextDecoder(name).encoding
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return 'windows-1252'
    throw error
  }
}

/** Languages by the low ten bits of their Windows number. */
function languageOf(lcid: number): string | null {
  const known: Record<number, string> = {
    ...{ 7: 'de', 9: 'en', 10: 'es', 12: 'fr', 16: 'it', 19: 'nl', 21: 'pl', 22: 'pt', 25: 'ru', 29: 'sv' },
    ...{ 5: 'cs', 6: 'da', 11: 'fi', 14: 'hu', 17: 'ja', 18: 'ko', 24: 'ro', 31: 'tr', 34: 'uk', 4: 'zh' },
  }
  return languageTag(known[lcid & 0x3ff])
}

interface Written {
  text: string
  size: number
  bold: boolean
  level: number | null
  isItem: boolean
}

/** Puts text together into paragraphs and tables as the control words end them. */
function collectParagraphs(layout: Layout) {
  let words: string[] = []
  let size = 0
  let bold = true
  let level: number | null = null
  let isItem = false
  let inTable = false
  let cells: string[] = []
  let cell: string[] = []
  let rows: string[][] = []
  const written: Written[] = []

  const take = () => {
    const text = words.join('').trim()
    words = []
    return text
  }
  const endTable = () => {
    if (rows.length === 0) return
    addWritten(layout, written.splice(0))
    addTable(layout, rows, { header: 'if-it-reads-like-one' })
    rows = []
  }
  const end = () => {
    const text = take()
    if (inTable) {
      if (text) cell.push(text)
    } else {
      if (text) {
        endTable()
        written.push({ text, size, bold, level, isItem })
      }
    }
    size = 0
    bold = true
  }
  return {
    write(text: string, state: State) {
      words.push(text)
      if (!text.trim()) return
      size = Math.max(size, state.size)
      bold &&= state.bold
    },
    end,
    control(word: string, number: number | null) {
      switch (word) {
        case 'par':
        case 'sect':
        case 'page':
          end()
          break
        case 'pard':
          level = null
          isItem = false
          inTable = false
          break
        case 'intbl':
          inTable = true
          break
        case 'outlinelevel':
          level = number !== null && number >= 0 && number < 6 ? number + 1 : null
          break
        case 'ls':
          isItem = true
          break
        case 'cell':
        case 'nestcell':
          inTable = true
          end()
          cells.push(cell.join(' '))
          cell = []
          break
        case 'row':
        case 'nestrow':
          if (cells.length > 0) rows.push(cells)
          cells = []
      }
    },
    finish() {
      inTable = false
      end()
      endTable()
      addWritten(layout, written)
    },
  }
}

/** Headings are paragraphs with an outline level, or short ones in letters larger than most. */
function addWritten(layout: Layout, written: Written[]): void {
  const letters = new Map<number, number>()
  for (const { text, size } of written) letters.set(size, (letters.get(size) ?? 0) + text.length)
  const usual = [...letters].reduce((one, other) => (other[1] > one[1] ? other : one), [0, 0])[0]
  const larger = [...letters.keys()].filter((size) => size >= 1.14 * usual).toSorted((a, b) => b - a)
  let near = false
  for (const { text, size, level, isItem } of written) {
    const bySize = text.length <= 160 && !/[.!;,]$/.test(text) && larger.includes(size)
    const depth = level ?? (bySize && written.length > 1 ? Math.min(6, larger.indexOf(size) + 1) : null)
    const bullet = isItem || /^[•·▪–-]\s+\S/.test(text)
    if (depth) layout.add({ kind: 'heading', level: depth, text: text.replace(/\s+/g, ' ') })
    else if (bullet)
      layout.add({
        ...{ kind: 'list-item', level: 1, text: text.replace(/^[•·▪–-]\s+/, ''), marker: '- ' },
        separator: near ? '\n' : '\n\n',
      })
    else layout.add({ kind: 'paragraph', text })
    near = !depth && bullet
  }
}
