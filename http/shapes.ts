/**
 * What every API here is described with. Plain TypeBox on purpose: Elysia's own `t.Integer` and friends turn "5"
 * into 5. And no `default`: with one, Elysia copies the body over it by `Object.assign`, which takes a field named
 * `__proto__` for the prototype.
 */
import { type TLiteral, type TSchema, type TUnion, Type } from '@sinclair/typebox'

/** An object without unknown fields. */
export const strict = { additionalProperties: false }

export const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])

/** One of some words. */
export const oneOf = <const T extends string[]>(...names: T) =>
  Type.Union(names.map((name) => Type.Literal(name))) as unknown as TUnion<{
    -readonly [K in keyof T]: TLiteral<T[K]>
  }>

export const NoQuery = Type.Object({}, strict)

export const ErrorShape = Type.Object({
  error: Type.Object({
    code: Type.String({ description: 'Stable, in snake case.' }),
    message: Type.String(),
    hint: Type.Optional(Type.String({ description: 'What to do about it.' })),
    details: Type.Optional(Type.Array(Type.Object({ path: Type.String(), problem: Type.String() }))),
    id: Type.Optional(Type.String({ description: 'Of an unexpected error, as in the log.' })),
  }),
})
