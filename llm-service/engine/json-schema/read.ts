/** Schemas into facts: references followed, anyOf, oneOf and allOf multiplied out. */
import { followRef, measure, under } from './document.ts'
import { anything, type Facts, meet, type Place, type Together } from './facts.ts'
import {
  asserts,
  bound,
  checkKeywords,
  flag,
  formatOf,
  limit,
  type Schema,
  strings,
  text,
  typesOf,
  valuesOf,
} from './keywords.ts'
import {
  maxAlternatives,
  maxItemsBound,
  maxLengthBound,
  maxUnfolded,
  refuse,
  refusePlace,
  unsupported,
} from './refused.ts'

export interface Reader {
  root: Place
  /** The facts of which one must hold; none when nothing can. */
  alternatives(places: Together): readonly Facts[]
}

/** @throws SchemaRefused */
export function openReader(schema: unknown): Reader {
  measure(schema)
  const places = new Map<object, Place>()
  const known = new Map<Place, readonly Facts[]>()
  const underWay = new Set<Place>()
  let unfolded = 0

  function spend(amount: number, pointer: string): void {
    unfolded += amount
    if (unfolded > maxUnfolded)
      refusePlace(pointer, 'unfolds into too many alternatives: use fewer anyOf and allOf.')
  }

  function placeOf(value: unknown, pointer: string): Place {
    if (typeof value === 'boolean') return { id: value ? 1 : 0, schema: value, pointer }
    if (!isRecord(value)) refusePlace(pointer, 'is not a schema: a schema is an object, true or false.')
    const place = places.get(value) ?? { id: places.size + 2, schema: value, pointer }
    places.set(value, place)
    return place
  }

  function product(as: readonly Facts[], bs: readonly Facts[], pointer: string): readonly Facts[] {
    if (as.length === 1 && as[0] === anything) return bs
    const properties = (list: readonly Facts[]) =>
      list.reduce((sum, facts) => sum + 1 + facts.properties.size, 0)
    spend(as.length * properties(bs) + bs.length * properties(as), pointer)
    return limited(
      as.flatMap((a) => bs.map((b) => meet(a, b)).filter((met) => met !== null)),
      pointer,
    )
  }

  function alternativesOf(place: Place): readonly Facts[] {
    const before = known.get(place)
    if (before) return before
    if (typeof place.schema === 'boolean') return place.schema ? [anything] : []
    if (underWay.has(place)) refuse('$ref', place.pointer, 'leads back to itself with nothing in between.')
    underWay.add(place)
    const found = unfold(place.schema, place.pointer)
    underWay.delete(place)
    known.set(place, found)
    return found
  }

  function unfold(schema: Schema, pointer: string): readonly Facts[] {
    checkKeywords(schema, pointer)
    let found: readonly Facts[] = [ownFacts(schema, pointer)]
    if (schema.$ref !== undefined) {
      const [target, at] = followRef(root.schema, schema.$ref, pointer)
      found = product(found, alternativesOf(placeOf(target, at)), pointer)
    }
    for (const member of members(schema, 'allOf', pointer))
      found = product(found, alternativesOf(member), pointer)
    for (const keyword of ['anyOf', 'oneOf']) {
      if (schema[keyword] === undefined) continue
      const options = members(schema, keyword, pointer).flatMap((member) => alternativesOf(member))
      spend(options.length, pointer)
      found = product(found, limited([...new Set(options)], pointer), pointer)
    }
    if (schema.unevaluatedProperties !== undefined) {
      const extra = openOrClosed(schema.unevaluatedProperties, `${pointer}/unevaluatedProperties`)
      found = found.map((facts) => (facts.extra === null ? { ...facts, extra } : facts))
    }
    if (flag(schema, 'nullable', pointer))
      found = [...found, { ...anything, pointer, types: new Set(['null']) }]
    return found
  }

  function members(schema: Schema, keyword: string, pointer: string): Place[] {
    const list = schema[keyword]
    if (list === undefined) return []
    if (!Array.isArray(list) || list.length === 0)
      refuse(keyword, pointer, 'must be a list with at least one schema.')
    return list.map((member, i) => placeOf(member, `${pointer}/${keyword}/${i}`))
  }

  /** What the schema's own keywords demand, without those that bring in other schemas for the same value. */
  function ownFacts(schema: Schema, pointer: string): Facts {
    if (!asserts(schema)) return anything
    const types = typesOf(schema, pointer)
    const places = (keyword: string) => openOrClosed(schema[keyword], `${pointer}/${keyword}`)
    if (flag(schema, 'uniqueItems', pointer)) unsupported('uniqueItems', pointer)
    // Tuples are prefixItems and items since 2020; until draft 7 they were items and additionalItems.
    const oldTuple = Array.isArray(schema.items)
    const prefix = oldTuple ? schema.items : schema.prefixItems
    return {
      pointer,
      types,
      values: valuesOf(schema, pointer),
      length: {
        min: bound(schema, 'minLength', maxLengthBound, pointer) ?? 0,
        max: bound(schema, 'maxLength', maxLengthBound, pointer),
      },
      pattern: text(schema, 'pattern', pointer),
      format: formatOf(schema, types, pointer),
      above: limit(schema, 'minimum', 'exclusiveMinimum', pointer),
      below: limit(schema, 'maximum', 'exclusiveMaximum', pointer),
      properties: propertiesOf(schema, pointer),
      required: new Set(strings(schema, 'required', pointer)),
      extra: places('additionalProperties'),
      names: namesOf(schema, pointer),
      prefix: tuple(prefix, oldTuple ? 'items' : 'prefixItems', pointer),
      rest: oldTuple ? places('additionalItems') : places('items'),
      items: {
        min: bound(schema, 'minItems', maxItemsBound, pointer),
        max: bound(schema, 'maxItems', maxItemsBound, pointer),
      },
    }
  }

  function openOrClosed(value: unknown, pointer: string): Together | false | null {
    if (value === undefined) return null
    if (value === false) return false
    return value === true ? [] : [placeOf(value, pointer)]
  }

  function propertiesOf(schema: Schema, pointer: string): Map<string, Together> {
    const { properties = {} } = schema
    if (!isRecord(properties)) refuse('properties', pointer, 'must be an object of schemas.')
    return new Map(
      Object.entries(properties).map(([name, value]) => [
        name,
        [placeOf(value, under(`${pointer}/properties`, name))],
      ]),
    )
  }

  function tuple(list: unknown, keyword: string, pointer: string): Together[] {
    if (list === undefined) return []
    if (!Array.isArray(list)) refuse(keyword, pointer, 'must be a list of schemas.')
    if (list.length > maxItemsBound) refuse(keyword, pointer, `may hold at most ${maxItemsBound} schemas.`)
    return list.map((item, i) => [placeOf(item, `${pointer}/${keyword}/${i}`)])
  }

  /** Records send propertyNames: any string, or a choice of names. */
  function namesOf(schema: Schema, pointer: string): Set<string> | null {
    if (schema.propertyNames === undefined) return null
    const options = alternativesOf(placeOf(schema.propertyNames, `${pointer}/propertyNames`))
    const free = options.some((facts) => facts.values === null)
    for (const { length, pattern, format } of options) {
      if (length.min > 0 || length.max !== null || pattern !== null || format !== null)
        refuse(
          'propertyNames',
          pointer,
          'may only choose names with enum; lengths, patterns and formats are not supported.',
        )
    }
    if (free) return null
    const names = options.flatMap(({ values }) =>
      [...(values ?? [])].map((value): unknown => JSON.parse(value)),
    )
    return new Set(names.filter((name) => typeof name === 'string'))
  }

  const root = placeOf(schema, '#')
  return {
    root,
    alternatives: (together) =>
      together.reduce<readonly Facts[]>(
        (found, place) => product(found, alternativesOf(place), place.pointer),
        [anything],
      ),
  }
}

function limited<T>(list: T[], pointer: string): T[] {
  if (list.length > maxAlternatives) refusePlace(pointer, `has more than ${maxAlternatives} alternatives.`)
  return list
}

function isRecord(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
