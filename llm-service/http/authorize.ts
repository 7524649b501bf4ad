import { createHash, timingSafeEqual } from 'node:crypto'
import { RequestRefused } from '../../http/refusal.ts'

/** What says nothing that a key protects: what this is, how to use it, and whether it runs. */
const open = new Set(['/', '/docs', '/docs/style.css', '/openapi.json', '/api/llm/health'])

/**
 * Lets requests in that bring the key; everybody when there is none.
 *
 * @returns what throws RequestRefused 401
 */
export function openAuthorization(apiKey: string | null): (request: Request) => void {
  if (apiKey === null) return () => {}
  const expected = digest(apiKey)
  return (request) => {
    if (open.has(URL.parse(request.url)?.pathname ?? '')) return
    const [, sent] = /^Bearer +(\S+)\s*$/i.exec(request.headers.get('authorization') ?? '') ?? []
    // Digests have one length, so that the comparison takes the same time whatever was sent.
    if (sent !== undefined && timingSafeEqual(digest(sent), expected)) return
    const what = sent === undefined ? 'The request brings no key.' : 'The key is not the one of this service.'
    throw new RequestRefused(401, 'invalid_api_key', what, {
      hint: 'Send it as Authorization: Bearer.',
      headers: { 'www-authenticate': 'Bearer' },
    })
  }
}

const digest = (text: string) => createHash('sha256').update(text).digest()
