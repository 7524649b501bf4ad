import { type DefaultTreeAdapterTypes, parse } from 'parse5'
import { decodeText } from './decode.ts'
import { type Extracted, oneLine } from './extracted.ts'
import { layOutHtml } from './html-layout.ts'

type Node = DefaultTreeAdapterTypes.Node
export type Element = DefaultTreeAdapterTypes.Element

export function extractHtml(bytes: Uint8Array): Extracted {
  const { text, warnings } = decodeText(bytes, declaredEncoding(bytes))
  const page = readHtml(text)
  return { ...page, mediaType: 'text/html', warnings: [...warnings, ...page.warnings] }
}

/** A page as parse5 reads it, without scripts and without ever fetching anything. */
export function readHtml(
  html: string,
  options: { firstRowIsHeader?: boolean } = {},
): Omit<Extracted, 'mediaType'> {
  // "Scripting disabled" makes <noscript> a part of the tree like any other, which is then dropped by name.
  const document = parse(html, { scriptingEnabled: false })
  const { main, heading, title, deepest } = survey(document)
  const { text, blocks } = layOutHtml(main, options.firstRowIsHeader ?? false)
  const warnings = deepest > 500 ? [`elements are nested ${deepest} deep: the structure may be lost`] : []
  return { text, title: heading ?? title, blocks, warnings }
}

/** `<meta charset>` or its `http-equiv` form in the first 4 kB; null when there is none, or it is UTF-8. */
function declaredEncoding(bytes: Uint8Array): string | null {
  const head = Buffer.from(bytes.subarray(0, 4096)).toString('latin1')
  const name = /<meta\s[^>]{0,200}?charset\s*=\s*["']?([\w-]{2,40})/i.exec(head)?.[1]
  return name && !/^utf-?(8|16|32)/i.test(name) ? name : null
}

interface Survey {
  /** Where the content is: <main>, else the only <article>, else <body>. */
  main: Element
  /** Words of the first <h1> and of <title>. */
  heading: string | null
  title: string | null
  deepest: number
}

function survey(document: DefaultTreeAdapterTypes.Document): Survey {
  const found: Record<'main' | 'article' | 'body' | 'h1' | 'title', Element[]> = {
    main: [],
    article: [],
    body: [],
    h1: [],
    title: [],
  }
  let deepest = 0
  const pending: { node: Node; depth: number }[] = [{ node: document, depth: 0 }]
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { node, depth } = next
    deepest = Math.max(deepest, depth)
    if (isElement(node)) {
      if (node.tagName === 'svg' || node.tagName === 'nav') continue // an <svg> has a <title> of its own
      const tag = attribute(node, 'role') === 'main' ? 'main' : node.tagName
      if (tag in found && !isHidden(node)) found[tag as keyof typeof found].push(node)
    }
    if ('childNodes' in node)
      for (const child of node.childNodes.toReversed()) pending.push({ node: child, depth: depth + 1 })
  }
  const article = found.article.length === 1 ? found.article[0] : undefined
  const main =
    [found.main[0], article, found.body[0]].find((e) => e && wordsOf(e).length > 0) ?? found.body[0]
  if (!main) throw new Error('parse5 made a document without a body')
  return { main, heading: firstWords(found.h1), title: firstWords(found.title), deepest }
}

function firstWords(elements: Element[]): string | null {
  for (const element of elements) {
    const words = oneLine(wordsOf(element))
    if (words) return words
  }
  return null
}

/** All text in an element, in order; scripts and what is hidden left out. */
export function wordsOf(element: Element): string {
  const words: string[] = []
  const pending: Node[] = [element]
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (node.nodeName === '#text') words.push((node as DefaultTreeAdapterTypes.TextNode).value)
    else if (isElement(node)) {
      if (node !== element && isDropped(node)) continue
      if (!inline.has(node.tagName)) words.push(' ')
      pending.push(...node.childNodes.toReversed())
      if (!inline.has(node.tagName) && node !== element) words.push(' ')
    }
  }
  return words
    .join('')
    .replace(/[\s\u00a0]+/g, ' ')
    .trim()
}

export const inline = new Set(
  'a abbr acronym b bdi bdo big cite code data del dfn em font i img ins kbd label mark math mi mn mo mrow msub msup q rp rt ruby s samp small span strike strong sub sup time tt u var wbr'.split(
    ' ',
  ),
)

const dropped = new Set(
  'script style nav footer aside template svg noscript iframe object embed canvas audio video map button select textarea input datalist dialog head title'.split(
    ' ',
  ),
)

/** Not content: code, navigation, controls, and what the page itself hides. */
export function isDropped(element: Element): boolean {
  return (
    dropped.has(element.tagName) ||
    isHidden(element) ||
    (element.tagName === 'header' && isPageHeader(element))
  )
}

function isHidden(element: Element): boolean {
  return element.attrs.some(
    ({ name, value }) =>
      name === 'hidden' ||
      (name === 'aria-hidden' && value === 'true') ||
      (name === 'style' && /display\s*:\s*none|visibility\s*:\s*hidden/i.test(value)),
  )
}

/** A <header> in an article or <main> carries its heading; anywhere else it is the page's banner. */
function isPageHeader(element: Element): boolean {
  for (let at: Node | null = element.parentNode; at && isElement(at); at = at.parentNode)
    if (['main', 'article', 'section'].includes(at.tagName)) return false
  return true
}

export function isElement(node: Node | null): node is Element {
  return node !== null && 'tagName' in node
}

export function attribute(element: Element, name: string): string | null {
  return element.attrs.find((a) => a.name === name)?.value ?? null
}
