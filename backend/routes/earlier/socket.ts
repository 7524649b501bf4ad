/** `WS /ws/chat/{session_id}`: a conversation over a socket, gone on with after a reconnect. */
import { Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { Elysia } from 'elysia'
import { describe } from '../../../http/describe.ts'
import { openGate } from '../../../http/gate.ts'
import { parseJson } from '../../../http/json-body.ts'
import { refusalOf } from '../../../http/problems.ts'
import { RequestRefused } from '../../../http/refusal.ts'
import { NoQuery, strict } from '../../../http/shapes.ts'
import { type Socket, SocketGone, type SocketRoute, type Upgrades, upgrade } from '../../../http/socket.ts'
import { errorPart } from '../../http/refusals.ts'
import type { Backend } from '../backend.ts'
import { defaultPassages } from './chat.ts'
import { openSessions, type Sessions } from './sessions.ts'
import { defaultMaxTokens, defaultTemperature, SessionId, SocketMessage } from './shapes.ts'

const mostSockets = 2_048
/** Messages of one client that wait for their answer; they are answered in turn. */
const mostWaiting = 4
const maxDepth = 4

const ById = Type.Object({ session_id: SessionId }, strict)
const message = TypeCompiler.Compile(SocketMessage)

const about = describe({
  tag: 'Contracts of earlier systems',
  summary: 'Chat over a WebSocket',
  description:
    'Send `{"message": "…"}`, up to 64 KiB; `{"type": "response", "message", "timestamp"}` answers, and before it, with ' +
    '`"stream": true`, `{"type": "token", "text"}`; what goes wrong is `{"type": "error", "code", "message"}`. The last ' +
    '20 messages of the session are part of each question, also after a reconnect. A ping every 5 s; a reader that ' +
    'takes nothing for 30 s is disconnected, and so is one with more than 1 MiB waiting.',
  gives: { 101: { says: 'The socket' } },
  refuses: [426, 503],
})

export function earlierSocketRoute(backend: Backend, server: () => Upgrades | null) {
  const gate = openGate(mostSockets, 'sockets')
  const sessions = openSessions(backend.db, backend.log)
  return new Elysia().get(
    '/ws/chat/:session_id',
    ({ params, request }) => {
      const leave = gate.enter()
      try {
        return upgrade(request, server(), conversation(params.session_id, backend, sessions, leave))
      } catch (error) {
        leave()
        throw error
      }
    },
    { params: ById, query: NoQuery, ...about },
  )
}

function conversation(session: string, backend: Backend, sessions: Sessions, leave: () => void): SocketRoute {
  const gone = new AbortController()
  let socket: Socket | null = null
  let waiting = 0
  let turn = Promise.resolve()

  const say = async (one: object) => {
    await socket?.send(one).catch((error: unknown) => {
      if (!(error instanceof SocketGone)) throw error
      gone.abort()
    })
  }

  async function take(text: string | null): Promise<void> {
    try {
      const { message, stream } = messageOf(text)
      await answer(message, stream === true)
    } catch (error) {
      if (gone.signal.aborted) return
      const { code, errorText } = errorPart(error, backend.log)
      await say({ type: 'error', code, message: errorText })
    }
  }

  async function answer(question: string, stream: boolean): Promise<void> {
    const ask = {
      question,
      history: await sessions.history(session),
      passages: defaultPassages,
      rung: 'auto' as const,
      maxTokens: defaultMaxTokens,
      temperature: defaultTemperature,
      topP: backend.services.ladder.settings.topP,
    }
    for await (const event of backend.answering.events(ask, gone.signal)) {
      // Awaited: who reads slowly is written for no faster.
      if (event.type === 'text' && stream) await say({ type: 'token', text: event.text })
      if (event.type === 'error') await say(event)
      if (event.type !== 'answer') continue
      await sessions.remember(session, question, event.answer.answer)
      const timestamp = new Date().toISOString()
      await say({
        type: 'response',
        message: event.answer.answer,
        timestamp,
        citations: event.answer.citations,
      })
    }
  }

  return {
    opened(opened) {
      socket = opened
    },
    received(text) {
      if (waiting >= mostWaiting) {
        void say({
          type: 'error',
          code: 'busy',
          message: `${mostWaiting} messages wait for their answer already. Send it again after one.`,
        })
        return
      }
      waiting++
      turn = turn.then(() => take(text)).finally(() => waiting--)
    },
    closed() {
      gone.abort()
      leave()
    },
  }
}

/** @throws RequestRefused for what is no message */
function messageOf(text: string | null): { message: string; stream?: boolean } {
  if (text === null) {
    throw new RequestRefused(415, 'unsupported_media_type', 'A message must be text, not binary.')
  }
  const value = parseJson(text, maxDepth)
  if (!message.Check(value)) throw refusalOf(message.Errors(value))
  return value
}
