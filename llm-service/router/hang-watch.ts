/** The watch over one worker process: whoever has work and says nothing is asked, then ended. */

/** When a worker counts as hung, in milliseconds. */
export interface Patience {
  /** A worker with work says something once a second. After so long without a word it is asked to count nothing … */
  silentMs: number
  /** … and has so long to answer. Together they stay below the 15 s that a reader waits between two texts. */
  answerMs: number
  /**
   * It answers, but no token was read or written for so long: a card or driver that hangs. The engine keeps its steps
   * below half a second; on a machine that swaps they may take a hundred times as long and are still in order.
   */
  stalledMs: number
  /** No progress of loading for so long: a dead network drive. */
  loadingMs: number
}

export const usualPatience: Patience = {
  silentMs: 5_000,
  answerMs: 5_000,
  stalledMs: 120_000,
  loadingMs: 300_000,
}

/**
 * Ends who hangs. All times are monotonic. When the watch itself comes late (this process was stopped, or starved), it
 * knows nothing about the worker and begins anew: a healthy worker must not pay for it.
 */
export function openHangWatch(
  { silentMs, answerMs, stalledMs, loadingMs }: Patience,
  worker: {
    loading: () => boolean
    asked: () => boolean
    generating: () => boolean
    ping: () => void
    hung: (reason: string) => void
  },
) {
  const everyMs = Math.max(10, Math.min(silentMs, answerMs) / 5)
  let lookedAt = performance.now()
  let heardAt = lookedAt
  let advancedAt = lookedAt
  let pingedAt: number | null = null
  let tokens = 0

  const timer = setInterval(() => {
    const now = performance.now()
    const late = now - lookedAt > 3 * everyMs
    lookedAt = now
    if (late) {
      heardAt = now
      advancedAt = now
      pingedAt = null
      return
    }
    const silence = now - heardAt
    if (worker.loading()) {
      if (silence > loadingMs) worker.hung(`loading made no progress for ${inSeconds(loadingMs)}`)
    } else if (pingedAt !== null) {
      if (now - pingedAt > answerMs) worker.hung(`it hung: no word for ${inSeconds(silence)}`)
    } else if (worker.asked() && silence > silentMs) {
      pingedAt = now
      worker.ping()
    } else if (worker.generating() && now - advancedAt > stalledMs) {
      worker.hung(`it hung: no token was read or written for ${inSeconds(stalledMs)}`)
    }
  }, everyMs)
  timer.unref()

  return {
    heard() {
      heardAt = performance.now()
      pingedAt = null
    },
    /** @param sum tokens evaluated since the start, where that is what was told; null: something was done */
    advanced(sum: number | null) {
      if (sum === tokens) return
      tokens = sum ?? tokens
      advancedAt = performance.now()
    },
    /** Who was idle has had nothing to say. */
    asked() {
      const now = performance.now()
      if (!worker.asked()) heardAt = now
      if (!worker.generating()) advancedAt = now
    },
    end() {
      clearInterval(timer)
    },
  }
}

function inSeconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`
}
