/** The numbers in an answer: buttons that open a source, with the quoted words shown while one is pointed at. */
import { createContext, use, useId, useRef, useState } from 'react'
import { segments } from './markers.ts'
import { useTexts } from './use-texts.ts'
import type { Citation } from './wire.ts'
import { place, sourceName } from './wording.ts'

export interface CitationScope {
  /** Empty while the answer streams: its markers are shown, and become buttons when the answer is complete. */
  citations: Citation[]
  /** The number of the citation whose source is open. */
  opened: number | null
  onOpen(citation: Citation): void
}

/** What the markers below it mean. */
export const Citations = createContext<CitationScope>({ citations: [], opened: null, onOpen: () => {} })

/** A run of text with its `[number]` markers. Each run is isolated: an override in one turns no neighbour round. */
export function MarkedText({ text }: { text: string }) {
  return segments(text).map((segment, at) =>
    segment.kind === 'text' ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: segments only grow at the end
      <bdi key={at}>{segment.text}</bdi>
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: segments only grow at the end
      <Marker key={at} number={segment.number} />
    ),
  )
}

function Marker({ number }: { number: number }) {
  const { citations } = use(Citations)
  const citation = citations.find((one) => one.number === number)
  if (citation !== undefined) return <Cited citation={citation} />
  // A marker of an answer that is complete names no citation: then it is text of the document.
  if (citations.length > 0) return <bdi>{`[${number}]`}</bdi>
  return (
    <span className="marker" aria-hidden="true">
      {number}
    </span>
  )
}

/** Longer quotes are cut in the preview; the source shows them whole. */
const mostPreview = 320
/** Pixels between the number and its preview, and between the preview and the window's edge. */
const gap = 8
const width = 352

/** The button that opens a citation's source. */
export function Cited({ citation }: { citation: Citation }) {
  const texts = useTexts()
  const { opened, onOpen } = use(Citations)
  const button = useRef<HTMLButtonElement>(null)
  const id = useId()
  const [at, setAt] = useState<{ left: number; top?: number; bottom?: number } | null>(null)
  const isOpen = opened === citation.number
  /** The focus that comes back when the source closes asks for no preview: it would lie over the next numbers. */
  const returning = useRef(false)
  const show = () => {
    const box = button.current?.getBoundingClientRect()
    if (box === undefined) return
    const left = Math.max(gap, Math.min(box.left, innerWidth - width - gap))
    // Above when the lower half of the window holds the number.
    setAt(
      box.top > innerHeight / 2 ? { left, bottom: innerHeight - box.top + 2 } : { left, top: box.bottom + 2 },
    )
  }
  const hide = () => setAt(null)
  const quote =
    citation.quote.length > mostPreview ? `${citation.quote.slice(0, mostPreview)}…` : citation.quote
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the preview repeats what the button opens
    <span className="cited" onMouseEnter={show} onMouseLeave={hide}>
      <button
        ref={button}
        type="button"
        className="marker"
        aria-label={sourceName(citation, texts)}
        aria-expanded={isOpen}
        aria-describedby={at === null ? undefined : id}
        onFocus={() => {
          if (!returning.current) show()
          returning.current = false
        }}
        onBlur={hide}
        onKeyDown={(event) => {
          if (event.key !== 'Escape' || at === null) return
          event.stopPropagation()
          hide()
        }}
        onClick={() => {
          hide()
          returning.current = true
          onOpen(citation)
        }}
      >
        {citation.number}
      </button>
      {at !== null && !isOpen && (
        <span className="preview" role="tooltip" id={id} style={at}>
          <bdi className="preview-title">{citation.document.title}</bdi>
          <span className="preview-quote" dir="auto">
            {quote.toWellFormed()}
          </span>
          <bdi className="preview-place">{place(citation, texts)}</bdi>
        </span>
      )}
    </span>
  )
}
