/**
 * Answers as Markdown, parsed into blocks. The one way from text to the page, for a stream and for a finished answer
 * alike: HTML, reference definitions and what else could hide something is switched off in the parser, and what is
 * drawn from its tree (`answer-text.tsx`) is a list of what is allowed.
 */
import type { RootContent } from 'mdast'
import { fromMarkdown } from 'mdast-util-from-markdown'
import { gfmFromMarkdown } from 'mdast-util-gfm'
import { gfm } from 'micromark-extension-gfm'
import remend from 'remend'

/**
 * `definition`: a document could make every `[1]` a link of its own. `setextUnderline`: a line that has been read
 * would become a heading with the next one. `codeIndented`: quotes keep the spaces that their line began with.
 */
const off = ['htmlFlow', 'htmlText', 'definition', 'setextUnderline', 'codeIndented']
const extensions = [gfm({ singleTilde: false }), { disable: { null: off } }]
const mdastExtensions = [gfmFromMarkdown()]

/** Only what a stream leaves open: nothing is taken away or escaped, since the finished answer would show it again. */
const mending = {
  links: false,
  images: false,
  htmlTags: false,
  singleTilde: false,
  setextHeadings: false,
  comparisonOperators: false,
  katex: false,
}

/** A block of an answer with the text that it was read from. */
export interface Block {
  /** Where it begins in the text; stays while the text grows. */
  start: number
  source: string
  /** Null: shown as it stands, because parsing it would take too long. */
  node: RootContent | null
}

/**
 * The parser's time grows with the square of the nesting: 8,000 `- ` in a line took it 40 s. No answer has more
 * markers in a line than this, nor is one longer: 4,096 tokens are about 16,000 characters.
 */
const mostMarkers = 12
const mostCharacters = 40_000
/** Emphasis that opens and never closes costs its square, too: 8,000 runs took 4 s, 1,000 take 0.15 s. */
const mostRuns = 1_000

/** Parses a text as a whole. */
export function blocksOf(text: string): Block[] {
  return parse(text, 0)
}

/** Parses a text that grows: blocks that are over are kept as they are, only the last one is read again. */
export function openBlocks(): (text: string, growing: boolean) => Block[] {
  let before = ''
  let settled: Block[] = []
  let from = 0
  return (text, growing) => {
    if (!text.startsWith(before.slice(0, from))) {
      settled = []
      from = 0
    }
    before = text
    const last = text.slice(from)
    // Marks that the stream has opened and not yet closed are closed, or they would flicker when it does.
    const read = parse(growing && isPlain(last) ? remend(last, mending) : last, from)
    const blocks = [...settled, ...read]
    settled = blocks.slice(0, -1)
    from = blocks.at(-1)?.start ?? 0
    return blocks
  }
}

function parse(text: string, offset: number): Block[] {
  if (text.trim() === '') return []
  const whole = [{ start: offset, source: text, node: null }]
  if (!isPlain(text)) return whole
  const { children } = fromMarkdown(text, { extensions, mdastExtensions })
  return children.map((node) => {
    const start = node.position?.start.offset ?? 0
    const source = text.slice(start, node.position?.end.offset ?? text.length)
    return { start: offset + start, source, node }
  })
}

/** Whether a text can be parsed in a moment. */
function isPlain(text: string): boolean {
  if (text.length > mostCharacters) return false
  let runs = 0
  for (const letter of text) if ('*_~['.includes(letter)) runs += 1
  return runs <= mostRuns && text.split('\n').every((line) => nesting(line) <= mostMarkers)
}

/** How deep the markers of quotes and lists at a line's beginning nest. Each is read once: nothing backtracks. */
function nesting(line: string): number {
  const marker = /[ \t]*(?:>|(?:[-+*]|\d{1,9}[.)])(?=[ \t]|$))/y
  let count = 0
  while (count <= mostMarkers && marker.test(line)) count += 1
  // A marker far to the right continues lists that lines before it have opened.
  return count === 0 ? 0 : count + Math.floor(line.search(/\S/) / 4)
}

/** Schemes that a link may have. Everything else, `javascript:` and `data:` among it, is shown as text. */
const schemes = new Set(['http:', 'https:', 'mailto:'])

/** The address of a link as the browser will read it; null when it may not be one. */
export function safeAddress(url: string): string | null {
  try {
    const parsed = new URL(url)
    return schemes.has(parsed.protocol) ? parsed.href : null
  } catch {
    return null
  }
}
