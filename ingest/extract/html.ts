import { type DefaultTreeAdapterTypes, parse } from 'parse5'
import { decodeText } from './decode.ts'
import { type Extracted, languageTag, oneLine } from './extracted.ts'
import { besideContent } from './html-content.ts'
import { layOutHtml } from './html-layout.ts'
import { metadataOfPage } from './html-metadata.ts'
import { attribute, type Element, isElement, isUnread, type Node, wordsOf } from './html-tree.ts'

export function extractHtml(bytes: Uint8Array): Extracted {
  const { text, warnings } = decodeText(bytes, declaredEncoding(bytes))
  const page = readHtml(text)
  return { ...page, mediaType: 'text/html', warnings: [...warnings, ...page.warnings] }
}

export interface HtmlOptions {
  /** Take the first row of a table for its header when it reads like one, marked or not. */
  firstRowIsHeader?: boolean
  /** All of it is the document: a chapter, a letter, a mail. Otherwise only the main content of the page is read. */
  wholePage?: boolean
}

/** A page as parse5 reads it, without scripts and without ever fetching anything. */
export function readHtml(html: string, options: HtmlOptions = {}): Omit<Extracted, 'mediaType'> {
  // "Scripting disabled" makes <noscript> a part of the tree like any other, which is then dropped by name.
  const document = parse(html, { scriptingEnabled: false })
  const { root, body, heads, title, deepest } = survey(document)
  const beside = options.wholePage ? new Set<Node>() : besideContent(body)
  const heading = heads.find((head) => !isBeside(head, beside)) ?? heads[0]
  const { text, blocks } = layOutHtml(body, { firstRowIsHeader: options.firstRowIsHeader ?? false, beside })
  const warnings = deepest > 500 ? [`elements are nested ${deepest} deep: the structure may be lost`] : []
  return {
    ...{ text, title: (heading && oneLine(wordsOf(heading))) || title, blocks, warnings },
    language: languageTag(root && attribute(root, 'lang')),
    metadata: options.wholePage ? {} : metadataOfPage(document),
  }
}

/** `<meta charset>` or its `http-equiv` form in the first 4 kB; null when there is none, or it is UTF-8. */
function declaredEncoding(bytes: Uint8Array): string | null {
  const head = Buffer.from(bytes.subarray(0, 4096)).toString('latin1')
  const name = /<meta\s[^>]{0,200}?charset\s*=\s*["']?([\w-]{2,40})/i.exec(head)?.[1]
  return name && !/^utf-?(8|16|32)/i.test(name) ? name : null
}

interface Survey {
  root: Element | null
  body: Element
  /** Every <h1> with words. */
  heads: Element[]
  /** Words of <title>. */
  title: string | null
  deepest: number
}

function survey(document: DefaultTreeAdapterTypes.Document): Survey {
  let root: Element | null = null
  let body: Element | null = null
  let title: string | null = null
  const heads: Element[] = []
  let deepest = 0
  const pending: { node: Node; depth: number }[] = [{ node: document, depth: 0 }]
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { node, depth } = next
    deepest = Math.max(deepest, depth)
    if (isElement(node)) {
      const tag = node.tagName
      if (tag === 'svg') continue // it has a <title> of its own
      if (tag === 'html') root ??= node
      else if (tag === 'body') body ??= node
      else if (tag === 'title') title ??= oneLine(wordsOf(node)) || null
      else if (isUnread(node) && tag !== 'head') continue
      else if (tag === 'h1' && wordsOf(node)) heads.push(node)
    }
    if ('childNodes' in node)
      for (const child of node.childNodes.toReversed()) pending.push({ node: child, depth: depth + 1 })
  }
  if (!body) throw new Error('parse5 made a document without a body')
  return { root, body, heads, title, deepest }
}

function isBeside(element: Element, beside: ReadonlySet<Node>): boolean {
  for (let at: Node | null = element; at; at = isElement(at) ? at.parentNode : null)
    if (beside.has(at)) return true
  return false
}
