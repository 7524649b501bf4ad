/** `POST /api/search`, and `/v1/search` beside OpenAI's routes: the passages that fit best, with every score and rank. */
import type { Static } from '@sinclair/typebox'
import { Elysia } from 'elysia'
import { describe } from '../../http/describe.ts'
import { openGate } from '../../http/gate.ts'
import { jsonBody } from '../../http/json-body.ts'
import { OpenAiErrorShape } from '../../http/openai/errors.ts'
import { NoQuery } from '../../http/shapes.ts'
import { SearchBody, SearchResult } from '../http/shapes.ts'
import { retrieve } from '../retrieve/retrieve.ts'
import type { Backend } from './backend.ts'

const mostAtOnce = 128
const defaultResults = 10

const shown = {
  summary: 'Search the passages',
  gives: { 200: { says: 'The passages', shape: SearchResult } },
  refuses: [400, 404, 408, 413, 415, 503],
}
const about = describe({
  ...shown,
  tag: 'Questions',
  description: 'Hybrid unless `mode` says otherwise: vectors and BM25, fused by score. Best first.',
})
const aboutBeside = describe({
  ...shown,
  tag: "OpenAI's protocol",
  description: 'As `POST /api/search`: retrieval alone, for programs that ask a model of their own.',
  errors: OpenAiErrorShape,
})

export function searchRoute(backend: Backend) {
  const gate = openGate(mostAtOnce, 'searches')
  const search = async ({ body, request }: { body: Static<typeof SearchBody>; request: Request }) => {
    const leave = gate.enter()
    try {
      const found = await retrieve(backend.services, {
        query: body.query,
        ...(body.collection !== undefined && { collection: body.collection }),
        k: body.k ?? defaultResults,
        mode: body.mode ?? 'hybrid',
        signal: request.signal,
      })
      return { passages: found.passages, timings: found.timings, notes: found.notes }
    } finally {
      leave()
    }
  }
  const taken = { ...jsonBody(SearchBody), query: NoQuery }
  return new Elysia()
    .post('/api/search', search, { ...taken, ...about })
    .post('/v1/search', search, { ...taken, ...aboutBeside })
}
