/** How text and links are spread over a page. */
import { attribute, type Element, inline, isElement, isText, isUnread, type Node } from './html-tree.ts'

/** Code units of text below an element, white space apart. */
export interface Measure {
  chars: number
  /** In links. */
  linked: number
  /** Of blocks that read like text: not linked, and long or with a sentence's end. */
  good: number
}

/** Elements in document order; what is dropped or never read is passed over with all that is in it. */
export function* elementsIn(root: Element, dropped: ReadonlySet<Node>): Generator<Element> {
  const pending: Node[] = [root]
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (!isElement(node) || dropped.has(node) || (node !== root && isUnread(node))) continue
    yield node
    for (let i = node.childNodes.length - 1; i >= 0; i--) {
      const child = node.childNodes[i]
      if (child) pending.push(child)
    }
  }
}

/** Every element's text, as far as it is not dropped. */
export function measure(root: Element, dropped: ReadonlySet<Node>): Map<Element, Measure> {
  const measures = new Map<Element, Measure>()
  /** Text that stands directly in a block, by the block. */
  const own = new Map<Element, { chars: number; linked: number; sentence: boolean }>()
  const blocks = new Map<Element, Element>()
  const links = new Set<Element>()
  const order: Element[] = []
  for (const element of elementsIn(root, dropped)) {
    order.push(element)
    const parent = isElement(element.parentNode) ? element.parentNode : element
    const isBlock = element === root || !inline.has(element.tagName)
    const block = isBlock ? element : (blocks.get(parent) ?? root)
    blocks.set(element, block)
    if (
      (element.tagName === 'a' && attribute(element, 'href') !== null) ||
      (element !== root && links.has(parent))
    )
      links.add(element)
    measures.set(element, { chars: 0, linked: 0, good: 0 })
    for (const child of element.childNodes) {
      if (!isText(child) || dropped.has(child)) continue
      const chars = child.value.replace(/\s+/g, '').length
      if (chars === 0) continue
      const sum = own.get(block) ?? { chars: 0, linked: 0, sentence: false }
      sum.chars += chars
      if (links.has(element)) sum.linked += chars
      sum.sentence ||= /[.!?:。！？][\s"'”»)]*$|[.!?] \p{Lu}/u.test(child.value.trimEnd())
      own.set(block, sum)
      const measure = measures.get(element)
      if (measure) {
        measure.chars += chars
        if (links.has(element)) measure.linked += chars
      }
    }
  }
  for (const [block, { chars, linked, sentence }] of own) {
    const measure = measures.get(block)
    if (!measure || /^h[1-6]$/.test(block.tagName) || chars < 15 || linked > 0.5 * chars) continue
    measure.good += (chars - linked) * (sentence || chars >= 100 ? 1 : 0.2)
  }
  for (const element of order.toReversed()) {
    const from = measures.get(element)
    const to =
      element === root || !isElement(element.parentNode) ? undefined : measures.get(element.parentNode)
    if (!from || !to) continue
    to.chars += from.chars
    to.linked += from.linked
    to.good += from.good
  }
  return measures
}

export function isInside(inner: Element, outer: ReadonlySet<Node>): boolean {
  for (let at: Node | null = inner.parentNode; at; at = isElement(at) ? at.parentNode : null)
    if (outer.has(at)) return true
  return false
}

export function contains(outer: Element, inner: Element): boolean {
  return isInside(inner, new Set([outer]))
}
