/** Takes out of a page's main content what is not part of the text: link lists, teasers, the page's machinery. */
import { elementsIn, type Measure } from './html-measure.ts'
import { isCopyright, isCredit, isMachinery, isNotice, isPointer } from './html-phrases.ts'
import {
  attribute,
  type Element,
  inline,
  isElement,
  isText,
  isUnread,
  type Node,
  wordsOf,
} from './html-tree.ts'

/** A line of more siblings is a list or a text, not a stray link; and looking at each from each takes its square. */
const mostSiblings = 1000
/** Part of the good text that no link can outweigh. */
const tooMuchToDrop = 0.4

/** Drops link lists, teasers and the page's machinery from inside of the main content. */
export function prune(main: Element, measures: Map<Element, Measure>, dropped: Set<Node>): void {
  const total = measures.get(main)?.good ?? 0
  for (const element of elementsIn(main, dropped)) {
    if (element === main || (inline.has(element.tagName) && !standsAlone(element))) continue
    const { chars, linked, good } = measures.get(element) ?? { chars: 0, linked: 0, good: 0 }
    if (chars === 0) continue
    if (chars <= 200 && !hasBlocks(element)) {
      const line = wordsOf(element)
      if (
        isMachinery(line) ||
        isCredit(line) ||
        isCopyright(line) ||
        (linked > 0.4 * chars && isPointer(line))
      ) {
        dropped.add(element)
        continue
      }
    }
    if (good > tooMuchToDrop * total) continue
    // An element around a single other one says what that one says, and nesting may be a hundred thousand deep.
    const isOuter = element.childNodes.some((node) => isElement(node) && measures.get(node)?.chars === chars)
    if (!isOuter && chars <= 750 && isNotice(wordsOf(element))) {
      dropped.add(element)
      continue
    }
    const density = linked / chars
    if (/^(?:ul|ol|dl|menu)$/.test(element.tagName)) {
      if (density >= 0.7) dropped.add(element)
    } else if (/^(?:div|section|article|td|center|figure|span|details)$/.test(element.tagName)) {
      if (density >= 0.8 || (density >= 0.5 && good < 100 && chars >= 20)) dropped.add(element)
    } else if (namesAnother(element, chars, linked)) dropped.add(element)
  }
}

/** A line that is a link as a whole, and as long as a headline: it leads to another text. */
function namesAnother(element: Element, chars: number, linked: number): boolean {
  if (!/^(?:p|h[2-6]|li|figcaption|dd|a)$/.test(element.tagName) || linked < 0.95 * chars || chars < 25)
    return false
  // A heading that links to itself is one.
  const own = [...elementsIn(element, new Set())].some((inside) => attribute(inside, 'href')?.startsWith('#'))
  return !own && !/[.。]\s*$/.test(wordsOf(element))
}

/** A link in a line of its own, between blocks. */
function standsAlone(element: Element): boolean {
  const siblings = element.parentNode?.childNodes ?? []
  if (element.tagName !== 'a' || siblings.length > mostSiblings) return false
  const at = siblings.indexOf(element)
  const ends = (step: number) => {
    for (let i = at + step; i >= 0 && i < siblings.length; i += step) {
      const node = siblings[i]
      if (node && isText(node) && node.value.trim() === '') continue
      return node !== undefined && isElement(node) && !inline.has(node.tagName)
    }
    return true
  }
  return siblings.some((node) => isElement(node) && !inline.has(node.tagName)) && ends(-1) && ends(1)
}

function hasBlocks(element: Element): boolean {
  return element.childNodes.some(
    (node) => isElement(node) && !inline.has(node.tagName) && node.tagName !== 'br',
  )
}

/** A heading above nothing but what was dropped: "Related", "Comments". */
export function dropEmptyHeadings(main: Element, dropped: Set<Node>): void {
  let heading: Element | null = null
  let lost = false
  let kept = false
  const close = () => {
    if (heading && lost && !kept) dropped.add(heading)
  }
  const pending: Node[] = [main]
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (dropped.has(node)) {
      lost ||= isElement(node) && wordsOf(node).length > 0
      continue
    }
    if (isText(node)) kept ||= node.value.trim() !== ''
    if (!isElement(node) || isUnread(node)) continue
    if (/^h[2-6]$/.test(node.tagName)) {
      close()
      heading = node
      lost = false
      kept = false
      continue
    }
    pending.push(...node.childNodes.toReversed())
  }
  close()
}
