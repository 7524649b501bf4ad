/** A question that could not be sent is sent again by itself: after the time the backend named, or when it is back. */
import { useEffect, useRef, useState } from 'react'
import { RequestFailed } from './api.ts'
import type { Failure } from './use-conversation.ts'

/** Longer waits are left to the person. */
const mostSeconds = 60
/** In a row; a backend that stays busy is not asked for ever. */
const mostTries = 5

interface Resend {
  failure: Failure | null
  /** The backend is known to be away. */
  gone: boolean
  /** The text in the composer: once it is another, nothing is sent. */
  draft: string
  ask(question: string): void
  /** Asks again in the place of an answer that broke off. */
  again(): void
}

/** @returns seconds until it is sent again; null when that waits for something else, or is not going to be */
export function useResend({ failure, gone, draft, ask, again }: Resend): number | null {
  const [left, setLeft] = useState<number | null>(null)
  const tries = useRef({ question: '', count: 0 })
  const wasGone = useRef(false)
  const current = useRef({ ask, again, draft })
  current.current = { ask, again, draft }

  const resend = useRef((failed: Failure) => {
    const { ask, again, draft } = current.current
    if (failed.turn !== null) again()
    else if (draft.trim() === failed.question) ask(failed.question)
  })

  useEffect(() => {
    if (gone) wasGone.current = true
    if (gone || !wasGone.current) return
    wasGone.current = false
    if (failure !== null && isCut(failure.error)) resend.current(failure)
  }, [gone, failure])

  useEffect(() => {
    if (failure === null || failure.turn !== null) return setLeft(null)
    const { question } = failure
    if (tries.current.question !== question) tries.current = { question, count: 0 }
    const wait = waitOf(failure.error)
    const kept = current.current.draft.trim() === question
    if (wait === null || !kept || tries.current.count >= mostTries) return setLeft(null)
    setLeft(wait)
    const due = performance.now() + wait * 1000
    const timer = setInterval(() => {
      const seconds = Math.ceil((due - performance.now()) / 1000)
      const changed = current.current.draft.trim() !== question
      if (seconds > 0 && !changed) return setLeft(seconds)
      clearInterval(timer)
      setLeft(null)
      if (changed) return
      tries.current.count += 1
      resend.current(failure)
    }, 250)
    return () => clearInterval(timer)
  }, [failure])

  return left
}

/** The backend went away before it answered or in the middle of its answer. */
function isCut(error: Error): boolean {
  return error instanceof RequestFailed ? error.status === 0 : error instanceof TypeError
}

function waitOf(error: Error): number | null {
  if (!(error instanceof RequestFailed) || (error.status !== 429 && error.status !== 503)) return null
  const { retryAfter } = error
  return retryAfter === null || retryAfter > mostSeconds ? null : Math.max(1, Math.ceil(retryAfter))
}
