/** `GET /`: what answers here. */
import { Elysia } from 'elysia'
import { describe } from '../../../http/describe.ts'
import type { Served } from '../served.ts'
import { AboutShape } from '../shapes.ts'

const about = describe({
  tag: 'Service',
  summary: 'What this is',
  gives: { 200: { says: 'Its name, its models, and where to go on', shape: AboutShape } },
})

export function aboutRoute({ service, embed, settings }: Served) {
  return new Elysia().get(
    '/',
    () => ({
      name: 'Mentor model service',
      version: settings.version,
      model: service.model,
      embedding_model: embed?.model.name ?? null,
      links: { docs: '/docs', openapi: '/openapi.json', health: '/api/llm/health', models: '/v1/models' },
    }),
    about,
  )
}
