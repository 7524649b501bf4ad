import { storable } from './arrays.ts'
import { InvalidCursor } from './errors.ts'
import type { Database } from './open.ts'
import { reach } from './reach.ts'

/** A document as readers see it: its published version. */
export interface DocumentRow {
  id: string
  collection: string
  title: string
  source: string
  version: number
  mediaType: string
  language: string
  bytes: number
  /** UTF-16 code units of its text. */
  length: number
  passages: number
  warnings: string[]
  createdAt: Date
  updatedAt: Date
}

/** Something that a document says of itself. */
export interface Property {
  key: string
  value: string
}

export interface TextRange {
  text: string
  /** UTF-16 code units, end exclusive; moved outwards where they would have cut a surrogate pair. */
  start: number
  end: number
  /** Of the whole text. */
  length: number
  version: number
  title: string
  source: string
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * Published documents, newest first, a page at a time. `next` is the cursor of the following page, null on the
 * last. Documents that come or go between two pages move no other document to a page it is not on.
 * Throws `InvalidCursor`.
 */
export async function listDocuments(
  db: Database,
  page: { collection?: string; path?: string; where?: Property; limit: number; cursor?: string },
): Promise<{ documents: DocumentRow[]; next: string | null }> {
  const after = page.cursor === undefined ? null : readCursor(page.cursor)
  const rows = await reach(
    db,
    (sql) => sql<Stored[]>`
      ${documentColumns(sql)}
      where ${page.collection === undefined ? sql`true` : sql`c.name = ${storable(page.collection)}`}
        and ${page.path === undefined ? sql`true` : sql`starts_with(d.source, ${storable(page.path)})`}
        and ${page.where === undefined ? sql`true` : says(sql, page.where)}
        and ${
          after === null
            ? sql`true`
            : sql`(d.created_at, d.id) < ('epoch'::timestamptz + ${after.micros}::float8 * interval '1 microsecond', ${after.id}::uuid)`
        }
      order by d.created_at desc, d.id desc
      limit ${page.limit + 1}`,
  )
  const documents = rows.slice(0, page.limit)
  const last = documents.at(-1)
  const next = rows.length > page.limit && last ? writeCursor(last.createdMicros, last.id) : null
  return { documents: documents.map(toRow), next }
}

/** Null when there is no such document, or none that readers may see. */
export async function getDocument(db: Database, id: string): Promise<DocumentRow | null> {
  if (!uuid.test(id)) return null
  const [row] = await reach(db, (sql) => sql<Stored[]>`${documentColumns(sql)} where d.id = ${id}`)
  return row ? toRow(row) : null
}

/**
 * Text of a document from `start` to `end` (the whole without them). Null when there is no such document,
 * 'gone' when `version` names one that is no longer the published one.
 */
export async function readText(
  db: Database,
  id: string,
  range: { start?: number; end?: number; version?: number } = {},
): Promise<TextRange | 'gone' | null> {
  if (!uuid.test(id)) return null
  const [row] = await reach(
    db,
    (sql) => sql<{ text: string; version: number; title: string; source: string }[]>`
      select v.text, v.id as version, v.title, d.source
      from documents d join document_versions v on v.id = d.version_id
      where d.id = ${id}`,
  )
  if (!row) return null
  if (range.version !== undefined && range.version !== row.version) return 'gone'
  const { version, title, source } = row
  return { ...cut(row.text, range.start, range.end), length: row.text.length, version, title, source }
}

/** Deletes a document with all its versions, passages and vectors; false when there was none to be seen. */
export async function deleteDocument(db: Database, id: string): Promise<boolean> {
  if (!uuid.test(id)) return false
  const [row] = await reach(
    db,
    (sql) => sql<{ deleted: number }[]>`select delete_documents(array[${id}::uuid]) as deleted`,
  )
  return row !== undefined && row.deleted > 0
}

/** What readers can see in all. */
export async function counts(
  db: Database,
): Promise<{ collections: number; documents: number; passages: number }> {
  const [row] = await reach(
    db,
    (sql) => sql<{ collections: number; documents: number; passages: number }[]>`
      select
        (select count(*) from collections) as collections,
        (select count(*) from documents where version_id is not null) as documents,
        (select coalesce(sum(passages), 0)::bigint from collection_languages) as passages`,
  )
  return { collections: row?.collections ?? 0, documents: row?.documents ?? 0, passages: row?.passages ?? 0 }
}

/** Whether the metadata has the value under the key, alone or in a list; letters of either case are the same. */
const says = (sql: Database['sql'], { key, value }: Property) => sql`
  exists (
    select from jsonb_each(v.metadata) as said (key, value)
    cross join jsonb_array_elements_text(
      case jsonb_typeof(said.value) when 'array' then said.value else jsonb_build_array(said.value) end
    ) as one
    where lower(said.key) = lower(${storable(key)}) and lower(one) = lower(${storable(value)})
  )`

type Stored = Omit<DocumentRow, 'createdAt' | 'updatedAt'> & { createdMicros: number; updatedMicros: number }

const documentColumns = (sql: Database['sql']) => sql`
  select d.id, c.name as collection, v.title, d.source, v.id as version, v.media_type as "mediaType", v.language,
    v.bytes, v.length, v.passages, v.warnings,
    (extract(epoch from d.created_at) * 1000000)::bigint as "createdMicros",
    (extract(epoch from d.updated_at) * 1000000)::bigint as "updatedMicros"
  from documents d
  join document_versions v on v.id = d.version_id
  join collections c on c.id = d.collection_id`

function toRow({ createdMicros, updatedMicros, ...row }: Stored): DocumentRow {
  return { ...row, createdAt: new Date(createdMicros / 1000), updatedAt: new Date(updatedMicros / 1000) }
}

/** Microseconds, as Postgres keeps them: rounded to milliseconds, two documents of one would lose each other. */
function writeCursor(micros: number, id: string): string {
  return Buffer.from(`${micros} ${id}`).toString('base64url')
}

function readCursor(cursor: string): { micros: number; id: string } {
  const [micros, id, ...rest] = Buffer.from(cursor, 'base64url').toString('latin1').split(' ')
  if (
    micros === undefined ||
    !/^\d{1,16}$/.test(micros) ||
    id === undefined ||
    !uuid.test(id) ||
    rest.length > 0
  ) {
    throw new InvalidCursor('The cursor is not one of ours. Pass the `next` of the page before as it came.')
  }
  return { micros: Number(micros), id }
}

function cut(text: string, from = 0, to = text.length): { text: string; start: number; end: number } {
  let start = Math.min(Math.max(from, 0), text.length)
  let end = Math.min(Math.max(to, start), text.length)
  if (insidePair(text, start)) start--
  if (insidePair(text, end)) end++
  return { text: text.slice(start, end), start, end }
}

function insidePair(text: string, at: number): boolean {
  return at > 0 && at < text.length && isHigh(text.charCodeAt(at - 1)) && isLow(text.charCodeAt(at))
}
const isHigh = (unit: number) => unit >= 0xd800 && unit <= 0xdbff
const isLow = (unit: number) => unit >= 0xdc00 && unit <= 0xdfff
