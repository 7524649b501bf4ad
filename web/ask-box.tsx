import { type FormEvent, type KeyboardEvent, useEffect, useLayoutEffect, useRef } from 'react'
import { mostQuestion } from './answer.tsx'
import { SendIcon, StopIcon } from './icons.tsx'
import { useTexts } from './use-texts.ts'

interface AskBoxProps {
  draft: string
  onDraft(text: string): void
  busy: boolean
  onAsk(question: string): void
  onStop(): void
}

/** The composer: Enter sends, Shift+Enter starts a new line; it grows with its text. */
export function AskBox({ draft, onDraft, busy, onAsk, onStop }: AskBoxProps) {
  const { ask } = useTexts()
  const box = useRef<HTMLTextAreaElement>(null)
  const blank = draft.trim() === ''
  const tooLong = draft.trim().length > mostQuestion

  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the text
  useLayoutEffect(() => {
    const element = box.current
    if (element === null) return
    element.style.height = 'auto'
    element.style.height = `${element.scrollHeight}px`
  }, [draft])
  useEffect(() => {
    box.current?.focus()
  }, [])

  const send = (event: FormEvent | KeyboardEvent) => {
    event.preventDefault()
    if (!busy && !blank && !tooLong) onAsk(draft.trim())
  }
  const onKeyDown = (event: KeyboardEvent) => {
    // While an input method composes, Enter chooses a word.
    if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) send(event)
  }

  return (
    <form className="ask-box" onSubmit={send}>
      <label className="visually-hidden" htmlFor="ask">
        {ask.label}
      </label>
      <textarea
        id="ask"
        ref={box}
        rows={1}
        dir="auto"
        enterKeyHint="send"
        placeholder={ask.placeholder}
        aria-describedby="ask-hint"
        aria-invalid={tooLong}
        value={draft}
        onChange={(event) => onDraft(event.target.value)}
        onKeyDown={onKeyDown}
      />
      {busy ? (
        <button type="button" className="round" aria-label={ask.stop} onClick={onStop}>
          <StopIcon />
        </button>
      ) : (
        <button type="submit" className="round" aria-label={ask.send} disabled={blank || tooLong}>
          <SendIcon />
        </button>
      )}
      <p id="ask-hint" className={tooLong ? 'too-long' : 'visually-hidden'}>
        {tooLong ? ask.tooLong(mostQuestion) : ask.hint}
      </p>
    </form>
  )
}
