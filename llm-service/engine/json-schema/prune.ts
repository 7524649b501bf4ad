/** Cuts off what no finite text can satisfy. */
import type { Rule, Shape } from './shapes.ts'

/** Takes away, until nothing changes, what has no finite text: an object that requires itself, a property that is false. */
export function prune(rules: Rule[]): void {
  const ending = new Set<Rule>()
  const ends = (rule: Rule) => ending.has(rule)
  for (let before = -1; before < ending.size; ) {
    before = ending.size
    // Deeper ones were found later, and decide on those above.
    for (const rule of rules.toReversed())
      if (rule.shapes.some((shape) => endsWith(shape, ends))) ending.add(rule)
  }
  for (const rule of rules) {
    rule.shapes = rule.shapes.filter((shape) => endsWith(shape, ends))
    for (const shape of rule.shapes) cut(shape, ends)
  }
}

function endsWith(shape: Shape, ends: (rule: Rule) => boolean): boolean {
  if (shape.kind === 'object')
    return shape.properties.every(({ required, value }) => !required || ends(value))
  if (shape.kind !== 'array') return true
  const { prefix, rest, min } = shape
  return prefix.slice(0, min).every(ends) && (min <= prefix.length || (rest !== null && ends(rest)))
}

function cut(shape: Shape, ends: (rule: Rule) => boolean): void {
  if (shape.kind === 'object') {
    // The name stays taken: an additional property must not bring it back.
    if (shape.extra && !ends(shape.extra)) shape.extra = null
    if (!shape.extra) shape.properties = shape.properties.filter(({ value }) => ends(value))
  } else if (shape.kind === 'array') {
    const dead = shape.prefix.findIndex((rule) => !ends(rule))
    if (dead >= 0) shape.max = Math.min(dead, shape.max ?? dead)
    if (shape.rest && !ends(shape.rest)) {
      shape.rest = null
      shape.max = Math.min(shape.prefix.length, shape.max ?? shape.prefix.length)
    }
  }
}
