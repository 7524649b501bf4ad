import { adviceFor } from './failure.ts'
import { CloseIcon } from './icons.tsx'
import { useTexts } from './use-texts.ts'

interface NoticeProps {
  error: unknown
  /** The subject of the sentence, e.g. `The question`. */
  what: string
  /** What the page will do by itself, in words. */
  next?: string | null
  onAgain?: (() => void) | undefined
  onDismiss?: (() => void) | undefined
}

/** What went wrong and what to do about it. */
export function Notice({ error, what, next = null, onAgain, onDismiss }: NoticeProps) {
  const texts = useTexts()
  const advice = adviceFor(error, what, texts)
  return (
    <div className="notice" role="alert">
      <p>
        <strong>{advice.title}.</strong> <bdi>{advice.text}</bdi>
        {next !== null && (
          <>
            {' '}
            {/* Counts down: read out once a second it would drown everything else. */}
            <span aria-live="off">{next}</span>
          </>
        )}
      </p>
      {onAgain !== undefined && (
        <button type="button" className="quiet" onClick={onAgain}>
          {texts.turn.again}
        </button>
      )}
      {onDismiss !== undefined && (
        <button type="button" className="icon-button" aria-label={texts.failure.dismiss} onClick={onDismiss}>
          <CloseIcon />
        </button>
      )}
    </div>
  )
}
