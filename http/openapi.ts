/** The OpenAPI document, put together from the routes: their schemas are the ones that requests are checked with. */
import type { TSchema } from '@sinclair/typebox'

export interface Operation {
  summary: string
  description?: string
  tags: string[]
  parameters?: Parameter[]
  requestBody?: { required: true; content: Record<string, { schema: TSchema }> }
  responses: Record<string, { description: string; content?: Record<string, { schema: TSchema }> }>
}

interface Parameter {
  name: string
  in: 'path' | 'query'
  required: boolean
  schema: TSchema
}

export interface ApiInfo {
  title: string
  version: string
  description: string
}

export interface OpenApiDocument {
  openapi: '3.1.0'
  info: ApiInfo & { license: { name: string } }
  paths: Record<string, Record<string, Operation>>
}

/** The parts of an Elysia route that are read here. */
export interface Route {
  method: string
  path: string
  hooks: unknown
}

interface Hooks {
  detail?: Operation & { hide?: boolean }
  body?: TSchema
  query?: TSchema
  params?: TSchema
}

export function openApiDocument(routes: Route[], info: ApiInfo): OpenApiDocument {
  const paths: OpenApiDocument['paths'] = {}
  for (const { method, path, hooks } of routes) {
    const { detail, ...schemas } = (hooks ?? {}) as Hooks
    if (detail === undefined || detail.hide === true) continue
    const address = path.replace(/:([^/]+)/g, '{$1}')
    const operations = paths[address] ?? {}
    paths[address] = { ...operations, [method.toLowerCase()]: operation(detail, schemas) }
  }
  return { openapi: '3.1.0', info: { ...info, license: { name: 'MIT' } }, paths }
}

function operation(detail: Operation, { body, query, params }: Omit<Hooks, 'detail'>): Operation {
  const parameters = [...parametersOf('path', params), ...parametersOf('query', query)]
  const requestBody = body && { required: true as const, content: { 'application/json': { schema: body } } }
  return {
    ...detail,
    ...(parameters.length > 0 && { parameters }),
    ...(requestBody !== undefined && { requestBody }),
  }
}

function parametersOf(place: Parameter['in'], schema: TSchema | undefined): Parameter[] {
  const properties: Record<string, TSchema> = schema?.properties ?? {}
  const required: string[] = schema?.required ?? []
  return Object.entries(properties).map(([name, one]) => ({
    name,
    in: place,
    required: required.includes(name),
    schema: one,
  }))
}
