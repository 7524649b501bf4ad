/** What the schema compiler does not take, and its bounds. */

/** Containers (objects and arrays) of a schema; OpenAI's own bound is 5,000 properties. */
export const maxNodes = 5000
/** Schemas inside schemas. */
export const maxDepth = 64
export const maxEnumValues = 1000
/** For minLength and maxLength. */
export const maxLengthBound = 100_000
/** For minItems and maxItems: llama.cpp turns a larger `{m,n}` into "without end" or refuses it. */
export const maxItemsBound = 2000
/** Alternatives of one place, after anyOf, oneOf and allOf were multiplied out. */
export const maxAlternatives = 1000
/** Places that a whole schema may unfold into. */
export const maxPlaces = 20_000
/** Properties that may be looked at while alternatives are multiplied out, all together; half a second. */
export const maxUnfolded = 200_000
/** Characters of the grammar; llama.cpp reads so many in about 20 ms. */
export const maxGrammarLength = 500_000
/** Rules that llama.cpp makes of repetitions, all together. */
export const maxRepeated = 50_000
/** Characters of a property's name that additional properties are kept from, a rule for each. */
export const maxNameLength = 500
/** Positions in the grammar that may be open at once; each costs a look at the whole vocabulary for every token. */
export const maxOpen = 256
/** Comparisons of alternatives with each other; about a second. */
export const maxComparisons = 2_000_000

const supported =
  'type, properties, required, additionalProperties, propertyNames (enum), items, prefixItems, minItems, maxItems, ' +
  'enum, const, anyOf, oneOf, allOf, $ref, $defs, definitions, minLength, maxLength, pattern, format, minimum, ' +
  'maximum, exclusiveMinimum, exclusiveMaximum, nullable and annotations'

/** A JSON Schema that cannot be turned into a grammar. Its message holds keywords and places, never values. */
export class SchemaRefused extends Error {
  override readonly name = 'SchemaRefused'
  constructor(
    message: string,
    /** Null where it is the schema as a whole. */
    readonly keyword: string | null,
    /** JSON pointer, as a fragment: `#/properties/name`. */
    readonly pointer: string,
  ) {
    super(message)
  }
}

/** @throws SchemaRefused always: `"format" at #/properties/a …` */
export function refuse(keyword: string, pointer: string, why: string): never {
  throw new SchemaRefused(`"${shown(keyword, 40)}" at ${shown(pointer, 200)} ${why}`, keyword, pointer)
}

/** @throws SchemaRefused always, with what is supported */
export function unsupported(keyword: string, pointer: string): never {
  refuse(keyword, pointer, `is not supported. Supported are ${supported}.`)
}

/** @throws SchemaRefused always, for what no single keyword is the cause of */
export function refusePlace(pointer: string, why: string): never {
  throw new SchemaRefused(`The schema at ${shown(pointer, 200)} ${why}`, null, pointer)
}

/** Names come from the client: one line, and not endless. */
function shown(text: string, length: number): string {
  const line = text.replace(/[^\x20-\x7e]/g, '?')
  return line.length > length ? `${line.slice(0, length)}…` : line
}
