import type { EmbeddingModel } from '../models/bundled.ts'
import { SpaceMismatch } from './errors.ts'
import { ensureVectorIndex } from './indexes.ts'
import type { Database } from './open.ts'
import { reach } from './reach.ts'

/** An embedding space: vectors of one model at one revision, comparable with each other and nothing else. */
export interface Space {
  id: number
  model: string
  /** SHA-256 of the weights, hex. */
  revision: string
  dimensions: number
  /** Word pieces the model reads, its two special tokens included. */
  tokenLimit: number
}

/**
 * The active space, which must be the model's; made and activated when the database has none yet.
 * Throws `SpaceMismatch` when another model's space is active: nothing switches in silence.
 */
export async function activeSpace(db: Database, model: EmbeddingModel): Promise<Space> {
  const space = (await readActive(db)) ?? (await makeActive(db, model))
  if (space.model !== model.name || space.revision !== model.revision) throw mismatch(db, space, model)
  // A server keeps the index with every row; the embedded database builds it in bulk (see indexes.ts).
  if (db.kind === 'server') await ensureVectorIndex(db, space)
  return space
}

async function readActive(db: Database): Promise<Space | null> {
  const [row] = await reach(
    db,
    (sql) => sql<Space[]>`
      select id, model, revision, dimensions, token_limit as "tokenLimit" from embedding_spaces where active`,
  )
  return row ? { ...row } : null
}

async function makeActive(db: Database, model: EmbeddingModel): Promise<Space> {
  // Of two processes that start at once, one makes it and the other's insert does nothing.
  await reach(
    db,
    (sql) => sql`
      insert into embedding_spaces (model, revision, dimensions, token_limit, active)
      values (${model.name}, ${model.revision}, ${model.dimensions}, ${model.tokenLimit}, true)
      on conflict do nothing`,
  )
  const made = await readActive(db)
  if (!made)
    throw new SpaceMismatch(`The embedding space of ${model.name} is there but not active in ${db.where}.`)
  return made
}

function mismatch(db: Database, space: Space, model: EmbeddingModel): SpaceMismatch {
  const name = (at: { revision: string }, of: string) => `${of} (weights ${at.revision.slice(0, 12)})`
  return new SpaceMismatch(
    `The documents in ${db.where} were embedded with ${name(space, space.model)}, and this Mentor embeds with ` +
      `${name(model, model.name)}: their vectors cannot be compared. ` +
      'Use the model they were embedded with, or name another data directory (--data) or database and ingest again.',
  )
}
