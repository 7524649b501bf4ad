/**
 * Source code by symbol: a class, a function or a section of a configuration is a heading, its lines a block. Found by
 * how a declaration looks and how far it is indented, which needs no parser and survives code that does not compile.
 */
import { decodeText } from './decode.ts'
import { type Block, type Extracted, oneLine } from './extracted.ts'
import { trimmed } from './plain-text.ts'
import { followSections } from './sections.ts'

export type CodeFamily = keyof typeof families

interface Family {
  /** Declarations at the margin, and one step inside of another one. Their last group that matched is the name. */
  outer: RegExp[]
  inner?: RegExp[]
  /** Lines right above a declaration that belong to it: comments, annotations, attributes. */
  attached: RegExp
}

const slashes = /^\s*(\/\/|\/?\*|@\w|#\[|\[\w)/
const hashes = /^\s*(#|@\w)/
const modifiers =
  '(?:(?:export|default|declare|public|private|protected|internal|static|final|abstract|sealed|partial|async|override|virtual|open|inline|readonly|synchronized|unsafe|extern|data|suspend|const|get|set)\\s+)*'
const types =
  '(?:class|interface|enum(?: class)?|record|struct|object|trait|protocol|extension|namespace|module|type|@interface|actor)'
/** What is followed by a parenthesis and is no function. */
const noNames =
  '(?!(?:if|for|while|switch|catch|return|else|do|new|await|throw|super|using|lock|foreach|when|with)\\b)'
const method = new RegExp(
  `^\\s+${modifiers}(?:[\\w<>\\[\\],.?*&]+\\s+){0,3}${noNames}([\\w$#~]+)\\s*(?:<[^>(]*>)?\\([^;]*$`,
)

const families = {
  script: {
    outer: [
      new RegExp(`^${modifiers}(?:function\\*?|${types})\\s+([\\w$.]+)`),
      /^(?:export\s+)?(?:const|let|var)\s+([\w$]+)\s*(?::[^=]+)?=\s*(?:async\s*)?(?:\(|function\b|[\w$]+\s*=>|<\w|class\b)/,
    ],
    inner: [new RegExp(`^\\s+${modifiers}\\*?${noNames}([\\w$#]+)\\s*(?:<[^>(]*>)?\\([^;]*\\{\\s*$`)],
    attached: slashes,
  },
  managed: {
    outer: [
      new RegExp(`^${modifiers}${types}\\s+([\\w.]+)`),
      new RegExp(`^${modifiers}(?:fun|func|def|function)\\s+(?:<[^>]*>\\s*)?([\\w.]+)`),
    ],
    inner: [
      new RegExp(`^\\s+${modifiers}(?:fun|func|def|function|init|${types})\\s+(?:<[^>]*>\\s*)?([\\w.]+)`),
      method,
    ],
    attached: slashes,
  },
  c: {
    outer: [
      /^(?:typedef\s+)?(?:struct|class|enum(?: class)?|union|namespace)\s+(\w+)[^;()]*$/,
      new RegExp(
        `^(?:template\\s*<[^>]*>\\s*)?[A-Za-z_][\\w:<>,*&\\s]*[\\s*&]${noNames}([\\w:~]+)\\s*\\([^;]*$`,
      ),
      /^@(?:interface|implementation|protocol)\s+(\w+)/,
      /^[-+]\s*\([^)]*\)\s*(\w+)/,
    ],
    inner: [method],
    attached: /^\s*(\/\/|\/?\*|template\s*<|\[\[|__attribute__)/,
  },
  go: { outer: [/^func\s+(?:\([^)]*\)\s*)?(\w+)/, /^type\s+(\w+)/], attached: /^\s*\/\// },
  rust: {
    outer: [
      /^(?:pub(?:\([^)]*\))?\s+)?(?:(?:async|unsafe|const|extern(?:\s+"\w+")?)\s+)*(?:fn|struct|enum|trait|mod|union|type|macro_rules!)\s+(\w+)/,
      /^(?:unsafe\s+)?(impl\b[^{]*)/,
    ],
    inner: [/^\s+(?:pub(?:\([^)]*\))?\s+)?(?:(?:async|unsafe|const)\s+)*fn\s+(\w+)/],
    attached: slashes,
  },
  python: {
    outer: [/^(?:async\s+)?(?:def|class)\s+(\w+)/],
    inner: [/^\s+(?:async\s+)?(?:def|class)\s+(\w+)/],
    attached: hashes,
  },
  ruby: {
    outer: [/^(?:def|class|module)\s+([\w.:?!]+)/, /^defmodule\s+([\w.]+)/],
    inner: [/^\s+(?:defp?|class|module|defmacro)\s+([\w.:?!]+)/],
    attached: hashes,
  },
  shell: { outer: [/^(?:function\s+)?([\w:-]+)\s*\(\)/, /^function\s+([\w:-]+)/i], attached: /^\s*#/ },
  lua: {
    outer: [/^(?:local\s+)?function\s+([\w.:]+)/, /^([\w.]+)\s*(?:<-|=)\s*function\b/, /^sub\s+(\w+)/],
    attached: /^\s*(--|#)/,
  },
  sql: {
    outer: [
      /^\s*(?:create|alter)\s+(?:or\s+replace\s+)?(?:unique\s+|temp(?:orary)?\s+|materialized\s+)*(?:table|view|function|procedure|index|trigger|type|schema)\s+(?:if\s+not\s+exists\s+)?(["`\w.]+)/i,
    ],
    attached: /^\s*--/,
  },
  settings: { outer: [/^\[+([^\]]+)\]+/], attached: /^\s*[#;]/ },
  yaml: { outer: [/^["']?([^\s#:"'-][^:"'#]{0,80})["']?\s*:(?:\s|$)/], attached: /^\s*#/ },
  style: { outer: [], attached: /^\s*\/?\*/ },
} satisfies Record<string, Family>

/** `name`: path of the file, which is its title: code is asked for by where it stands. */
export function extractCode(name: string, bytes: Uint8Array, family: CodeFamily): Extracted {
  const { text, warnings } = decodeText(bytes)
  const title = oneLine(name)
  return { text, mediaType: 'text/x-source', title, blocks: codeBlocks(text, family), warnings }
}

interface Symbol {
  /** Where the first of its attached lines begins. */
  start: number
  level: number
  name: string
}

/** Blocks of code below their symbol. The text stays as it is. */
export function codeBlocks(text: string, family: CodeFamily): Block[] {
  const sections = followSections()
  const blocks: Block[] = []
  const symbols = symbolsOf(text, families[family])
  const add = (from: number, to: number) => {
    const span = trimmed(text, from, to)
    if (span.start === span.end) return
    blocks.push({ kind: 'code', level: 0, ...span, page: null, heading: sections.path(), header: null })
  }
  add(0, symbols[0]?.start ?? text.length)
  for (const [i, symbol] of symbols.entries()) {
    sections.enter(symbol.level, symbol.name)
    add(symbol.start, symbols[i + 1]?.start ?? text.length)
  }
  return blocks
}

/** Longest part of a line that is looked at: minified code has one line. */
const looked = 300

/** What may have members worth a heading of their own: a function in a function is part of it. */
const holdsMembers =
  /\b(?:class|interface|struct|impl|trait|object|module|namespace|enum|record|extension|protocol|actor|union|defmodule)\b/

function symbolsOf(text: string, { outer, inner = [], attached }: Family): Symbol[] {
  const symbols: Symbol[] = []
  let step = 0 // how far the members of the open class are indented
  let isOpen = false
  let above: number | null = null
  const anywhere = outer.some((pattern) => pattern.source.startsWith('^\\s*'))
  for (let at = 0; at < text.length; ) {
    const found = text.indexOf('\n', at)
    const end = found < 0 ? text.length : found
    const line = text.slice(at, Math.min(end, at + looked))
    const indent = /^[ \t]*/.exec(line)?.[0].length ?? 0
    const blank = indent === line.trimEnd().length
    const patterns = indent === 0 || anywhere ? outer : isOpen && (!step || indent === step) ? inner : []
    const name = blank ? null : nameIn(line, patterns)
    if (name) {
      if (indent > 0) step = indent
      else {
        isOpen = holdsMembers.test(line)
        step = 0
      }
      symbols.push({ start: above ?? at, level: indent > 0 && isOpen ? 2 : 1, name })
      above = null
    } else if (!blank && attached.test(line)) above ??= at
    else above = null
    at = end + 1
  }
  return symbols
}

function nameIn(line: string, patterns: RegExp[]): string | null {
  for (const pattern of patterns) {
    const name = pattern
      .exec(line)
      ?.slice(1)
      .findLast((group) => group !== undefined)
    if (name) return oneLine(name, 120)
  }
  return null
}
