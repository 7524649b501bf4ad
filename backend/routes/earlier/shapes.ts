/** The wire contracts of earlier systems: field names and defaults are fixed, everything else is ours. */
import { Type } from '@sinclair/typebox'
import { nullable, oneOf, strict } from '../../../http/shapes.ts'
import { AnswerShape, mostQuestion } from '../../http/shapes.ts'

export const defaultMaxTokens = 500
export const defaultTemperature = 0.7

export const SessionId = Type.String({
  pattern: '^[A-Za-z0-9._-]{1,128}$',
  expects: 'a name of up to 128 letters, digits, dots, dashes and underscores',
  description: 'Of the client’s own making, and hard to guess: who knows it goes on with the conversation.',
})

const Question = Type.String({
  minLength: 1,
  maxLength: mostQuestion,
  pattern: '\\S',
  expects: 'a text that is not blank',
})

const Conversation = Type.Array(
  Type.Object(
    { role: oneOf('system', 'user', 'assistant'), content: Type.String({ maxLength: 8_000 }) },
    strict,
  ),
  {
    maxItems: 256,
    description: 'Oldest first; the newest 20 of user and assistant count. What system says is not used.',
  },
)

const sampling = {
  max_tokens: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 4_096, description: `${defaultMaxTokens} unless said.` }),
  ),
  temperature: Type.Optional(
    Type.Number({ minimum: 0, maximum: 2, description: `${defaultTemperature} unless said.` }),
  ),
}

export const ChatBody = Type.Object(
  {
    message: Question,
    conversation_history: Type.Optional(Conversation),
    ...sampling,
    stream: Type.Optional(
      Type.Boolean({
        description:
          'True: server-sent events `{"type": "token", "text"}`, then `{"type": "done"}` with the fields of the ' +
          'unstreamed response, or `{"type": "error", "code", "message"}`; at last `[DONE]`.',
      }),
    ),
    session_id: Type.Optional(
      Type.Union([SessionId, Type.Null()], {
        expects: 'a name of up to 128 letters, digits, dots, dashes and underscores',
        description:
          'What was said under it is part of the conversation unless that is sent, and this is added.',
      }),
    ),
  },
  strict,
)

const citations = AnswerShape.properties.citations
const seconds = Type.Number({ description: 'Seconds.' })
const tokens = Type.Integer({ description: 'Of the model that answered; 0 where none did.' })

export const ChatShape = Type.Object({
  response: Type.String(),
  model: Type.String({ description: '`context-only` for quotes from the documents.' }),
  tokens_used: tokens,
  prompt_tokens: tokens,
  completion_tokens: tokens,
  latency_seconds: seconds,
  timestamp: Type.String({ format: 'date-time' }),
  session_id: nullable(Type.String({ description: 'As it was sent.' })),
  citations,
})

export const FourBitBody = Type.Object(
  {
    message: Question,
    context: Type.Optional(
      Type.String({ maxLength: 8_000, description: 'A text that is put before the passages.' }),
    ),
    model: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 256,
        description: 'As `POST /v1/chat/completions` takes it; other names leave the choice to Mentor.',
      }),
    ),
    ...sampling,
  },
  strict,
)

export const FourBitShape = Type.Object({
  message: Type.String(),
  model: Type.String(),
  tokens,
  processing_time: seconds,
  citations,
})

export const LoraBody = Type.Object(
  {
    conversation: Type.Array(
      Type.Object(
        { role: oneOf('system', 'user', 'assistant'), content: Type.String({ maxLength: 100_000 }) },
        strict,
      ),
      { maxItems: 256 },
    ),
    domain: Type.Optional(Type.String({ maxLength: 256 })),
    model: Type.Optional(Type.String({ maxLength: 256 })),
    target_model: Type.Optional(Type.String({ maxLength: 256 })),
  },
  strict,
)

export const ModelsShape = Type.Object({
  models: Type.Array(Type.String()),
  active_model: Type.String({ description: 'What answers now.' }),
})

const Figures = Type.Object({
  requests: Type.Integer(),
  errors: Type.Integer(),
  prompt_tokens: Type.Integer(),
  completion_tokens: Type.Integer(),
  tokens: Type.Integer(),
  average_latency_seconds: Type.Number(),
})
const ByRung = Type.Record(Type.String(), Figures, {
  description: 'By the rung that answered; `none` for errors and clients that went away.',
})

export const StatsShape = Type.Object({
  since: nullable(Type.String({ format: 'date-time', description: 'The hour of the first answer.' })),
  timestamp: Type.String({ format: 'date-time' }),
  totals: Type.Composite([Figures, Type.Object({ by_rung: ByRung })]),
  hours: Type.Array(
    Type.Composite([
      Type.Object({ hour: Type.String({ format: 'date-time' }) }),
      Figures,
      Type.Object({ by_rung: ByRung }),
    ]),
    { description: 'The last 24, those that had answers, oldest first.' },
  ),
})

/** What a client of the socket sends. */
export const SocketMessage = Type.Object(
  { message: Question, stream: Type.Optional(Type.Boolean()) },
  { ...strict, expects: 'an object with a message, and stream if it is wanted' },
)
