/** Counts the answers: kept in memory for a moment, added to the database's hours, so that a restart loses seconds. */
import { type AnswerHour, addAnswerHours } from '../db/answer-hours.ts'
import type { Database } from '../db/open.ts'
import { inWords } from '../http/log-text.ts'

export interface AnswerFigure {
  /** Null where none answered: an error, or a client that went away. */
  rung: string | null
  failed: boolean
  promptTokens: number
  completionTokens: number
  milliseconds: number
}

export interface AnswerFigures {
  count(figure: AnswerFigure): void
  /** Writes what was counted since; what cannot be written stays for the next time. @throws errors of `db/errors.ts` */
  flush(): Promise<void>
  /** Writes once more, and no more. */
  close(): Promise<void>
}

/** A database that says nothing must not keep the process from ending. */
const closeMs = 2_000
/** What a killed process loses at most; a statement so often is nothing to the database. */
const flushMs = 5_000
const hourMs = 3_600_000

export function openAnswerFigures(db: Database, log: (line: string) => void): AnswerFigures {
  const pending = new Map<string, AnswerHour>()
  let timer: Timer | null = null
  let writing: Promise<void> | null = null
  let closed = false
  let told = false

  const add = (one: AnswerHour) => {
    const key = `${one.hour} ${one.rung}`
    const known = pending.get(key)
    if (known === undefined) {
      pending.set(key, one)
      return
    }
    known.requests += one.requests
    known.errors += one.errors
    known.promptTokens += one.promptTokens
    known.completionTokens += one.completionTokens
    known.milliseconds += one.milliseconds
  }

  async function write(): Promise<void> {
    const taken = [...pending.values()]
    pending.clear()
    try {
      await addAnswerHours(db, taken)
    } catch (error) {
      for (const one of taken) add(one)
      throw error
    }
  }

  async function flush(): Promise<void> {
    // Two writers at once would both take what the other puts back.
    while (writing !== null) await writing.catch(() => undefined)
    if (pending.size === 0) return
    writing = write()
    try {
      await writing
    } finally {
      writing = null
    }
  }

  const later = () => {
    if (closed) return
    timer ??= setTimeout(() => {
      timer = null
      flush().then(
        () => {
          told = false
        },
        (error: unknown) => {
          if (!told) log(`The figures of the last answers wait for the database: ${inWords(error)}`)
          told = true
          later()
        },
      )
    }, flushMs)
    // A process that has nothing else to do ends, after `close`.
    timer.unref()
  }

  return {
    count({ rung, failed, promptTokens, completionTokens, milliseconds }) {
      if (closed) return
      const hour = Math.floor(Date.now() / hourMs) * hourMs
      add({
        hour,
        rung: rung ?? '',
        requests: 1,
        errors: failed ? 1 : 0,
        promptTokens,
        completionTokens,
        milliseconds,
      })
      later()
    },
    flush,
    async close() {
      closed = true
      if (timer !== null) clearTimeout(timer)
      const written = flush().catch((error: unknown) =>
        log(`The figures of the last answers are lost: ${inWords(error)}`),
      )
      const late = Promise.withResolvers<void>()
      const limit = setTimeout(late.resolve, closeMs)
      await Promise.race([written, late.promise])
      clearTimeout(limit)
    },
  }
}
