/** The front matter of a Markdown file as metadata: tags, author, date and whatever else its author filters by. */
import { isAlias, isMap, isScalar, isSeq, parseDocument } from 'yaml'
import { clip, languageTag, type Metadata, metadataOf } from './extracted.ts'

export interface FrontMatter {
  metadata: Metadata
  language: string | null
}

type Entry = [key: string, value: string | string[]]

/** Scalars and lists of scalars. Aliases and tags are left out, never followed, so nothing can be built from them. */
export function readFrontMatter(value: string, format: 'yaml' | 'toml'): FrontMatter {
  const entries = (format === 'yaml' ? yamlEntries : tomlEntries)(clip(value, 65_536))
  const language = entries.find(([key]) => /^(lang|language|locale)$/i.test(key))?.[1]
  return {
    metadata: metadataOf(entries.filter(([key]) => key.toLowerCase() !== 'title')),
    language: languageTag(typeof language === 'string' ? language : null),
  }
}

function yamlEntries(value: string): Entry[] {
  const { contents } = parseDocument(value, { schema: 'failsafe', uniqueKeys: false, logLevel: 'silent' })
  if (!isMap(contents)) return []
  return contents.items.flatMap(({ key, value: own }): Entry[] => {
    const name = scalar(key)
    if (!name || isAlias(own)) return []
    if (isSeq(own)) return [[name, own.items.map(scalar)]]
    return isScalar(own) ? [[name, scalar(own)]] : []
  })
}

function scalar(node: unknown): string {
  return isScalar(node) && typeof node.value === 'string' ? node.value : ''
}

/** `key = "value"` and `key = ["one", "two"]` above the first table; the rest of TOML is not metadata. */
function tomlEntries(value: string): Entry[] {
  const top = value.split(/^\s*\[/m)[0] ?? ''
  return [...top.matchAll(/^\s*["']?([\w.-]{1,60})["']?\s*=\s*(.{1,2000})$/gm)].map(
    ([, key = '', given = '']) => {
      if (given.startsWith('['))
        return [key, [...given.matchAll(/"([^"]*)"|'([^']*)'/g)].map(([, one, other]) => one ?? other ?? '')]
      return [key, given.trim().replace(/^(["'])(.*)\1$/, '$2')]
    },
  )
}
