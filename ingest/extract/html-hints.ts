/**
 * What a page says about its parts by tags, ARIA roles and the names of classes and ids. Names are those that
 * templates and content systems share, in English and German; none belongs to one site.
 */
import { attribute, type Element, inline } from './html-tree.ts'

/** `perhaps`: beside the content when it is short or mostly links as well. */
export type Hint = 'beside' | 'perhaps' | 'comments' | 'content' | null

const roles = new Set(
  'navigation banner contentinfo complementary search menu menubar dialog alertdialog alert toolbar tooltip tablist status'.split(
    ' ',
  ),
)
const asideTags = new Set(['nav', 'footer', 'aside', 'header', 'form', 'menu', 'fieldset'])

const wordSet = (words: string) => new Set(words.split(/\s+/).filter((word) => word))

/** Whole words of a name. */
const besideWords = wordSet(
  `nav navi navigation navbar subnav topnav menu submenu menue breadcrumb breadcrumbs crumbs brotkrumen sidebar sidebars
  footer foot colophon fuss fusszeile masthead topbar cookie cookies consent gdpr dsgvo cmp onetrust usercentrics
  share shares sharing sharebar shariff teilen social socials sociable addtoany sharedaddy
  related relatedposts verwandt verwandte similar recommend recommended recommendation recommendations recirculation recirc empfehlung empfehlungen
  mostread meistgelesen trending readmore weiterlesen upsell crosssell
  newsletter abonnieren signup login signin paywall regwall popup modal overlay lightbox toast
  ad ads adv advert adverts advertisement advertising adslot anzeige anzeigen werbung sponsor sponsored outbrain taboola
  pager pagination paginator prevnext toolbar taglist tagcloud tagged authorbox skiplink searchform languageswitcher
  editsection navbox catlinks noprint copyright visuallyhidden linklist blogroll commentform replyform`,
)

const perhapsWords = wordSet(
  `more mehr tools latest newest popular archive archives categories kategorien meta metadata postmeta entrymeta tag tags
  keywords widget widgets teaser teasers promo promos promotion slider carousel slideshow ticker print drucken rss credits
  disclaimer feedback fallback hidden hide invisible banner notification infobar dropdown flyout rail tooltip bio vita byline
  dateline timestamp follow search suche rating ratings votes voting donate spenden donation cta subscribe subscription
  register lang languages skip toc accessibility sr screenreader respond links stories articles`,
)

/** Two words that say it only together. */
const besidePairs =
  /\b(?:read (?:more|next|also)|more (?:from|stories|articles|news|posts|on|info|about)|mehr (?:zum|zu|von|aus|artikel|news|themen)|you (?:may|might)|most (?:read|popular|viewed|commented)|also like|up next|next (?:post|article|up)|prev(?:ious)? (?:post|article)|post (?:nav|navigation|meta|tags|footer|author|share|info|date|categories)|entry (?:meta|footer|utility|tags|date|categories)|article (?:meta|footer|tags|share|tools|info|author|date|topics|actions)|author (?:box|bio|info|card|about|name|profile|vita|details)|about (?:author|the author)|site (?:header|footer|info|nav)|page (?:header|footer|nav|tools)|skip (?:link|to|nav)|sr only|screen reader|visually hidden|table of contents|call to action|back to|to top|email signup|customers also|cross sell|up sell|tag (?:list|links|cloud)|image credit|photo credit|social (?:links|media|share|bar)|sign up|log in)\b/

const commentWords = new Set(
  'comment comments commentlist commentary kommentar kommentare disqus discussion leserkommentare responses trackbacks pingbacks webmention reviews'.split(
    ' ',
  ),
)

/** `postBody related_items` as `post body related items`. */
export function namesOf(element: Element): string {
  return `${attribute(element, 'class') ?? ''} ${attribute(element, 'id') ?? ''}`
    .slice(0, 400)
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
}

export function hintOf(element: Element): Hint {
  let hint = known.get(element)
  if (hint === undefined) {
    hint = readHint(element)
    known.set(element, hint)
  }
  return hint
}

/** Each element is asked about three times, and the names of its classes take longest to look at. */
const known = new WeakMap<Element, Hint>()

function readHint(element: Element): Hint {
  const role = attribute(element, 'role')?.toLowerCase() ?? ''
  if (role === 'main' || role === 'article' || element.tagName === 'main') return 'content'
  if (roles.has(role) || asideTags.has(element.tagName)) return 'beside'
  if (attribute(element, 'itemprop') === 'articleBody') return 'content'
  const { tagName } = element
  if (tagName === 'article') return articleHint(element)
  return inline.has(tagName) || /^(?:h[1-6]|body|html|p|td|tr|tbody|table|blockquote|pre)$/.test(tagName)
    ? textHint(element)
    : nameHint(element)
}

/** Comments are articles too, in many templates. */
function articleHint(element: Element): Hint {
  const names = namesOf(element).split(/[^a-z]+/)
  return names.some((word) => word === 'comment' || word === 'kommentar') ? 'comments' : null
}

/** A paragraph is rarely beside the content; its name has to be plain about it. */
function textHint(element: Element): Hint {
  const [only, ...others] = namesOf(element).trim().split(/\s+/)
  if (!only || others.length > 1) return null
  return /^(?:ad|ads|advert|anzeige|werbung|copyright|(?:mw-)?editsection|byline|meta|tags|share|skip-?link|sr-only|visually-hidden|screen-reader-text|back-?to-?top|read-?more|weiterlesen|breadcrumbs?|pagination)$/.test(
    only,
  )
    ? 'beside'
    : null
}

/** More words than this are a sentence made into an anchor, not the name of a part. */
const longestName = 4

function nameHint(element: Element): Hint {
  const names = namesOf(element)
  const label = attribute(element, 'aria-label')?.toLowerCase() ?? ''
  if (/^(?:cookie|breadcrumb|share|related|newsletter|teilen|werbung|anzeige)/.test(label)) return 'beside'
  let perhaps = false
  // One class at a time: `post has-sidebar` is no sidebar.
  for (const name of names.split(/\s+/)) {
    const own = name.split(/[^a-z]+/).filter((word) => word)
    if (own.length === 0 || own.length > longestName || describes.test(own[0] ?? '')) continue
    if (own.some((word) => commentWords.has(word)))
      return own.includes('count') || own.includes('link') ? 'beside' : 'comments'
    if (besidePairs.test(own.join(' '))) return 'beside'
    if (own.some((word, i) => besideWords.has(word) && !namesText(own.slice(0, i)))) return 'beside'
    if (besideWords.has(own.join(''))) return 'beside'
    perhaps ||= own.some((word, i) => perhapsWords.has(word) && !namesText(own.slice(0, i)))
  }
  if (perhaps) return 'perhaps'
  return isTextName(names.split(/[^a-z]+/)) ? 'content' : null
}

/** First words of classes that describe the whole page or state of an element. */
const describes =
  /^(?:has|no|not|with|without|show|is|enable|disable|single|template|category|type|status|format|js|wp|align|size|col|row|grid|theme|lang)$/

/** `content with sidebar`: what leads names the text, the hint only its neighbour. */
function namesText(leading: string[]): boolean {
  return (
    leading.includes('with') ||
    leading.includes('no') ||
    leading.includes('has') ||
    leading.includes('without')
  )
}

/** `article-body`, `entry content`, `post text`: where content systems put the text. */
function isTextName(words: string[]): boolean {
  return /\b(?:article|post|entry|story|blog|news|artikel|beitrag|page|main|text)(?: (?:item|detail|full|single|view))? (?:body|content|contents|text|copy|inhalt)\b|\barticlebody\b|\bpostbody\b|\bfulltext\b|\brichtext\b|\brich text\b/.test(
    words.join(' '),
  )
}
