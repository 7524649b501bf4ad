/** `POST /api/search`: the passages that fit best, with every score and rank. */
import { Elysia } from 'elysia'
import { describe } from '../../http/describe.ts'
import { openGate } from '../../http/gate.ts'
import { jsonBody } from '../../http/json-body.ts'
import { NoQuery } from '../../http/shapes.ts'
import { SearchBody, SearchResult } from '../http/shapes.ts'
import { retrieve } from '../retrieve/retrieve.ts'
import type { Backend } from './backend.ts'

const mostAtOnce = 128
const defaultResults = 10

const about = describe({
  tag: 'Questions',
  summary: 'Search the passages',
  description: 'Hybrid unless `mode` says otherwise: vectors and BM25, fused by score. Best first.',
  gives: { 200: { says: 'The passages', shape: SearchResult } },
  refuses: [400, 404, 408, 413, 415, 503],
})

export function searchRoute(backend: Backend) {
  const gate = openGate(mostAtOnce, 'searches')
  return new Elysia().post(
    '/api/search',
    async ({ body, request }) => {
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
    },
    { ...jsonBody(SearchBody), query: NoQuery, ...about },
  )
}
