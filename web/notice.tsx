import { adviceFor } from './failure.ts'

interface NoticeProps {
  error: unknown
  /** The subject of the sentence, e.g. `The question`. */
  what: string
  onAgain?: () => void
}

/** What went wrong and what to do about it. */
export function Notice({ error, what, onAgain }: NoticeProps) {
  const advice = adviceFor(error, what)
  return (
    <div className="notice" role="alert">
      <p>
        <strong>{advice.title}.</strong> <bdi>{advice.text}</bdi>
      </p>
      {onAgain !== undefined && (
        <button type="button" className="quiet" onClick={onAgain}>
          Ask again
        </button>
      )}
    </div>
  )
}
