/** `/openapi.json`, and `/docs` to read it: made here from the routes, so both work without a network. */
import { Elysia } from 'elysia'
import { docsPage, docsStyle } from './docs-page.ts'
import { type ApiInfo, type OpenApiDocument, openApiDocument, type Route } from './openapi.ts'

/**
 * @param routes asked at the first request, when all of them are there
 * @param notes what holds for every address, a paragraph each; `code` in backquotes
 */
export function docsRoutes(routes: () => Route[], info: ApiInfo, notes: string[]) {
  let made: OpenApiDocument | null = null
  const document = () => {
    made ??= openApiDocument(routes(), info)
    return made
  }
  const hidden = { detail: { hide: true } }
  const typed = (body: string, type: string) =>
    new Response(body, { headers: { 'content-type': `${type}; charset=utf-8`, 'cache-control': 'no-cache' } })
  return new Elysia()
    .get('/openapi.json', () => document(), hidden)
    .get('/docs', () => typed(docsPage(document(), notes), 'text/html'), hidden)
    .get('/docs/style.css', () => typed(docsStyle, 'text/css'), hidden)
}
