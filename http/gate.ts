import { RequestRefused } from './refusal.ts'

/** How many requests of one kind may be under way; the rest is refused at once instead of piling up. */
export interface Gate {
  /** @returns what to call when the request is over, once or more often @throws RequestRefused 503 */
  enter(): () => void
}

export function openGate(most: number, what: string): Gate {
  let inside = 0
  return {
    enter() {
      if (inside >= most) {
        throw new RequestRefused(503, 'busy', `${most} ${what} are under way already.`, {
          hint: 'Try again in a moment.',
          headers: { 'retry-after': '1' },
        })
      }
      inside++
      let left = false
      return () => {
        if (left) return
        left = true
        inside--
      }
    },
  }
}
