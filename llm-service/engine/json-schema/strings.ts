/** JSON strings in GBNF: of any text, of a length, of a pattern. */
import { jsonCharacter } from './code-points.ts'
import type { Pattern } from './pattern.ts'
import { empty, type Rules } from './rules.ts'

/** Units in one rule of a long repetition, see `upTo`. */
const chunk = 100

export interface Strings {
  /** A character that needs no escape, and never an escape. */
  plain: string
  any: string
  ofLength(min: number, max: number | null): string
  matching(pattern: Pattern): string
}

export function openStrings({ define, times }: Rules): Strings {
  const hex = define('[0-9a-fA-F]')
  // Escapes of control characters and of surrogates are left out: text has no use for them.
  const unicode = `"00" [2-9a-fA-F] ${hex} | "0" [1-9a-fA-F] ${hex} ${hex} | [1-9a-cA-CefEF] ${hex}{3} | [dD] [0-7] ${hex}{2}`
  const plain = define('[^"\\\\\\x00-\\x1f\\x7f]')
  const character = define(`${plain} | "\\\\" (["\\\\/bfnrt] | "u" (${unicode}))`)
  const quoted = (inside: string) => define(`"\\"" ${inside} "\\""`)
  const any = quoted(`${character}*`)

  /** Chunks, of which a hundred rules count to ten thousand. */
  function counted(unit: string, min: number, max: number | null): string {
    const more = max === null ? `${unit}*` : upTo(unit, max - min)
    return `${exactly(unit, min)} ${more}`.trim() || empty
  }

  function exactly(unit: string, count: number): string {
    if (count <= chunk) return times(unit, count, count)
    const chunks = exactly(define(times(unit, chunk, chunk)), Math.floor(count / chunk))
    return `${chunks} ${exactly(unit, count % chunk)}`.trimEnd()
  }

  /** A whole chunk and what comes after it, or less than a chunk: never more than two readings. */
  function upTo(unit: string, count: number): string {
    let rule = times(unit, 0, count % chunk)
    if (count < chunk) return rule
    const whole = define(times(unit, chunk, chunk))
    const part = define(times(unit, 0, chunk - 1))
    for (let chunks = Math.floor(count / chunk); chunks > 0; chunks--)
      rule = define(`${part} | ${whole} ${rule}`.trimEnd())
    return rule
  }

  function inside(pattern: Pattern): string {
    switch (pattern.kind) {
      case 'set':
        return jsonCharacter(pattern.set) ?? empty
      case 'sequence':
        return pattern.parts.map(inside).join(' ') || empty
      case 'choice':
        return define(pattern.options.map(inside).join(' | '))
      case 'repeat': {
        const { min, max } = pattern
        const unit = define(inside(pattern.unit))
        return pattern.unit.kind === 'set' ? counted(unit, min, max) : times(unit, min, max) || empty
      }
    }
  }

  return {
    plain,
    any,
    ofLength: (min, max) => (min === 0 && max === null ? any : quoted(counted(character, min, max))),
    matching: (pattern) => quoted(inside(pattern)),
  }
}
