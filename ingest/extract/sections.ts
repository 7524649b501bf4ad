import { oneLine } from './extracted.ts'

/** Follows the headings of a document and knows the ones above the current place. */
export interface Sections {
  /** The headings above the current place, outermost first: the same array until the next heading. */
  path(): readonly string[]
  /** Enters the section of a heading; returns the path above the heading itself. */
  enter(level: number, heading: string): readonly string[]
}

export function followSections(): Sections {
  let open: { level: number; heading: string }[] = []
  let path: readonly string[] = []
  return {
    path: () => path,
    enter(level, heading) {
      open = open.filter((above) => above.level < level)
      const above = open.map((o) => o.heading)
      const words = oneLine(heading)
      if (words) open.push({ level, heading: words })
      path = open.map((o) => o.heading)
      return above
    },
  }
}
