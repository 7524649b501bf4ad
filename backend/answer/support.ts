/** Whether a passage says what a sentence claims, and where. */
import type { Embedder } from '../../embedding/embedder.ts'
import { cosine } from './cosine.ts'
import type { Evidence, ScoredSentence } from './evidence.ts'
import { termsOf } from './terms.ts'
import type { RetrievedPassage } from './types.ts'

/** A place in a passage that bears a claim out, as offsets into the document version's text. */
export interface Support {
  /** Index into the passages. */
  passage: number
  start: number
  end: number
  /** Share of the claim's terms that the passage has. */
  share: number
}

export interface SupportQuestion {
  question: string
  passages: RetrievedPassage[]
  evidence: Evidence
  embedder: Embedder
  signal: AbortSignal
}

/** Share of a claim's terms that its passage must have. */
const ENOUGH = 0.5
/** With a share from here on, a sentence of the passage that means the same is enough. */
const PARAPHRASED = 0.25
/**
 * Cosine of two sentences that say the same. Of different sentences of one XQuAD paragraph, which are about the same and
 * say something else, 2 % reach it (mean 0.40, 6 % reach 0.65).
 */
const SAME_MEANING = 0.72
/** Neighbouring sentences that a quote may span. */
const LONGEST_QUOTE = 3

/**
 * Where the passage supports the claim; null when it does not. Every number of the claim must stand in the passage or
 * the question; then half of its words (as stems), or half of its names and numbers, or a quarter of its words and a
 * sentence of the same meaning.
 */
export async function supportIn(
  context: SupportQuestion,
  passageIndex: number,
  claim: string,
): Promise<Support | null> {
  const passage = context.passages[passageIndex]
  if (!passage) return null
  const { text, said, numbers } = contentOf(passage)
  const claimed = termsOf(claim, passage.language)
  if (claimed.size === 0 || !numbersHold(claim, numbers, context.question)) return null
  const share = [...claimed].filter((term) => said.has(term)).length / claimed.size
  const sentences = context.evidence.sentences.filter((s) => s.passage === passageIndex)
  const best = nearestTo(claimed, sentences)
  if (!best) return null
  const holds =
    share >= ENOUGH ||
    namesHold(claim, text) ||
    (share >= PARAPHRASED && (await meansTheSame(context, claim, best)))
  return holds ? { passage: passageIndex, ...spanOf(claimed, best, sentences), share } : null
}

interface Content {
  text: string
  said: ReadonlySet<string>
  /** With the parts of those that spaces hold together. */
  numbers: ReadonlySet<string>
}

/** Read once a question: every sentence of its answer is held against the same passages, and reading takes 0.4 ms. */
const contents = new WeakMap<RetrievedPassage, Content>()

function contentOf(passage: RetrievedPassage): Content {
  const known = contents.get(passage)
  if (known !== undefined) return known
  const text = `${passage.document.title}\n${passage.heading ?? ''}\n${passage.text}`
  const content = {
    text,
    said: termsOf(text, passage.language),
    numbers: new Set(numbersOf(text).flat()),
  }
  contents.set(passage, content)
  return content
}

/** The passage that bears the claim out best, of all; null when none does. */
export async function supportAnywhere(context: SupportQuestion, claim: string): Promise<Support | null> {
  let best: Support | null = null
  for (const i of context.passages.keys()) {
    const found = await supportIn(context, i, claim)
    if (found && found.share > (best?.share ?? 0)) best = found
  }
  return best
}

const WORDED = [
  'zero',
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
  'ten',
  'eleven',
  'twelve',
]

function numbersHold(claim: string, inPassage: ReadonlySet<string>, question: string): boolean {
  const there = inPassage.union(new Set(numbersOf(question).flat()))
  return numbersOf(claim).every(([whole = '', ...parts]) => {
    return there.has(whole) || (parts.length > 0 && parts.every((part) => there.has(part)))
  })
}

/**
 * Each number without its thousands' separators, decimals behind a point; 5 and five are the same, as models change one
 * into the other. Behind a number that spaces hold together ("1 200", but also "in room 4 200 people") stand its parts.
 */
function numbersOf(text: string): string[][] {
  const found = text.match(/\d{1,3}(?:[.,\u00a0\u202f ]\d{3})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,]\d+)?/g) ?? []
  const digits = found.map((number) => {
    const whole = number.replace(/[.,\u00a0\u202f ](?=\d{3}(?!\d))/g, '').replace(',', '.')
    return number.includes(' ') ? [whole, ...number.split(' ')] : [whole]
  })
  const words = (text.toLowerCase().match(/\b[a-z]{3,6}\b/g) ?? []).map((word) => WORDED.indexOf(word))
  return [...digits, ...words.filter((n) => n >= 0).map((n) => [String(n)])]
}

/**
 * At least two of the claim's names and numbers are in the text, and at least half of them: how a claim in another
 * language than the passage's is recognised. German writes every noun like a name, so not all of them can be asked for.
 */
function namesHold(claim: string, text: string): boolean {
  const names = new Set(
    [...claim.matchAll(/(?<=\S\s+)\p{Lu}[\p{L}\p{M}'’-]+|\d+(?:[.,]\d+)*/gu)].map(([name]) => name),
  )
  const found = [...names].filter((name) => text.includes(name)).length
  return found >= 2 && found >= names.size / 2
}

async function meansTheSame(
  context: SupportQuestion,
  claim: string,
  sentence: ScoredSentence,
): Promise<boolean> {
  try {
    const [a, b] = await context.embedder.embed([claim, sentence.text], { signal: context.signal })
    return cosine(a, b) >= SAME_MEANING
  } catch {
    // Without the embedder the words alone decide, and they were not enough.
    context.signal.throwIfAborted()
    return false
  }
}

function nearestTo(claimed: ReadonlySet<string>, sentences: ScoredSentence[]): ScoredSentence | undefined {
  let best: ScoredSentence | undefined
  let most = -1
  // In the order of their score: of equal ones the sentence that is nearer to the question wins.
  for (const sentence of sentences) {
    const shared = sharedWith(claimed, sentence)
    if (shared > most) [best, most] = [sentence, shared]
  }
  return best
}

function sharedWith(claimed: ReadonlySet<string>, { terms }: ScoredSentence): number {
  return [...claimed].filter((term) => terms.has(term)).length
}

/** The best sentence, with a neighbour where that holds a fifth of the claim's terms, two at least, that are missing. */
function spanOf(
  claimed: ReadonlySet<string>,
  best: ScoredSentence,
  sentences: ScoredSentence[],
): { start: number; end: number } {
  const inOrder = [...sentences].sort((a, b) => a.start - b.start)
  let from = inOrder.indexOf(best)
  let to = from
  const missing = new Set([...claimed].filter((term) => !best.terms.has(term)))
  const adds = (i: number) => {
    const found = [...missing].filter((term) => inOrder[i]?.terms.has(term))
    if (found.length < Math.max(2, claimed.size / 5)) return false
    for (const term of found) missing.delete(term)
    return true
  }
  while (to - from + 1 < LONGEST_QUOTE) {
    if (adds(to + 1)) to++
    else if (adds(from - 1)) from--
    else break
  }
  return { start: inOrder[from]?.start ?? best.start, end: inOrder[to]?.end ?? best.end }
}
