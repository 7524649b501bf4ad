/** Shapes into GBNF. */
import { numberGrammar } from './numbers.ts'
import { literal, openRules } from './rules.ts'
import type { ArrayShape, ObjectShape, Rule, Shape } from './shapes.ts'
import { openStrings } from './strings.ts'
import { oneOf, otherName } from './tries.ts'

/** @throws SchemaRefused for a grammar that is too large */
export function writeGrammar(root: Rule): string {
  const rules = openRules()
  const { define, named, times } = rules
  const strings = openStrings(rules)
  // At most one space, or a line break with some indentation: a model that only ever writes white space would not end.
  const space = define('(" " | "\\n" [ \\t]{0,20})?')
  const afterColon = define('" "?')
  const anything = {}

  function nameOfRule(rule: Rule): string {
    const [only] = rule.shapes
    if (rule.shapes.length === 1 && only && only.kind !== 'literal') return nameOf(only)
    return named(rule, () => {
      const literals = rule.shapes.flatMap((shape) => (shape.kind === 'literal' ? [shape.text] : []))
      const others = rule.shapes.filter(({ kind }) => kind !== 'literal').map(nameOf)
      return (literals.length > 0 ? [...others, oneOf(literals, rules)] : others).join(' | ')
    })
  }

  function nameOf(shape: Shape): string {
    switch (shape.kind) {
      case 'any':
        return named(anything, anyValue)
      case 'literal':
        return define(literal(shape.text))
      case 'number':
        return define(shape.grammar)
      case 'string':
        return strings.ofLength(shape.min, shape.max)
      case 'pattern':
        return strings.matching(shape.pattern)
      case 'object':
        return named(shape, () => object(shape))
      case 'array':
        return named(shape, () => array(shape))
    }
  }

  function anyValue(): string {
    const value = named(anything, anyValue)
    const members = define(list(member(strings.any, value), 0))
    const items = define(list(value, 0))
    const number = define(numberGrammar(null, null) ?? '')
    return `"{" ${space} ${members} "}" | "[" ${space} ${items} "]" | ${strings.any} | ${number} | "true" | "false" | "null"`
  }

  function member(name: string, value: string): string {
    return define(`${name} ":" ${afterColon} ${value}`)
  }

  /** Items with commas between them and white space after the last, as many as the brackets hold. */
  function list(item: string, min: number, max: number | null = null): string {
    const next = define(`"," ${space} ${item}`)
    const more = times(next, Math.max(min - 1, 0), max === null ? null : max - 1)
    return min > 0 ? `${item} ${more} ${space}` : `(${item} ${more} ${space})?`
  }

  /**
   * Properties in their order, written from the last to the first: `head` is what may begin at a property when the
   * bracket or a comma is behind it.
   */
  function object({ properties, extra }: ObjectShape): string {
    const declared = properties.map(({ name }) => name)
    const otherNames = declared.length > 0 ? otherName(declared, strings.plain, rules) : strings.any
    const other = extra && member(otherNames, nameOfRule(extra))
    let head = other && define(`${other} ${times(define(`"," ${space} ${other}`), 0, null)}`)
    let mandatory = false
    for (const { name, required, value } of properties.toReversed()) {
      if (value.shapes.length === 0) continue
      const own = `${literal(`${JSON.stringify(name)}:`)} ${afterColon} ${nameOfRule(value)}`
      const body =
        head === null ? own : `${own} ${mandatory ? `"," ${space} ${head}` : `("," ${space} ${head})?`}`
      head = define(required || head === null ? body : `${body} | ${head}`)
      mandatory ||= required
    }
    if (head === null) return `"{" ${space} "}"`
    return mandatory ? `"{" ${space} ${head} ${space} "}"` : `"{" ${space} (${head} ${space})? "}"`
  }

  function array({ prefix, rest, min, max }: ArrayShape): string {
    if (max === 0) return `"[" ${space} "]"`
    const length = Math.min(prefix.length, max ?? Infinity)
    if (length === 0) return `"[" ${space} ${rest ? list(nameOfRule(rest), min, max) : ''} "]"`
    let tail: string | null = null
    if (rest && (max === null || max > length)) {
      const next = define(`"," ${space} ${nameOfRule(rest)}`)
      const more = Math.max(min - length, 0)
      tail = times(next, more, max === null ? null : max - length)
    }
    for (const [i, item] of [...prefix.slice(0, length).entries()].toReversed()) {
      const own = `${i > 0 ? `"," ${space} ` : ''}${nameOfRule(item)}${tail === null ? '' : ` ${tail}`}`
      tail = i < min ? own : `${define(own)}?`
    }
    return min > 0 ? `"[" ${space} ${tail} ${space} "]"` : `"[" ${space} (${tail} ${space})? "]"`
  }

  return rules.text(nameOfRule(root))
}
