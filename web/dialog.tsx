import { type ReactNode, useEffect, useId, useRef } from 'react'
import { CloseIcon } from './icons.tsx'

interface DialogProps {
  title: string
  closeName: string
  onClose(): void
  children: ReactNode
}

/** A modal dialog; the browser keeps the focus in it and gives it back. */
export function Dialog({ title, closeName, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const element = dialog.current
    element?.showModal()
    return () => element?.close()
  }, [])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes it, by the browser
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onClose={onClose}
      // The dialog itself is hit only beside its content, on the veil.
      onClick={(event) => event.target === dialog.current && dialog.current?.close()}
    >
      <div className="dialog">
        <header>
          <h2 id={id}>{title}</h2>
          <button
            type="button"
            className="icon-button"
            aria-label={closeName}
            onClick={() => dialog.current?.close()}
          >
            <CloseIcon />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  )
}
