/** Conversations by the name that a client gave them. Only what a next question can use is kept. */
import { storable } from './arrays.ts'
import type { Database } from './open.ts'
import { reach } from './reach.ts'

export interface SaidMessage {
  role: 'user' | 'assistant'
  content: string
}

/** What a session is worth keeping for: older messages never reach a model. */
const mostKept = 100
/** A conversation that nobody came back to for so long is over. */
const keptDays = 30
/** Removed a turn: more than a turn adds. */
const mostSwept = 20

/** The newest `count` messages of a session, oldest first; empty for one that is not known. */
export async function recentMessages(db: Database, session: string, count: number): Promise<SaidMessage[]> {
  const rows = await reach(
    db,
    (sql) => sql<SaidMessage[]>`
      select role, content from conversation_messages
      where session = ${storable(session)}
      order by id desc
      limit ${count}`,
  )
  return rows.map(({ role, content }) => ({ role, content })).reverse()
}

/** Adds a question and its answer, both or neither; a few messages that are over go at the same time. */
export async function addTurn(
  db: Database,
  session: string,
  turn: { question: string; answer: string },
): Promise<void> {
  const name = storable(session)
  await reach(
    db,
    (sql) => sql`
      with old as (
        delete from conversation_messages
        where session = ${name} and id < (
          select id from conversation_messages where session = ${name} order by id desc offset ${mostKept - 3} limit 1
        )
      ), over as (
        delete from conversation_messages
        where id in (
          select id from conversation_messages
          where created_at < now() - ${keptDays}::int * interval '1 day'
          order by created_at
          limit ${mostSwept}
        )
      )
      insert into conversation_messages (session, role, content)
      values (${name}, 'user', ${storable(turn.question)}), (${name}, 'assistant', ${storable(turn.answer)})`,
  )
}
