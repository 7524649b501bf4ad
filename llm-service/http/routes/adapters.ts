/** `/api/llm/adapters`: the LoRA adapters of the models folder, and their usual weights. */
import { Elysia } from 'elysia'
import { describe } from '../../../http/describe.ts'
import { jsonBody } from '../../../http/json-body.ts'
import { NoQuery } from '../../../http/shapes.ts'
import type { AdapterInfo } from '../../types.ts'
import type { Served } from '../served.ts'
import { AdapterBody, AdapterList, AdapterShape } from '../shapes.ts'

const list = describe({
  tag: 'Adapters',
  summary: 'List the adapters',
  gives: { 200: { says: 'Those in the folder, usable or not', shape: AdapterList } },
  refuses: [401],
})

const set = describe({
  tag: 'Adapters',
  summary: 'Load an adapter, or change its weight',
  description: 'A file that was put into the folder meanwhile is found.',
  gives: { 200: { says: 'The adapter, loaded by every worker', shape: AdapterShape } },
  refuses: [400, 401, 404, 408, 413, 415, 503],
})

export function adapterRoutes(served: Served) {
  const { service } = served
  return new Elysia()
    .get('/api/llm/adapters', () => ({ adapters: service.adapters().map(adapterView) }), {
      query: NoQuery,
      ...list,
    })
    .post(
      '/api/llm/adapters',
      async ({ body, request }) => {
        served.keepOpen(request)
        return adapterView(await service.setAdapter(body.name, body.scale ?? 0))
      },
      { ...jsonBody(AdapterBody), query: NoQuery, ...set },
    )
}

/** The name of the file, not where it lies: that is nothing for clients. */
function adapterView({ name, file, loaded, scale, problem }: AdapterInfo): AdapterInfo {
  return { name, file: file.slice(file.lastIndexOf('/') + 1), loaded, scale, problem }
}
