import { useEffect } from 'react'

/** Calls what a key (in lower case) stands for, unless somebody types, a dialog is open, or a modifier is held. */
export function useKeys(keys: Record<string, () => void>): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing)
        return
      if (document.querySelector('dialog[open]') !== null) return
      const typing = event.target instanceof HTMLElement && event.target.matches('input, textarea, select')
      if (typing && event.key !== 'Escape') return
      const act = keys[event.key.toLowerCase()]
      if (act === undefined) return
      if (event.key !== 'Escape') event.preventDefault()
      act()
    }
    document.addEventListener('keydown', onKeyDown)
    return () => document.removeEventListener('keydown', onKeyDown)
  })
}
