/**
 * The tables, as drizzle sees them. `db/migrations/` holds the SQL that makes them; the two change together.
 *
 * How a document becomes visible: a version is written with its passages, vectors and postings while
 * `documents.version_id` still names the old one (or none). One short transaction then sets `version_id`
 * (the flip), clears the version's `run_id` and deletes the old version. So of the versions in the table those
 * without a run are the visible ones, and a search need not join its thousands of postings with documents: it
 * leaves out the few versions that have one. Whatever is shown is joined through `documents.version_id`.
 */
import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  customType,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'

const bytea = customType<{ data: Uint8Array; driverData: Uint8Array }>({ dataType: () => 'bytea' })
/** Half-precision vector of any length: a row's space says how long; each space has its own HNSW index. */
const halfvec = customType<{ data: string }>({ dataType: () => 'halfvec' })
/** One bit a number of a vector: its sign. */
const signs = customType<{ data: string }>({ dataType: () => 'bit varying' })
const moment = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' })

export const collections = pgTable('collections', {
  id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
  /** `[a-z0-9][a-z0-9._-]{0,63}` */
  name: text('name').notNull().unique(),
  createdAt: moment('created_at').notNull().defaultNow(),
})

/** A model at a revision, with the length of its vectors. Vectors of different spaces are never compared. */
export const embeddingSpaces = pgTable(
  'embedding_spaces',
  {
    id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
    model: text('model').notNull(),
    /** SHA-256 of the weights file, hex. */
    revision: text('revision').notNull(),
    dimensions: integer('dimensions').notNull(),
    /** Most word pieces of a text that the model reads, its two special tokens included. */
    tokenLimit: integer('token_limit').notNull(),
    active: boolean('active').notNull().default(false),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (t) => [
    uniqueIndex('embedding_spaces_model').on(t.model, t.revision),
    uniqueIndex('embedding_spaces_one_active').on(t.active).where(sql`${t.active}`),
  ],
)

/**
 * A document is its collection plus where it came from: a real absolute path, or the name of an upload.
 * The place is found by its SHA-256, because a path may be longer than a B-tree key (about 2.7 kB).
 */
export const documents = pgTable(
  'documents',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    collectionId: integer('collection_id')
      .notNull()
      .references(() => collections.id, { onDelete: 'cascade' }),
    origin: text('origin', { enum: ['path', 'upload'] }).notNull(),
    /** The real absolute path, or the upload's name. */
    place: text('place').notNull(),
    /** SHA-256 of `origin`, a NUL and `place`. */
    placeHash: bytea('place_hash').notNull(),
    /** For display: the path relative to the folder that was ingested, or the upload's name. */
    source: text('source').notNull(),
    /** The version that readers see; null until the first one is published. */
    versionId: bigint('version_id', { mode: 'number' }),
    createdAt: moment('created_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
  },
  (t) => [
    uniqueIndex('documents_place').on(t.collectionId, t.placeHash),
    uniqueIndex('documents_version').on(t.versionId),
    // The newest first, by page: within a collection and over all of them.
    index('documents_listing').on(t.collectionId, t.createdAt, t.id),
    index('documents_newest').on(t.createdAt, t.id),
  ],
)

/** One run of the ingestion, alive while its heartbeat is fresh; what a dead one left unpublished is swept. */
export const ingestRuns = pgTable('ingest_runs', {
  id: uuid('id').primaryKey().defaultRandom(),
  host: text('host').notNull(),
  pid: integer('pid').notNull(),
  heartbeatAt: moment('heartbeat_at').notNull().defaultNow(),
})

export const documentVersions = pgTable(
  'document_versions',
  {
    /** What the API calls `version`. */
    id: bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    documentId: uuid('document_id')
      .notNull()
      .references(() => documents.id, { onDelete: 'cascade' }),
    /** The run that wrote it; null once published. */
    runId: uuid('run_id'),
    /** SHA-256 of the file's bytes. */
    contentHash: bytea('content_hash').notNull(),
    /** Revision of the code that turns a file into passages; a newer one makes the same bytes count as changed. */
    pipeline: integer('pipeline').notNull(),
    mediaType: text('media_type').notNull(),
    title: text('title').notNull(),
    /** BCP 47 primary subtag of most of the text, or `und`. */
    language: text('language').notNull(),
    bytes: bigint('bytes', { mode: 'number' }).notNull(),
    /** The text that offsets point into: the decoded file for md and txt, else the extracted text. */
    text: text('text').notNull(),
    /** UTF-16 code units of `text`. */
    length: integer('length').notNull(),
    passages: integer('passages').notNull().default(0),
    warnings: jsonb('warnings').$type<string[]>().notNull().default([]),
    /** What the document says of itself: author, date, tags, the keys of its front matter. */
    metadata: jsonb('metadata').$type<Record<string, string | string[]>>().notNull().default({}),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (t) => [
    index('document_versions_document').on(t.documentId),
    // A file that was moved is known by its content.
    index('document_versions_content').on(t.contentHash),
    // Only versions in the making, a handful: what every search leaves out, and what is swept.
    index('document_versions_unpublished').on(t.runId, t.id).where(sql`${t.runId} is not null`),
  ],
)

export const passages = pgTable(
  'passages',
  {
    id: bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    versionId: bigint('version_id', { mode: 'number' })
      .notNull()
      .references(() => documentVersions.id, { onDelete: 'cascade' }),
    /** 0, 1, 2 … within the version: neighbours are ordinal ± 1. */
    ordinal: integer('ordinal').notNull(),
    /** `documentVersions.text.slice(start, end)`, exactly. */
    text: text('text').notNull(),
    /** UTF-16 code units, end exclusive, never inside a surrogate pair. */
    start: integer('start_offset').notNull(),
    end: integer('end_offset').notNull(),
    /** 1-based, for formats that have pages. */
    page: integer('page'),
    /** Headings above the passage, outermost first. */
    heading: text('heading').array().notNull().default(sql`'{}'`),
    language: text('language').notNull(),
  },
  (t) => [uniqueIndex('passages_order').on(t.versionId, t.ordinal)],
)

export const passageVectors = pgTable(
  'passage_vectors',
  {
    spaceId: integer('space_id')
      .notNull()
      .references(() => embeddingSpaces.id, { onDelete: 'cascade' }),
    passageId: bigint('passage_id', { mode: 'number' })
      .notNull()
      .references(() => passages.id, { onDelete: 'cascade' }),
    versionId: bigint('version_id', { mode: 'number' })
      .notNull()
      .references(() => documentVersions.id, { onDelete: 'cascade' }),
    /** That of the document, which never changes it: searches filter by it here, without a join. */
    collectionId: integer('collection_id').notNull(),
    /** SHA-256 of the text that was embedded (title, headings and passage): equal input is embedded once. */
    inputHash: bytea('input_hash').notNull(),
    embedding: halfvec('embedding').notNull(),
    /** Compared first where there is no HNSW index (see `nearest.ts`). */
    signs: signs('signs').notNull().generatedAlwaysAs(sql`binary_quantize(embedding)`),
  },
  (t) => [
    primaryKey({ columns: [t.spaceId, t.passageId] }),
    index('passage_vectors_input').on(t.spaceId, t.inputHash),
    index('passage_vectors_version').on(t.versionId),
    index('passage_vectors_collection').on(t.spaceId, t.collectionId),
    index('passage_vectors_passage').on(t.passageId),
  ],
)

/**
 * BM25 postings: one row a term, language and version, its arrays in step, an entry a passage.
 * Written with the unpublished version and dropped with it, so the index is as atomic as the document.
 */
export const postings = pgTable(
  'postings',
  {
    term: text('term').notNull(),
    language: text('language').notNull(),
    versionId: bigint('version_id', { mode: 'number' })
      .notNull()
      .references(() => documentVersions.id, { onDelete: 'cascade' }),
    collectionId: integer('collection_id').notNull(),
    passageIds: bigint('passage_ids', { mode: 'number' }).array().notNull(),
    /** Occurrences of the term in the passage, its title and headings. */
    frequencies: smallint('frequencies').array().notNull(),
    /** Terms of the passage, its title and headings. */
    lengths: integer('lengths').array().notNull(),
  },
  (t) => [
    // A batch of passages of one version may add a further row for a term, so this is no primary key.
    index('postings_term').on(t.term, t.language),
    index('postings_version').on(t.versionId),
  ],
)

/** What a version adds to the statistics of its collection, a row a language. */
export const versionLanguages = pgTable(
  'version_languages',
  {
    versionId: bigint('version_id', { mode: 'number' })
      .notNull()
      .references(() => documentVersions.id, { onDelete: 'cascade' }),
    language: text('language').notNull(),
    passages: integer('passages').notNull(),
    /** Sum of the passages' lengths in terms: BM25's average length comes from it. */
    terms: bigint('terms', { mode: 'number' }).notNull(),
    /** Words, and the word pieces that the active space's model cuts them into: how well it knows the language. */
    words: bigint('words', { mode: 'number' }).notNull(),
    wordPieces: bigint('word_pieces', { mode: 'number' }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.versionId, t.language] })],
)

/** Sums of `version_languages` over the published versions of a collection, changed in the flip and in deletes. */
export const collectionLanguages = pgTable(
  'collection_languages',
  {
    collectionId: integer('collection_id')
      .notNull()
      .references(() => collections.id, { onDelete: 'cascade' }),
    language: text('language').notNull(),
    passages: bigint('passages', { mode: 'number' }).notNull(),
    terms: bigint('terms', { mode: 'number' }).notNull(),
    words: bigint('words', { mode: 'number' }).notNull(),
    wordPieces: bigint('word_pieces', { mode: 'number' }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.collectionId, t.language] })],
)

/** Ingestion asked for over HTTP or by `start`: acknowledged once its row stands, carried out by the ingest worker. */
export const jobs = pgTable(
  'jobs',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    collection: text('collection').notNull(),
    /** `upload`: files under the data directory, removed when the job is done. `paths`: files and folders as named. */
    kind: text('kind', { enum: ['upload', 'paths'] }).notNull(),
    /** Uploads: `{path, name}` a file. Paths: `{path}` a file or folder. */
    inputs: jsonb('inputs').$type<{ path: string; name?: string }[]>().notNull(),
    state: text('state', { enum: ['queued', 'running', 'done', 'failed'] })
      .notNull()
      .default('queued'),
    /** Why the job as a whole failed. */
    reason: text('reason'),
    /** Files found so far; null until the walk is over. */
    total: integer('total'),
    totals: jsonb('totals').$type<Record<string, number>>(),
    owner: text('owner'),
    heartbeatAt: moment('heartbeat_at'),
    createdAt: moment('created_at').notNull().defaultNow(),
    finishedAt: moment('finished_at'),
  },
  (t) => [index('jobs_state').on(t.state, t.createdAt)],
)

/** The lines of `ingest --json` of a job, in order. */
export const jobLines = pgTable(
  'job_lines',
  {
    jobId: uuid('job_id')
      .notNull()
      .references(() => jobs.id, { onDelete: 'cascade' }),
    n: integer('n').notNull(),
    line: jsonb('line').$type<Record<string, unknown>>().notNull(),
  },
  (t) => [primaryKey({ columns: [t.jobId, t.n] })],
)

/** Files that could not be taken, until they are, or are gone: what a retry reads again. */
export const ingestFailures = pgTable(
  'ingest_failures',
  {
    collectionId: integer('collection_id')
      .notNull()
      .references(() => collections.id, { onDelete: 'cascade' }),
    origin: text('origin', { enum: ['path', 'upload'] }).notNull(),
    /** As in `documents`. */
    place: text('place').notNull(),
    placeHash: bytea('place_hash').notNull(),
    source: text('source').notNull(),
    /** Where its bytes lie: the place, or the file of an upload that is kept for the retry. */
    path: text('path').notNull(),
    reason: text('reason').notNull(),
    /** The job it failed in; null on the command line. */
    jobId: uuid('job_id').references(() => jobs.id, { onDelete: 'set null' }),
    failedAt: moment('failed_at').notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.collectionId, t.placeHash] }), index('ingest_failures_job').on(t.jobId)],
)

/** What was said in a conversation that a client gave a name to; the newest are part of its next question. */
export const conversationMessages = pgTable(
  'conversation_messages',
  {
    id: bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    session: text('session').notNull(),
    role: text('role', { enum: ['user', 'assistant'] }).notNull(),
    content: text('content').notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (t) => [
    index('conversation_messages_session').on(t.session, t.id),
    // What nobody came back to is swept by its age.
    index('conversation_messages_age').on(t.createdAt),
  ],
)

/** Sums over the answers of an hour, a row a rung; the rung is empty where none answered. */
export const answerHours = pgTable(
  'answer_hours',
  {
    hour: moment('hour').notNull(),
    rung: text('rung').notNull(),
    requests: bigint('requests', { mode: 'number' }).notNull(),
    errors: bigint('errors', { mode: 'number' }).notNull(),
    promptTokens: bigint('prompt_tokens', { mode: 'number' }).notNull(),
    completionTokens: bigint('completion_tokens', { mode: 'number' }).notNull(),
    /** Summed over the requests. */
    milliseconds: bigint('milliseconds', { mode: 'number' }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.hour, t.rung] })],
)
