/** Reads the report of `bun test --reporter=junit`: the names of the tests and how each one ended. */
export interface Outcome {
  /** File, groups and test, joined by ` > `. */
  name: string
  state: 'passed' | 'failed' | 'skipped'
}

/**
 * A test case is `<testcase name file …/>`, or holds `<failure>`, `<error>` or `<skipped>`; group names are the
 * `<testsuite>`s around it. Attribute values are escaped, so no tag inside a message can be mistaken for one.
 */
export function readReport(xml: string): Outcome[] {
  const outcomes: Outcome[] = []
  const groups: string[] = []
  let open: Outcome | null = null
  for (const [tag, closing, kind, attributes = ''] of xml.matchAll(
    /<(\/?)(testsuite|testcase|failure|error|skipped)\b((?:[^>"]|"[^"]*")*)>/g,
  )) {
    const closed = closing === '/'
    const empty = tag.endsWith('/>')
    if (kind === 'testsuite') {
      if (closed) groups.pop()
      else if (!empty) groups.push(attribute(attributes, 'name'))
    } else if (kind === 'testcase') {
      if (!closed) {
        open = { name: [...groups, attribute(attributes, 'name')].join(' > '), state: 'passed' }
        outcomes.push(open)
      }
      if (closed || empty) open = null
    } else if (!closed && open !== null) {
      open.state = kind === 'skipped' ? 'skipped' : 'failed'
    }
  }
  return outcomes
}

function attribute(attributes: string, name: string): string {
  const escaped = new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? ''
  const entities: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' }
  return escaped.replace(/&(#x?[0-9a-f]+|\w+);/gi, (whole, entity: string) => {
    const code = entity.startsWith('#x') ? Number.parseInt(entity.slice(2), 16) : Number(entity.slice(1))
    return entity.startsWith('#') ? String.fromCodePoint(code) : (entities[entity] ?? whole)
  })
}
