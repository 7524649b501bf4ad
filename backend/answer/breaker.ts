/** A circuit breaker: after failures in a row a rung is left alone for a while, then one question probes it. */

export interface Breaker {
  /** Why the rung is not to be asked now; null when it may be. While one probe is out, everybody else is kept off. */
  closedFor(): string | null
  /** The same for whoever only looks: begins no probe. */
  state(): string | null
  succeeded(): void
  /**
   * @param asked when the rung was asked, where others may have failed of the same cause since then: one crash fails all
   * that are under way, and is one failure
   */
  failed(reason: string, asked?: number): void
  /** The probe ended without an outcome: the client went away, or the rung was alive but busy. */
  cancelled(): void
  /** The rung was gone and is there again: the next question may try it at once. */
  returned(): void
  /** Why it is open, without the time that is left: the same for as long as it stays so. Null when it is closed. */
  cause(): string | null
}

export interface BreakerSettings {
  /** Failures in a row that open it. */
  failures: number
  /** Milliseconds that it stays open, twice as long after each failed probe, up to `longestMs`. */
  coolDownMs: number
  longestMs: number
  /** Monotonic, in milliseconds: a clock set back must not hold a rung shut for a day. */
  now: () => number
}

/** Three failures can be chance on a busy machine; a restart of a model server takes 10 to 60 s. */
export const usualBreaker: BreakerSettings = {
  failures: 3,
  coolDownMs: 15_000,
  longestMs: 120_000,
  now: () => performance.now(),
}

export function openBreaker({
  failures,
  coolDownMs,
  longestMs,
  now,
}: BreakerSettings = usualBreaker): Breaker {
  let inARow = 0
  let openUntil = 0
  let pause = coolDownMs
  let probing = false
  let failedAt = Number.NEGATIVE_INFINITY
  let lastReason = ''

  function state(): string | null {
    if (inARow < failures) return null
    const left = openUntil - now()
    const again = left > 0 ? `tried again in ${Math.ceil(left / 1000)} s` : 'tried again by the next question'
    const wait = probing ? 'one question is trying it' : again
    return `failed ${inARow} times in a row, ${wait}: ${lastReason}`
  }
  return {
    state,
    closedFor() {
      if (inARow < failures || probing || openUntil > now()) return state()
      probing = true
      return null
    },
    succeeded() {
      inARow = 0
      pause = coolDownMs
      probing = false
    },
    failed(reason, asked = now()) {
      lastReason = reason
      if (asked < failedAt) return
      failedAt = now()
      inARow++
      if (probing) pause = Math.min(longestMs, 2 * pause)
      probing = false
      if (inARow >= failures) openUntil = now() + pause
    },
    cancelled() {
      probing = false
    },
    returned() {
      openUntil = now()
    },
    cause: () => (inARow < failures ? null : `it failed again and again: ${lastReason}`),
  }
}
