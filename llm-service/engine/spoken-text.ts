/** Tokens into text as they come: whole characters only, and nothing that may still become a stop sequence. */
import type { NativeModel } from './native.ts'

/** A character takes four bytes at most, so at most four tokens of one byte; more is no character at all. */
const mostHeld = 8
/** Tokenizers of the SentencePiece kind drop the first space of whatever they decode: some context keeps it. */
const contextTokens = 3

export interface SpokenText {
  /** The text that is sure now. */
  push(token: number): string
  /** What was held back, at the end. */
  rest(): string
}

export function spokenText(model: Pick<NativeModel, 'detokenize'>): SpokenText {
  let before: number[] = []
  let held: number[] = []
  const decode = (tokens: number[]) => model.detokenize(Uint32Array.from(tokens), false)
  const take = (): string => {
    const prefix = before.length === 0 ? '' : decode(before)
    const text = decode([...before, ...held])
    before = [...before, ...held].slice(-contextTokens)
    held = []
    return text.slice(prefix.length)
  }
  return {
    push(token) {
      held.push(token)
      if (held.length < mostHeld && decode([...before, ...held]).endsWith('\ufffd')) return ''
      return take()
    },
    rest: () => (held.length === 0 ? '' : take()),
  }
}

export interface StopScan {
  /** The text that may be shown; `stopped` once a stop sequence has come, which is not part of it. */
  push(text: string): { text: string; stopped: boolean }
  rest(): string
}

export function stopScan(stops: readonly string[]): StopScan {
  let held = ''
  return {
    push(text) {
      held += text
      const found = stops.map((stop) => held.indexOf(stop)).filter((at) => at >= 0)
      if (found.length > 0) {
        const shown = held.slice(0, Math.min(...found))
        held = ''
        return { text: shown, stopped: true }
      }
      const keep = Math.max(0, ...stops.map((stop) => beginningAtEnd(held, stop)))
      const shown = held.slice(0, held.length - keep)
      held = held.slice(held.length - keep)
      return { text: shown, stopped: false }
    },
    rest() {
      const shown = held
      held = ''
      return shown
    },
  }
}

/** Length of the longest beginning of `stop` that `text` ends with. */
function beginningAtEnd(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length
  }
  return 0
}
