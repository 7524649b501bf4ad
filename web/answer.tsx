/** One question with its answer, the sources it quotes, and who answered. */
import { type FormEvent, useRef, useState } from 'react'
import { AnswerText } from './answer-text.tsx'
import { Citations, Cited } from './cited.tsx'
import { CopyButton } from './copy-button.tsx'
import { AgainIcon, EditIcon } from './icons.tsx'
import { markedNumbers, paragraphs } from './markers.ts'
import { closeLeft, closeOnEscape } from './menu.ts'
import { Notice } from './notice.tsx'
import { Provenance } from './provenance.tsx'
import { withReferences } from './references.ts'
import type { Turn } from './use-conversation.ts'
import { useTexts } from './use-texts.ts'
import type { Answer, Citation, RungName } from './wire.ts'
import { place, sourceName } from './wording.ts'

interface TurnProps {
  turn: Turn
  /** Why its answer broke off, when it just did. */
  error: Error | null
  /** The number of the citation whose source is open. */
  opened: number | null
  onOpen(citation: Citation): void
  /** Asks the question again, of one rung alone if one is named; only the last turn can. */
  onAgain: ((rung?: RungName) => void) | undefined
  /** Asks another question in its place; not while an answer is being written. */
  onEdit: ((question: string) => void) | undefined
}

const noCitations: Citation[] = []

export function AnsweredTurn({ turn, error, opened, onOpen, onAgain, onEdit }: TurnProps) {
  const texts = useTexts()
  const { answer, state } = turn
  return (
    <article className="turn" data-state={state}>
      <Question text={turn.question} onEdit={onEdit} />
      {state === 'waiting' && <Waiting passages={turn.passages} />}
      <Citations value={{ citations: answer?.citations ?? noCitations, opened, onOpen }}>
        {answer?.abstained === true ? (
          <Abstention answer={answer} />
        ) : (
          <>
            <div className="answer" aria-live={answer === null ? 'polite' : 'off'}>
              <AnswerText text={turn.text} growing={state === 'streaming'} />
            </div>
            {answer !== null && <Sources answer={answer} opened={opened} onOpen={onOpen} />}
          </>
        )}
      </Citations>
      {state === 'stopped' && <p className="aside">{texts.turn.stopped}</p>}
      {state === 'broken' && <Broken error={error} onAgain={onAgain} />}
      {(answer !== null || state === 'stopped') && <Actions turn={turn} onAgain={onAgain} />}
      {answer !== null && <Provenance answer={answer} />}
    </article>
  )
}

/** The question, and the form that it becomes to be asked otherwise. */
function Question({ text, onEdit }: { text: string; onEdit: TurnProps['onEdit'] }) {
  const { turn } = useTexts()
  const [edited, setEdited] = useState<string | null>(null)
  const button = useRef<HTMLButtonElement>(null)
  if (edited === null || onEdit === undefined) {
    return (
      <header className="asked">
        <h2 className="question" dir="auto">
          {text}
        </h2>
        {onEdit !== undefined && (
          <button
            ref={button}
            type="button"
            className="icon-button"
            aria-label={turn.edit}
            title={turn.edit}
            onClick={() => setEdited(text)}
          >
            <EditIcon />
          </button>
        )}
      </header>
    )
  }
  const leave = () => {
    setEdited(null)
    requestAnimationFrame(() => button.current?.focus())
  }
  const send = (event?: FormEvent) => {
    event?.preventDefault()
    if (edited.trim() === '') return
    setEdited(null)
    onEdit(edited.trim())
  }
  return (
    <form className="edit" onSubmit={send}>
      <textarea
        aria-label={turn.editLabel}
        dir="auto"
        rows={Math.min(8, edited.split('\n').length + 1)}
        maxLength={mostQuestion}
        value={edited}
        // biome-ignore lint/a11y/noAutofocus: it takes the place of the button that was pressed
        autoFocus
        onChange={(event) => setEdited(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') {
            event.stopPropagation()
            leave()
          }
          if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) send(event)
        }}
      />
      <div>
        <button type="button" className="quiet" onClick={leave}>
          {turn.cancel}
        </button>
        <button type="submit" className="quiet strong" disabled={edited.trim() === ''}>
          {turn.resend}
        </button>
      </div>
    </form>
  )
}

/** What the API takes, in characters. */
export const mostQuestion = 4_000

function Broken({ error, onAgain }: Pick<TurnProps, 'error' | 'onAgain'>) {
  const texts = useTexts()
  if (onAgain === undefined) return <p className="aside">{texts.turn.broke}</p>
  return <Notice error={error} what={texts.ask.question} onAgain={() => onAgain()} />
}

function Waiting({ passages }: { passages: number }) {
  const { turn } = useTexts()
  return (
    <div className="waiting">
      <p className="aside">{passages === 0 ? turn.looking : turn.readingPassages(passages)}</p>
      <span className="bar" />
      <span className="bar" />
      <span className="bar" />
    </div>
  )
}

const rungNames: RungName[] = ['llm-service', 'local-model', 'context-only']

function Actions({ turn, onAgain }: Pick<TurnProps, 'turn' | 'onAgain'>) {
  const texts = useTexts()
  const { answer } = turn
  const label = texts.turn.againOn
  return (
    <div className="actions">
      {answer !== null && <CopyButton text={() => withReferences(answer, texts)} label={texts.turn.copy} />}
      {onAgain !== undefined && (
        <>
          <button
            type="button"
            className="icon-button"
            aria-label={texts.turn.again}
            title={texts.turn.again}
            onClick={() => onAgain()}
          >
            <AgainIcon />
          </button>
          <details className="menu" onBlur={closeLeft} onKeyDown={closeOnEscape}>
            <summary>{label}…</summary>
            <ul>
              {rungNames.map((rung) => (
                <li key={rung}>
                  <button type="button" onClick={() => onAgain(rung)}>
                    {texts.rungs[rung]}
                  </button>
                </li>
              ))}
            </ul>
          </details>
        </>
      )}
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
  const texts = useTexts()
  if (answer.citations.length === 0) return null
  const marked = markedNumbers(answer.answer)
  return (
    <section className="sources">
      <h3>{texts.turn.sources}</h3>
      <ol>
        {answer.citations.map((citation) => (
          <li key={citation.number}>
            <button
              type="button"
              className="source"
              // Named as a citation only when the text has no marker for it: one button of that name each.
              aria-label={marked.has(citation.number) ? undefined : sourceName(citation, texts)}
              aria-expanded={opened === citation.number}
              onClick={() => onOpen(citation)}
            >
              <span className="number">{citation.number}</span>
              <bdi className="title">{citation.document.title}</bdi>
              <bdi className="place">{place(citation, texts)}</bdi>
            </button>
          </li>
        ))}
      </ol>
    </section>
  )
}

/** Not an answer, and it must not look like one: what was looked for is missing; the nearest text is offered. */
function Abstention({ answer }: { answer: Answer }) {
  const texts = useTexts()
  // The paragraphs that quote are shown as the list below them, with where they stand.
  const words = paragraphs(answer.answer).filter((text) => markedNumbers(text).size === 0)
  return (
    <div className="abstention">
      <h3>{texts.turn.notEnough}</h3>
      {words.map((text) => (
        <p key={text} dir="auto">
          {text}
        </p>
      ))}
      {answer.citations.length > 0 && (
        <ul aria-label={texts.turn.nearest}>
          {answer.citations.map((citation) => (
            <li key={citation.number}>
              <Cited citation={citation} />
              <div>
                <blockquote dir="auto">{citation.quote}</blockquote>
                <p className="aside">
                  <bdi>{[citation.document.title, place(citation, texts)].filter(Boolean).join(' · ')}</bdi>
                </p>
              </div>
            </li>
          ))}
        </ul>
      )}
      <p className="aside">{texts.turn.whatToDo}</p>
    </div>
  )
}
