/** `GET /stats`: how many answers, in all and by hour, as an earlier chatbot showed them. They survive a restart. */
import { Elysia } from 'elysia'
import { type AnswerHour, answerTotals, readAnswerHours } from '../../../db/answer-hours.ts'
import { describe } from '../../../http/describe.ts'
import { NoQuery } from '../../../http/shapes.ts'
import type { Backend } from '../backend.ts'
import { StatsShape } from './shapes.ts'

const shownMs = 24 * 3_600_000

const about = describe({
  tag: 'Contracts of earlier systems',
  summary: 'Answers in all, and by hour',
  description:
    'Of every route that answers questions. Kept in the database; a backend that is killed loses the last 5 s.',
  gives: { 200: { says: 'The figures', shape: StatsShape } },
  refuses: [503],
})

export function earlierStatsRoutes({ db, figures }: Backend) {
  const stats = async () => {
    await figures.flush()
    const [totals, hours] = await Promise.all([answerTotals(db), readAnswerHours(db, Date.now() - shownMs)])
    return {
      since: totals.since === null ? null : new Date(totals.since).toISOString(),
      timestamp: new Date().toISOString(),
      totals: { ...sumOf(totals.rungs), by_rung: byRung(totals.rungs) },
      hours: [...Map.groupBy(hours, ({ hour }) => hour)].map(([hour, rungs]) => ({
        hour: new Date(hour).toISOString(),
        ...sumOf(rungs),
        by_rung: byRung(rungs),
      })),
    }
  }
  return new Elysia()
    .get('/stats', stats, { query: NoQuery, ...about })
    .get('/api/stats', stats, { query: NoQuery, ...about })
}

function byRung(rungs: AnswerHour[]): Record<string, ReturnType<typeof sumOf>> {
  return Object.fromEntries(rungs.map((one) => [one.rung === '' ? 'none' : one.rung, sumOf([one])]))
}

function sumOf(rows: AnswerHour[]) {
  const sum = (of: (row: AnswerHour) => number) => rows.reduce((total, row) => total + of(row), 0)
  const requests = sum((row) => row.requests)
  const prompt = sum((row) => row.promptTokens)
  const completion = sum((row) => row.completionTokens)
  const milliseconds = sum((row) => row.milliseconds)
  return {
    requests,
    errors: sum((row) => row.errors),
    prompt_tokens: prompt,
    completion_tokens: completion,
    tokens: prompt + completion,
    average_latency_seconds: requests === 0 ? 0 : milliseconds / requests / 1000,
  }
}
