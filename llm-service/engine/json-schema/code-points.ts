/** Sets of Unicode code points as sorted ranges, and how a grammar writes them. */

export type CodePoints = readonly (readonly [first: number, last: number])[]

const last = 0x10ffff

export function union(...sets: CodePoints[]): CodePoints {
  const sorted = sets.flat().toSorted(([a], [b]) => a - b)
  const merged: [number, number][] = []
  for (const [from, to] of sorted) {
    const before = merged.at(-1)
    if (before && from <= before[1] + 1) before[1] = Math.max(before[1], to)
    else merged.push([from, to])
  }
  return merged
}

export function complement(set: CodePoints): CodePoints {
  const gaps: [number, number][] = []
  let next = 0
  for (const [from, to] of union(set)) {
    if (from > next) gaps.push([next, from - 1])
    next = to + 1
  }
  return next <= last ? [...gaps, [next, last]] : gaps
}

export function intersection(a: CodePoints, b: CodePoints): CodePoints {
  return complement(union(complement(a), complement(b)))
}

export function has(set: CodePoints, point: number): boolean {
  return set.some(([from, to]) => from <= point && point <= to)
}

export function points(text: string): CodePoints {
  return union([...text].map((char): [number, number] => [codePoint(char), codePoint(char)]))
}

export function codePoint(char: string): number {
  return char.codePointAt(0) ?? 0
}

/** What may stand in a JSON string as it is: no control characters, no quote, no backslash, no lone surrogate. */
export const plain: CodePoints = intersection(complement(points('"\\\x7f')), [
  [0x20, 0xd7ff],
  [0xe000, last],
])

const escapes = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['\n', 'n'],
  ['\r', 'r'],
  ['\t', 't'],
  ['\b', 'b'],
  ['\f', 'f'],
])

/** One character of the set inside a JSON string, as GBNF; null when a JSON string cannot hold any of it. */
export function jsonCharacter(set: CodePoints): string | null {
  const ranges = intersection(set, plain)
  const escaped = [...escapes].filter(([char]) => has(set, codePoint(char))).map(([, letter]) => letter)
  const parts = [
    ...(ranges.length > 0 ? [`[${ranges.map(range).join('')}]`] : []),
    ...(escaped.length > 0
      ? [`"\\\\" [${escaped.map((letter) => classCharacter(codePoint(letter))).join('')}]`]
      : []),
  ]
  if (parts.length === 0) return null
  return parts.length === 1 && escaped.length === 0 ? (parts[0] ?? null) : `(${parts.join(' | ')})`
}

function range([from, to]: readonly [number, number]): string {
  return from === to ? classCharacter(from) : `${classCharacter(from)}-${classCharacter(to)}`
}

/** A code point inside the brackets of GBNF, where most punctuation means something. */
export function classCharacter(point: number): string {
  const char = String.fromCodePoint(point)
  if (/[0-9A-Za-z]/.test(char)) return char
  if (point <= 0xff) return `\\x${point.toString(16).padStart(2, '0')}`
  if (point <= 0xffff) return `\\u${point.toString(16).padStart(4, '0')}`
  return `\\U${point.toString(16).padStart(8, '0')}`
}
