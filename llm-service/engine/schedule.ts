/** What goes into the next decode. */
import type { Task } from './task.ts'

/** Part of a step: these tokens of a task, evaluated from the end of what its slot holds. */
export interface Share {
  task: Task
  tokens: number[]
  /** The last of them decides what is written next. */
  last: boolean
}

/** A step lasts no longer than this while a prompt is read: others wait for their next token, or have gone away. */
const stepMs = 400
/** Smaller decodes cost a token more than they gain. */
const leastPiece = 32

/**
 * Prompt tokens for one step, so that it lasts about `stepMs`. @param speed prompt tokens a second, null when not
 * known yet
 */
export function pieceOfPrompts(speed: number | null): number {
  return speed === null ? 4 * leastPiece : Math.max(leastPiece, Math.round((speed * stepMs) / 1000))
}

/**
 * A token for each task that is writing; the room left goes to the prompts, the oldest first: it is the next to write.
 * While nobody reads, `width` tasks write in one step, those that have waited longest; beside a prompt one token more
 * costs little, so then all do.
 */
export function planStep(
  tasks: Task[],
  { room, piece, width }: { room: number; piece: number; width: (writers: number) => number },
): Share[] {
  const readers = tasks.filter(({ next }) => next === null)
  const writers = tasks
    .flatMap((task) => (task.next === null ? [] : [{ task, tokens: [task.next], last: true }]))
    .toSorted((a, b) => a.task.steppedAt - b.task.steppedAt)
  if (readers.length === 0) return writers.slice(0, Math.min(room, width(writers.length)))
  const shares: Share[] = writers.slice(0, room)
  let left = Math.min(room - shares.length, piece)
  for (const task of readers) {
    if (left <= 0) break
    const tokens = task.tokens.slice(task.read, task.read + left)
    left -= tokens.length
    shares.push({ task, tokens, last: task.read + tokens.length === task.tokens.length })
  }
  return shares
}
