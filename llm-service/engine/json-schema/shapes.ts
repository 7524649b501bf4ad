/** Facts into shapes, what the grammar is written from. */
import { type Facts, type Limit, nothing, type Together } from './facts.ts'
import { formatNames, formatPattern } from './formats.ts'
import { integerGrammar, NumberRefused, numberGrammar } from './numbers.ts'
import { isOneCharacterRepeated, type Pattern, PatternRefused, readPattern } from './pattern.ts'
import { lengthOf } from './pattern-length.ts'
import { prune } from './prune.ts'
import type { Reader } from './read.ts'
import { maxItemsBound, maxPlaces, refuse, refusePlace } from './refused.ts'

/** A value that satisfies any of its shapes. */
export interface Rule {
  pointer: string
  shapes: Shape[]
}

export interface Property {
  name: string
  required: boolean
  value: Rule
}

export interface ObjectShape {
  kind: 'object'
  properties: Property[]
  /** Of properties with other names; null when there may be none. */
  extra: Rule | null
}

export interface ArrayShape {
  kind: 'array'
  prefix: Rule[]
  /** Of items after the prefix; null when there may be none. */
  rest: Rule | null
  min: number
  max: number | null
}

export type Shape =
  | { kind: 'any' }
  | { kind: 'literal'; text: string }
  /** `grammar` matches the whole number. */
  | { kind: 'number'; grammar: string }
  | { kind: 'string'; min: number; max: number | null }
  | { kind: 'pattern'; pattern: Pattern }
  | ObjectShape
  | ArrayShape

const any: Shape = { kind: 'any' }

/** @throws SchemaRefused, also when nothing finite can satisfy the schema */
export function shapesOf(reader: Reader): { root: Rule; rules: Rule[] } {
  const rules = new Map<string, Rule>()
  const known = new Map<Facts, Shape[]>()
  const open: { rule: Rule; places: Together }[] = []

  function ruleOf(places: Together): Rule {
    const ids = [...new Set(places.map(({ id }) => id))].toSorted((a, b) => a - b)
    const key = ids.join(' ')
    const before = rules.get(key)
    if (before) return before
    const rule: Rule = { pointer: places[0]?.pointer ?? '#', shapes: [] }
    if (rules.size >= maxPlaces) refusePlace(rule.pointer, 'unfolds into too many places: use fewer allOf.')
    rules.set(key, rule)
    open.push({ rule, places })
    return rule
  }

  function shapes(facts: Facts): Shape[] {
    const found = known.get(facts) ?? shape(facts, ruleOf)
    known.set(facts, found)
    return found
  }

  const root = ruleOf([reader.root])
  for (let next = open.pop(); next; next = open.pop()) {
    next.rule.shapes = distinct(reader.alternatives(next.places).flatMap(shapes))
  }
  const all = [...rules.values()]
  prune(all)
  if (root.shapes.length === 0)
    refusePlace(
      '#',
      'can be satisfied by no finite value: it contradicts itself, or what it requires has no end.',
    )
  return { root, rules: all }
}

function distinct(shapes: Shape[]): Shape[] {
  if (shapes.includes(any)) return [any]
  const literals = new Map<string, Shape>()
  for (const shape of shapes) if (shape.kind === 'literal') literals.set(shape.text, shape)
  return [...new Set(shapes.filter(({ kind }) => kind !== 'literal')), ...literals.values()]
}

type RuleOf = (places: Together) => Rule

function shape(facts: Facts, ruleOf: RuleOf): Shape[] {
  if (facts.values) return literals(facts, facts.values)
  if (isFree(facts)) return [any]
  const { types } = facts
  const literal = (text: string): Shape => ({ kind: 'literal', text })
  const found = [
    types.has('object') ? objectShape(facts, ruleOf) : null,
    types.has('array') ? arrayShape(facts, ruleOf) : null,
    types.has('string') ? stringShape(facts) : null,
    types.has('integer') ? numberShape(facts, types.has('number') ? numberGrammar : integerGrammar) : null,
    ...(types.has('boolean') ? [literal('true'), literal('false')] : []),
    types.has('null') ? literal('null') : null,
  ]
  return found.filter((shape) => shape !== null)
}

function isFree(facts: Facts): boolean {
  const {
    types,
    length,
    pattern,
    format,
    above,
    below,
    properties,
    required,
    extra,
    names,
    prefix,
    rest,
    items,
  } = facts
  const open = (places: Together | false | null) =>
    places === null || (places !== false && places.length === 0)
  return (
    types.size === 7 &&
    [pattern, format, above, below, names, length.max, items.min, items.max].every((one) => one === null) &&
    length.min + properties.size + required.size + prefix.length === 0 &&
    open(extra) &&
    open(rest)
  )
}

/** enum and const, less the values that the rest of the schema excludes. */
function literals(facts: Facts, values: ReadonlySet<string>): Shape[] {
  const { pointer, pattern, format, properties, extra, prefix, rest } = facts
  const others: [string, boolean][] = [
    ['pattern', pattern !== null],
    ['format', format !== null],
    ['properties', properties.size > 0 || facts.required.size > 0 || extra !== null || facts.names !== null],
    ['items', prefix.length > 0 || rest !== null || facts.items.min !== null || facts.items.max !== null],
  ]
  for (const [keyword, used] of others)
    if (used) refuse(keyword, pointer, 'is not supported beside enum or const.')
  return [...values]
    .filter((text) => fits(JSON.parse(text), facts))
    .map((text) => ({ kind: 'literal', text }))
}

function fits(value: unknown, { types, length, above, below }: Facts): boolean {
  if (value === null) return types.has('null')
  if (Array.isArray(value)) return types.has('array')
  if (typeof value === 'string') {
    const points = [...value].length
    return types.has('string') && points >= length.min && (length.max === null || points <= length.max)
  }
  if (typeof value === 'number') {
    const under = (limit: Limit | null, distance: number) =>
      !limit || distance > 0 || (distance === 0 && !limit.open)
    const type = Number.isInteger(value) ? 'integer' : 'number'
    return (
      types.has(type) &&
      under(above, value - (above?.value ?? 0)) &&
      under(below, (below?.value ?? 0) - value)
    )
  }
  return types.has(typeof value === 'boolean' ? 'boolean' : 'object')
}

function stringShape({ pointer, length, pattern, format }: Facts): Shape | null {
  const { min, max } = length
  if (max !== null && min > max) return null
  if (pattern === null && format === null) return { kind: 'string', min, max }
  if (pattern !== null) return withLength(parsed(pattern, pointer), length, 'pattern', pointer)
  const formatted = formatPattern(format ?? '')
  if (formatted === null) refuse('format', pointer, `is not one of the supported ones: ${formatNames}.`)
  return withLength(formatted, length, 'format', pointer)
}

function parsed(source: string, pointer: string): Pattern {
  try {
    return readPattern(source)
  } catch (error) {
    if (!(error instanceof PatternRefused)) throw error
    refuse(
      'pattern',
      pointer,
      `${error.message}. Supported are characters, classes, groups, |, repetition, ^ and $ at the ends.`,
    )
  }
}

/** A grammar cannot count while it matches, so lengths must follow from the pattern, or be those of its repetition. */
function withLength(
  pattern: Pattern,
  { min, max }: Facts['length'],
  keyword: string,
  pointer: string,
): Shape | null {
  const repeat = isOneCharacterRepeated(pattern)
  if (repeat) {
    const [from, to] = [Math.max(repeat.min, min), Math.min(repeat.max ?? Infinity, max ?? Infinity)]
    if (from > to) return null
    const unit = { ...repeat, min: from, max: to === Infinity ? null : to }
    return { kind: 'pattern', pattern: { kind: 'sequence', parts: [unit] } }
  }
  const own = lengthOf(pattern)
  if (own.min < min || (max !== null && (own.max === null || own.max > max)))
    refuse(
      min > own.min ? 'minLength' : 'maxLength',
      pointer,
      `is narrower than its ${keyword}, which is not supported: put the length into a pattern.`,
    )
  return { kind: 'pattern', pattern }
}

function numberShape(facts: Facts, grammarOf: typeof numberGrammar): Shape | null {
  try {
    const grammar = grammarOf(facts.above, facts.below)
    return grammar === null ? null : { kind: 'number', grammar }
  } catch (error) {
    if (!(error instanceof NumberRefused)) throw error
    refuse(error.keyword, facts.pointer, `${error.message}, which is not supported.`)
  }
}

/** Without a word on additionalProperties an object with properties has no others, as in OpenAI's strict mode. */
function objectShape(facts: Facts, ruleOf: RuleOf): Shape {
  const declared = new Map(facts.properties)
  const unsaid = facts.extra ?? (declared.size > 0 ? false : [])
  const extra = facts.names && facts.extra === null ? [] : unsaid
  const undeclared = new Set([...(facts.names ?? []), ...facts.required])
  for (const name of undeclared) {
    if (!declared.has(name)) declared.set(name, extra === false ? nothing : extra)
  }
  const properties = [...declared].map(([name, places]) => ({
    name,
    required: facts.required.has(name),
    value: ruleOf(facts.names?.has(name) === false ? nothing : places),
  }))
  return { kind: 'object', properties, extra: extra === false || facts.names ? null : ruleOf(extra) }
}

/** Without a word on what follows, a tuple is whole and nothing follows it. */
function arrayShape(facts: Facts, ruleOf: RuleOf): Shape | null {
  const { prefix, items } = facts
  const tuple = prefix.length > 0
  const rest = facts.rest ?? (tuple ? false : [])
  const ends = rest === false ? prefix.length : null
  const max = items.max === null || ends === null ? (items.max ?? ends) : Math.min(items.max, ends)
  const min = items.min ?? (tuple ? Math.min(prefix.length, max ?? maxItemsBound) : 0)
  if (max !== null && min > max) return null
  return { kind: 'array', prefix: prefix.map(ruleOf), rest: rest === false ? null : ruleOf(rest), min, max }
}
