/** What a page says of itself in its head: author, date, description, keywords, site. */
import type { DefaultTreeAdapterTypes } from 'parse5'
import { type Metadata, metadataOf } from './extracted.ts'
import { attribute, isElement, type Node } from './html-tree.ts'

const names: Record<string, string> = {
  author: 'author',
  'article:author': 'author',
  'dc.creator': 'author',
  date: 'date',
  'article:published_time': 'date',
  'dc.date': 'date',
  'article:modified_time': 'modified',
  description: 'description',
  'og:description': 'description',
  keywords: 'keywords',
  'og:site_name': 'site',
}

export function metadataOfPage(document: DefaultTreeAdapterTypes.Document): Metadata {
  const found = new Map<string, string>()
  const pending: Node[] = [document]
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (isElement(node)) {
      if (node.tagName === 'body') continue
      if (node.tagName === 'meta') {
        const name = (attribute(node, 'name') ?? attribute(node, 'property') ?? '').toLowerCase()
        const key = names[name]
        const content = attribute(node, 'content')
        // An author's address is no name.
        if (key && content && !found.has(key) && !/^https?:/.test(content)) found.set(key, content)
      } else if (node.tagName === 'link' && attribute(node, 'rel') === 'canonical')
        found.set('url', attribute(node, 'href') ?? '')
    }
    if ('childNodes' in node) pending.push(...node.childNodes.toReversed())
  }
  return metadataOf(found)
}
