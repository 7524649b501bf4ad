/** `GET /models`: what can answer, by name, as an earlier chatbot listed it. */
import { Elysia } from 'elysia'
import { describe } from '../../../http/describe.ts'
import { NoQuery } from '../../../http/shapes.ts'
import type { Backend } from '../backend.ts'
import { ModelsShape } from './shapes.ts'

const about = describe({
  tag: 'Contracts of earlier systems',
  summary: 'Models that can answer now',
  description: 'In the order in which they are asked; `context-only` is quotes from the documents.',
  gives: { 200: { says: 'The models', shape: ModelsShape } },
})

export function earlierModelRoutes({ services }: Backend) {
  const list = () => {
    const ready = services.ladder.health().filter(({ state }) => state === 'ready')
    const models = [...new Set(ready.map(({ model, rung }) => model ?? rung))]
    return { models, active_model: models[0] ?? 'context-only' }
  }
  return new Elysia()
    .get('/models', list, { query: NoQuery, ...about })
    .get('/api/models', list, { query: NoQuery, ...about })
}
