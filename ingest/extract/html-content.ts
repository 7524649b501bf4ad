/**
 * Finds a page's main content, and so what of it is beside: menus, banners, teasers, comments, shares, footers. Works
 * on how text and links are spread, on tags and roles, and on the names of classes (html-hints.ts). The ideas are
 * those of Readability (Arc90, Mozilla) and of A. Barbaresi, Trafilatura (ACL 2021): score blocks by text that is not
 * linked, find the smallest element that holds nearly all of it, then clean it.
 */
import { type Hint, hintOf } from './html-hints.ts'
import { contains, elementsIn, isInside, type Measure, measure } from './html-measure.ts'
import { isNotice } from './html-phrases.ts'
import { dropEmptyHeadings, prune } from './html-prune.ts'
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

/** Part of the page's good text that no name of a class can outweigh. */
const tooMuchToDrop = 0.4
/** Part of the good text that the main content must hold. */
const nearlyAll = 0.8
/** Text that is left when comments are taken away, for them to be comments on it. */
const worthCommenting = 140
/** A page with less is taken whole. */
const leastText = 200

const containers = new Set(
  'body div section article main form center td tr tbody table fieldset details span font'.split(' '),
)

/** Nodes of the page that are not laid out. `body` is where its text is. */
export function besideContent(body: Element): Set<Node> {
  const strict = select(body, true)
  if (strict.kept >= leastText) return strict.dropped
  // Little is left: an address, or a page whose content was taken for something else, such as one of nothing but links.
  const mild = select(body, false)
  return mild.kept > 2 * strict.kept ? mild.dropped : strict.dropped
}

function select(body: Element, strict: boolean): { dropped: Set<Node>; kept: number } {
  const dropped = new Set<Node>()
  dropByHints(body, dropped, strict)
  const before = measure(body, dropped)
  const main = mainElement(body, before, dropped)
  dropAround(main, body, before, dropped)
  if (strict) {
    prune(main, measure(main, dropped), dropped)
    dropEmptyHeadings(main, dropped)
  }
  return { dropped, kept: measure(body, dropped).get(body)?.chars ?? 0 }
}

/** Drops what its tag, role or name puts beside the content, unless most of the page's text is in it. */
function dropByHints(body: Element, dropped: Set<Node>, strict: boolean): void {
  const measures = measure(body, dropped)
  const total = measures.get(body)?.good ?? 0
  const comments: Element[] = []
  for (const element of elementsIn(body, dropped)) {
    if (element === body) continue
    const hint = hintOf(element)
    const good = measures.get(element)?.good ?? 0
    if (hint === 'comments') comments.push(element)
    else if (
      isSurely(hint, measures.get(element)) &&
      good <= tooMuchToDrop * total &&
      !isOwnHeader(element, measures)
    ) {
      if (strict || !containers.has(element.tagName)) dropped.add(element)
    }
  }
  const among = new Set<Node>(comments)
  const inComments = comments
    .filter((element) => !isInside(element, among))
    .reduce((sum, element) => sum + (dropped.has(element) ? 0 : (measures.get(element)?.good ?? 0)), 0)
  if (strict && total - inComments >= worthCommenting) for (const element of comments) dropped.add(element)
}

/** A name that only hints needs links, or too little text to be worth the doubt. */
function isSurely(hint: Hint, measure: Measure | undefined): boolean {
  if (hint !== 'perhaps') return hint === 'beside'
  const { chars = 0, linked = 0, good = 0 } = measure ?? {}
  return linked >= 0.25 * chars || good < 60
}

/** A header inside of an article carries its title and its lead. */
function isOwnHeader(element: Element, measures: Map<Element, Measure>): boolean {
  if (element.tagName !== 'header') return false
  for (let at: Node | null = element.parentNode; at && isElement(at); at = at.parentNode)
    if (['main', 'article', 'section'].includes(at.tagName) || attribute(at, 'role') === 'main') return true
  const { chars = 0, linked = 0, good = 0 } = measures.get(element) ?? {}
  return good > 100 && linked < 0.3 * chars
}

/** The smallest element that holds nearly all of the good text, from where the page itself says the content is. */
function mainElement(body: Element, measures: Map<Element, Measure>, dropped: ReadonlySet<Node>): Element {
  const good = (element: Element) => measures.get(element)?.good ?? 0
  let main = body
  const within: { main: Element[]; article: Element[]; text: Element[] } = { main: [], article: [], text: [] }
  for (const element of elementsIn(body, dropped)) {
    if (element.tagName === 'main' || attribute(element, 'role') === 'main') within.main.push(element)
    else if (element.tagName === 'article') within.article.push(element)
    else if (element !== body && hintOf(element) === 'content') within.text.push(element)
  }
  for (const [candidates, share] of [
    [within.main, 0.3],
    [within.article, 0.4],
    [within.text, 0.4],
  ] as const) {
    const inside = candidates.filter(
      (element) => element !== main && (main === body || contains(main, element)),
    )
    const best = inside.toSorted((one, other) => good(other) - good(one))[0]
    if (!best || good(best) < Math.max(1, share * good(main))) continue
    const rival = inside.find(
      (other) =>
        other !== best && !contains(best, other) && !contains(other, best) && good(other) > 0.4 * good(best),
    )
    if (!rival) main = best
  }
  for (;;) {
    const inner = main.childNodes.find(
      (node): node is Element =>
        isElement(node) &&
        !dropped.has(node) &&
        containers.has(node.tagName) &&
        good(node) >= nearlyAll * good(main),
    )
    if (!inner || good(inner) === 0) return main
    main = inner
  }
}

/** Drops what lies around the main element but its heading, its lead, and text of the same article. */
function dropAround(main: Element, body: Element, measures: Map<Element, Measure>, dropped: Set<Node>): void {
  const hasHeading = [...elementsIn(main, dropped)].some((element) => element.tagName === 'h1')
  const article = isArticle(main) ? main : articleAbove(main)
  let inArticle = article !== null
  let needsHeading = !hasHeading
  for (let at = main; at !== body && isElement(at.parentNode); at = at.parentNode) {
    const siblings = at.parentNode.childNodes
    const place = siblings.indexOf(at)
    inArticle &&= at !== article
    for (const [i, node] of siblings.entries()) {
      if (i === place || dropped.has(node)) continue
      if (isText(node)) {
        if (!inArticle || node.value.trim().length < 80) dropped.add(node)
      } else if (isElement(node) && !isUnread(node)) {
        const heading = i < place && needsHeading ? firstHeading(node, dropped) : null
        if (heading) needsHeading = false
        if (isPartOfText(node, measures, i < place, inArticle)) continue
        if (heading) keepOnly(heading, node, measures, dropped, inArticle)
        else if (i < place && inArticle) keepLead(node, measures, dropped)
        else dropped.add(node)
      }
    }
  }
}

function isArticle(element: Element): boolean {
  return element.tagName === 'article' || element.tagName === 'main' || attribute(element, 'role') === 'main'
}

/** The outermost one around an element. */
function articleAbove(element: Element): Element | null {
  let found: Element | null = null
  for (let at: Node | null = element.parentNode; at && isElement(at); at = at.parentNode)
    if (isArticle(at)) found = at
  return found
}

function firstHeading(element: Element, dropped: ReadonlySet<Node>): Element | null {
  for (const inside of elementsIn(element, dropped)) if (inside.tagName === 'h1') return inside
  return null
}

/** Text that stands beside the main element and belongs to it: unlinked, and in the same article or before it. */
function isPartOfText(
  element: Element,
  measures: Map<Element, Measure>,
  isBefore: boolean,
  inArticle: boolean,
): boolean {
  const { chars = 0, linked = 0, good = 0 } = measures.get(element) ?? {}
  if (/^h[1-3]$/.test(element.tagName)) return (inArticle || isBefore) && chars > 0 && linked < 0.5 * chars
  if (chars < (inArticle ? 60 : 120) || linked > 0.2 * chars || good < 0.5 * chars) return false
  if (chars <= 750 && isNotice(wordsOf(element))) return false
  return inArticle || isBefore || /^(?:p|ul|ol|pre|blockquote|table)$/.test(element.tagName)
}

/** Leaves the heading of an element, and its lead when it is part of the article. */
function keepOnly(
  heading: Element,
  within: Element,
  measures: Map<Element, Measure>,
  dropped: Set<Node>,
  inArticle: boolean,
): void {
  if (heading === within) return
  for (const child of within.childNodes) {
    if (child === heading || (isElement(child) && contains(child, heading))) {
      if (isElement(child)) keepOnly(heading, child, measures, dropped, inArticle)
    } else if (isElement(child) && inArticle) keepLead(child, measures, dropped)
    else dropped.add(child)
  }
}

/** Leaves the paragraphs of an element that read like a lead: a sentence or two without links. */
function keepLead(element: Element, measures: Map<Element, Measure>, dropped: Set<Node>): void {
  const { chars = 0, linked = 0, good = 0 } = measures.get(element) ?? {}
  if (chars >= 60 && linked <= 0.1 * chars && good >= 0.8 * chars) return
  if (good < 60 || inline.has(element.tagName) || !containers.has(element.tagName)) {
    dropped.add(element)
    return
  }
  for (const child of element.childNodes)
    if (isElement(child)) keepLead(child, measures, dropped)
    else dropped.add(child)
}
