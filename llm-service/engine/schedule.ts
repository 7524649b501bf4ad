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
export const leastPiece = 32

/**
 * Prompt tokens for one step, so that it lasts about `stepMs`. @param speed prompt tokens a second, null when not
 * known yet
 */
export function pieceOfPrompts(speed: number | null): number {
  return speed === null ? 4 * leastPiece : Math.max(leastPiece, Math.round((speed * stepMs) / 1000))
}

/**
 * A token for each task that is writing; the room left goes to the prompts, the oldest first: it is the next to write.
 * @param room tokens of one decode; @param piece those of them that prompts may have
 */
export function planStep(tasks: Task[], room: number, piece: number): Share[] {
  const shares: Share[] = tasks.flatMap((task) =>
    task.next === null ? [] : [{ task, tokens: [task.next], last: true }],
  )
  let left = Math.min(room - shares.length, piece)
  for (const task of tasks) {
    if (task.next !== null || left <= 0) continue
    const tokens = task.tokens.slice(task.read, task.read + left)
    left -= tokens.length
    shares.push({ task, tokens, last: task.read + tokens.length === task.tokens.length })
  }
  return shares
}
