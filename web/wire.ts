/** What the HTTP API sends and the page reads: only the fields that the page uses. */

export type RungName = 'llm-service' | 'local-model' | 'context-only'

export interface DocumentReference {
  id: string
  title: string
  /** The path or upload name it came from. */
  source: string
  version: number
}

export interface Citation {
  /** 1-based; `[number]` in the answer. */
  number: number
  document: DocumentReference
  page: number | null
  heading: string | null
  /** UTF-16 code units into the document's text, end exclusive: `text.slice(start, end) === quote`. */
  start: number
  end: number
  quote: string
}

export interface LadderStep {
  rung: RungName
  outcome: 'answered' | 'unavailable' | 'failed' | 'timeout' | 'skipped'
  reason: string | null
  ms: number
  /** What the model was given of the passages found; null where none was asked. */
  prompt: {
    passages: number
    of: number
    tokens: number
    context: number
    counted: 'exact' | 'estimated'
  } | null
}

/** A passage that was found for a question, best first. */
export interface Passage {
  id: number
  document: DocumentReference
  text: string
  start: number
  end: number
  page: number | null
  heading: string | null
  score: number
  /** Cosine, and BM25; null where that side did not find it. */
  scores: { dense: number | null; lexical: number | null }
}

/** The data of the stream's last part, `data-answer`. */
export interface Answer {
  id: string
  answer: string
  abstained: boolean
  citations: Citation[]
  rung: RungName
  model: string | null
  ladder: LadderStep[]
  passages: Passage[]
  /** Milliseconds. */
  timings: { embed: number; search: number; firstText: number | null; total: number }
  usage: { promptTokens: number | null; completionTokens: number | null }
  notes: string[]
}

export interface RungHealth {
  rung: RungName
  state: 'ready' | 'unavailable' | 'checking'
  reason: string | null
  model: string | null
}

export interface Health {
  status: 'healthy' | 'degraded' | 'starting'
  rungs: RungHealth[]
  database: { state: 'ready' | 'unavailable' | 'checking' }
  counts: { collections: number; documents: number; passages: number }
  /** Folders given at the start that are still being read; null when there are none. */
  ingesting: { done: number; total: number } | null
}

/** A document as the list shows it. */
export interface StoredDocument extends DocumentReference {
  collection: string
  mediaType: string
  /** BCP 47 primary subtag, or `und`. */
  language: string
  bytes: number
  passages: number
  warnings: string[]
  updatedAt: string
}

export interface DocumentPage {
  documents: StoredDocument[]
  /** The cursor of the next page; null on the last one. */
  next: string | null
}

/** A window of a document's text: `text` begins at `start` of `length` code units. */
export interface TextWindow {
  text: string
  start: number
  end: number
  length: number
  version: number
}

export interface IngestLine {
  file: string
  status: 'added' | 'replaced' | 'moved' | 'unchanged' | 'removed' | 'skipped' | 'failed'
  reason: string | null
  warnings: string[]
  passages: number
}

export interface Job {
  job: string
  /** Why the whole job failed, when it did. */
  reason: string | null
  lines: IngestLine[]
  finishedAt: string | null
}
