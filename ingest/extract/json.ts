/** JSON as lines that can be read: `address.city: Lima`. Objects in an array are records, objects in objects sections. */
import { decodeText } from './decode.ts'
import { counted, type Extracted, oneLine, Refused } from './extracted.ts'
import { type JsonValue, parseJson } from './json-values.ts'
import { createLayout, type Layout } from './layout.ts'
import { addRecord, type Field } from './records.ts'

export function extractJson(bytes: Uint8Array): Extracted {
  const { text, warnings } = decodeText(bytes)
  const { value, odd } = parseJson(text)
  if (odd > 0)
    warnings.push(`${counted(odd, 'number')} that JSON does not have, kept as written (NaN, 1e400)`)
  const layout = createLayout()
  addValue(layout, value, 1)
  return { ...layout.finish(), mediaType: 'application/json', title: titleOf(value), warnings }
}

/** A value a line. A line that cannot be read costs itself. */
export function extractJsonLines(bytes: Uint8Array): Extracted {
  const { text, warnings } = decodeText(bytes)
  const layout = createLayout()
  let broken = 0
  let first = 0
  let total = 0
  let odd = 0
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue
    total++
    try {
      const parsed = parseJson(line)
      odd += parsed.odd
      addRecord(layout, fieldsOf(parsed.value), null, total === 1)
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== 'damaged') throw error
      broken++
      first ||= i + 1
    }
  }
  if (broken === total)
    throw new Refused('damaged', 'none of its lines is JSON: give the file its real name, or export it again')
  if (broken > 0) warnings.push(`${counted(broken, 'line')} left out that is no JSON (line ${first} first)`)
  if (odd > 0)
    warnings.push(`${counted(odd, 'number')} that JSON does not have, kept as written (NaN, 1e400)`)
  return { ...layout.finish(), mediaType: 'application/jsonl', title: null, warnings }
}

/** Sections below this depth are told by the path before their values instead. */
const deepestHeading = 4

function addValue(layout: Layout, value: JsonValue, depth: number): void {
  if (value.kind === 'scalar') layout.add({ kind: 'paragraph', text: value.text })
  else if (value.kind === 'array') addItems(layout, '', value.items, depth)
  else addObject(layout, value, depth)
}

function addObject(layout: Layout, value: JsonValue & { kind: 'object' }, depth: number): void {
  // What an object says of itself comes before the sections in it.
  let isFirst = true
  for (const [key, inner] of value.entries) {
    const line = inlineText(inner)
    if (line === null || line === '') continue
    const text = `${key}: ${line}`
    layout.add({ kind: 'list-item', level: 1, text, separator: isFirst ? '\n\n' : '\n' })
    isFirst = false
  }
  for (const [key, inner] of value.entries) {
    if (inlineText(inner) !== null || inner.kind === 'scalar') continue
    if (depth > deepestHeading) {
      for (const [path, text] of fieldsOf(inner, key))
        layout.add({ kind: 'list-item', level: 1, text: path ? `${path}: ${text}` : text, separator: '\n' })
      continue
    }
    layout.leave(depth)
    layout.add({ kind: 'heading', level: depth, text: oneLine(key) })
    if (inner.kind === 'array') addItems(layout, key, inner.items, depth + 1)
    else addObject(layout, inner, depth + 1)
    layout.leave(depth)
  }
}

/** Items of an array: a record each, when there is an object among them. */
function addItems(layout: Layout, key: string, items: JsonValue[], depth: number): void {
  for (const [i, item] of items.entries()) {
    const name = item.kind === 'object' && depth <= deepestHeading && isLarge(item) ? nameOf(item) : null
    if (name && item.kind === 'object') {
      layout.leave(depth)
      layout.add({ kind: 'heading', level: depth, text: name })
      addObject(layout, item, depth + 1)
    } else if (item.kind === 'scalar') {
      if (item.text)
        layout.add({ kind: 'list-item', level: 1, text: item.text, separator: i === 0 ? '\n\n' : '\n' })
    } else addRecord(layout, fieldsOf(item, item.kind === 'array' ? `${key}[${i}]` : ''), null, i === 0)
  }
  layout.leave(depth)
}

/** More than a row would hold: such an object is a section with its name as heading. */
function isLarge(value: JsonValue): boolean {
  let size = 0
  for (const [path, text] of fieldsOf(value)) {
    size += path.length + text.length
    if (size > 1200) return true
  }
  return false
}

/** By what a record calls itself. */
function nameOf(value: JsonValue & { kind: 'object' }): string | null {
  for (const wanted of ['title', 'name', 'label', 'subject', 'question', 'heading', 'id']) {
    const found = value.entries.find(([key]) => key.toLowerCase() === wanted)?.[1]
    if (found?.kind === 'scalar' && found.text.length <= 200 && found.text.trim()) return oneLine(found.text)
  }
  return null
}

function titleOf(value: JsonValue): string | null {
  if (value.kind !== 'object') return null
  const found = value.entries.find(([key]) => key.toLowerCase() === 'title')?.[1]
  return found?.kind === 'scalar' ? oneLine(found.text) || null : null
}

/** The line of a scalar, or of an array of short ones; null for what has more structure. */
function inlineText(value: JsonValue): string | null {
  if (value.kind === 'scalar') return value.text
  if (value.kind === 'object') return value.entries.length === 0 ? '' : null
  const texts = value.items.map((item) => (item.kind === 'scalar' ? item.text : null))
  if (texts.some((text) => text === null || text.length > 80)) return texts.length === 0 ? '' : null
  return texts.filter((text) => text).join(', ')
}

/** Every value below, with its path: `address.city`, `steps[2].text`. */
function fieldsOf(value: JsonValue, above = ''): Field[] {
  const fields: Field[] = []
  const pending: [path: string, value: JsonValue][] = [[above, value]]
  for (let next = pending.pop(); next; next = pending.pop()) {
    const [path, inner] = next
    const line = inlineText(inner)
    if (line !== null) {
      if (line) fields.push([path, line])
    } else if (inner.kind === 'array')
      for (const [i, item] of [...inner.items.entries()].reverse()) pending.push([`${path}[${i}]`, item])
    else if (inner.kind === 'object')
      for (const [key, item] of inner.entries.toReversed())
        pending.push([path ? `${path}.${key}` : key, item])
  }
  return fields
}
