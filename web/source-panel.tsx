/** The text that a citation quotes, in its place. */
import { useEffect, useRef, useState } from 'react'
import { RequestFailed, readSource } from './api.ts'
import { adviceFor } from './failure.ts'
import { CloseIcon } from './icons.tsx'
import type { Citation, TextWindow } from './wire.ts'
import { place } from './wording.ts'

type Reading =
  | { state: 'loading' }
  | { state: 'read'; window: TextWindow }
  | { state: 'changed' }
  | { state: 'deleted' }
  | { state: 'failed'; error: unknown }

interface SourcePanelProps {
  citation: Citation
  onClose(): void
}

export function SourcePanel({ citation, onClose }: SourcePanelProps) {
  const reading = useReading(citation)
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    heading.current?.focus()
  }, [])
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key === 'Escape') onClose()
    }
    document.addEventListener('keydown', onKeyDown)
    return () => document.removeEventListener('keydown', onKeyDown)
  }, [onClose])
  const { document: from, number } = citation
  const details = [from.source === from.title ? '' : from.source, place(citation)].filter(Boolean)

  return (
    <aside className="source-panel" aria-labelledby="source-title">
      <header>
        <div>
          <p className="eyebrow">Source {number}</p>
          <h2 id="source-title" ref={heading} tabIndex={-1} dir="auto">
            {from.title}
          </h2>
          {details.map((detail) => (
            <p key={detail} className="aside">
              <bdi>{detail}</bdi>
            </p>
          ))}
        </div>
        <button type="button" className="quiet square" aria-label="Close source" onClick={onClose}>
          <CloseIcon />
        </button>
      </header>
      <Body reading={reading} citation={citation} />
    </aside>
  )
}

function Body({ reading, citation }: { reading: Reading; citation: Citation }) {
  switch (reading.state) {
    case 'loading':
      return (
        <p className="panel-note" role="status">
          Opening the document…
        </p>
      )
    case 'read':
      return <SourceText window={reading.window} citation={citation} />
    case 'changed':
      return <Quote citation={citation} note="The document has changed since this answer. It said:" />
    case 'deleted':
      return <Quote citation={citation} note="The document has been deleted since this answer. It said:" />
    case 'failed': {
      const advice = adviceFor(reading.error, 'The document')
      return <Quote citation={citation} note={`${advice.title}. ${advice.text} The quoted words are:`} />
    }
  }
}

function Quote({ citation, note }: { citation: Citation; note: string }) {
  return (
    <div className="source-text" role="status">
      <p className="panel-note">{note}</p>
      <blockquote dir="auto">{citation.quote}</blockquote>
    </div>
  )
}

function SourceText({ window, citation }: { window: TextWindow; citation: Citation }) {
  const mark = useRef<HTMLElement>(null)
  useEffect(() => {
    // Braces: in newer browsers this returns a promise, which is no clean-up for React to call.
    mark.current?.scrollIntoView({ block: 'center' })
  }, [])
  const from = citation.start - window.start
  const to = citation.end - window.start
  const excerpt = window.start > 0 || window.end < window.length
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <section className="source-text" tabIndex={0} aria-label="Text of the document">
      {excerpt && <p className="panel-note">An excerpt of a long document, around the quoted words.</p>}
      <div className="original">
        {window.text.slice(0, from)}
        <mark ref={mark}>{window.text.slice(from, to)}</mark>
        {window.text.slice(to)}
      </div>
    </section>
  )
}

function useReading(citation: Citation): Reading {
  const [reading, setReading] = useState<Reading>({ state: 'loading' })
  useEffect(() => {
    const closed = new AbortController()
    readSource(citation, closed.signal).then(
      (window) => setReading(holds(window, citation) ? { state: 'read', window } : { state: 'changed' }),
      (error) => {
        if (!closed.signal.aborted) setReading(refused(error))
      },
    )
    return () => closed.abort()
  }, [citation])
  return reading
}

/** Whether the text still says what was quoted: a highlight over other words would be worse than none. */
function holds(window: TextWindow, citation: Citation): boolean {
  return window.text.slice(citation.start - window.start, citation.end - window.start) === citation.quote
}

function refused(error: unknown): Reading {
  const status = error instanceof RequestFailed ? error.status : null
  if (status === 410) return { state: 'changed' }
  return status === 404 ? { state: 'deleted' } : { state: 'failed', error }
}
