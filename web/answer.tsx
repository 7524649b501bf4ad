/** One question with its answer, the sources it quotes, and who answered. */
import { Cited, CitedText } from './cited-text.tsx'
import { markedNumbers, paragraphs } from './markers.ts'
import { Notice } from './notice.tsx'
import { Provenance } from './provenance.tsx'
import type { Turn } from './use-conversation.ts'
import type { Answer, Citation } from './wire.ts'
import { counted, place, sourceName } from './wording.ts'

interface TurnProps {
  turn: Turn
  /** Why its answer broke off, when it just did. */
  error: Error | null
  /** The number of the citation whose source is open. */
  opened: number | null
  onOpen(citation: Citation): void
  /** Asks the question again; only the last turn can. */
  onAgain: (() => void) | undefined
}

export function AnsweredTurn({ turn, error, opened, onOpen, onAgain }: TurnProps) {
  const abstained = turn.answer?.abstained === true
  return (
    <article className="turn" data-state={turn.state}>
      <h2 className="question" dir="auto">
        {turn.question}
      </h2>
      {turn.state === 'waiting' && <Waiting passages={turn.passages} />}
      {abstained && turn.answer !== null ? (
        <Abstention answer={turn.answer} opened={opened} onOpen={onOpen} />
      ) : (
        <>
          <div className="answer" aria-live={turn.answer === null ? 'polite' : 'off'}>
            <CitedText
              text={turn.text}
              citations={turn.answer?.citations ?? []}
              opened={opened}
              onOpen={onOpen}
            />
          </div>
          {turn.answer !== null && <Sources answer={turn.answer} opened={opened} onOpen={onOpen} />}
        </>
      )}
      {turn.state === 'stopped' && <p className="aside">You stopped this answer.</p>}
      {turn.state === 'broken' && <Broken error={error} onAgain={onAgain} />}
      {turn.answer !== null && <Provenance answer={turn.answer} />}
    </article>
  )
}

function Broken({ error, onAgain }: Pick<TurnProps, 'error' | 'onAgain'>) {
  if (onAgain === undefined) return <p className="aside">This answer broke off.</p>
  return <Notice error={error} what="The question" onAgain={onAgain} />
}

function Waiting({ passages }: { passages: number }) {
  return (
    <div className="waiting">
      <p className="aside">
        {passages === 0 ? 'Looking in your documents…' : `Reading ${counted(passages, 'passage')}…`}
      </p>
      <span className="bar" />
      <span className="bar" />
      <span className="bar" />
    </div>
  )
}

interface SourcesProps {
  answer: Answer
  opened: number | null
  onOpen(citation: Citation): void
}

/** The list under an answer: each citation with its place in its document. */
function Sources({ answer, opened, onOpen }: SourcesProps) {
  if (answer.citations.length === 0) return null
  const marked = markedNumbers(answer.answer)
  return (
    <section className="sources">
      <h3>Sources</h3>
      <ol>
        {answer.citations.map((citation) => (
          <li key={citation.number}>
            <button
              type="button"
              className="source"
              // Named as a citation only when the text has no marker for it: one button of that name each.
              aria-label={marked.has(citation.number) ? undefined : sourceName(citation)}
              aria-expanded={opened === citation.number}
              onClick={() => onOpen(citation)}
            >
              <span className="number">{citation.number}</span>
              <bdi className="title">{citation.document.title}</bdi>
              <bdi className="place">{place(citation)}</bdi>
            </button>
          </li>
        ))}
      </ol>
    </section>
  )
}

/** Not an answer, and it must not look like one: what was looked for is missing; the nearest text is offered. */
function Abstention({ answer, opened, onOpen }: SourcesProps) {
  // The paragraphs that quote are shown as the list below them, with where they stand.
  const words = paragraphs(answer.answer).filter((text) => markedNumbers(text).size === 0)
  return (
    <div className="abstention">
      <h3>Not enough in your documents</h3>
      {words.map((text) => (
        <p key={text} dir="auto">
          {text}
        </p>
      ))}
      {answer.citations.length > 0 && (
        <ul aria-label="Nearest passages">
          {answer.citations.map((citation) => (
            <li key={citation.number}>
              <Cited citation={citation} opened={opened === citation.number} onOpen={onOpen} />
              <div>
                <blockquote dir="auto">{citation.quote}</blockquote>
                <p className="aside">
                  <bdi>{[citation.document.title, place(citation)].filter(Boolean).join(' · ')}</bdi>
                </p>
              </div>
            </li>
          ))}
        </ul>
      )}
      <p className="aside">Add a document that covers this, or ask in other words.</p>
    </div>
  )
}
