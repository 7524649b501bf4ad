/** What a failure means for the person at the page, and what to do about it. */
import { RequestFailed } from './api.ts'
import type { Texts } from './texts/en.ts'

export interface Advice {
  title: string
  text: string
}

/** Words for a failed request; `what` is its subject at the start of a sentence, e.g. `The question`. */
export function adviceFor(error: unknown, what: string, texts: Texts): Advice {
  const { failure } = texts
  if (!(error instanceof RequestFailed)) return brokenOff(error, texts)
  const said = error.message
  const wait = error.retryAfter === null ? failure.moment : failure.seconds(error.retryAfter)
  switch (true) {
    case error.status === 0 && navigator.onLine === false:
      return { title: failure.offline, text: failure.offlineText }
    case error.status === 0:
      return { title: failure.gone, text: failure.goneText }
    case error.status === 413:
      return { title: failure.tooLarge(what), text: said || failure.tooLargeText }
    case error.status === 422 || error.status === 400:
      return { title: failure.refused(what), text: said || failure.refusedText }
    case error.status === 403:
      return { title: failure.address, text: said || failure.addressText }
    case error.status === 429:
      return { title: failure.busy, text: said || failure.againIn(wait) }
    case error.status === 503:
      return { title: failure.unavailable, text: said || failure.againIn(wait) }
    case error.status === 507:
      return { title: failure.diskFull, text: said || failure.diskFullText }
    default:
      return { title: failure.other, text: said || failure.otherText(error.status) }
  }
}

function brokenOff(error: unknown, { failure }: Texts): Advice {
  const said = error instanceof Error ? error.message : ''
  // A browser's own words for a cut connection ("network error", "Load failed") help nobody.
  const ours = said !== '' && !(error instanceof TypeError)
  return { title: failure.brokeOff, text: ours ? said : failure.brokeOffText }
}
