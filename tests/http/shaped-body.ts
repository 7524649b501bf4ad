import { expect } from 'bun:test'
import type { TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'

/** The body, which must be of the shape that the OpenAPI document promises, with nothing besides. */
export async function body<T>(response: Response, shape: TSchema, status = 200): Promise<T> {
  const value: unknown = await response.json()
  expect({ status: response.status, value }).toMatchObject({ status })
  const problems = [...Value.Errors(withoutExtras(shape), value)].map((one) => `${one.path}: ${one.message}`)
  expect(problems).toEqual([])
  return value as T
}

/** The shape, with nothing besides what it names. */
export function withoutExtras(schema: TSchema): TSchema {
  // A spread keeps TypeBox's symbols; JSON would lose them.
  const copy: TSchema = { ...schema }
  if (copy.properties !== undefined) {
    const entries = Object.entries<TSchema>(copy.properties)
    copy.properties = Object.fromEntries(entries.map(([name, one]) => [name, withoutExtras(one)]))
    copy.additionalProperties = false
  }
  if (copy.items !== undefined) copy.items = withoutExtras(copy.items)
  if (copy.anyOf !== undefined) copy.anyOf = copy.anyOf.map(withoutExtras)
  return copy
}
