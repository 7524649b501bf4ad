/** The conversation as turns, over the AI SDK's chat and the backend's strict `POST /api/ask`. */
import { useChat } from '@ai-sdk/react'
import { DefaultChatTransport, type UIMessage } from 'ai'
import { useEffect, useRef, useState } from 'react'
import { request } from './api.ts'
import { withoutMarkers } from './markers.ts'
import { lengthTokens, type Settings, settings } from './settings.ts'
import type { Answer, RungName } from './wire.ts'

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
  /** The turn whose answer broke off; null when nothing was answered. */
  turn: string | null
  /** The question that failed. */
  question: string
}

export interface Conversation {
  turns: Turn[]
  busy: boolean
  /** What went wrong with the last question, until the next one is asked. */
  failure: Failure | null
  ask(question: string): void
  stop(): void
  /** Asks the last question again in the place of its answer, of one rung alone if one is named. */
  again(rung?: RungName): void
  /** Asks another question in the place of a turn; the turns after it go. */
  edit(turn: string, question: string): void
  dismiss(): void
  /** Forgets all turns. */
  clear(): void
}

/** The API takes 20 messages; each answer is cut so that they stay a small body. */
const historyMessages = 20
const historyCharacters = 4_000

const transport = new DefaultChatTransport<ChatMessage>({
  api: '/api/ask',
  // The SDK's own type of fetch has the extra members of Bun's, which no browser has.
  fetch: request as typeof fetch,
  prepareSendMessagesRequest: ({ messages, body }) => ({
    body: askBody(messages, { ...settings(), ...body }),
  }),
})

/** The body of `POST /api/ask`: the last question, the finished turns before it, and what the settings ask for. */
export function askBody(
  messages: ChatMessage[],
  { length, rung, collection }: Pick<Settings, 'length' | 'rung' | 'collection'>,
) {
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
    ...(lengthTokens[length] !== null && { max_tokens: lengthTokens[length] }),
    ...(rung !== 'auto' && { rung }),
    ...(collection !== '' && { collection }),
  }
}

/** `onFailedSend` gets back a question that nothing was answered to. */
export function useConversation(onFailedSend: (question: string) => void): Conversation {
  const chat = useChat<ChatMessage>({ transport })
  const [stopped, setStopped] = useState<ReadonlySet<string>>(new Set())
  const [failure, setFailure] = useState<Failure | null>(null)
  /** The messages as they were before the last request, for when nothing is answered to it. */
  const before = useRef<{ messages: ChatMessage[]; typed: boolean }>({ messages: [], typed: true })
  const { messages, setMessages, status, clearError } = chat
  const turns = turnsOf(messages, status, stopped)
  const last = turns.at(-1)

  useEffect(() => {
    if (chat.error === undefined || last === undefined) return
    const broke = last.text !== ''
    setFailure({ error: chat.error, turn: broke ? last.id : null, question: last.question })
    clearError()
    if (broke) return
    // Nothing was answered: what stood there is shown again, and what was typed goes back to where it can be sent.
    setMessages(before.current.messages)
    if (before.current.typed) onFailedSend(last.question)
  }, [chat.error, last, clearError, setMessages, onFailedSend])

  const begin = (typed: boolean) => {
    setFailure(null)
    before.current = { messages, typed }
  }
  const unstop = (id: string) => setStopped((ids) => new Set([...ids].filter((one) => one !== id)))

  return {
    turns,
    busy: status === 'submitted' || status === 'streaming',
    failure,
    ask(question) {
      begin(true)
      void chat.sendMessage({ text: question })
    },
    stop() {
      if (last !== undefined) setStopped((ids) => new Set(ids).add(last.id))
      void chat.stop()
    },
    again(rung) {
      begin(false)
      if (last !== undefined) unstop(last.id)
      void chat.regenerate(rung === undefined ? {} : { body: { rung } })
    },
    edit(turn, question) {
      begin(true)
      unstop(turn)
      void chat.sendMessage({ text: question, messageId: turn })
    },
    dismiss: () => setFailure(null),
    clear() {
      void chat.stop()
      setFailure(null)
      setMessages([])
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
