/** What a failure means for the person at the page, and what to do about it. */
import { RequestFailed } from './api.ts'

export interface Advice {
  title: string
  text: string
}

/** Words for a failed request; `what` is its subject at the start of a sentence, e.g. `The question`. */
export function adviceFor(error: unknown, what: string): Advice {
  if (!(error instanceof RequestFailed)) return brokenOff(error)
  const said = error.message
  const wait = error.retryAfter === null ? 'a moment' : seconds(error.retryAfter)
  switch (true) {
    case error.status === 0:
      return {
        title: 'Mentor does not answer',
        text: 'The backend is not running or cannot be reached. Start it with ./mentor start; nothing you typed is lost.',
      }
    case error.status === 413:
      return { title: `${what} is too large`, text: said || 'Send less at once, or a smaller file.' }
    case error.status === 422 || error.status === 400:
      return { title: `${what} was not accepted`, text: said || 'Change it and try again.' }
    case error.status === 403:
      return {
        title: 'This address is not allowed',
        text: said || 'Open the page at the address that ./mentor start printed.',
      }
    case error.status === 429:
      return { title: 'Mentor is busy', text: said || `Try again in ${wait}.` }
    case error.status === 503:
      return {
        title: 'Not available right now',
        text: said || `Try again in ${wait}.`,
      }
    case error.status === 507:
      return { title: 'The disk is full', text: said || 'Free some space, then try again.' }
    default:
      return {
        title: 'Something went wrong',
        text: said || `The backend answered with status ${error.status}. Its log says more.`,
      }
  }
}

function brokenOff(error: unknown): Advice {
  const said = error instanceof Error ? error.message : ''
  // A browser's own words for a cut connection ("network error", "Load failed") help nobody.
  const ours = said !== '' && !(error instanceof TypeError)
  return {
    title: 'The answer broke off',
    text: ours ? said : 'The connection was lost. What arrived before is shown; ask again for the rest.',
  }
}

function seconds(count: number): string {
  return count <= 1 ? 'a second' : `${Math.ceil(count)} seconds`
}
