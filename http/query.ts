import { strayCharacter } from './json-body.ts'
import { invalid, type Problem, RequestRefused } from './refusal.ts'

/**
 * Route options for a query whose named fields are whole numbers. Only plain decimal digits become a number,
 * so that the schema refuses `0x10`, `1e3`, `5.0` and a blank.
 */
export function wholeNumbers(...names: string[]) {
  return {
    transform({ query }: { query: Record<string, unknown> }): void {
      for (const name of names) {
        const value = query[name]
        if (typeof value === 'string' && /^-?\d{1,15}$/.test(value)) query[name] = Number(value)
      }
    },
  }
}

/**
 * Refuses what a router would pass over in silence: broken percent-encoding (400), a parameter named twice,
 * NUL and broken characters (422).
 */
export function checkUrl(url: URL): void {
  requireDecodable(url.pathname)
  requireDecodable(url.search)
  const problems: Problem[] = []
  const seen = new Set<string>()
  for (const [name, value] of url.searchParams) {
    const path = /^[\w.-]{1,40}$/.test(name) ? name : '(unnamed)'
    const stray = strayCharacter(name) ?? strayCharacter(value)
    if (seen.has(name)) problems.push({ path, problem: 'is given twice' })
    else if (stray !== null) problems.push({ path, problem: stray })
    seen.add(name)
    if (problems.length >= 8) break
  }
  if (decodeURIComponent(url.pathname).includes('\0')) {
    problems.push({ path: '(path)', problem: 'must not contain the NUL character' })
  }
  if (problems.length > 0) throw invalid(problems)
}

function requireDecodable(part: string): void {
  try {
    decodeURIComponent(part)
  } catch {
    throw new RequestRefused(400, 'bad_url', 'The address has broken percent-encoding.', {
      hint: 'Write a percent sign as %25.',
    })
  }
}
