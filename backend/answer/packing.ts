/**
 * Fits a question into a model's context: rules and question whole, the best passages whole while they fit, of the
 * conversation the newest messages. What was left out is said, never dropped in silence.
 */
import { RungDeclined } from './failures.ts'
import { fence, promptFor, RULES } from './prompt.ts'
import { sentencesOf } from './sentences.ts'
import type { TokenCounts } from './token-counts.ts'
import type { Message, PromptFigures, RetrievedPassage, RungRequest } from './types.ts'

export type Material = Pick<RungRequest, 'question' | 'passages' | 'history' | 'maxTokens'>

export interface Packed {
  messages: Message[]
  /** As asked for, or less where the context is small. */
  maxTokens: number
  figures: PromptFigures
}

/** What a chat template puts around a message: 5 tokens in Qwen3's and Llama 3's; 8 leaves room for others. */
const MESSAGE_TOKENS = 8
/** The beginning of the text and of the answer, an empty thought included: 7 in Qwen3's. */
const TEMPLATE_TOKENS = 16
/** The blank line between two passages, and what their borders cost once they touch. */
const SEAM_TOKENS = 2
/** The conversation may take this share of the room as long as passages wait for it: they are what is asked about. */
const HISTORY_SHARE = 1 / 3
/** Code units of conversation: reading more of it would keep a model without a GPU from its first word for half a minute. */
const HISTORY_TEXT = 8_000
/** A beginning of a passage shorter than this answers nothing. */
const LEAST_PASSAGE = 48
/** Characters cut to a share of their tokens may weigh more than their share. */
const CUT_MARGIN = 0.9
/** Two digits: passages are at most 20, and the number's width must not change what is counted. */
const ANY_NUMBER = 10

/** The texts whose tokens `pack` adds up. The passages' do not change with the boundary, so their counts can be kept. */
export function textsToCount(material: Material, boundary: string): string[] {
  return [
    RULES,
    frame(material.question, boundary),
    boundary,
    ...recent(conversation(material.history)).map(({ content }) => content),
    ...material.passages.map(bare),
  ]
}

/**
 * Sums of parts: what a tokenizer joins across their borders only makes the prompt shorter.
 * @throws RungDeclined when not even the beginning of one passage fits
 */
export function pack(material: Material, boundary: string, counts: TokenCounts): Packed {
  const { context } = counts
  const maxTokens = Math.min(material.maxTokens, Math.floor(context / 2))
  const fixed =
    counts.of(RULES) + counts.of(frame(material.question, boundary)) + TEMPLATE_TOKENS + 2 * MESSAGE_TOKENS
  const room = context - maxTokens - fixed
  const all = conversation(material.history)
  const said = recent(all)
  const weights = said.map(({ content }) => counts.of(content) + MESSAGE_TOKENS)
  const fenceTokens = 2 * counts.of(boundary) + SEAM_TOKENS
  const weigh = (passage: RetrievedPassage) => counts.of(bare(passage)) + fenceTokens

  const kept = Math.min(sum(weights), Math.floor(room * HISTORY_SHARE))
  const whole = bestThatFit(material.passages, room - kept, weigh)
  const cut = whole.passages.length === 0 ? shortened(material.passages[0], room, weigh) : null
  if (whole.passages.length === 0 && material.passages.length > 0 && cut === null) {
    throw new RungDeclined(
      `its context of ${many(context)} tokens has no room for a passage beside this question`,
    )
  }
  const passages = cut === null ? whole.passages : [cut.passage]
  const used = cut === null ? whole.tokens : cut.tokens
  const history = newestThatFit(said, weights, room - used)
  const forgotten = all.length - history.messages.length
  const messages = promptFor({ question: material.question, passages, history: history.messages }, boundary)
  const notes = [
    cut === null ? null : `The first passage was shortened to fit ${contextOf(counts)}.`,
    passages.length === material.passages.length
      ? null
      : `${passages.length} of ${material.passages.length} passages fit ${contextOf(counts)}.`,
    forgotten === 0
      ? null
      : `The ${forgotten === 1 ? 'oldest message of the conversation was' : `${forgotten} oldest messages of the conversation were`} left out.`,
    maxTokens === material.maxTokens
      ? null
      : `The answer was limited to ${many(maxTokens)} tokens, half of ${contextOf(counts)}.`,
  ].filter((note) => note !== null)
  return {
    messages,
    maxTokens,
    figures: {
      passages: passages.length,
      of: material.passages.length,
      tokens: fixed + used + history.tokens,
      context,
      counted: counts.counted,
      note: notes.length === 0 ? null : notes.join(' '),
    },
  }
}

/** The prompt without its passages and their fences. */
function frame(question: string, boundary: string): string {
  return promptFor({ question, passages: [], history: [] }, boundary).at(-1)?.content ?? ''
}

function bare(passage: RetrievedPassage): string {
  return fence(passage, ANY_NUMBER, '')
}

/** Rules are ours alone, so no system message from outside; and a conversation begins with a question. */
function conversation(history: Message[]): Message[] {
  const said = history.filter(({ role }) => role !== 'system')
  const first = said.findIndex(({ role }) => role === 'user')
  return first === -1 ? [] : said.slice(first)
}

function bestThatFit(
  passages: RetrievedPassage[],
  room: number,
  weigh: (passage: RetrievedPassage) => number,
): { passages: RetrievedPassage[]; tokens: number } {
  let tokens = 0
  let fitting = 0
  for (const passage of passages) {
    const weight = weigh(passage)
    if (tokens + weight > room) break
    tokens += weight
    fitting++
  }
  // The first so many, with none left out between: their numbers are those of the citations.
  return { passages: passages.slice(0, fitting), tokens }
}

/** The beginning of a passage that is too long by itself, up to the end of a sentence, or else of a word. */
function shortened(
  passage: RetrievedPassage | undefined,
  room: number,
  weigh: (passage: RetrievedPassage) => number,
): { passage: RetrievedPassage; tokens: number } | null {
  if (passage === undefined) return null
  const overhead = weigh({ ...passage, text: '' })
  const text = weigh(passage) - overhead
  const budget = room - overhead
  if (budget < LEAST_PASSAGE) return null
  const longest = Math.floor((passage.text.length * budget * CUT_MARGIN) / Math.max(text, 1))
  const end = borderBefore(passage, longest)
  const cut = { ...passage, text: passage.text.slice(0, end), end: passage.start + end }
  return { passage: cut, tokens: overhead + Math.ceil((text * end) / passage.text.length) }
}

function borderBefore({ text, language }: RetrievedPassage, longest: number): number {
  if (longest >= text.length) return text.length
  const ends = sentencesOf({ text, start: 0, language }).map(({ end }) => end)
  const sentence = ends.findLast((end) => end <= longest)
  if (sentence !== undefined) return sentence
  const space = text.lastIndexOf(' ', longest)
  // Not between the halves of one character.
  return space > 0
    ? space
    : text
        .slice(0, longest)
        .toWellFormed()
        .replace(/\ufffd$/, '').length
}

function recent(said: Message[]): Message[] {
  let left = HISTORY_TEXT
  const tooOld = said.findLastIndex(({ content }) => {
    left -= content.length
    return left < 0
  })
  return said.slice(tooOld + 1)
}

/** The newest messages that fit, beginning with one of the user's. */
function newestThatFit(
  said: Message[],
  weights: number[],
  room: number,
): { messages: Message[]; tokens: number } {
  let tokens = 0
  let from = said.length
  while (from > 0 && tokens + (weights[from - 1] ?? 0) <= room) tokens += weights[--from] ?? 0
  while (said[from]?.role === 'assistant') tokens -= weights[from++] ?? 0
  return { messages: said.slice(from), tokens }
}

function contextOf({ context, counted }: TokenCounts): string {
  return `the model's context of ${many(context)} tokens${counted === 'estimated' ? ', by an estimate' : ''}`
}

const many = (n: number) => n.toLocaleString('en')
const sum = (numbers: number[]) => numbers.reduce((total, n) => total + n, 0)
