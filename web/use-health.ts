/** What the backend says of itself, asked every 30 s and sooner while something changes. */
import { useCallback, useEffect, useState } from 'react'
import { readHealth } from './api.ts'
import type { Health } from './wire.ts'

const restMs = 30_000
const changingMs = 1_500
const goneMs = 5_000
/** A backend that takes longer to say how it is counts as gone. */
const patienceMs = 10_000

export interface HealthWatch {
  /** The last that was heard; null before the first answer. */
  health: Health | null
  gone: boolean
  /** `Date.now()` of that answer. */
  checkedAt: number | null
  /** Asks now: after an upload, after a failure. */
  refresh(): void
}

export function useHealth(changing: boolean): HealthWatch {
  const [health, setHealth] = useState<Health | null>(null)
  const [gone, setGone] = useState(false)
  const [checkedAt, setCheckedAt] = useState<number | null>(null)
  const [asked, setAsked] = useState(0)
  const refresh = useCallback(() => setAsked((count) => count + 1), [])
  const busy = changing || health?.status === 'starting' || health?.ingesting != null

  // biome-ignore lint/correctness/useExhaustiveDependencies: `asked` is how refresh() starts a new round
  useEffect(() => {
    const ended = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const ask = async () => {
      clearTimeout(timer)
      let next = busy ? changingMs : restMs
      try {
        setHealth(await readHealth(AbortSignal.any([ended.signal, AbortSignal.timeout(patienceMs)])))
        setGone(false)
        setCheckedAt(Date.now())
      } catch {
        if (ended.signal.aborted) return
        setGone(true)
        next = goneMs
      }
      if (!ended.signal.aborted) timer = setTimeout(ask, next)
    }
    const seen = () => {
      if (document.visibilityState === 'visible') void ask()
    }
    void ask()
    document.addEventListener('visibilitychange', seen)
    addEventListener('online', ask)
    addEventListener('offline', ask)
    return () => {
      ended.abort()
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', seen)
      removeEventListener('online', ask)
      removeEventListener('offline', ask)
    }
  }, [busy, asked])

  return { health, gone, checkedAt, refresh }
}
