/** What a question becomes on its way to an answer. Framework objects never travel in here. */
import type { Evidence, ScoredSentence } from './evidence.ts'

/** A passage as retrieval returns it: what the API shows, best first. */
export interface RetrievedPassage {
  id: number
  document: { id: string; title: string; source: string; version: number }
  text: string
  /** UTF-16 code units into the document version's text, end exclusive. */
  start: number
  end: number
  page: number | null
  /** Headings above the passage joined by ` › `, outermost first. */
  heading: string | null
  language: string
  /** The fused score, 0 to 1 within one question. */
  score: number
  /** Cosine similarity, and BM25; null where that side did not look or did not find. */
  scores: { dense: number | null; lexical: number | null }
  /** 1-based rank on each side. */
  ranks: { dense: number | null; lexical: number | null }
}

export interface Message {
  role: 'system' | 'user' | 'assistant'
  content: string
}

export type RungName = 'llm-service' | 'local-model' | 'context-only'

export interface AskRequest {
  question: string
  /** A collection's name; undefined searches all. */
  collection?: string
  /** Passages given to the rung, 1 to 20. */
  passages: number
  history: Message[]
  rung: 'auto' | RungName
  maxTokens: number
  temperature: number
  topP: number
}

/** `quote === documentText.slice(start, end)`, always. */
export interface Citation {
  /** 1-based; `[number]` in the answer. */
  number: number
  document: { id: string; title: string; source: string; version: number }
  page: number | null
  heading: string | null
  start: number
  end: number
  quote: string
}

/** What of the question's material the model was given. */
export interface PromptFigures {
  /** Passages given, of those that were found. */
  passages: number
  of: number
  /** Of the whole prompt; the answer comes on top. */
  tokens: number
  /** Tokens that the model holds, prompt and answer together. */
  context: number
  /** `exact`: by the model's own tokenizer; `estimated`: by characters, where the server does not count. */
  counted: 'exact' | 'estimated'
  /** What was left out or shortened, in words; null when nothing was. */
  note: string | null
}

export interface LadderStep {
  rung: RungName
  outcome: 'answered' | 'unavailable' | 'failed' | 'timeout' | 'skipped'
  reason: string | null
  ms: number
  /** Null where no model was given anything. */
  prompt: PromptFigures | null
}

/** What `POST /api/ask` returns, and the data of the stream's last part. */
export interface Answer {
  id: string
  answer: string
  abstained: boolean
  citations: Citation[]
  rung: RungName
  /** The language model that wrote it; null for quotes from the documents. */
  model: string | null
  ladder: LadderStep[]
  passages: RetrievedPassage[]
  /** Milliseconds. */
  timings: { embed: number; search: number; firstText: number | null; total: number }
  usage: { promptTokens: number | null; completionTokens: number | null }
  /** What was done without, in words: e.g. `the embedder failed: lexical search only`. */
  notes: string[]
}

/** The events of one answer: passages first, then text in whole checked sentences, last the answer. */
export type AnswerEvent =
  | { type: 'passages'; passages: RetrievedPassage[] }
  | { type: 'text'; text: string }
  | { type: 'answer'; answer: Answer }
  /** The stream broke after its first text: nothing more follows, and no other rung goes on. */
  | { type: 'error'; code: string; message: string }

/** What a rung is asked to do: write from these passages, stop when the signal says so. */
export interface RungRequest {
  question: string
  passages: RetrievedPassage[]
  /** The sentences of the passages, scored against the question. */
  evidence: Evidence
  history: Message[]
  maxTokens: number
  temperature: number
  topP: number
  signal: AbortSignal
}

/** What every rung is: a request in, a stream out. @throws RungUnavailable before its first piece, when it cannot. */
export type Rung = (request: RungRequest) => AsyncIterable<RungChunk>

/** A piece of a model's text, a sentence quoted as it stands, or the prompt, model and usage once known. */
export interface RungChunk {
  text?: string
  quote?: ScoredSentence
  model?: string
  prompt?: PromptFigures
  usage?: { promptTokens: number; completionTokens: number }
}

/** A rung cannot answer at all: the ladder goes on to the next one. Anything else that is thrown is a failure. */
export class RungUnavailable extends Error {
  override readonly name = 'RungUnavailable'
  constructor(readonly reason: string) {
    super(reason)
  }
}
