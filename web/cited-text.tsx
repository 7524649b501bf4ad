/** Answer text as text, with its `[number]` markers as buttons. Nothing in it is ever read as HTML. */
import { direction, paragraphs, type Segment, segments } from './markers.ts'
import type { Citation } from './wire.ts'
import { sourceName } from './wording.ts'

interface CitedTextProps {
  text: string
  /** Empty while the answer streams: its markers are shown, and become buttons when the answer is complete. */
  citations: Citation[]
  opened: number | null
  onOpen(citation: Citation): void
}

export function CitedText({ text, ...rest }: CitedTextProps) {
  return paragraphs(text).map((paragraph, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: paragraphs only grow at the end
    <p key={index} dir={direction(paragraph)}>
      {segments(paragraph).map((segment, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: segments only grow at the end
        <Piece key={at} segment={segment} {...rest} />
      ))}
    </p>
  ))
}

function Piece({ segment, citations, opened, onOpen }: Omit<CitedTextProps, 'text'> & { segment: Segment }) {
  if (segment.kind === 'text') return <bdi>{segment.text}</bdi>
  const citation = citations.find((one) => one.number === segment.number)
  if (citation !== undefined) {
    return <Cited citation={citation} opened={opened === citation.number} onOpen={onOpen} />
  }
  // A marker of an answer that is complete names no citation: then it is text of the document.
  if (citations.length > 0) return <bdi>{`[${segment.number}]`}</bdi>
  return (
    <span className="marker" aria-hidden="true">
      {segment.number}
    </span>
  )
}

interface CitedProps {
  citation: Citation
  opened: boolean
  onOpen(citation: Citation): void
}

/** The button that opens a citation's source. */
export function Cited({ citation, opened, onOpen }: CitedProps) {
  return (
    <button
      type="button"
      className="marker"
      aria-label={sourceName(citation)}
      aria-expanded={opened}
      onClick={() => onOpen(citation)}
    >
      {citation.number}
    </button>
  )
}
