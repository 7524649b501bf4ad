/** The rules of a GBNF grammar while it is written: one a line, equal ones once, within bounds. */
import { maxGrammarLength, maxRepeated, refusePlace } from './refused.ts'

/** Nothing at all: an alternative must not end its line, or the next rule is read as part of it. */
export const empty = '""'

/** A text as GBNF's literal. The texts are JSON, so they hold no control characters. */
export function literal(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}

export interface Rules {
  /** The name of a rule with this body. */
  define(body: string): string
  /** The name of the rule of a thing that may hold itself: the body is written later. */
  named(thing: object, body: () => string): string
  /** `unit` repeated; it must be a name or a class. */
  times(unit: string, min: number, max: number | null): string
  /** The whole grammar. */
  text(root: string): string
}

export function openRules(): Rules {
  const lines: string[] = []
  const bodies = new Map<string, string>()
  const things = new Map<object, string>()
  const open: (() => void)[] = []
  let [count, size, repeated] = [0, 0, 0]
  const fresh = () => `r${count++}`

  function put(name: string, body: string): void {
    size += name.length + body.length + ' ::= \n'.length
    if (size > maxGrammarLength)
      refusePlace('#', 'makes too large a grammar: use fewer or shorter names, values and patterns.')
    lines.push(`${name} ::= ${body}`)
  }

  return {
    define(body) {
      const before = bodies.get(body)
      if (before !== undefined) return before
      const name = fresh()
      bodies.set(body, name)
      put(name, body)
      return name
    },
    named(thing, body) {
      const before = things.get(thing)
      if (before !== undefined) return before
      const name = fresh()
      things.set(thing, name)
      open.push(() => put(name, body()))
      return name
    },
    times(unit, min, max) {
      if (max === 0) return ''
      repeated += max ?? min
      if (repeated > maxRepeated)
        refusePlace('#', 'repeats too much: use smaller maxItems, minItems and counts in patterns.')
      if (max === null) return min === 0 ? `${unit}*` : min === 1 ? `${unit}+` : `${unit}{${min},}`
      return `${unit}{${min},${max}}`
    },
    text(root) {
      for (let next = open.pop(); next; next = open.pop()) next()
      return [`root ::= ${root}`, ...lines, ''].join('\n')
    },
  }
}
