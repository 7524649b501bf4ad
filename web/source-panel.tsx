/** The document beside the conversation: where a citation quotes it, or from its beginning. */
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { RequestFailed, readText } from './api.ts'
import { CopyButton } from './copy-button.tsx'
import { adviceFor } from './failure.ts'
import { CloseIcon, NextIcon, PreviousIcon } from './icons.tsx'
import { useTexts } from './use-texts.ts'
import type { Citation, DocumentReference, TextWindow } from './wire.ts'
import { place } from './wording.ts'

type Reading =
  | { state: 'loading' }
  | { state: 'read'; window: TextWindow }
  | { state: 'changed' }
  | { state: 'deleted' }
  | { state: 'failed'; error: unknown }

interface CitedSourceProps {
  citation: Citation
  /** All of its answer, in order. */
  citations: Citation[]
  onShow(citation: Citation): void
  onClose(): void
}

/** The source of one citation of an answer, with the ways to the next and the previous one. */
export function CitedSource({ citation, citations, onShow, onClose }: CitedSourceProps) {
  const texts = useTexts()
  const at = citations.findIndex((one) => one.number === citation.number)
  const previous = citations[at - 1]
  const next = citations[at + 1]
  useBracketKeys(
    () => previous !== undefined && onShow(previous),
    () => next !== undefined && onShow(next),
  )
  return (
    <Panel
      document={citation.document}
      eyebrow={texts.source.eyebrow(citation.number, citations.length)}
      details={[place(citation, texts)]}
      onClose={onClose}
      tools={
        <>
          <CopyButton text={() => citation.quote} label={texts.source.copyQuote} />
          {citations.length > 1 && (
            <>
              <Step to={previous} name={texts.source.previous} onShow={onShow}>
                <PreviousIcon />
              </Step>
              <Step to={next} name={texts.source.next} onShow={onShow}>
                <NextIcon />
              </Step>
            </>
          )}
        </>
      }
    >
      <CitedBody key={citation.number} citation={citation} />
    </Panel>
  )
}

interface StepProps {
  to: Citation | undefined
  name: string
  onShow(citation: Citation): void
  children: ReactNode
}

/** Stays in its place at either end, so that the focus is not lost there. */
function Step({ to, name, onShow, children }: StepProps) {
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={name}
      title={name}
      aria-disabled={to === undefined}
      onClick={() => to !== undefined && onShow(to)}
    >
      {children}
    </button>
  )
}

/** `[` and `]` go through the sources, but not where somebody types. */
function useBracketKeys(previous: () => void, next: () => void): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.target instanceof HTMLElement && event.target.matches('input, textarea, select')) return
      if (event.key === '[') previous()
      if (event.key === ']') next()
    }
    document.addEventListener('keydown', onKeyDown)
    return () => document.removeEventListener('keydown', onKeyDown)
  })
}

/** A stored document, read from its beginning. */
export function DocumentSource({ document, onClose }: { document: DocumentReference; onClose(): void }) {
  const { source } = useTexts()
  return (
    <Panel document={document} eyebrow={source.document} details={[]} onClose={onClose} tools={null}>
      <DocumentBody key={document.id} document={document} />
    </Panel>
  )
}

interface PanelProps {
  document: DocumentReference
  eyebrow: string
  details: string[]
  tools: ReactNode
  onClose(): void
  children: ReactNode
}

function Panel({ document: from, eyebrow, details, tools, onClose, children }: PanelProps) {
  const { source } = useTexts()
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    heading.current?.focus()
  }, [])
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key === 'Escape' && !event.defaultPrevented) onClose()
    }
    document.addEventListener('keydown', onKeyDown)
    return () => document.removeEventListener('keydown', onKeyDown)
  }, [onClose])
  const shown = [from.source === from.title ? '' : from.source, ...details].filter(Boolean)
  return (
    <>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: Escape and the button close it */}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the button "Close source" is the way by keyboard */}
      <div className="panel-veil" onClick={onClose} />
      <aside className="source-panel" aria-labelledby="source-title">
        <header>
          <div>
            <p className="eyebrow">{eyebrow}</p>
            <h2 id="source-title" ref={heading} tabIndex={-1} dir="auto">
              {from.title}
            </h2>
            {shown.map((detail) => (
              <p key={detail} className="aside">
                <bdi>{detail}</bdi>
              </p>
            ))}
          </div>
          <div className="panel-tools">
            {tools}
            <button type="button" className="icon-button" aria-label={source.close} onClick={onClose}>
              <CloseIcon />
            </button>
          </div>
        </header>
        {children}
      </aside>
    </>
  )
}

function CitedBody({ citation }: { citation: Citation }) {
  const texts = useTexts()
  const reading = useReading(citation)
  switch (reading.state) {
    case 'loading':
      return <Opening />
    case 'read':
      return <SourceText window={reading.window} citation={citation} />
    case 'changed':
      return <Quote citation={citation} note={texts.source.changed} />
    case 'deleted':
      return <Quote citation={citation} note={texts.source.deleted} />
    case 'failed': {
      const advice = adviceFor(reading.error, texts.source.subject, texts)
      return <Quote citation={citation} note={texts.source.quoted(advice.title, advice.text)} />
    }
  }
}

function Opening() {
  const { source } = useTexts()
  return (
    <p className="panel-note" role="status">
      {source.opening}
    </p>
  )
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
  const { source } = useTexts()
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
    <section className="source-text" tabIndex={0} aria-label={source.text}>
      {excerpt && <p className="panel-note">{source.excerpt}</p>}
      <div className="original">
        {window.text.slice(0, from)}
        <mark ref={mark}>{window.text.slice(from, to)}</mark>
        {window.text.slice(to)}
      </div>
    </section>
  )
}

/** Code units shown on each side of a quote, and read at once of a document: most are shorter than that. */
const around = 20_000

function useReading(citation: Citation): Reading {
  const [reading, setReading] = useState<Reading>({ state: 'loading' })
  useEffect(() => {
    const closed = new AbortController()
    const { id, version } = citation.document
    const range = { start: Math.max(0, citation.start - around), end: citation.end + around, version }
    readText(id, range, closed.signal).then(
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

function DocumentBody({ document }: { document: DocumentReference }) {
  const texts = useTexts()
  const [pieces, setPieces] = useState<TextWindow[]>([])
  const [wanted, setWanted] = useState(2 * around)
  const [error, setError] = useState<unknown>(null)
  const shown = pieces.at(-1)?.end ?? 0
  const length = pieces.at(-1)?.length ?? Number.POSITIVE_INFINITY
  useEffect(() => {
    if (shown >= Math.min(wanted, length)) return
    const closed = new AbortController()
    readText(document.id, { start: shown, end: wanted }, closed.signal).then(
      (piece) => setPieces((before) => [...before, piece]),
      (failure) => {
        if (!closed.signal.aborted) setError(failure)
      },
    )
    return () => closed.abort()
  }, [document, shown, wanted, length])
  if (error !== null) {
    const advice = adviceFor(error, texts.source.subject, texts)
    return <p className="panel-note" role="alert">{`${advice.title}. ${advice.text}`}</p>
  }
  if (pieces.length === 0) return <Opening />
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <section className="source-text" tabIndex={0} aria-label={texts.source.text}>
      <div className="original">{pieces.map((piece) => piece.text).join('')}</div>
      {shown < length && (
        <div className="more-text">
          <p className="aside">{texts.source.shown(shown, length)}</p>
          <button type="button" className="quiet" onClick={() => setWanted(shown + 2 * around)}>
            {texts.source.more}
          </button>
        </div>
      )}
    </section>
  )
}
