/** What the database may refuse, in words that say what to do. Anything else that it throws is a defect. */

/** The data directory cannot be used as it is: made by a newer Mentor, by another Postgres, or damaged. */
export class DataDirMismatch extends Error {
  override readonly name = 'DataDirMismatch'
}

/** The database does not answer: down, restarting, or killed while a query ran. Asking again may work. */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable'
}

/** A query was cancelled at its time limit. */
export class DatabaseTimeout extends Error {
  override readonly name = 'DatabaseTimeout'
}

/** The disk or the quota under the database is full. Reads go on. */
export class DatabaseFull extends Error {
  override readonly name = 'DatabaseFull'
}

/** Another embedding space is the active one: vectors of two models are never mixed. */
export class SpaceMismatch extends Error {
  override readonly name = 'SpaceMismatch'
}

/** A collection's name does not match `[a-z0-9][a-z0-9._-]{0,63}`. */
export class InvalidCollectionName extends Error {
  override readonly name = 'InvalidCollectionName'
}

/** The collection was deleted while something was written into it. */
export class CollectionGone extends Error {
  override readonly name = 'CollectionGone'
}

/** The version being written is gone: its document or collection was deleted, or its run was taken for dead. */
export class VersionGone extends Error {
  override readonly name = 'VersionGone'
}

/** The job is gone, or another worker took it over. */
export class JobGone extends Error {
  override readonly name = 'JobGone'
}

/** A page cursor that `listDocuments` did not make. */
export class InvalidCursor extends Error {
  override readonly name = 'InvalidCursor'
}
