/** Questions to a tree of parse5. */
import type { DefaultTreeAdapterTypes } from 'parse5'

export type Node = DefaultTreeAdapterTypes.Node
export type Element = DefaultTreeAdapterTypes.Element

export function isElement(node: Node | null): node is Element {
  return node !== null && 'tagName' in node
}

export function isText(node: Node): node is DefaultTreeAdapterTypes.TextNode {
  return node.nodeName === '#text'
}

export function attribute(element: Element, name: string): string | null {
  return element.attrs.find((a) => a.name === name)?.value ?? null
}

/** Elements that stand in a line of text. */
export const inline = new Set(
  'a abbr acronym b bdi bdo big cite code data del dfn em font i img ins kbd label mark math mi mn mo mrow msub msup q rp rt ruby s samp small span strike strong sub sup time tt u var wbr'.split(
    ' ',
  ),
)

const unread = new Set(
  'script style template svg noscript iframe object embed canvas audio video map button select textarea input datalist dialog head title nav menu'.split(
    ' ',
  ),
)

/** Never content, wherever it stands: code, controls, menus, and what the page itself hides. */
export function isUnread(element: Element): boolean {
  return unread.has(element.tagName) || isHidden(element)
}

function isHidden(element: Element): boolean {
  return element.attrs.some(
    ({ name, value }) =>
      (name === 'hidden' && value !== 'until-found') ||
      (name === 'aria-hidden' && value === 'true') ||
      (name === 'style' && /display\s*:\s*none|visibility\s*:\s*hidden/i.test(value)),
  )
}

/** All text in an element, in order; what is never content left out. */
export function wordsOf(element: Element): string {
  const words: string[] = []
  const pending: Node[] = [element]
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (isText(node)) words.push(node.value)
    else if (isElement(node)) {
      if (node !== element && isUnread(node)) continue
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
