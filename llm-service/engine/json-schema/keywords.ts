/** The keywords of one schema, each checked for what may stand there. */
import { everyType, type JsonType, type Limit } from './facts.ts'
import { maxEnumValues, refuse, unsupported } from './refused.ts'

export type Schema = Record<string, unknown>

/** Which types a keyword speaks of: a schema without `type` is taken to mean these. */
const assertions: Record<string, JsonType[]> = {
  minLength: ['string'],
  maxLength: ['string'],
  pattern: ['string'],
  format: ['string'],
  minimum: ['number', 'integer'],
  maximum: ['number', 'integer'],
  exclusiveMinimum: ['number', 'integer'],
  exclusiveMaximum: ['number', 'integer'],
  properties: ['object'],
  required: ['object'],
  additionalProperties: ['object'],
  unevaluatedProperties: ['object'],
  propertyNames: ['object'],
  items: ['array'],
  prefixItems: ['array'],
  additionalItems: ['array'],
  minItems: ['array'],
  maxItems: ['array'],
  uniqueItems: ['array'],
}

const others = new Set(['type', 'enum', 'const', 'nullable', '$ref', 'anyOf', 'oneOf', 'allOf'])

/** Say nothing about what is valid. `discriminator` is OpenAPI's hint beside a oneOf. */
const annotations = new Set(
  `title description default example examples $schema $id $comment $anchor $defs definitions deprecated readOnly
   writeOnly contentEncoding contentMediaType discriminator`.split(/\s+/),
)

/** Formats of numbers (OpenAPI) only say how wide a variable is. */
const numberFormats = new Set(['int32', 'int64', 'float', 'double'])

/** Whether it says anything of its own, beside what it refers to and its annotations. */
export function asserts(schema: Schema): boolean {
  return Object.keys(schema).some(
    (key) => Object.hasOwn(assertions, key) || ['type', 'enum', 'const'].includes(key),
  )
}

/** @throws SchemaRefused for the first that is not known */
export function checkKeywords(schema: Schema, pointer: string): void {
  for (const key of Object.keys(schema)) {
    if (Object.hasOwn(assertions, key) || others.has(key) || annotations.has(key) || key.startsWith('x-'))
      continue
    unsupported(key, pointer)
  }
}

export function typesOf(schema: Schema, pointer: string): Set<JsonType> {
  const { type } = schema
  if (type === undefined) {
    const meant = Object.keys(schema).flatMap((key) =>
      Object.hasOwn(assertions, key) ? (assertions[key] ?? []) : [],
    )
    return new Set(meant.length > 0 ? meant : everyType)
  }
  const types = new Set<JsonType>()
  for (const name of Array.isArray(type) ? type : [type]) {
    const known = everyType.find((one) => one === name)
    if (!known) refuse('type', pointer, `must be one of ${everyType.join(', ')}, or a list of them.`)
    types.add(known)
    if (known === 'number') types.add('integer')
  }
  if (types.size === 0) refuse('type', pointer, 'is an empty list.')
  return types
}

export function valuesOf(schema: Schema, pointer: string): Set<string> | null {
  const sets = [
    ...(schema.const === undefined ? [] : [[schema.const]]),
    ...(schema.enum === undefined ? [] : [schema.enum]),
  ].map((list) => {
    if (!Array.isArray(list) || list.length === 0)
      refuse('enum', pointer, 'must be a list with at least one value.')
    if (list.length > maxEnumValues) refuse('enum', pointer, `may hold at most ${maxEnumValues} values.`)
    return new Set(list.map((value) => JSON.stringify(value)))
  })
  const [one, other] = sets
  return one && other ? one.intersection(other) : (one ?? null)
}

/** A format beside a pattern is an annotation, as in JSON Schema itself: the pattern says more. */
export function formatOf(schema: Schema, types: Set<JsonType>, pointer: string): string | null {
  const format = text(schema, 'format', pointer)
  if (format === null || schema.pattern !== undefined) return null
  if (numberFormats.has(format) && types.has('integer')) return null
  return format
}

export function bound(schema: Schema, keyword: string, most: number, pointer: string): number | null {
  const value = schema[keyword]
  if (value === undefined) return null
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > most)
    refuse(keyword, pointer, `must be a whole number from 0 to ${most}.`)
  return value
}

/** The exclusive limit is a number of its own; in OpenAPI 3.0 it is a flag beside the other. */
export function limit(schema: Schema, closed: string, open: string, pointer: string): Limit | null {
  const inside = finite(schema, closed, pointer)
  if (typeof schema[open] === 'boolean') return inside === null ? null : { value: inside, open: schema[open] }
  const outside = finite(schema, open, pointer)
  if (outside === null) return inside === null ? null : { value: inside, open: false }
  const tighter = inside === null || (closed === 'minimum' ? outside >= inside : outside <= inside)
  return tighter ? { value: outside, open: true } : { value: inside, open: false }
}

function finite(schema: Schema, keyword: string, pointer: string): number | null {
  const value = schema[keyword]
  if (value === undefined) return null
  if (typeof value !== 'number' || !Number.isFinite(value)) refuse(keyword, pointer, 'must be a number.')
  return value
}

export function text(schema: Schema, keyword: string, pointer: string): string | null {
  const value = schema[keyword]
  if (value === undefined) return null
  if (typeof value !== 'string') refuse(keyword, pointer, 'must be a string.')
  return value
}

export function flag(schema: Schema, keyword: string, pointer: string): boolean {
  const value = schema[keyword]
  if (value !== undefined && typeof value !== 'boolean') refuse(keyword, pointer, 'must be true or false.')
  return value === true
}

export function strings(schema: Schema, keyword: string, pointer: string): string[] {
  const { [keyword]: list = [] } = schema
  if (!Array.isArray(list) || !list.every((item) => typeof item === 'string'))
    refuse(keyword, pointer, 'must be a list of strings.')
  return list
}
