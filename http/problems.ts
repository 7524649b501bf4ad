import type { TSchema } from '@sinclair/typebox'
import { type ValueError, ValueErrorType } from '@sinclair/typebox/errors'
import type { ValidationError } from 'elysia'
import { invalid, type Problem, type RequestRefused } from './refusal.ts'

/** More than this many problems at once help nobody. */
const mostProblems = 8

/** What a validator found, without the values. */
export function refusalOf(errors: Iterable<ValueError>): RequestRefused {
  const found: Problem[] = []
  for (const one of errors) {
    const problem = { path: pathOf(one), problem: wording(one) }
    if (found.some((before) => before.path === problem.path)) continue
    found.push(problem)
    if (found.length >= mostProblems) break
  }
  return invalid(found)
}

/** Of Elysia's error for a query or a path; its own message and summary hold the values. */
export function errorsOf(error: ValidationError): Iterable<ValueError> {
  const validator: unknown = error.validator
  if (typeof validator === 'object' && validator !== null && 'Errors' in validator) {
    return (validator as { Errors(value: unknown): Iterable<ValueError> }).Errors(error.value)
  }
  return error.valueError === undefined ? [] : [error.valueError]
}

/** A field's name is the caller's own text when it is unknown: shown only when it looks like a name. */
function pathOf(error: ValueError): string {
  const steps = error.path.split('/').slice(1)
  return steps.map((step) => (/^[\w.-]{1,40}$/.test(step) ? step : '(unnamed)')).join('/')
}

/** A schema may say why it `refused` what other services take there. */
function wording(error: ValueError): string {
  const { type, schema } = error
  if (typeof schema.refused === 'string' && type !== ValueErrorType.ObjectRequiredProperty) {
    return schema.refused
  }
  switch (type) {
    case ValueErrorType.ObjectAdditionalProperties:
      return 'is not a known field'
    case ValueErrorType.ObjectRequiredProperty:
      return 'is missing'
    case ValueErrorType.StringMinLength:
      return schema.minLength === 1
        ? 'must not be empty'
        : `must have at least ${schema.minLength} characters`
    case ValueErrorType.StringMaxLength:
      return `must have at most ${schema.maxLength} characters`
    case ValueErrorType.ArrayMaxItems:
      return `must have at most ${schema.maxItems} entries`
    default:
      return `must be ${expected(schema)}`
  }
}

/** What a schema takes, in words: its own `expects`, or its type and bounds. */
function expected(schema: TSchema): string {
  if (typeof schema.expects === 'string') return schema.expects
  if (Array.isArray(schema.anyOf)) {
    return schema.anyOf
      .map((one: TSchema) => ('const' in one ? String(one.const) : expected(one)))
      .join(' or ')
  }
  const between =
    schema.minimum !== undefined && schema.maximum !== undefined
      ? ` from ${schema.minimum} to ${schema.maximum}`
      : schema.minimum !== undefined
        ? ` of at least ${schema.minimum}`
        : ''
  switch (schema.type) {
    case 'integer':
      return `a whole number${between}`
    case 'number':
      return `a number${between}`
    case 'boolean':
      return 'true or false'
    case 'array':
      return 'a list'
    case 'object':
      return 'an object'
    case 'null':
      return 'null'
    default:
      return 'a text'
  }
}
