/** `/api/collections`: list, make, delete. */
import { Type } from '@sinclair/typebox'
import { Elysia, status } from 'elysia'
import { deleteCollection, ensureCollection, findCollection, listCollections } from '../../db/collections.ts'
import { describe } from '../../http/describe.ts'
import { jsonBody } from '../../http/json-body.ts'
import { notFound } from '../../http/refusal.ts'
import { NoQuery } from '../../http/shapes.ts'
import { CollectionBody, CollectionList, CollectionMade, CollectionName } from '../http/shapes.ts'
import type { Backend } from './backend.ts'

const ByName = Type.Object({ name: CollectionName }, { additionalProperties: false })
const gone = { 204: { says: 'Deleted, with all its documents' } }

const list = describe({
  tag: 'Collections',
  summary: 'List the collections',
  gives: { 200: { says: 'All of them, by name', shape: CollectionList } },
  refuses: [503],
})
const make = describe({
  tag: 'Collections',
  summary: 'Make a collection',
  description: 'Uploads make their collection themselves; this makes an empty one.',
  gives: {
    201: { says: 'Made', shape: CollectionMade },
    200: { says: 'It was there already', shape: CollectionMade },
  },
  refuses: [400, 408, 413, 415, 503, 507],
})
const remove = describe({
  tag: 'Collections',
  summary: 'Delete a collection and its documents',
  gives: gone,
  refuses: [404, 503],
})

export function collectionRoutes({ db }: Backend) {
  const drop = async (name: string) => {
    if (!(await deleteCollection(db, name))) throw notFound('collection')
    return new Response(null, { status: 204 })
  }
  return new Elysia()
    .get(
      '/api/collections',
      async () => ({ collections: (await listCollections(db)).map(({ id: _, ...shown }) => shown) }),
      { query: NoQuery, ...list },
    )
    .post(
      '/api/collections',
      async ({ body }) => {
        const existed = (await findCollection(db, body.name)) !== null
        const { name } = await ensureCollection(db, body.name)
        return status(existed ? 200 : 201, { name })
      },
      { ...jsonBody(CollectionBody), query: NoQuery, ...make },
    )
    .delete('/api/collections', ({ query }) => drop(query.name), { query: ByName, ...remove })
    .delete('/api/collections/:name', ({ params }) => drop(params.name), {
      params: ByName,
      query: NoQuery,
      ...remove,
    })
}
