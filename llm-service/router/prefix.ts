/**
 * Which worker serves a prompt: the one whose slots hold most of it, unless it is too busy; else the least busy one.
 *
 * The rule, in this order:
 * 1. Only workers with a free slot. Waiting for the one that holds the prefix is never worth it: on a card a thousand
 *    tokens are read in a fraction of a second, and a slot comes free after the seconds that an answer takes. (On a CPU,
 *    where reading is slow, there is one worker.)
 * 2. Of these the longest shared prefix wins, when it is longer than the least busy worker's by `worthTokens`: a
 *    system prompt that all of them hold must not decide.
 * 3. Unless that worker has `imbalance` of its slots more in use than the least busy one: each request more in a batch
 *    slows all the others in it for their whole answer, and a prefix is read once.
 */
import { sharedPrefix } from '../engine/slots.ts'

export interface Candidate {
  active: number
  slots: number
  /** Tokens of the prompt that it holds evaluated. */
  shared: number
}

/** Fewer tokens are read within one step anyway. */
const worthTokens = 64
const imbalance = 1 / 4

/** @returns null when no slot is free */
export function chooseWorker<T extends Candidate>(candidates: T[]): T | null {
  const free = candidates.filter(({ active, slots }) => active < slots)
  const [idlest] = free.toSorted((a, b) => a.active - b.active || b.shared - a.shared)
  const [richest] = free.toSorted((a, b) => b.shared - a.shared || a.active - b.active)
  if (idlest === undefined || richest === undefined) return null
  const worth = richest.shared - idlest.shared >= worthTokens
  const tooBusy = richest.active - idlest.active > Math.max(1, Math.floor(richest.slots * imbalance))
  return worth && !tooBusy ? richest : idlest
}

/** What the slots of one worker hold, as far as the router can know it. */
export interface PrefixMemory {
  /** Tokens of a prompt that need no evaluation here. */
  shared(key: string, tokens: number[]): number
  /** A request begins here; it is to be ended once. */
  begin(key: string, tokens: number[]): Held
  /** Bytes kept, for tests of the bound. */
  readonly bytes: number
}

export interface Held {
  end(): void
}

interface Entry {
  key: string
  tokens: Int32Array
  busy: boolean
  usedAt: number
}

/**
 * Remembers the prompts that were sent, one a slot, replaced as the engine replaces its slots: the free one that shares
 * most, then the one unused for longest. At most `slots` prompts of 4 bytes a token: 2 MB for 64 slots of 8,192.
 *
 * What was generated after a prompt is not remembered. Its tokens do not leave the worker, and they are not needed: the
 * next question of a conversation shares the whole prompt before them, which tells its worker from all others, except
 * from one that was asked the very same thing.
 */
export function openPrefixMemory(slots: number): PrefixMemory {
  const entries: Entry[] = []
  let clock = 0

  const sharedWith = (entry: Entry, key: string, tokens: number[]) =>
    entry.key === key ? sharedPrefix(entry.tokens, tokens) : 0

  return {
    get bytes() {
      return entries.reduce((sum, { tokens }) => sum + tokens.byteLength, 0)
    },
    // A slot in use counts too: the engine copies from it.
    shared: (key, tokens) => Math.max(0, ...entries.map((entry) => sharedWith(entry, key, tokens))),
    begin(key, tokens) {
      const free = entries.filter(({ busy }) => !busy)
      const [best] = free.toSorted(
        (a, b) => sharedWith(b, key, tokens) - sharedWith(a, key, tokens) || a.usedAt - b.usedAt,
      )
      const unused = entries.length < slots
      const entry: Entry = { key, tokens: Int32Array.from(tokens), busy: true, usedAt: ++clock }
      // An empty slot is taken before one whose content another conversation may come back for.
      const replaced = best && (!unused || sharedWith(best, key, tokens) >= worthTokens) ? best : null
      if (replaced) entries.splice(entries.indexOf(replaced), 1)
      entries.push(entry)
      return {
        end() {
          entry.busy = false
          entry.usedAt = ++clock
        },
      }
    },
  }
}
