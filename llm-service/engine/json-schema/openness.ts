/**
 * How many readings of a text a grammar can leave open at once. llama.cpp follows them side by side and looks at the
 * vocabulary once for each: two objects that only differ inside, each holding two such objects, double with every
 * level, and a schema of ten lines takes the worker's memory.
 */
import { maxComparisons, maxOpen, refusePlace } from './refused.ts'
import type { ArrayShape, ObjectShape, Rule, Shape } from './shapes.ts'

type Container = ObjectShape | ArrayShape

const advice =
  'has too many alternatives that begin alike: give each a first required property that tells it apart, like a type with a const.'

/** @throws SchemaRefused when more than `maxOpen` readings could be open at once */
export function checkOpenness(rules: Rule[]): void {
  let work = 0
  const compared = (rule: Rule, amount: number) => {
    work += amount
    if (work > maxComparisons) refusePlace(rule.pointer, advice)
  }
  const tells = new Map(rules.map((rule) => [rule, tellsOf(rule)]))
  const telling = (rule: Rule) => tells.get(rule) ?? tellsOf(rule)
  const rivals = new Map(rules.map((rule) => [rule, rivalsIn(rule, telling, compared)]))
  const open = new Map<Rule, number>()

  function inside(shape: Shape): number {
    const held = children(shape)
    return held.reduce((most, rule) => Math.max(most, open.get(rule) ?? 1), choices(shape))
  }

  for (const rule of rules) {
    if (rule.shapes.some((shape) => choices(shape) > maxOpen))
      refusePlace(
        rule.pointer,
        `has more than ${maxOpen - 1} optional properties in a row: make some of them required.`,
      )
  }
  for (let changed = true; changed; ) {
    changed = false
    for (const rule of rules.toReversed()) {
      const sizes = new Map(rule.shapes.map((shape) => [shape, inside(shape)]))
      compared(
        rule,
        rule.shapes.reduce((sum, shape) => sum + 1 + children(shape).length, 0),
      )
      const sums = (rivals.get(rule) ?? []).map((group) =>
        group.reduce((sum, shape) => sum + (sizes.get(shape) ?? 1), 0),
      )
      const now = Math.max(1, ...sums)
      if (now > maxOpen) refusePlace(rule.pointer, advice)
      if (now <= (open.get(rule) ?? 1)) continue
      open.set(rule, now)
      changed = true
    }
  }
}

/** For each alternative those that a text may still be together with it, itself among them. */
function rivalsIn(
  rule: Rule,
  telling: (rule: Rule) => Tells,
  compared: (rule: Rule, amount: number) => void,
): Shape[][] {
  const containers = rule.shapes.filter((shape) => shape.kind === 'object' || shape.kind === 'array')
  if (containers.length > maxOpen) refusePlace(rule.pointer, advice)
  const texts = rule.shapes.filter(({ kind }) => kind === 'string' || kind === 'pattern' || kind === 'number')
  const groups = containers.map((a) =>
    containers.filter((b) => {
      if (a === b) return true
      const [steps, told] = apart(a, b, telling)
      compared(rule, steps)
      return !told
    }),
  )
  return [texts, ...groups]
}

/** Optional properties in a row: after a comma each of them may come. */
function choices(shape: Shape): number {
  if (shape.kind !== 'object') return 1
  let [run, longest] = [0, 0]
  for (const { required } of shape.properties) {
    run = required ? 0 : run + 1
    longest = Math.max(longest, run)
  }
  return longest + 1
}

function children(shape: Shape): Rule[] {
  if (shape.kind === 'object') {
    const values = shape.properties.map(({ value }) => value)
    return shape.extra ? [...values, shape.extra] : values
  }
  if (shape.kind !== 'array') return []
  return shape.rest ? [...shape.prefix, shape.rest] : shape.prefix
}

/** Whether the text tells two of them apart before anything nested begins, and how many steps it took to say. */
function apart(a: Container, b: Container, telling: (rule: Rule) => Tells): [steps: number, apart: boolean] {
  if (a.kind === 'object' && b.kind === 'object') return objectsApart(a, b, telling)
  if (a.kind !== 'array' || b.kind !== 'array') return [1, true]
  const [one, other] = [a, b].map(({ prefix, rest }) => prefix[0] ?? rest)
  return [1, !one || !other || beginApart(telling(one), telling(other))]
}

function objectsApart(a: ObjectShape, b: ObjectShape, telling: (rule: Rule) => Tells): [number, boolean] {
  for (let i = 0; ; i++) {
    const [one, other] = [a.properties[i], b.properties[i]]
    if (!one || !other) return [i + 1, a.extra === null && b.extra === null]
    if (!one.required || !other.required) return [i + 1, false]
    const [left, right] = [telling(one.value), telling(other.value)]
    if (one.name !== other.name || beginApart(left, right) || valuesApart(left, right)) return [i + 1, true]
    if (!left.flat || !right.flat) return [i + 1, false]
  }
}

/** What a value says of itself early. */
interface Tells {
  /** First characters, one for each kind of value. */
  begins: Set<string>
  /** All texts that it can be; null when there are others than a list. */
  texts: Set<string> | null
  /** Nothing is nested in it. */
  flat: boolean
}

const begins = { any: '{["-tfn', object: '{', array: '[', string: '"', pattern: '"', number: '-' }

function tellsOf({ shapes }: Rule): Tells {
  const literals = shapes.flatMap((shape) => (shape.kind === 'literal' ? [shape.text] : []))
  const firstOf = (text: string) => (/^[-0-9]/.test(text) ? '-' : text.slice(0, 1))
  return {
    begins: new Set(
      shapes.flatMap((shape) => (shape.kind === 'literal' ? [firstOf(shape.text)] : [...begins[shape.kind]])),
    ),
    texts: literals.length === shapes.length ? new Set(literals) : null,
    flat: !shapes.some(({ kind }) => kind === 'any' || kind === 'object' || kind === 'array'),
  }
}

function beginApart(a: Tells, b: Tells): boolean {
  return a.begins.isDisjointFrom(b.begins)
}

function valuesApart(a: Tells, b: Tells): boolean {
  return a.texts !== null && b.texts !== null && a.texts.isDisjointFrom(b.texts)
}
