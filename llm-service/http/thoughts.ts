/** Tells what a reasoning model thinks aloud, `<think>…</think>` before its answer, from the answer. */

export type Piece = { type: 'reasoning'; text: string } | { type: 'text'; text: string }

export interface Splitter {
  /** At most two pieces: the end of a thought and the beginning of the answer. */
  push(text: string): Piece[]
  /** What was held back, once nothing more comes. */
  end(): Piece[]
}

const OPEN = '<think>'
const CLOSE = '</think>'

/**
 * A thought is taken only at the beginning: later these words are an answer that speaks of them. White space between
 * thought and answer belongs to neither; the text of a model that does not think passes unchanged.
 */
export function splitThoughts(): Splitter {
  let state: 'beginning' | 'thinking' | 'between' | 'answer' = 'beginning'
  let held = ''
  /** Some of the thought was given: white space before it is gone. */
  let thought = false

  function push(text: string): Piece[] {
    if (state === 'answer') return piece('text', text)
    held += text
    if (state === 'beginning') {
      const begun = held.trimStart()
      if (begun.startsWith(OPEN)) {
        state = 'thinking'
        held = begun.slice(OPEN.length)
      } else if (OPEN.startsWith(begun)) return []
      else {
        state = 'answer'
        return piece('text', take())
      }
    }
    return [...(state === 'thinking' ? thinking() : []), ...(state === 'between' ? answerBegun() : [])]
  }

  function thinking(): Piece[] {
    if (!thought) held = held.trimStart()
    const end = held.indexOf(CLOSE)
    if (end >= 0) {
      const last = held.slice(0, end).trimEnd()
      held = held.slice(end + CLOSE.length)
      state = 'between'
      return piece('reasoning', last)
    }
    // White space and a mark that may just be coming are kept until it is known what follows.
    const sure = held.length - (/\s*(?:<(?:\/(?:t(?:h(?:i(?:n(?:k)?)?)?)?)?)?)?$/.exec(held)?.[0].length ?? 0)
    const ready = held.slice(0, sure)
    held = held.slice(sure)
    thought ||= ready !== ''
    return piece('reasoning', ready)
  }

  function answerBegun(): Piece[] {
    held = held.trimStart()
    if (held === '') return []
    state = 'answer'
    return piece('text', take())
  }

  function take(): string {
    const all = held
    held = ''
    return all
  }

  return {
    push,
    end() {
      if (state === 'beginning') return piece('text', take())
      return state === 'thinking' ? piece('reasoning', take().trimEnd()) : []
    },
  }
}

const piece = (type: Piece['type'], text: string): Piece[] => (text === '' ? [] : [{ type, text }])
