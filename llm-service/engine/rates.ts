/** What the engine has done: in all, and a second over the last ten. */
import type { EngineStats } from '../types.ts'

export interface Rates {
  /** Prompt tokens evaluated in a step, and how long it took. */
  read(tokens: number, ms: number): void
  wrote(tokens: number): void
  done(request: { readonly tokens: number[]; readonly cached: number; readonly written: number }): void
  /** Prompt tokens evaluated a second, lately; null before the first. */
  promptSpeed(): number | null
  told(): Omit<EngineStats, 'active' | 'waiting'>
}

const windowMs = 10_000
/** Weight of the newest step in the prompt's speed: a few steps decide, not one. */
const newest = 0.3

export function openRates(now: () => number = () => performance.now()): Rates {
  let recent: { at: number; read: number; written: number }[] = []
  let speed: number | null = null
  const total = { requests: 0, promptTokens: 0, cachedTokens: 0, completionTokens: 0 }
  const prune = () => {
    const from = now() - windowMs
    if ((recent[0]?.at ?? from) < from) recent = recent.filter(({ at }) => at >= from)
  }
  const note = (read: number, written: number) => {
    const last = recent.at(-1)
    const at = now()
    // Ten entries a second at most.
    if (last !== undefined && at - last.at < 100) {
      last.read += read
      last.written += written
    } else {
      prune()
      recent.push({ at, read, written })
    }
  }
  return {
    read(tokens, ms) {
      if (tokens === 0) return
      note(tokens, 0)
      const measured = (tokens * 1000) / Math.max(ms, 0.01)
      speed = speed === null ? measured : speed + newest * (measured - speed)
    },
    wrote: (tokens) => note(0, tokens),
    done({ tokens, cached, written }) {
      total.requests++
      total.promptTokens += tokens.length
      total.cachedTokens += cached
      total.completionTokens += written
    },
    promptSpeed: () => speed,
    told() {
      prune()
      const seconds = windowMs / 1000
      const per = (count: number) => Math.round((count / seconds) * 10) / 10
      return {
        promptTokensPerSecond: per(recent.reduce((sum, { read }) => sum + read, 0)),
        tokensPerSecond: per(recent.reduce((sum, { written }) => sum + written, 0)),
        ...total,
      }
    },
  }
}
