/** A file's bytes as passages that only lack their vectors. Runs in the parser's child process. */
import { createHash } from 'node:crypto'
import { detectLanguage } from '../db/lexical/language.ts'
import { analyse } from '../db/lexical/terms.ts'
import type { Tokenizer } from '../embedding/tokenizer.ts'
import { embeddingInput } from './embedding-input.ts'
import { extract, type ReadOptions } from './extract/extract.ts'
import type { Metadata } from './extract/extracted.ts'
import { titleFromName } from './extract/title.ts'
import { cutPassages, type Passage } from './passages.ts'

export interface PreparedDocument {
  text: string
  mediaType: string
  title: string
  /** BCP 47 primary subtag of most of the text, or `und`. */
  language: string
  /** What the document says of itself: author, date, tags. */
  metadata: Metadata
  warnings: string[]
}

export interface PreparedPassage {
  ordinal: number
  text: string
  start: number
  end: number
  page: number | null
  heading: string[]
  language: string
  /** What is embedded, and its SHA-256. */
  input: string
  inputHash: Uint8Array
  terms: Map<string, number>
  /** Terms in all, repeated ones counted each time. */
  length: number
  words: number
  wordPieces: number
}

/** The document, and its passages as they are cut. Throws `Refused` for a file that cannot be taken. */
export async function prepare(
  file: { name: string; bytes: Uint8Array },
  model: { tokenizer: Tokenizer; tokenLimit: number },
  options: ReadOptions = {},
): Promise<{ document: PreparedDocument; passages: Generator<PreparedPassage> }> {
  const { text, blocks, mediaType, warnings, ...extracted } = await extract(file.name, file.bytes, options)
  const title = extracted.title ?? titleFromName(file.name)
  // What a document says of its language decides where its text is too short or too mixed to tell.
  const language = detectLanguage(text, extracted.language ?? undefined)
  const metadata = extracted.metadata ?? {}
  const document = { text, mediaType, title, language, metadata, warnings }
  const { tokenizer, tokenLimit } = model
  const cut = cutPassages(text, blocks, { title, tokenLimit, count: (part) => tokenizer.count(part) })
  return { document, passages: describe(document, cut, tokenizer) }
}

function* describe(
  document: PreparedDocument,
  passages: Iterable<Passage>,
  tokenizer: Tokenizer,
): Generator<PreparedPassage> {
  let ordinal = 0
  for (const { start, end, page, heading, input } of passages) {
    const text = document.text.slice(start, end)
    const language = languageOf(text, document.language)
    const terms = analyse(embeddingInput(document.title, heading, text), language)
    yield {
      ordinal: ordinal++,
      text,
      start,
      end,
      page,
      heading: [...heading],
      language,
      input,
      inputHash: createHash('sha256').update(input).digest(),
      terms: countTerms(terms),
      length: terms.length,
      ...tokenizer.coverage(text),
    }
  }
}

/** Fewer letters than this tell nothing for sure: the document's language is the better guess. */
const telling = 100

function languageOf(text: string, expected: string): string {
  const letters = text.match(/\p{L}/gu)?.length ?? 0
  return letters < telling && expected !== 'und' ? expected : detectLanguage(text, expected)
}

function countTerms(terms: string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1)
  return counts
}
