/** A list of which only the rows in sight are in the page: ten thousand scroll like ten. */
import { type Key, type ReactNode, useLayoutEffect, useRef, useState } from 'react'

/** Rows drawn beyond the edges, so that a quick scroll shows no gap. */
const beyond = 8

interface VirtualListProps<Item> {
  items: Item[]
  /** Of every row, in rem: it grows with the text. */
  rowRem: number
  label: string
  keyOf(item: Item): Key
  row(item: Item): ReactNode
}

export function VirtualList<Item>({ items, rowRem, label, keyOf, row }: VirtualListProps<Item>) {
  const scroller = useRef<HTMLElement>(null)
  const [view, setView] = useState({ top: 0, height: 0, row: 16 * rowRem })
  useLayoutEffect(() => {
    const element = scroller.current
    if (element === null) return
    const measure = () => {
      const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize)
      setView({ top: element.scrollTop, height: element.clientHeight, row: rem * rowRem })
    }
    measure()
    const resized = new ResizeObserver(measure)
    resized.observe(element)
    element.addEventListener('scroll', measure, { passive: true })
    return () => {
      resized.disconnect()
      element.removeEventListener('scroll', measure)
    }
  }, [rowRem])
  const first = Math.max(0, Math.floor(view.top / view.row) - beyond)
  const last = Math.min(items.length, Math.ceil((view.top + view.height) / view.row) + beyond)
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <section className="virtual" ref={scroller} tabIndex={0} aria-label={label}>
      <ul style={{ height: items.length * view.row }}>
        {items.slice(first, last).map((item, at) => (
          <li
            key={keyOf(item)}
            aria-posinset={first + at + 1}
            aria-setsize={items.length}
            style={{ height: view.row, transform: `translateY(${(first + at) * view.row}px)` }}
          >
            {row(item)}
          </li>
        ))}
      </ul>
    </section>
  )
}
