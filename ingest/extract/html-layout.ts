/** An HTML tree as readable text: blocks apart, inline text together, tables a line a row. */
import type { Block, BlockKind } from './extracted.ts'
import { isDataTable, tableRows } from './html-table.ts'
import { attribute, type Element, inline, isElement, isText, isUnread, type Node } from './html-tree.ts'
import { createLayout, type LaidOut } from './layout.ts'

/** What the elements around the current place say about its text. */
interface Context {
  kind: BlockKind
  level: number
  /** Written at the item's first text, then used up. */
  item: { marker: string; indent: string } | null
  list: { ordered: boolean; next: number; depth: number } | null
  preserve: boolean
}

/** A step still to be taken: enter a node with its context, or leave an element. */
type Step = { enter: Node; context: Context } | { leave: Element; context: Context }

/**
 * Lays the element out. Walks with a stack of its own, so nesting never overflows the call stack.
 * `firstRowIsHeader`: take the first row of a table for its header when it reads like one, marked or not.
 * `beside`: nodes that are left out with all that is in them.
 */
export function layOutHtml(
  root: Element,
  { firstRowIsHeader, beside }: { firstRowIsHeader: boolean; beside: ReadonlySet<Node> },
): { text: string; blocks: Block[] } {
  const layout = createLayout()
  const outside: Context = { kind: 'paragraph', level: 0, item: null, list: null, preserve: false }
  let words: string[] = []
  let term: string | null = null
  let lastKind: BlockKind | null = null

  function flush(context: Context): void {
    const own = context.preserve ? words.join('').replace(/^\n+|\s+$/g, '') : collapse(words.join(''))
    words = []
    if (!own.trim()) return
    const text = term ? `${term}: ${own}` : own
    term = null
    const { item } = context
    const kind = item?.marker === '' && context.kind === 'list-item' ? 'paragraph' : context.kind
    const block: LaidOut = { kind, text, level: context.level }
    if (item && kind === 'list-item') {
      block.marker = item.marker
      block.indent = item.indent
      item.marker = ''
    }
    if (kind === lastKind && kind === 'list-item') block.separator = '\n'
    lastKind = kind
    layout.add(block)
  }

  function addTable(table: Element): void {
    for (const [i, text] of tableRows(table, firstRowIsHeader).entries())
      layout.add({ kind: 'table-row', text, separator: i === 0 ? '\n\n' : '\n' })
    lastKind = 'table-row'
  }

  const steps: Step[] = [{ enter: root, context: outside }]
  for (let step = steps.pop(); step; step = steps.pop()) {
    const { context } = step
    if ('leave' in step) {
      if (step.leave.tagName === 'dt') {
        const named = collapse(words.join(''))
        term = term ? `${term}, ${named}` : named || null
        words = []
      } else flush(context)
      continue
    }
    const node = step.enter
    if (beside.has(node)) continue
    if (isText(node)) words.push(textOf(node.value, context))
    if (!isElement(node) || (node !== root && isUnread(node))) continue
    const tag = node.tagName
    if (tag === 'br') words.push('\n')
    else if (inline.has(tag)) {
      if (tag === 'sup' && /\d$/.test(words.at(-1) ?? '')) words.push('^') // 10<sup>6</sup> is not 106
      if (tag === 'wbr') continue
      for (const child of node.childNodes.toReversed()) steps.push({ enter: child, context })
    } else {
      flush(context)
      if (tag === 'table' && isDataTable(node)) {
        addTable(node)
        continue
      }
      const within = contextIn(node, context)
      steps.push({ leave: node, context: within })
      for (const child of node.childNodes.toReversed()) steps.push({ enter: child, context: within })
    }
  }
  if (term) layout.add({ kind: 'paragraph', text: term })
  return layout.finish()
}

function contextIn(element: Element, context: Context): Context {
  const tag = element.tagName
  if (/^h[1-6]$/.test(tag)) return { ...context, kind: 'heading', level: Number(tag[1]), item: null }
  if (tag === 'pre' || tag === 'listing' || tag === 'xmp')
    return { ...context, kind: 'code', level: 0, item: null, preserve: true }
  if (tag === 'blockquote') return { ...context, kind: 'quote', level: 0 }
  if (tag === 'ul' || tag === 'ol' || tag === 'menu') {
    const depth = (context.list?.depth ?? 0) + 1
    const first = Number.parseInt(attribute(element, 'start') ?? '1', 10)
    return { ...context, list: { ordered: tag === 'ol', next: Number.isNaN(first) ? 1 : first, depth } }
  }
  if (tag === 'li') {
    const list = context.list ?? { ordered: false, next: 1, depth: 1 }
    const marker = list.ordered ? `${list.next++}. ` : '- '
    const indent = '  '.repeat(Math.min(list.depth, 12) - 1)
    return { ...context, kind: 'list-item', level: list.depth, item: { marker, indent } }
  }
  if (tag === 'dd') return { ...context, kind: 'list-item', level: 1, item: { marker: '- ', indent: '' } }
  return context
}

function textOf(value: string, context: Context): string {
  // A line break in the source is a space; only <br> breaks a line.
  return context.preserve ? value : value.replace(/[\s\u00a0]+/g, ' ')
}

function collapse(text: string): string {
  return text
    .replace(/[^\S\n]+/g, ' ')
    .replace(/ ?\n ?/g, '\n')
    .trim()
}
