/** Keeps the growing answer in view, never pushes its question out of it, and lets go once the reader scrolls. */
import { useLayoutEffect, useRef } from 'react'
import type { Turn } from './use-conversation.ts'

/** Pixels above the question. */
const gap = 4

export function useFollow(turns: Turn[]) {
  const scroller = useRef<HTMLDivElement>(null)
  const following = useRef(false)

  // biome-ignore lint/correctness/useExhaustiveDependencies: every change of the turns may have made them longer
  useLayoutEffect(() => {
    const element = scroller.current
    const last = element?.querySelector<HTMLElement>('.turn:last-of-type')
    if (!following.current || !element || !last) return
    const bottom = element.scrollHeight - element.clientHeight
    const question =
      last.getBoundingClientRect().top - element.getBoundingClientRect().top + element.scrollTop
    element.scrollTop = Math.min(bottom, question - gap)
  }, [turns])

  const release = () => {
    following.current = false
  }
  return {
    scroller,
    listeners: { onWheel: release, onTouchMove: release, onKeyDown: release },
    start() {
      following.current = true
    },
  }
}
