import { useSyncExternalStore } from 'react'

/** Below this width the source covers the page; the same number stands in styles.css. */
const query = '(max-width: 63.99rem)'

export function useNarrow(): boolean {
  return useSyncExternalStore(
    (changed) => {
      const media = matchMedia(query)
      media.addEventListener('change', changed)
      return () => media.removeEventListener('change', changed)
    },
    () => matchMedia(query).matches,
  )
}
