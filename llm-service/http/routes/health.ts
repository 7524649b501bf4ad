/** `GET /api/llm/health`: what is loaded, on which device, and how busy it is. */
import { Elysia } from 'elysia'
import { describe } from '../../../http/describe.ts'
import { healthView } from '../health-view.ts'
import type { Served } from '../served.ts'
import { HealthShape } from '../shapes.ts'

const about = describe({
  tag: 'Service',
  summary: 'State of the models, the workers and the queue',
  description: 'Answers at once, also while the model is loading; needs no key.',
  gives: { 200: { says: 'It runs; `status` says how well', shape: HealthShape } },
})

export function healthRoute(served: Served) {
  return new Elysia().get('/api/llm/health', () => healthView(served), about)
}
