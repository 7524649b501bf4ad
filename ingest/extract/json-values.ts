/**
 * Reads JSON without losing anything: numbers stay as they are written (2^53 and beyond, 10^400), NaN is told rather
 * than fatal, keys are kept in order and may be called `__proto__`, and depth costs no stack.
 */
import { Refused } from './extracted.ts'

export type JsonValue =
  | { kind: 'scalar'; text: string }
  | { kind: 'array'; items: JsonValue[] }
  | { kind: 'object'; entries: [key: string, value: JsonValue][] }

/** People and programs nest 10 to 20 deep; a schema 40. */
export const deepestJson = 200

const words = /-?(?:\d[\d.eE+-]*|[A-Za-z]\w*|\.\d[\d.eE+-]*)/y
const blanks = /(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/y

/** `odd`: numbers that JSON or a double does not have. Refuses (`damaged`, `too_deep`) what cannot be read. */
export function parseJson(text: string): { value: JsonValue; odd: number } {
  let at = 0
  let odd = 0
  const open: (JsonValue & { kind: 'array' | 'object' })[] = []
  let key: string | null = null
  let root: JsonValue | null = null

  const skip = () => {
    blanks.lastIndex = at
    if (blanks.test(text)) at = blanks.lastIndex
  }
  const fail = (): Refused => {
    const line = text.slice(0, at).split('\n').length
    return new Refused('damaged', `it is not valid JSON in line ${line}: export the file again`)
  }
  const take = (pattern: RegExp): string | null => {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0] ?? null
    if (found !== null) at += found.length
    return found
  }
  const takeString = (): string | null => {
    if (text[at] !== '"') return null
    let end = at
    do {
      end = text.indexOf('"', end + 1)
      if (end < 0) throw fail()
    } while (isEscaped(text, end))
    const string = text.slice(at, end + 1)
    at = end + 1
    return string
  }
  const put = (value: JsonValue) => {
    const into = open.at(-1)
    if (!into) root = value
    else if (into.kind === 'array') into.items.push(value)
    else into.entries.push([key ?? '', value])
    key = null
  }

  for (;;) {
    skip()
    const inside = open.at(-1)
    const letter = text[at]
    if (letter === undefined) {
      if (!root || open.length > 0) throw fail()
      return { value: root, odd }
    }
    if (root && open.length === 0) throw fail()
    if (inside && letter === ',') {
      at++
      continue // a comma too many harms nobody
    }
    if (inside && letter === (inside.kind === 'array' ? ']' : '}') && key === null) {
      at++
      open.pop()
      continue
    }
    if (inside?.kind === 'object' && key === null) {
      const name = takeString()
      if (name === null) throw fail()
      key = unquoted(name)
      skip()
      if (text[at++] !== ':') throw fail()
      continue
    }
    if (letter === '{' || letter === '[') {
      const value: JsonValue & { kind: 'array' | 'object' } =
        letter === '{' ? { kind: 'object', entries: [] } : { kind: 'array', items: [] }
      put(value)
      at++
      if (open.push(value) > deepestJson)
        throw new Refused('too_deep', `it is nested more than ${deepestJson} deep: flatten the data`)
      continue
    }
    const string = takeString()
    if (string !== null) {
      put({ kind: 'scalar', text: unquoted(string) })
      continue
    }
    const word = take(words)
    if (word === null) throw fail()
    if (/^[-.\d]/.test(word) && !/^-?[A-Z]/.test(word)) {
      if (!Number.isFinite(Number(word))) {
        if (Number.isNaN(Number(word))) throw fail()
        odd++
      }
      put({ kind: 'scalar', text: word })
    } else if (/^(?:NaN|-?Infinity)$/.test(word)) {
      odd++
      put({ kind: 'scalar', text: word })
    } else if (word === 'true' || word === 'false') put({ kind: 'scalar', text: word })
    else if (word === 'null') put({ kind: 'scalar', text: '' })
    else throw fail()
  }
}

/** An odd number of backslashes stands before the quote. */
function isEscaped(text: string, quote: number): boolean {
  let at = quote
  while (text[at - 1] === '\\') at--
  return (quote - at) % 2 === 1
}

function unquoted(string: string): string {
  try {
    const text: unknown = JSON.parse(string)
    return typeof text === 'string' ? text : ''
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return string.slice(1, -1) // a line end or a wrong escape inside of the quotes
  }
}
