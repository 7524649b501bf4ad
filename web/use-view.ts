/** Which part of the page is shown; it stands in the address, so that a reload and Back keep it. */
import { useSyncExternalStore } from 'react'

export type View = 'ask' | 'documents'

export const addressOf: Record<View, string> = { ask: '#/', documents: '#/documents' }

export function useView(): View {
  return useSyncExternalStore(
    (changed) => {
      addEventListener('hashchange', changed)
      return () => removeEventListener('hashchange', changed)
    },
    () => (location.hash === addressOf.documents ? 'documents' : 'ask'),
  )
}

export function goTo(view: View): void {
  location.hash = addressOf[view]
}
