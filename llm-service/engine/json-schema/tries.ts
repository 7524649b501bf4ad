/** Many texts as one rule that reads them letter by letter, so that a thousand of them are not a thousand readings. */
import { classCharacter, codePoint } from './code-points.ts'
import { maxNameLength, refusePlace } from './refused.ts'
import { literal, type Rules } from './rules.ts'

/** One of the texts. */
export function oneOf(texts: string[], { define }: Rules): string {
  function branch(group: string[][], offset: number): string {
    const [first = [], ...others] = group
    let end = offset
    while (end < first.length && others.every((text) => text[end] === first[end])) end++
    const head = end > offset ? literal(first.slice(offset, end).join('')) : ''
    if (others.length === 0) return head
    const longer = group.filter((text) => text.length > end)
    const branches = [...Map.groupBy(longer, (text) => text[end]).values()]
    const tail = define(branches.map((below) => branch(below, end)).join(' | '))
    return `${head} ${tail}${longer.length < group.length ? '?' : ''}`.trimStart()
  }
  return branch(
    texts.map((text) => [...text]),
    0,
  )
}

/** A property's name, in quotes, that is none of these. `plain` reads one character; escapes could spell a name again. */
export function otherName(names: string[], plain: string, { define }: Rules): string {
  const taken = names.filter((name) => JSON.stringify(name) === `"${name}"`).map((name) => [...name])
  if (taken.some((name) => name.length > maxNameLength))
    refusePlace(
      '#',
      `has a property name of more than ${maxNameLength} characters beside additional properties.`,
    )

  function otherThan(group: string[][], offset: number): string {
    const longer = group.filter((name) => name.length > offset)
    const branches = [...Map.groupBy(longer, (name) => name[offset] ?? '')]
    const closed = branches.map(([char]) => classCharacter(codePoint(char))).join('')
    const parts = branches.map(([char, below]) => `${literal(char)} ${otherThan(below, offset + 1)}`)
    const rest = define([...parts, `[^"\\\\\\x00-\\x1f\\x7f${closed}] ${plain}*`].join(' | '))
    return longer.length < group.length ? rest : `${rest}?`
  }
  return define(`"\\"" ${otherThan(taken, 0)} "\\""`)
}
