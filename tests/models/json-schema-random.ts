/** Schemas nobody would write, values that satisfy them by how they are made, and a validator of its own for them. */
import { seeded } from '../unit/ingest-random-document.ts'

export { seeded }

type Random = () => number

export interface Schema {
  type?: string
  enum?: unknown[]
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: boolean | Schema
  items?: Schema
  prefixItems?: Schema[]
  minItems?: number
  maxItems?: number
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  anyOf?: Schema[]
}

export interface Case {
  schema: Schema
  /** A value that satisfies it. */
  draw(): unknown
}

const words = [
  '',
  'a',
  'two words',
  'é',
  '😀',
  '"quoted"',
  'back\\slash',
  'line\nbreak',
  '図書館',
  '{"a":1}',
  '0',
  'null',
]
const names = ['a', 'b', 'ab', 'name', 'a b', 'ö', '"', 'x/y', '1', 'toString']

export function randomCase(random: Random, depth = 0): Case {
  const whole = (from: number, to: number) => from + Math.floor(random() * (to - from + 1))
  const pick = <T>(list: readonly T[]): T => list[whole(0, list.length - 1)] as T
  const inner = () => randomCase(random, depth + 1)
  const text = () => Array.from({ length: whole(0, 2) }, () => pick(words)).join('')

  const kinds: Record<string, () => Case> = {
    string: () => {
      const [min, max] = [whole(0, 4), whole(4, 9)]
      const sized = () => [...`${text()}${text()}abcdefghi`].slice(0, whole(min, max)).join('')
      return random() < 0.5
        ? { schema: { type: 'string' }, draw: text }
        : { schema: { type: 'string', minLength: min, maxLength: max }, draw: sized }
    },
    integer: () => {
      const [low, high] = [whole(-1200, 30), whole(31, 5000)]
      return { schema: { type: 'integer', minimum: low, maximum: high }, draw: () => whole(low, high) }
    },
    number: () => ({
      schema: { type: 'number' },
      draw: () => Number(((random() - 0.5) * 10 ** whole(0, 12)).toFixed(3)),
    }),
    boolean: () => ({ schema: { type: 'boolean' }, draw: () => random() < 0.5 }),
    null: () => ({ schema: { type: 'null' }, draw: () => null }),
    enum: () => {
      const values = [...new Set([text(), text(), whole(0, 20), whole(0, 200), pick([true, null, 'a'])])]
      return { schema: { enum: values }, draw: () => pick(values) }
    },
    array: () => {
      const item = inner()
      const [min, max] = [whole(0, 2), whole(2, 4)]
      const draw = () => Array.from({ length: whole(min, max) }, () => item.draw())
      return { schema: { type: 'array', items: item.schema, minItems: min, maxItems: max }, draw }
    },
    tuple: () => {
      const items = Array.from({ length: whole(1, 3) }, inner)
      return {
        schema: {
          type: 'array',
          prefixItems: items.map(({ schema }) => schema),
          minItems: items.length,
          maxItems: items.length,
        },
        draw: () => items.map((item) => item.draw()),
      }
    },
    object: () => {
      const own = names
        .filter(() => random() < 0.4)
        .map((name) => ({ name, ...inner(), required: random() < 0.5 }))
      const open = random() < 0.3
      const schema = {
        type: 'object',
        properties: Object.fromEntries(own.map(({ name, schema }) => [name, schema])),
        required: own.filter(({ required }) => required).map(({ name }) => name),
        additionalProperties: open ? { type: 'integer' } : false,
      }
      // Names like "1" come first in JavaScript's objects, so the order is the object's.
      const order = Object.keys(schema.properties)
      const sorted = own.toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name))
      const draw = () => ({
        ...Object.fromEntries(
          sorted
            .filter(({ required }) => required || random() < 0.5)
            .map((property) => [property.name, property.draw()]),
        ),
        ...(open && random() < 0.5 ? { other: 1, 'a b c': -2 } : {}),
      })
      return { schema, draw }
    },
    anyOf: () => {
      const options = Array.from({ length: whole(1, 3) }, inner)
      return { schema: { anyOf: options.map(({ schema }) => schema) }, draw: () => pick(options).draw() }
    },
  }
  const scalars = ['string', 'integer', 'number', 'boolean', 'null', 'enum']
  const kind = depth >= 3 ? pick(scalars) : depth === 0 ? 'object' : pick(Object.keys(kinds))
  return (kinds[kind] ?? inner)()
}

/** JSON Schema's own rules for what `randomCase` makes. */
export function valid(schema: Schema, value: unknown): boolean {
  if (schema.anyOf) return schema.anyOf.some((option) => valid(option, value))
  if (schema.enum) return schema.enum.includes(value)
  switch (schema.type) {
    case 'string': {
      const length = typeof value === 'string' ? [...value].length : -1
      return length >= (schema.minLength ?? 0) && length <= (schema.maxLength ?? Infinity)
    }
    case 'integer':
    case 'number':
      return (
        typeof value === 'number' &&
        (schema.type === 'number' || Number.isInteger(value)) &&
        value >= (schema.minimum ?? -Infinity) &&
        value <= (schema.maximum ?? Infinity)
      )
    case 'boolean':
      return typeof value === 'boolean'
    case 'null':
      return value === null
    case 'array': {
      if (!Array.isArray(value)) return false
      const { prefixItems = [], items, minItems = 0, maxItems = Infinity } = schema
      const fits = (item: unknown, i: number) => valid(prefixItems[i] ?? items ?? {}, item)
      return value.length >= minItems && value.length <= maxItems && value.every(fits)
    }
    default:
      return validObject(schema, value)
  }
}

function validObject(
  { properties = {}, required = [], additionalProperties }: Schema,
  value: unknown,
): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  if (!required.every((name) => Object.hasOwn(value, name))) return false
  return Object.entries(value).every(([name, held]) => {
    if (Object.hasOwn(properties, name)) return valid(properties[name] ?? {}, held)
    return typeof additionalProperties === 'object' && valid(additionalProperties, held)
  })
}

/** The value with one thing wrong somewhere; undefined when this try found nothing that is surely wrong. */
export function spoil(schema: Schema, value: unknown, random: Random): unknown {
  const places: ((root: { value: unknown }) => void)[] = []
  const root = { value: structuredClone(value) }
  function visit(held: unknown, put: (now: unknown) => void, remove: (() => void) | null): void {
    for (const wrong of [{ surely: ['not'] }, [[[[[1]]]]], 'x'.repeat(50), 123_456.75, null, true])
      places.push(() => put(wrong))
    if (remove) places.push(remove)
    if (Array.isArray(held)) {
      for (const [i, item] of held.entries()) {
        visit(
          item,
          (now) => held.splice(i, 1, now),
          () => held.splice(i, 1),
        )
      }
      places.push(() => held.push({ one: ['too many'] }))
    } else if (typeof held === 'object' && held !== null) {
      for (const name of Object.keys(held))
        visit(
          Reflect.get(held, name),
          (now) => Reflect.set(held, name, now),
          () => Reflect.deleteProperty(held, name),
        )
      places.push(() => Reflect.set(held, 'an extra property', 'x'))
    }
  }
  visit(
    root.value,
    (now) => {
      root.value = now
    },
    null,
  )
  places[Math.floor(random() * places.length)]?.(root)
  return valid(schema, root.value) ? undefined : root.value
}
