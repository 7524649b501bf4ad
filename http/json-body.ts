/** Reads a JSON body so that nothing odd reaches a schema: bounded, whole, valid UTF-8, shallow, no stray characters. */
import type { TSchema } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { refusalOf } from './problems.ts'
import { invalid, type Problem, RequestRefused } from './refusal.ts'
import { readAll } from './request-bytes.ts'

export interface JsonLimits {
  maxBytes: number
  /** Brackets within brackets; a parser's stack is never the limit. */
  maxDepth: number
}

/** 20 messages of 8,000 characters in any script fit into it. */
const usualLimits: JsonLimits = { maxBytes: 1024 * 1024, maxDepth: 16 }

/**
 * Route options for a JSON body. It is checked here, before Elysia checks it again: the error that Elysia makes
 * of a bad body prints the values into its message, and fails itself at one like `{"toString": 1}`.
 */
export function jsonBody<T extends TSchema>(schema: T, limits = usualLimits) {
  const compiled = TypeCompiler.Compile(schema)
  return {
    body: schema,
    async parse({ request }: { request: Request }): Promise<unknown> {
      const value = await readJson(request, limits)
      if (!compiled.Check(value)) throw refusalOf(compiled.Errors(value))
      return value
    },
  }
}

/** @throws RequestRefused 400, 408, 413, 415 or 422 */
async function readJson(request: Request, { maxBytes, maxDepth }: JsonLimits): Promise<unknown> {
  requireJsonType(request.headers.get('content-type'))
  const bytes = await readAll(request, maxBytes)
  if (bytes.length === 0) {
    throw new RequestRefused(400, 'no_body', 'The request has no body.', { hint: 'Send a JSON object.' })
  }
  return parseJson(decode(bytes), maxDepth)
}

/** @throws RequestRefused 400 for what is no JSON, 422 for NUL and broken characters in it */
export function parseJson(text: string, maxDepth: number): unknown {
  const value = parse(text, maxDepth)
  const problems = strayCharacters(value)
  if (problems.length > 0) throw invalid(problems)
  return value
}

function requireJsonType(header: string | null): void {
  const [type = '', ...parameters] = (header ?? '').toLowerCase().split(';')
  const charset = parameters.map((one) => one.trim()).find((one) => one.startsWith('charset='))
  const utf8 = charset === undefined || /^charset="?utf-?8"?$/.test(charset)
  if (type.trim() === 'application/json' && utf8) return
  throw new RequestRefused(415, 'unsupported_media_type', 'The body must be JSON in UTF-8.', {
    hint: 'Send it with content-type: application/json.',
  })
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes)
  } catch {
    throw new RequestRefused(400, 'bad_encoding', 'The body is not valid UTF-8.')
  }
}

function parse(text: string, maxDepth: number): unknown {
  if (deeperThan(text, maxDepth)) {
    throw new RequestRefused(400, 'bad_json', `The body is nested deeper than ${maxDepth} levels.`)
  }
  try {
    return JSON.parse(text)
  } catch {
    throw new RequestRefused(400, 'bad_json', 'The body is not valid JSON.', {
      hint: 'It must be exactly one JSON object, with nothing after it.',
    })
  }
}

/** Whether brackets outside of strings open further than `limit`. */
function deeperThan(text: string, limit: number): boolean {
  let depth = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (inString) {
      if (code === 0x5c) i++
      else if (code === 0x22) inString = false
    } else if (code === 0x22) inString = true
    else if (code === 0x5b || code === 0x7b) {
      if (++depth > limit) return true
    } else if (code === 0x5d || code === 0x7d) depth--
  }
  return false
}

/** NUL bytes (an error in Postgres) and halves of surrogate pairs (silently replaced by it), by their path. */
function strayCharacters(value: unknown, path = ''): Problem[] {
  if (typeof value === 'string') {
    const problem = strayCharacter(value)
    return problem === null ? [] : [{ path, problem }]
  }
  if (typeof value !== 'object' || value === null) return []
  const found: Problem[] = []
  for (const [key, child] of Object.entries(value)) {
    const step = /^[\w.-]{1,40}$/.test(key) ? key : '(unnamed)'
    found.push(...strayCharacters(child, path === '' ? step : `${path}/${step}`))
    if (found.length >= 8) break
  }
  return found
}

/** Why a text cannot be stored or searched for, or null. */
export function strayCharacter(text: string): string | null {
  if (text.includes('\0')) return 'must not contain the NUL character'
  if (!text.isWellFormed()) return 'must not contain half of a surrogate pair'
  return null
}
