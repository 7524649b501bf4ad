/** Builds the answer's text with its citations: each is checked against its passage and numbered as it first appears. */
import type { ScoredSentence } from './evidence.ts'
import { shownText } from './shown.ts'
import { citedNumbers, MARKERS, numbersIn, withoutMarkers } from './spoken.ts'
import { type Support, type SupportQuestion, supportAnywhere, supportIn } from './support.ts'
import type { Citation, RetrievedPassage } from './types.ts'

export interface Draft {
  readonly text: string
  readonly citations: Citation[]
  /** Citations of the model that did not hold. */
  readonly dropped: number
  /** Adds words of our own, that need no citation; gives them. */
  say(words: string): string
  /** Adds a sentence of a passage, without its marks of Markdown; gives the text that was added. */
  quote(sentence: ScoredSentence): string
  /** Adds a sentence of a model with what of its citations holds; gives the text that may be shown now. */
  speak(piece: string): Promise<string>
}

/**
 * An empty answer over these passages.
 *
 * Of a model's sentence, a citation whose passage does not bear it out is dropped. When none is left, the passages
 * are searched for one that does, and it is cited instead; a sentence that none bears out stays, without a citation.
 * Nothing is shown before the first sentence that holds, so an answer that rests on nothing can still be thrown away.
 */
export function openDraft(context: SupportQuestion): Draft {
  const citations: Citation[] = []
  let text = ''
  let held = ''
  let dropped = 0

  const cite = (passageIndex: number, start: number, end: number): number => {
    const passage = context.passages[passageIndex]
    if (!passage) throw new Error(`There is no passage ${passageIndex} to cite.`)
    const known = citations.find(
      (c) => c.document.version === passage.document.version && c.start === start && c.end === end,
    )
    if (known) return known.number
    const citation = citationOf(passage, citations.length + 1, start, end)
    citations.push(citation)
    return citation.number
  }

  async function supportsOf(piece: string): Promise<Map<number, Support>> {
    const claim = withoutMarkers(piece)
    const holding = new Map<number, Support>()
    if (!/\p{L}/u.test(claim)) return holding
    for (const number of citedNumbers(piece)) {
      const found = await supportIn(context, number - 1, claim)
      if (found) holding.set(number, found)
      else dropped++
    }
    if (holding.size > 0) return holding
    const nearest = await supportAnywhere(context, claim)
    return nearest ? holding.set(0, nearest) : holding
  }

  return {
    get text() {
      return text
    },
    citations,
    get dropped() {
      return dropped
    },
    say(words) {
      text += words
      return words
    },
    quote(sentence) {
      const number = cite(sentence.passage, sentence.start, sentence.end)
      const added = `${text === '' ? '' : '\n\n'}${shownText(sentence)} [${number}]`
      text += added
      return added
    },
    async speak(piece) {
      const supports = await supportsOf(piece)
      const numbered = new Map([...supports].map(([n, s]) => [n, cite(s.passage, s.start, s.end)]))
      held += renumbered(piece, numbered)
      if (citations.length === 0) return ''
      const added = text === '' ? held.trimStart() : held
      held = ''
      text += added
      return added
    },
  }
}

/** The piece with its markers in our numbers; those that did not hold are gone, and one that was found is added (0). */
function renumbered(piece: string, numbers: Map<number, number>): string {
  const shown = new Set<number>()
  const replaced = piece.replace(MARKERS, (marker, list: string) => {
    const kept = numbersIn(list).flatMap((n) => numbers.get(n) ?? [])
    for (const n of kept) shown.add(n)
    const space = /^\s*/.exec(marker)?.[0] ?? ''
    return kept.length > 0 ? space + [...new Set(kept)].map((n) => `[${n}]`).join('') : ''
  })
  const found = numbers.get(0)
  if (found === undefined || shown.has(found)) return replaced
  const end = replaced.trimEnd().length
  return `${replaced.slice(0, end)} [${found}]${replaced.slice(end)}`
}

function citationOf(passage: RetrievedPassage, number: number, start: number, end: number): Citation {
  return {
    number,
    document: passage.document,
    page: passage.page,
    heading: passage.heading,
    start,
    end,
    quote: passage.text.slice(start - passage.start, end - passage.start),
  }
}
