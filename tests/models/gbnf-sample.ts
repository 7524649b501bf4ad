/** Texts drawn at random from a grammar: what a model with no opinion would write under it. */

type Random = () => number

type Expression =
  | { kind: 'choice'; options: Expression[][] }
  | { kind: 'reference'; name: string }
  | { kind: 'text'; text: string }
  | { kind: 'class'; negated: boolean; ranges: [number, number][] }
  | { kind: 'repeat'; unit: Expression; min: number; max: number | null }

/** @returns a function that draws a text; it stays short where the grammar lets it */
export function openSampler(grammar: string, random: Random): () => string {
  const rules = new Map<string, Expression>()
  for (const line of grammar.split('\n').filter((line) => line !== '')) {
    const [name = '', body = ''] = line.split(/ ::= (.*)/)
    rules.set(name, parse(body))
  }
  const heights = new Map<string, number>()
  const rule = (name: string): Expression => {
    const found = rules.get(name)
    if (!found) throw new Error(`no rule ${name}`)
    return found
  }
  const height = (expression: Expression): number => {
    if (expression.kind === 'reference') return heights.get(expression.name) ?? Infinity
    if (expression.kind === 'choice') return Math.min(...expression.options.map(tallest))
    return expression.kind === 'repeat' && expression.min > 0 ? height(expression.unit) : 0
  }
  const tallest = (parts: Expression[]) => Math.max(0, ...parts.map(height))
  for (let changed = true; changed; ) {
    changed = false
    for (const [name, body] of rules) {
      const now = 1 + height(body)
      if (now < (heights.get(name) ?? Infinity)) {
        heights.set(name, now)
        changed = true
      }
    }
  }

  function draw(expression: Expression, depth: number): string {
    switch (expression.kind) {
      case 'text':
        return expression.text
      case 'class':
        return drawClass(expression, random)
      case 'reference':
        return draw(rule(expression.name), depth + 1)
      case 'choice': {
        const shortest = Math.min(...expression.options.map(tallest))
        const fitting =
          depth < 30 ? expression.options : expression.options.filter((o) => tallest(o) === shortest)
        const parts = fitting[Math.floor(random() * fitting.length)] ?? []
        return parts.map((part) => draw(part, depth)).join('')
      }
      case 'repeat': {
        const { unit, min, max } = expression
        const more = depth < 30 ? Math.floor(random() ** 2 * Math.min(6, (max ?? Infinity) - min + 1)) : 0
        return Array.from({ length: min + more }, () => draw(unit, depth)).join('')
      }
    }
  }
  return () => draw(rule('root'), 0)
}

function drawClass(
  { negated, ranges }: { negated: boolean; ranges: [number, number][] },
  random: Random,
): string {
  for (;;) {
    const [from, to] = negated
      ? [0x20, random() < 0.9 ? 0x7e : 0x1f9ff]
      : (ranges[Math.floor(random() * ranges.length)] ?? [0x20, 0x20])
    const point = from + Math.floor(random() * (Math.min(to, from + 0x1ffff) - from + 1))
    const inside = ranges.some(([first, last]) => first <= point && point <= last)
    const surrogate = point >= 0xd800 && point <= 0xdfff
    if (inside !== negated && !surrogate) return String.fromCodePoint(point)
  }
}

function parse(source: string): Expression {
  let at = 0
  const spaces = () => {
    while (source[at] === ' ') at++
  }

  function choice(): Expression {
    const options = [sequence()]
    while (source[at] === '|') {
      at++
      options.push(sequence())
    }
    return { kind: 'choice', options }
  }

  function sequence(): Expression[] {
    const parts: Expression[] = []
    for (spaces(); at < source.length && source[at] !== '|' && source[at] !== ')'; spaces())
      parts.push(quantified(atom()))
    return parts
  }

  function atom(): Expression {
    const char = source[at]
    if (char === '(') {
      at++
      const inner = choice()
      at++
      return inner
    }
    if (char === '"') return text()
    if (char === '[') return characterClass()
    const name = /^[a-zA-Z0-9-]+/.exec(source.slice(at))?.[0]
    if (!name) throw new Error(`cannot read the grammar at ${source.slice(at, at + 20)}`)
    at += name.length
    return { kind: 'reference', name }
  }

  function text(): Expression {
    let read = ''
    for (at++; source[at] !== '"'; ) read += String.fromCodePoint(character())
    at++
    return { kind: 'text', text: read }
  }

  function characterClass(): Expression {
    const negated = source[++at] === '^'
    if (negated) at++
    const ranges: [number, number][] = []
    while (source[at] !== ']') {
      const from = character()
      if (source[at] === '-' && source[at + 1] !== ']') {
        at++
        ranges.push([from, character()])
      } else ranges.push([from, from])
    }
    at++
    return { kind: 'class', negated, ranges }
  }

  function character(): number {
    const written = /^\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.))/.exec(source.slice(at, at + 10))
    if (written) {
      at += written[0].length
      const hex = written[1] ?? written[2] ?? written[3]
      if (hex) return Number.parseInt(hex, 16)
      return { n: 10, r: 13, t: 9 }[written[4] ?? ''] ?? written[4]?.codePointAt(0) ?? 0
    }
    const point = source.codePointAt(at) ?? 0
    at += String.fromCodePoint(point).length
    return point
  }

  function quantified(unit: Expression): Expression {
    const found = /^(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})/.exec(source.slice(at))
    if (!found) return unit
    at += found[0].length
    const [, sign, min, comma, max] = found
    if (sign) return { kind: 'repeat', unit, min: sign === '+' ? 1 : 0, max: sign === '?' ? 1 : null }
    return { kind: 'repeat', unit, min: Number(min), max: comma ? (max ? Number(max) : null) : Number(min) }
  }

  return choice()
}
