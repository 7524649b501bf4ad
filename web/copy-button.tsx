import { useEffect, useState } from 'react'
import { CopyIcon, DoneIcon, FailedIcon } from './icons.tsx'
import { useTexts } from './use-texts.ts'

const shownMs = 2_000

interface CopyButtonProps {
  /** Made when it is pressed. */
  text(): string
  label: string
}

/** Copies, and says for a moment that it did. */
export function CopyButton({ text, label }: CopyButtonProps) {
  const { turn } = useTexts()
  const [outcome, setOutcome] = useState<'copied' | 'failed' | null>(null)
  useEffect(() => {
    if (outcome === null) return
    const timer = setTimeout(() => setOutcome(null), shownMs)
    return () => clearTimeout(timer)
  }, [outcome])
  const said = outcome === null ? label : outcome === 'copied' ? turn.copied : turn.copyFailed
  return (
    <button
      type="button"
      className="icon-button"
      title={said}
      data-outcome={outcome ?? undefined}
      onClick={async () => setOutcome((await copied(text())) ? 'copied' : 'failed')}
    >
      {outcome === null ? <CopyIcon /> : outcome === 'copied' ? <DoneIcon /> : <FailedIcon />}
      <span className="visually-hidden" aria-live="polite">
        {said}
      </span>
    </button>
  )
}

async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return copiedByHand(text)
  }
}

/** Where the page is not a secure context (http from another machine) there is no clipboard but this one. */
function copiedByHand(text: string): boolean {
  const area = document.createElement('textarea')
  area.value = text
  area.className = 'visually-hidden'
  const focused = document.activeElement
  document.body.append(area)
  area.select()
  const done = document.execCommand('copy')
  area.remove()
  if (focused instanceof HTMLElement) focused.focus()
  return done
}
