/** A schema as a document: how large it is, and what its references point to. */
import { maxDepth, maxNodes, refuse, refusePlace } from './refused.ts'

/** The schema that a reference inside this document means, and its pointer. */
export function followRef(root: unknown, ref: unknown, pointer: string): [target: unknown, pointer: string] {
  if (typeof ref !== 'string' || !/^#(\/|$)/.test(ref))
    refuse('$ref', pointer, 'is not supported: only references inside the schema are, like #/$defs/name.')
  let target = root
  for (const part of ref.split('/').slice(1)) {
    const name = unescapeUri(part).replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof target !== 'object' || target === null || !Object.hasOwn(target, name))
      refuse('$ref', pointer, 'points to nothing in the schema.')
    target = Reflect.get(target, name)
  }
  return [target, ref]
}

function unescapeUri(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** The pointer of a member. */
export function under(pointer: string, name: string): string {
  return `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
}

const maps = new Set(['properties', '$defs', 'definitions'])

/** Size and depth before anything else walks the schema, whatever is in it. */
export function measure(schema: unknown): void {
  let nodes = 0
  // A list or a map of schemas is no depth of its own, but never two in a row, so nothing grows unseen.
  function walk(value: unknown, depth: number, pointer: string, counted: boolean): void {
    if (typeof value !== 'object' || value === null) return
    nodes++
    if (nodes > maxNodes) refusePlace('#', `holds more than ${maxNodes} objects and lists.`)
    if (depth > maxDepth) refusePlace(pointer, `is nested deeper than ${maxDepth} levels.`)
    for (const [key, child] of Object.entries(value)) {
      const free = counted && !Array.isArray(value) && (Array.isArray(child) || maps.has(key))
      walk(child, free ? depth : depth + 1, under(pointer, key), !free)
    }
  }
  walk(schema, 1, '#', true)
}
