/** The conversation as turns, over the AI SDK's chat and the backend's strict `POST /api/ask`. */
import { useChat } from '@ai-sdk/react'
import { DefaultChatTransport, type UIMessage } from 'ai'
import { useEffect, useState } from 'react'
import { request } from './api.ts'
import { withoutMarkers } from './markers.ts'
import type { Answer } from './wire.ts'

type ChatMessage = UIMessage<unknown, { answer: Answer }>

export interface Turn {
  id: string
  question: string
  /** What has arrived; the whole answer once `answer` is there. */
  text: string
  /** Passages found for the question, known before the first text. */
  passages: number
  answer: Answer | null
  state: 'waiting' | 'streaming' | 'done' | 'stopped' | 'broken'
}

export interface Failure {
  error: Error
  /** The turn whose answer broke off; null when nothing was answered and the question went back to the composer. */
  turn: string | null
}

export interface Conversation {
  turns: Turn[]
  busy: boolean
  /** What went wrong with the last question, until the next one is asked. */
  failure: Failure | null
  ask(question: string): void
  stop(): void
  /** Asks the last question again in the place of its broken answer. */
  again(): void
}

/** The API takes 20 messages; each answer is cut so that they stay a small body. */
const historyMessages = 20
const historyCharacters = 4_000

const transport = new DefaultChatTransport<ChatMessage>({
  api: '/api/ask',
  // The SDK's own type of fetch has the extra members of Bun's, which no browser has.
  fetch: request as typeof fetch,
  prepareSendMessagesRequest: ({ messages }) => ({ body: askBody(messages) }),
})

/** The body of `POST /api/ask`: the last question, and the finished turns before it. */
export function askBody(messages: ChatMessage[]) {
  const asked = messages.findLastIndex((message) => message.role === 'user')
  const question = messages[asked]
  const history = messages.slice(0, Math.max(asked, 0)).flatMap((message, index) => {
    const reply = messages[index + 1]
    if (message.role !== 'user' || reply === undefined) return []
    const answer = answerOf(reply)
    if (answer === null || answer.abstained) return []
    const said = withoutMarkers(answer.answer).slice(0, historyCharacters).toWellFormed()
    return [
      { role: 'user', content: textOf(message) },
      { role: 'assistant', content: said },
    ]
  })
  return {
    question: question === undefined ? '' : textOf(question),
    stream: true,
    ...(history.length > 0 && { history: history.slice(-historyMessages) }),
  }
}

/** `onFailedSend` gets back a question that nothing was answered to. */
export function useConversation(onFailedSend: (question: string) => void): Conversation {
  const chat = useChat<ChatMessage>({ transport })
  const [stopped, setStopped] = useState<ReadonlySet<string>>(new Set())
  const [failure, setFailure] = useState<Failure | null>(null)
  const { messages, setMessages, status, clearError } = chat
  const turns = turnsOf(messages, status, stopped)
  const last = turns.at(-1)

  useEffect(() => {
    if (chat.error === undefined || last === undefined) return
    const broke = last.text !== ''
    setFailure({ error: chat.error, turn: broke ? last.id : null })
    clearError()
    if (broke) return
    // Nothing was answered: the question goes back to where it can be sent again.
    setMessages((current) =>
      current.slice(
        0,
        current.findLastIndex((message) => message.role === 'user'),
      ),
    )
    onFailedSend(last.question)
  }, [chat.error, last, clearError, setMessages, onFailedSend])

  return {
    turns,
    busy: status === 'submitted' || status === 'streaming',
    failure,
    ask(question) {
      setFailure(null)
      void chat.sendMessage({ text: question })
    },
    stop() {
      if (last !== undefined) setStopped((before) => new Set(before).add(last.id))
      void chat.stop()
    },
    again() {
      setFailure(null)
      if (last !== undefined) setStopped((before) => new Set([...before].filter((id) => id !== last.id)))
      void chat.regenerate()
    },
  }
}

function turnsOf(messages: ChatMessage[], status: string, stopped: ReadonlySet<string>): Turn[] {
  const turns: Turn[] = []
  for (const [index, message] of messages.entries()) {
    if (message.role !== 'user') continue
    const next = messages[index + 1]
    const reply = next?.role === 'assistant' ? next : undefined
    const isLast = index >= messages.length - 2
    const text = reply === undefined ? '' : textOf(reply)
    const answer = reply === undefined ? null : answerOf(reply)
    const running = isLast && (status === 'submitted' || status === 'streaming')
    turns.push({
      id: message.id,
      question: textOf(message),
      text: answer?.answer ?? text,
      passages: reply?.parts.filter((part) => part.type === 'source-document').length ?? 0,
      answer,
      state: stateOf(answer, running, text, stopped.has(message.id)),
    })
  }
  return turns
}

function stateOf(answer: Answer | null, running: boolean, text: string, stopped: boolean): Turn['state'] {
  if (answer !== null) return 'done'
  if (stopped) return 'stopped'
  if (!running) return 'broken'
  return text === '' ? 'waiting' : 'streaming'
}

function textOf(message: ChatMessage): string {
  return message.parts.map((part) => (part.type === 'text' ? part.text : '')).join('')
}

function answerOf(message: ChatMessage): Answer | null {
  const part = message.parts.findLast((one) => one.type === 'data-answer')
  return part?.type === 'data-answer' ? part.data : null
}
