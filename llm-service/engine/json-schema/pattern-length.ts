/** How long the texts of a pattern are, and how many places it has. */
import type { Pattern } from './pattern.ts'

/** Code points of the texts that match; `max` is null without an upper end. */
export function lengthOf(pattern: Pattern): { min: number; max: number | null } {
  switch (pattern.kind) {
    case 'set':
      return { min: 1, max: 1 }
    case 'sequence': {
      const lengths = pattern.parts.map(lengthOf)
      return {
        min: sum(lengths.map(({ min }) => min)),
        max: total(
          lengths.map(({ max }) => max),
          sum,
        ),
      }
    }
    case 'choice': {
      const lengths = pattern.options.map(lengthOf)
      const largest = (values: number[]) => Math.max(...values)
      return {
        min: Math.min(...lengths.map(({ min }) => min)),
        max: total(
          lengths.map(({ max }) => max),
          largest,
        ),
      }
    }
    case 'repeat': {
      const unit = lengthOf(pattern.unit)
      const max = pattern.max === null || unit.max === null ? null : pattern.max * unit.max
      return { min: pattern.min * unit.min, max }
    }
  }
}

function total(values: (number | null)[], combine: (values: number[]) => number): number | null {
  const known = values.filter((value) => value !== null)
  return known.length < values.length ? null : combine(known)
}

function sum(values: number[]): number {
  return values.reduce((a, b) => a + b, 0)
}

/** Places that can be open at once, repetitions written out. */
export function positions(pattern: Pattern): number {
  switch (pattern.kind) {
    case 'set':
      return 1
    case 'sequence':
      return sum(pattern.parts.map(positions))
    case 'choice':
      return sum(pattern.options.map(positions))
    case 'repeat':
      return positions(pattern.unit) * (pattern.max ?? pattern.min + 1)
  }
}
