/**
 * The regular part of JavaScript's regular expressions (ECMA-262, Patterns), read without running them: literals,
 * classes, groups, alternatives, repetition, and anchors at the ends. What looks around, looks back or names Unicode
 * properties is refused.
 */
import { type CodePoints, codePoint, complement, jsonCharacter, points, union } from './code-points.ts'
import { lengthOf, positions } from './pattern-length.ts'

export type Pattern =
  | { kind: 'set'; set: CodePoints }
  | { kind: 'sequence'; parts: Pattern[] }
  | { kind: 'choice'; options: Pattern[] }
  | { kind: 'repeat'; unit: Pattern; min: number; max: number | null }

export class PatternRefused extends Error {
  override readonly name = 'PatternRefused'
}

/** Places in a pattern that can be open at once, repetitions written out; they are looked at for every token. */
const maxPositions = 1000
const maxGroups = 32

const digit: CodePoints = [[0x30, 0x39]]
const word = union(digit, [
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
])
const space = points(
  '\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a',
)
const dot = complement(points('\n\r\u2028\u2029'))
const anywhere: Pattern = { kind: 'repeat', unit: { kind: 'set', set: complement([]) }, min: 0, max: null }

const classes: Record<string, CodePoints> = {
  d: digit,
  D: complement(digit),
  w: word,
  W: complement(word),
  s: space,
  S: complement(space),
}
const controls: Record<string, string> = { t: '\t', n: '\n', r: '\r', f: '\f', v: '\v', 0: '\0' }

/** @throws PatternRefused whose message completes the sentence "the pattern …" */
export function readPattern(source: string): Pattern {
  const chars = [...source]
  let at = 0
  let depth = 0
  const peek = (ahead = 0) => chars[at + ahead]
  const starts = (text: string) => chars.slice(at, at + text.length).join('') === text

  function take(text: string): boolean {
    if (!starts(text)) return false
    at += text.length
    return true
  }

  /** At the top each alternative has anchors of its own. */
  function alternatives(top: boolean): Pattern {
    const options = [alternative(top)]
    while (take('|')) options.push(alternative(top))
    return options.length === 1 && options[0] ? options[0] : { kind: 'choice', options }
  }

  function alternative(top: boolean): Pattern {
    const begins = top && take('^')
    const parts: Pattern[] = []
    while (at < chars.length && peek() !== '|' && peek() !== ')' && !(top && atEnd()))
      parts.push(repeated(atom()))
    const ends = top && take('$')
    if (top && !begins) parts.unshift(anywhere)
    if (top && !ends) parts.push(anywhere)
    return { kind: 'sequence', parts }
  }

  const atEnd = () => peek() === '$' && (peek(1) === undefined || peek(1) === '|')

  function atom(): Pattern {
    if (take('(')) return group()
    const set = one()
    if (jsonCharacter(set) === null)
      throw new PatternRefused('wants a character that JSON strings here cannot hold')
    return { kind: 'set', set }
  }

  function one(): CodePoints {
    const char = chars[at++]
    if (char === '[') return bracket()
    if (char === '.') return dot
    if (char === '\\') return escaped(false)
    if (char === '^' || char === '$') throw new PatternRefused('has an anchor inside, not at an end')
    if (char === undefined || '*+?{}])'.includes(char))
      throw new PatternRefused('is not a regular expression')
    return points(char)
  }

  function group(): Pattern {
    if (take('?') && !take(':')) {
      if (!starts('<') || starts('<=') || starts('<!'))
        throw new PatternRefused('looks ahead or behind or has flags')
      while (at < chars.length && !take('>')) at++
    }
    if (++depth > maxGroups) throw new PatternRefused(`has more than ${maxGroups} groups in each other`)
    const inner = alternatives(false)
    depth--
    if (!take(')')) throw new PatternRefused('is not a regular expression')
    return inner
  }

  function escaped(inBracket: boolean): CodePoints {
    const char = chars[at++] ?? ''
    const named = Object.hasOwn(classes, char) ? classes[char] : undefined
    if (named) return named
    if (char === '0' && /\d/.test(peek() ?? '')) throw new PatternRefused('has an octal escape')
    if (Object.hasOwn(controls, char)) return points(controls[char] ?? '')
    if (char === 'b' && inBracket) return points('\b')
    if (char === 'x') return hex(2)
    if (char === 'u') return take('{') ? hexInBraces() : hex(4)
    if (char === '' || /[\p{L}\p{N}]/u.test(char))
      throw new PatternRefused('has an escape other than \\d \\w \\s \\t \\n \\x \\u')
    return points(char)
  }

  function hex(length: number): CodePoints {
    const digits = chars.slice(at, at + length).join('')
    if (!new RegExp(`^[0-9a-fA-F]{${length}}$`).test(digits))
      throw new PatternRefused('is not a regular expression')
    at += length
    const point = Number.parseInt(digits, 16)
    return [[point, point]]
  }

  function hexInBraces(): CodePoints {
    const end = chars.indexOf('}', at)
    const point = Number.parseInt(chars.slice(at, end).join(''), 16)
    if (end < 0 || !(point <= 0x10ffff)) throw new PatternRefused('is not a regular expression')
    at = end + 1
    return [[point, point]]
  }

  function bracket(): CodePoints {
    const negated = take('^')
    const parts: CodePoints[] = []
    while (!take(']')) {
      const from = bracketPart()
      if (peek() === '-' && peek(1) !== undefined && peek(1) !== ']') {
        at++
        parts.push(span(from, bracketPart()))
      } else parts.push(from)
    }
    const set = union(...parts)
    return negated ? complement(set) : set
  }

  function bracketPart(): CodePoints {
    const char = chars[at++]
    if (char === undefined) throw new PatternRefused('is not a regular expression')
    return char === '\\' ? escaped(true) : [[codePoint(char), codePoint(char)]]
  }

  function repeated(unit: Pattern): Pattern {
    const counts = quantifier()
    if (!counts) return unit
    take('?') // lazy or greedy, the texts are the same
    if (quantifier()) throw new PatternRefused('is not a regular expression')
    const [min, max] = counts
    if (max !== null && max < min) throw new PatternRefused('is not a regular expression')
    if (lengthOf(unit).min === 0) throw new PatternRefused('repeats what may be empty')
    return { kind: 'repeat', unit, min, max }
  }

  function quantifier(): [min: number, max: number | null] | null {
    if (take('*')) return [0, null]
    if (take('+')) return [1, null]
    if (take('?')) return [0, 1]
    if (peek() !== '{') return null
    const match = /^\{(\d{1,6})(,(\d{0,6}))?\}/.exec(chars.slice(at, at + 16).join(''))
    if (!match) throw new PatternRefused('is not a regular expression, or repeats too often')
    at += match[0].length
    const min = Number(match[1])
    return [min, match[2] === undefined ? min : match[3] ? Number(match[3]) : null]
  }

  const pattern = alternatives(true)
  if (at < chars.length) throw new PatternRefused('is not a regular expression')
  if (!isOneCharacterRepeated(pattern) && positions(pattern) > maxPositions)
    throw new PatternRefused(`has more than ${maxPositions} positions, repetitions counted`)
  return pattern
}

function span(from: CodePoints, to: CodePoints): CodePoints {
  const [first, last] = [from[0]?.[0], to[0]?.[1]]
  const single = [from, to].every((set) => set.length === 1 && set[0]?.[0] === set[0]?.[1])
  if (!single || first === undefined || last === undefined || first > last)
    throw new PatternRefused('has a class whose range has no order')
  return [[first, last]]
}

/** Like `^[a-z]{1,20}$`, whose count may be narrowed by minLength and maxLength. */
export function isOneCharacterRepeated(pattern: Pattern): Extract<Pattern, { kind: 'repeat' }> | null {
  const only = pattern.kind === 'sequence' && pattern.parts.length === 1 ? pattern.parts[0] : undefined
  return only?.kind === 'repeat' && only.unit.kind === 'set' ? only : null
}
