import type { Literal, Nodes } from 'mdast'
import { fromMarkdown } from 'mdast-util-from-markdown'
import { frontmatterFromMarkdown } from 'mdast-util-frontmatter'
import { gfmFromMarkdown } from 'mdast-util-gfm'
import { frontmatter } from 'micromark-extension-frontmatter'
import { gfm } from 'micromark-extension-gfm'
import { decodeText } from './decode.ts'
import { leaveOutEmbeddedFiles } from './embedded-files.ts'
import { type Block, type BlockKind, clip, counted, type Extracted, oneLine } from './extracted.ts'
import { type FrontMatter, readFrontMatter } from './front-matter.ts'
import { parts } from './markdown-parts.ts'
import { plainBlocks, trimmed } from './plain-text.ts'
import { followSections, type Sections } from './sections.ts'

/** TOML front matter, which mdast's own types leave to whoever reads it. */
interface Toml extends Literal {
  type: 'toml'
}

declare module 'mdast' {
  interface RootContentMap {
    toml: Toml
  }
}

export function extractMarkdown(bytes: Uint8Array): Extracted {
  const { text, warnings } = decodeText(bytes)
  const { metadata, language, ...page } = readMarkdown(text, warnings)
  return { ...page, mediaType: 'text/markdown', language, metadata, warnings }
}

/** Any text read as Markdown; its blocks point into the text as it is given. */
export function readMarkdown(
  text: string,
  warnings: string[],
): Pick<Extracted, 'text' | 'title' | 'blocks'> & FrontMatter {
  const found = markdownBlocks(text, warnings)
  const blocks = leaveOutEmbeddedFiles(text, found.blocks, warnings)
  const { metadata, language } = found.frontMatter
  return { text, title: found.title ?? firstHeading(text, blocks), blocks, metadata, language }
}

interface Found {
  blocks: Block[]
  /** From the front matter or the first heading of level 1. */
  title: string | null
  frontMatter: FrontMatter
}

function markdownBlocks(text: string, warnings: string[]): Found {
  const sections = followSections()
  const found: Found = { blocks: [], title: null, frontMatter: { metadata: {}, language: null } }
  let unread = 0
  for (const part of parts(text)) {
    const root = part.readable ? parse(text.slice(part.start, part.end), part.start === 0) : null
    if (root) addNodes(root, text, part.start, sections, found)
    else {
      unread++
      found.blocks.push(...plainBlocks(text, part.start, part.end, sections))
    }
  }
  if (unread > 0)
    warnings.push(`${counted(unread, 'part')} nested too deep or too long for Markdown: read as plain text`)
  return found
}

/** Null when the parser's stack does not suffice. */
function parse(markdown: string, hasFrontMatter: boolean): Nodes | null {
  const kinds: ('yaml' | 'toml')[] = hasFrontMatter ? ['yaml', 'toml'] : []
  try {
    return fromMarkdown(markdown, {
      extensions: [gfm(), frontmatter(kinds)],
      mdastExtensions: [gfmFromMarkdown(), frontmatterFromMarkdown(kinds)],
    })
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

/** A node still to be looked at, and what the nodes around it make of its paragraphs. */
interface Pending {
  node: Nodes
  kind: BlockKind
  level: number
}

/** Walks with a stack of its own: the call stack ends long before the nesting of a hostile file. */
function addNodes(root: Nodes, text: string, offset: number, sections: Sections, found: Found): void {
  const pending: Pending[] = [{ node: root, kind: 'paragraph', level: 0 }]
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { node, kind, level } = next
    const inside = (children: Nodes[], kindInside = kind, levelInside = level) => {
      for (const child of children.toReversed())
        pending.push({ node: child, kind: kindInside, level: levelInside })
    }
    const add = (of: Nodes, as: BlockKind, header: string | null = null, from: Nodes = of) => {
      const start = offset + (from.position?.start.offset ?? 0)
      const span = trimmed(text, start, offset + (of.position?.end.offset ?? 0))
      if (span.start >= span.end) return
      const own = as === 'list-item' ? level : 0
      found.blocks.push({ kind: as, level: own, ...span, page: null, heading: sections.path(), header })
    }
    switch (node.type) {
      case 'heading': {
        const words = oneLine(plainWords(node))
        const span = trimmed(text, ...spanOf(node, offset))
        const heading = sections.enter(node.depth, words)
        if (node.depth === 1 && words) found.title ??= words
        if (words)
          found.blocks.push({
            kind: 'heading',
            level: node.depth,
            ...span,
            page: null,
            heading,
            header: null,
          })
        break
      }
      case 'yaml':
      case 'toml':
        found.title ??= frontMatterTitle(node.value)
        found.frontMatter = readFrontMatter(node.value, node.type)
        // Dates, authors and tags can be asked for; a title alone is carried by every passage already.
        if (!/^\s*title\s*[:=][^\n]*\s*$/i.test(node.value)) add(node, 'code')
        break
      case 'paragraph':
        add(node, kind)
        break
      case 'code':
        add(node, 'code')
        break
      case 'html':
        if (hasWords(node.value)) add(node, kind)
        break
      case 'table': {
        const [header] = node.children
        const row = header && text.slice(...spanOf(header, offset))
        for (const [i, child] of node.children.entries()) add(child, 'table-row', i > 0 && row ? row : null)
        break
      }
      case 'list':
        inside(node.children, 'list-item', level + 1)
        break
      case 'listItem': {
        const [first, ...rest] = node.children
        // The item is its marker and first paragraph; what else is in it follows as blocks of its own.
        if (first?.type === 'paragraph') {
          add(first, 'list-item', null, node)
          inside(rest, 'paragraph')
        } else inside(node.children, 'list-item')
        break
      }
      case 'blockquote':
        inside(node.children, 'quote')
        break
      default:
        if ('children' in node) inside(node.children)
    }
  }
}

function spanOf(node: Nodes, offset: number): [start: number, end: number] {
  return [offset + (node.position?.start.offset ?? 0), offset + (node.position?.end.offset ?? 0)]
}

/** The words of a heading, without mark-up. */
function plainWords(heading: Nodes): string {
  const words: string[] = []
  const pending: Nodes[] = [heading]
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (node.type === 'text' || node.type === 'inlineCode') words.push(node.value)
    else if (node.type === 'image') words.push(node.alt ?? '')
    else if (node.type === 'break') words.push(' ')
    else if ('children' in node) pending.push(...node.children.toReversed())
  }
  return words.join('')
}

/** The front matter is never evaluated: its one line that matters is looked for, so no alias or tag can do anything. */
function frontMatterTitle(value: string): string | null {
  const line = /^title\s*[:=]\s*(.+)$/im.exec(clip(value, 65_536))?.[1]
  return line ? oneLine(line.trim().replace(/^(["'])(.*)\1$/, '$2')) || null : null
}

/** Words are left when comments, scripts, styles and tags are gone. */
function hasWords(html: string): boolean {
  const shown = html.replace(
    /<!--[\s\S]*?(?:-->|$)|<(script|style|svg|template)\b[\s\S]*?(?:<\/\1\s*>|$)/gi,
    ' ',
  )
  return /[\p{L}\p{N}]/u.test(shown.replace(/<[^>]*(?:>|$)/g, ' '))
}

/** Without a heading of level 1, one of any level that the document opens with. */
function firstHeading(text: string, blocks: Block[]): string | null {
  const first = blocks[0]
  if (first?.kind !== 'heading') return null
  return oneLine(text.slice(first.start, first.end).replace(/^#+\s*|\s*#+$/g, '')) || null
}
