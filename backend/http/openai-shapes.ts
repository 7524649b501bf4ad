/** What the backend's `/v1` takes and gives: OpenAI's protocol, answered from the documents. */
import { Type } from '@sinclair/typebox'
import {
  chatFieldsWithoutUse,
  chatMessages,
  ignored,
  maybe,
  refused,
  StreamOptions,
} from '../../http/openai/fields.ts'
import { nullable, oneOf, strict } from '../../http/shapes.ts'
import { AnswerShape } from './shapes.ts'

/** Clients send the whole conversation each time; what is too much of it for a model is left out there. */
const mostMessages = 256
const mostCharacters = 100_000

const tokens = Type.Integer({ minimum: 1, maximum: 4_096 })
const ownText = 'is not supported: an answer is sentences with citations. Ask a model by itself for JSON'
const ownEnd = 'is not supported: an answer is checked and shown in whole sentences'

export const ChatBody = Type.Object(
  {
    model: Type.String({
      minLength: 1,
      maxLength: 256,
      description:
        '`mentor` answers from all documents, `mentor/COLLECTION` from one collection; `:llm-service`, `:local-model` ' +
        'or `:context-only` behind it lets that rung alone answer.',
    }),
    messages: {
      ...chatMessages(mostMessages, mostCharacters),
      description:
        'The last one is the question, of `user`. Those of `user` and `assistant` before it are the conversation, of ' +
        'which the newest 20 count. Those of `system` and `developer` are taken and not used, which a note says.',
    },
    max_tokens: maybe(tokens),
    max_completion_tokens: maybe(tokens),
    temperature: maybe(Type.Number({ minimum: 0, maximum: 2 })),
    top_p: maybe(Type.Number({ exclusiveMinimum: 0, maximum: 1, expects: 'a number above 0, at most 1' })),
    stream: maybe(Type.Boolean()),
    stream_options: maybe(StreamOptions),
    mentor: Type.Optional(
      Type.Object(
        {
          footnotes: Type.Optional(
            Type.Boolean({
              description: 'Markers as Markdown footnotes `[^1]`, and the sources below the text.',
            }),
          ),
          passages: Type.Optional(
            Type.Integer({
              minimum: 1,
              maximum: 20,
              description: 'Passages that the answer is written from.',
            }),
          ),
        },
        { ...strict, expects: 'an object with footnotes and passages', description: 'Of Mentor alone.' },
      ),
    ),
    response_format: refused(ownText, Type.Object({ type: Type.Literal('text') }, strict)),
    stop: refused(ownEnd, Type.Array(Type.Unknown(), { maxItems: 0 })),
    seed: ignored(),
    presence_penalty: ignored(),
    frequency_penalty: ignored(),
    reasoning_effort: ignored(),
    ...chatFieldsWithoutUse,
  },
  strict,
)

const Usage = Type.Object({
  prompt_tokens: Type.Integer(),
  completion_tokens: Type.Integer(),
  total_tokens: Type.Integer(),
})

/** Beside what OpenAI knows. */
const Additions = Type.Object(
  {
    rung: AnswerShape.properties.rung,
    model: AnswerShape.properties.model,
    abstained: AnswerShape.properties.abstained,
    notes: AnswerShape.properties.notes,
    usage_counted_by: {
      ...oneOf('model', 'embedding-model'),
      description:
        'Whose tokens `usage` counts: those of the model that answered, or, where none did or it does not say, word ' +
        'pieces of the embedding model in the conversation and in the answer.',
    },
  },
  { description: 'Of Mentor alone.' },
)

export const ChatShape = Type.Object({
  id: Type.String(),
  object: Type.Literal('chat.completion'),
  created: Type.Integer(),
  model: Type.String({ description: 'As asked for; `mentor.model` says which one wrote the answer.' }),
  choices: Type.Array(
    Type.Object({
      index: Type.Literal(0),
      message: Type.Object({
        role: Type.Literal('assistant'),
        content: Type.String(),
        refusal: Type.Null(),
        citations: AnswerShape.properties.citations,
      }),
      logprobs: nullable(Type.Never()),
      finish_reason: {
        ...oneOf('stop', 'length'),
        description: '`length`: the model was at its `max_tokens`.',
      },
    }),
  ),
  usage: Usage,
  mentor: Additions,
})
