/**
 * What a schema without alternatives demands, and how two such demands become one (allOf). Children stay schemas, a
 * list of them where several must hold at once, so that a schema that contains itself ends.
 */
import { refuse } from './refused.ts'

/** `number` stands for those with a fraction; a schema that says number has `integer` as well. */
export type JsonType = 'null' | 'boolean' | 'integer' | 'number' | 'string' | 'array' | 'object'

export const everyType: readonly JsonType[] = [
  'null',
  'boolean',
  'integer',
  'number',
  'string',
  'array',
  'object',
]

/** A schema and where it stands; one object has one place, however many references lead to it. */
export interface Place {
  id: number
  schema: Record<string, unknown> | boolean
  /** `#/properties/name` */
  pointer: string
}

/** All of them must hold; none of them is anything. */
export type Together = readonly Place[]

export interface Limit {
  value: number
  /** The value itself is outside. */
  open: boolean
}

export interface Facts {
  /** For messages. */
  pointer: string
  types: ReadonlySet<JsonType>
  /** enum and const, as JSON texts. */
  values: ReadonlySet<string> | null
  /** Code points. */
  length: { min: number; max: number | null }
  pattern: string | null
  format: string | null
  above: Limit | null
  below: Limit | null
  properties: ReadonlyMap<string, Together>
  required: ReadonlySet<string>
  /** additionalProperties: false, a schema, or null where nothing is said. */
  extra: Together | false | null
  /** Names that propertyNames allows. */
  names: ReadonlySet<string> | null
  prefix: readonly Together[]
  /** Items after the prefix: false, a schema, or null where nothing is said. */
  rest: Together | false | null
  items: { min: number | null; max: number | null }
}

export const anything: Facts = {
  pointer: '#',
  types: new Set(everyType),
  values: null,
  length: { min: 0, max: null },
  pattern: null,
  format: null,
  above: null,
  below: null,
  properties: new Map(),
  required: new Set(),
  extra: null,
  names: null,
  prefix: [],
  rest: null,
  items: { min: null, max: null },
}

/** Both at once; null when nothing can be both. @throws SchemaRefused for two patterns or two formats */
export function meet(a: Facts, b: Facts): Facts | null {
  if (a === anything) return b
  if (b === anything) return a
  const types = a.types.intersection(b.types)
  const values = a.values && b.values ? a.values.intersection(b.values) : (a.values ?? b.values)
  if (types.size === 0 || values?.size === 0) return null
  return {
    pointer: b.pointer,
    types,
    values,
    length: { min: Math.max(a.length.min, b.length.min), max: least(a.length.max, b.length.max) },
    pattern: same('pattern', a, b),
    format: same('format', a, b),
    above: tighter(a.above, b.above, 1),
    below: tighter(a.below, b.below, -1),
    properties: meetProperties(a, b),
    required: a.required.union(b.required),
    extra: together(a.extra, b.extra),
    names: a.names && b.names ? a.names.intersection(b.names) : (a.names ?? b.names),
    prefix: Array.from({ length: Math.max(a.prefix.length, b.prefix.length) }, (_, i) => [
      ...itemAt(a, i),
      ...itemAt(b, i),
    ]),
    rest: together(a.rest, b.rest),
    items: { min: most(a.items.min, b.items.min), max: meetItems(a, b) },
  }
}

function same(keyword: 'pattern' | 'format', a: Facts, b: Facts): string | null {
  const [one, other] = [a[keyword], b[keyword]]
  if (one !== null && other !== null && one !== other) {
    refuse(keyword, b.pointer, 'is joined with a different one by allOf or $ref, which is not supported.')
  }
  return one ?? other
}

/** @param sign 1 for lower limits, −1 for upper ones */
function tighter(a: Limit | null, b: Limit | null, sign: 1 | -1): Limit | null {
  if (!a || !b) return a ?? b
  if (a.value === b.value) return { value: a.value, open: a.open || b.open }
  return a.value * sign > b.value * sign ? a : b
}

function least(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b)
}

function most(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b)
}

function together(a: Together | false | null, b: Together | false | null): Together | false | null {
  if (a === false || b === false) return false
  return a && b ? [...a, ...b] : (a ?? b)
}

/** A property of one side that the other does not name falls under the other's additionalProperties. */
function meetProperties(a: Facts, b: Facts): ReadonlyMap<string, Together> {
  const names = new Set([...a.properties.keys(), ...b.properties.keys()])
  const met = new Map<string, Together>()
  for (const name of names) {
    const parts = [a, b].map((side) => side.properties.get(name) ?? side.extra ?? [])
    const forbidden = parts.includes(false)
    met.set(name, forbidden ? nothing : parts.flatMap((part) => part || []))
  }
  return met
}

/** The schema `false`. */
export const nothing: Together = [{ id: 0, schema: false, pointer: '#' }]

function itemAt(facts: Facts, index: number): Together {
  const item = facts.prefix[index] ?? facts.rest
  return item === false ? nothing : (item ?? [])
}

/** A tuple that ends caps the other side's length as well. */
function meetItems(a: Facts, b: Facts): number | null {
  const ends = [a, b].map((side) => (side.rest === false ? side.prefix.length : null))
  return [a.items.max, b.items.max, ...ends].reduce(least)
}
