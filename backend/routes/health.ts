/** `GET /health`: whether it can answer, and what with. */
import { Elysia } from 'elysia'
import { describe } from '../../http/describe.ts'
import { HealthShape } from '../http/shapes.ts'
import type { Backend } from './backend.ts'

const about = describe({
  tag: 'Service',
  summary: 'State of the backend, the database and each rung',
  description: 'Answers within 100 ms, also while the database is down.',
  gives: { 200: { says: 'It runs; `status` says how well', shape: HealthShape } },
})

export function healthRoutes({ health }: Backend) {
  const read = () => health.read()
  return new Elysia().get('/health', read, about).get('/api/health', read, about)
}
