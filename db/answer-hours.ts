/** How many answers an hour had, by rung: requests, errors, tokens, time. Never what was asked. */
import { numberArray, textArray } from './arrays.ts'
import type { Database } from './open.ts'
import { reach } from './reach.ts'

/** Sums over an hour and a rung. */
export interface AnswerHour {
  /** When the hour began, milliseconds since 1970. */
  hour: number
  /** Empty where none answered. */
  rung: string
  requests: number
  errors: number
  promptTokens: number
  completionTokens: number
  milliseconds: number
}

/** Adds to what is there; each (hour, rung) at most once in `added`. */
export async function addAnswerHours(db: Database, added: AnswerHour[]): Promise<void> {
  if (added.length === 0) return
  const numbers = (of: (one: AnswerHour) => number) => numberArray(added.map((one) => Math.round(of(one))))
  await reach(
    db,
    (sql) => sql`
      insert into answer_hours as h
        (hour, rung, requests, errors, prompt_tokens, completion_tokens, milliseconds)
      select 'epoch'::timestamptz + ms::float8 * interval '1 millisecond', rung, requests, errors, prompt, completion, time
      from unnest(
        ${numbers(({ hour }) => hour)}::bigint[],
        ${textArray(added.map(({ rung }) => rung))}::text[],
        ${numbers(({ requests }) => requests)}::bigint[],
        ${numbers(({ errors }) => errors)}::bigint[],
        ${numbers(({ promptTokens }) => promptTokens)}::bigint[],
        ${numbers(({ completionTokens }) => completionTokens)}::bigint[],
        ${numbers(({ milliseconds }) => milliseconds)}::bigint[]
      ) as added (ms, rung, requests, errors, prompt, completion, time)
      order by 1, 2
      on conflict (hour, rung) do update set
        requests = h.requests + excluded.requests,
        errors = h.errors + excluded.errors,
        prompt_tokens = h.prompt_tokens + excluded.prompt_tokens,
        completion_tokens = h.completion_tokens + excluded.completion_tokens,
        milliseconds = h.milliseconds + excluded.milliseconds`,
  )
}

/** All hours since `since` (milliseconds since 1970), oldest first. */
export async function readAnswerHours(db: Database, since: number): Promise<AnswerHour[]> {
  const rows = await reach(
    db,
    (sql) => sql<AnswerHour[]>`
      select (extract(epoch from hour) * 1000)::float8 as hour, rung, requests, errors,
        prompt_tokens as "promptTokens", completion_tokens as "completionTokens", milliseconds
      from answer_hours
      where hour >= 'epoch'::timestamptz + ${since}::float8 * interval '1 millisecond'
      order by hour, rung`,
  )
  return rows.map((row) => ({ ...row }))
}

/** Sums over all hours, by rung, and the first of them; null before the first answer. */
export async function answerTotals(db: Database): Promise<{ since: number | null; rungs: AnswerHour[] }> {
  const rows = await reach(
    db,
    (sql) => sql<AnswerHour[]>`
      select (extract(epoch from min(hour)) * 1000)::float8 as hour, rung, sum(requests)::bigint as requests,
        sum(errors)::bigint as errors, sum(prompt_tokens)::bigint as "promptTokens",
        sum(completion_tokens)::bigint as "completionTokens", sum(milliseconds)::bigint as milliseconds
      from answer_hours
      group by rung
      order by rung`,
  )
  const rungs = rows.map((row) => ({ ...row }))
  return { since: rungs.length === 0 ? null : Math.min(...rungs.map(({ hour }) => hour)), rungs }
}
