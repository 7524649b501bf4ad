/** Conversations that a client named: what was said is part of the next question. */
import { addTurn, recentMessages } from '../../../db/conversations.ts'
import type { Database } from '../../../db/open.ts'
import { inWords } from '../../../http/log-text.ts'
import type { Message } from '../../answer/types.ts'

/** Messages of a conversation that reach a model. */
export const mostHistory = 20

export interface Sessions {
  /** @throws errors of `db/errors.ts` */
  history(session: string): Promise<Message[]>
  /** After the answer was given: a failure is logged, and only the memory of this turn is lost. */
  remember(session: string, question: string, answer: string): Promise<void>
}

export function openSessions(db: Database, log: (line: string) => void): Sessions {
  return {
    history: (session) => recentMessages(db, session, mostHistory),
    async remember(session, question, answer) {
      await addTurn(db, session, { question, answer }).catch((error: unknown) =>
        log(`A turn of a conversation was not kept: ${inWords(error)}`),
      )
    },
  }
}
