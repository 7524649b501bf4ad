/**
 * Cuts a long Markdown file into parts that can be parsed one after the other. Measured with micromark 4: 1 MB takes
 * 2.6 s and 450 MB of memory, and one paragraph of 300,000 lines 39 s, so both are bounded by parsing 64 kB at a time.
 */
export interface Part {
  start: number
  end: number
  /** False for what must not be given to the parser. */
  readable: boolean
}

const wished = 64 * 1024
const longest = 192 * 1024
/** Images written into the text are one token each and cheap to parse, up to here. */
const longestWithImages = 2 * 1024 * 1024
/** Nested quotes or list markers at the beginning of a line; people write three. */
const deepest = 64

/**
 * Parts in order, without gaps. A cut is made before a heading that follows a blank line, or before a line of text
 * that does, when the part is long enough; never inside a fence. A part without such a place is not readable.
 */
export function* parts(text: string): Generator<Part> {
  let part = { start: 0, length: 0, deep: false }
  let fence: string | null = null
  let blank = false
  const close = (end: number): Part => {
    const readable = !part.deep && part.length <= longest && end - part.start <= longestWithImages
    return { start: part.start, end, readable }
  }
  for (const { from, to } of lines(text)) {
    const line = text.slice(from, Math.min(to, from + 4 * deepest))
    if (!fence && blank && isCut(line, part.length)) {
      yield close(from)
      part = { start: from, length: 0, deep: false }
    }
    part.length += lengthOf(text, from, to)
    part.deep ||= isDeep(line)
    fence = fenceAfter(fence, line)
    blank = line.trim() === ''
  }
  if (part.start < text.length) yield close(text.length)
}

/** Whether a line after a blank one may begin a part: a heading rather than a paragraph. */
function isCut(line: string, length: number): boolean {
  return (
    (length >= wished && /^#{1,6}\s/.test(line)) || (length >= 1.5 * wished && /^[\p{L}\p{N}]/u.test(line))
  )
}

/** Length of a line as far as the parser has work with it. */
function lengthOf(text: string, from: number, to: number): number {
  return to - from > 1000 && text.slice(from, to).includes(';base64,') ? 1000 : to - from
}

function* lines(text: string): Generator<{ from: number; to: number }> {
  let from = 0
  while (from < text.length) {
    const end = text.indexOf('\n', from)
    const to = end < 0 ? text.length : end + 1
    yield { from, to }
    from = to
  }
}

function isDeep(line: string): boolean {
  const quotes = /^[\s>]*/.exec(line)?.[0].replace(/\s/g, '').length ?? 0
  return quotes > deepest || /^(?:\s*[-*+]\s+){65}/.test(line) || /^\s{200}\S/.test(line)
}

/** The fence that is open after a line: the one before, a new one, or none. */
function fenceAfter(fence: string | null, line: string): string | null {
  const marker = /^ {0,3}(`{3,}|~{3,})(.*)$/s.exec(line)
  if (!marker) return fence
  const [, run = '', rest = ''] = marker
  if (!fence) return run.startsWith('`') && rest.includes('`') ? null : run
  return run.startsWith(fence) && rest.trim() === '' ? null : fence
}
