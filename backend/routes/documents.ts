/** `/api/documents`: list, show, delete, and the text that citations point into. */
import { Type } from '@sinclair/typebox'
import { Elysia } from 'elysia'
import { findCollection } from '../../db/collections.ts'
import { deleteDocument, getDocument, listDocuments, type Property, readText } from '../../db/documents.ts'
import { describe } from '../../http/describe.ts'
import { wholeNumbers } from '../../http/query.ts'
import { invalid, notFound, RequestRefused } from '../../http/refusal.ts'
import { NoQuery } from '../../http/shapes.ts'
import { CollectionName, DocumentPage, DocumentShape, TextWindow, Uuid } from '../http/shapes.ts'
import type { Backend } from './backend.ts'

const strict = { additionalProperties: false }
const ById = Type.Object({ id: Uuid }, strict)
const offset = Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1 })
const ListQuery = Type.Object(
  {
    collection: Type.Optional(CollectionName),
    path: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 4_000,
        description: 'The beginning of the source, as `docs/`.',
      }),
    ),
    where: Type.Optional(
      Type.String({
        pattern: '^[^=\\u0000]{1,60}=[^\\u0000]{1,500}$',
        expects: 'key=value',
        description: '`key=value` of what documents say of themselves, in front matter or properties.',
      }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, description: '100 unless said.' })),
    cursor: Type.Optional(
      Type.String({ pattern: '^[A-Za-z0-9_=-]{1,200}$', expects: 'the `next` of a former page' }),
    ),
  },
  strict,
)
const TextQuery = Type.Object(
  {
    start: Type.Optional(offset),
    end: Type.Optional(offset),
    version: Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })),
  },
  strict,
)
const defaultLimit = 100

const list = describe({
  tag: 'Documents',
  summary: 'List the documents',
  description: 'Newest first, a page at a time; past the last one the page is empty.',
  gives: { 200: { says: 'A page of documents', shape: DocumentPage } },
  refuses: [404, 503],
})
const show = describe({
  tag: 'Documents',
  summary: 'Show a document',
  gives: { 200: { says: 'The document', shape: DocumentShape } },
  refuses: [404, 503],
})
const remove = describe({
  tag: 'Documents',
  summary: 'Delete a document',
  gives: { 204: { says: 'Deleted, with its passages and vectors' } },
  refuses: [404, 503],
})
const text = describe({
  tag: 'Documents',
  summary: 'Read the text of a document',
  description:
    'From `start` to `end` in UTF-16 code units, the whole without them. An end past the text means its end; an ' +
    'offset inside a surrogate pair is moved outwards, and the response says what it became. `version`: the one ' +
    'that a citation names; when the document has changed since, 410.',
  gives: { 200: { says: 'The text', shape: TextWindow } },
  refuses: [404, 410, 416, 503],
})

export function documentRoutes({ db }: Backend) {
  return new Elysia()
    .get(
      '/api/documents',
      async ({ query }) => {
        const { collection, path, where, limit = defaultLimit, cursor } = query
        if (collection !== undefined && (await findCollection(db, collection)) === null) {
          throw notFound('collection')
        }
        return await listDocuments(db, {
          limit,
          ...(collection !== undefined && { collection }),
          ...(path !== undefined && { path }),
          ...(where !== undefined && { where: propertyOf(where) }),
          ...(cursor !== undefined && { cursor }),
        })
      },
      { ...wholeNumbers('limit'), query: ListQuery, ...list },
    )
    .get(
      '/api/documents/:id',
      async ({ params }) => {
        const document = await getDocument(db, params.id)
        if (document === null) throw notFound('document')
        return document
      },
      { params: ById, query: NoQuery, ...show },
    )
    .delete(
      '/api/documents/:id',
      async ({ params }) => {
        if (!(await deleteDocument(db, params.id))) throw notFound('document')
        return new Response(null, { status: 204 })
      },
      { params: ById, query: NoQuery, ...remove },
    )
    .get('/api/documents/:id/text', ({ params, query }) => textOf(db, params.id, query), {
      ...wholeNumbers('start', 'end', 'version'),
      params: ById,
      query: TextQuery,
      ...text,
    })
}

/** `key=value`; the schema has seen that both are there. */
function propertyOf(where: string): Property {
  const at = where.indexOf('=')
  return { key: where.slice(0, at), value: where.slice(at + 1) }
}

async function textOf(
  db: Backend['db'],
  id: string,
  range: { start?: number; end?: number; version?: number },
) {
  const { start = 0, end = Number.POSITIVE_INFINITY } = range
  if (start > end) throw invalid([{ path: 'start', problem: 'must not be greater than end' }])
  const found = await readText(db, id, range)
  if (found === null) throw notFound('document')
  if (found === 'gone') {
    throw new RequestRefused(410, 'version_gone', 'The document has changed: that version is gone.', {
      hint: 'Show the quote of the citation, or leave version out to read the current text.',
    })
  }
  if (start > found.length) {
    throw new RequestRefused(416, 'past_the_end', `The text has ${found.length} code units.`)
  }
  return found
}
