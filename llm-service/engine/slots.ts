/** The sequences of a context: what each has evaluated, and which one serves a prompt cheapest. */
import type { NativeContext } from './native.ts'

export interface Slot {
  /** The sequence's number in the context. */
  readonly sequence: number
  /** Tokens whose evaluation the context holds for it, from position 0 on. */
  held: number[]
  /** Adapters that evaluated them: the same tokens under others are other states. */
  adapters: string
  busy: boolean
  /** On the clock of `performance.now()`; the longest unused one is overwritten first. */
  usedAt: number
}

/**
 * A prefix worth keeping a slot for, or copying one: every chat shares a template's first tokens, and copying moves a
 * whole sequence's memory, whatever the prefix's length.
 */
const leastPrefix = 64

export function openSlots(count: number): Slot[] {
  return Array.from({ length: count }, (_, sequence) => ({
    sequence,
    held: [],
    adapters: '',
    busy: false,
    usedAt: Number.NEGATIVE_INFINITY,
  }))
}

/** How many tokens two texts begin with together. */
export function sharedPrefix(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const most = Math.min(a.length, b.length)
  let i = 0
  while (i < most && a[i] === b[i]) i++
  return i
}

/** The free slot that holds most of a prompt; where none holds much, the one unused for longest. */
export function chooseSlot(slots: Slot[], tokens: number[], adapters: string): Slot | null {
  const free = slots
    .filter((slot) => !slot.busy)
    .map((slot) => {
      const held = usable(slot, tokens, adapters)
      return { slot, worth: held < leastPrefix ? 0 : held }
    })
  return free.toSorted((a, b) => b.worth - a.worth || a.slot.usedAt - b.slot.usedAt)[0]?.slot ?? null
}

/** Prompt tokens that need no evaluation in this slot; the last one always does, its logits begin the answer. */
export function usable(slot: Slot, tokens: number[], adapters: string): number {
  return slot.adapters === adapters ? Math.min(sharedPrefix(slot.held, tokens), tokens.length - 1) : 0
}

/**
 * Makes the slot hold a beginning of the prompt, its own or, where that is much longer, another slot's, and forgets
 * the rest. Not while a batch is being decoded.
 * @returns the tokens that need no evaluation
 */
export async function reusePrefix(
  context: NativeContext,
  slots: Slot[],
  slot: Slot,
  tokens: number[],
  adapters: string,
): Promise<number> {
  let reused = usable(slot, tokens, adapters)
  let richest: Slot | null = null
  let elsewhere = 0
  for (const other of slots) {
    const held = other === slot ? 0 : usable(other, tokens, adapters)
    if (held > elsewhere) [richest, elsewhere] = [other, held]
  }
  if (richest !== null && elsewhere >= reused + leastPrefix) {
    await context.copySequenceStateFromOtherSequence(slot.sequence, richest.sequence)
    slot.held = [...richest.held]
    reused = elsewhere
  }
  if (slot.held.length > reused && !context.removeTokenCellsFromSequence(slot.sequence, reused, -1)) {
    // Recurrent models keep one state, not a state a token: it is all or nothing.
    context.disposeSequence(slot.sequence)
    reused = 0
  }
  slot.held = slot.held.slice(0, reused)
  slot.adapters = adapters
  return reused
}
