/**
 * What `/v1` takes and gives: OpenAI's protocol, as far as it means something here. A field is taken, or taken and
 * ignored where leaving it out changes nothing, or refused with the reason. `null` is as good as not sent.
 */
import { Type } from '@sinclair/typebox'
import {
  bestOf,
  chatFieldsWithoutUse,
  chatMessages,
  countedLogprobs,
  ignored,
  logitBias,
  maybe,
  n,
  refused,
  StreamOptions,
} from '../../http/openai/fields.ts'
import { oneOf, strict } from '../../http/shapes.ts'
import {
  AdapterUses,
  FinishReasonShape,
  MinP,
  mostCharacters,
  mostMessages,
  mostNewTokens,
  Seed,
  Stop,
  Temperature,
  TopK,
  TopP,
} from './shapes.ts'

const tokens = Type.Integer({ minimum: 1, maximum: mostNewTokens })
const penalty = Type.Number({ minimum: -2, maximum: 2 })

const sampling = {
  model: maybe(
    Type.String({
      minLength: 1,
      maxLength: 256,
      description:
        'The model served, or `MODEL:ADAPTER` for one of its adapters; `GET /v1/models` lists them.',
    }),
  ),
  max_tokens: maybe(tokens),
  temperature: maybe(Temperature),
  top_p: maybe(TopP),
  top_k: maybe(TopK),
  min_p: maybe(MinP),
  presence_penalty: maybe(penalty),
  frequency_penalty: maybe(penalty),
  seed: maybe(Seed),
  stop: maybe(Stop),
  stream: maybe(Type.Boolean()),
  stream_options: maybe(StreamOptions),
  adapters: maybe(AdapterUses),
}

const JsonSchema = Type.Object(
  {
    name: Type.Optional(Type.String({ maxLength: 64 })),
    description: ignored(),
    schema: Type.Object({}, { additionalProperties: true }),
    strict: ignored(),
  },
  strict,
)

const ResponseFormat = Type.Union(
  [
    Type.Object({ type: Type.Literal('text') }, strict),
    Type.Object({ type: Type.Literal('json_object') }, strict),
    Type.Object({ type: Type.Literal('json_schema'), json_schema: JsonSchema }, strict),
  ],
  {
    expects: 'an object with the type text, json_object, or json_schema and a json_schema with its schema',
    description: 'With JSON, the answer follows a grammar, and the model does not think aloud before it.',
  },
)

export const ChatBody = Type.Object(
  {
    messages: chatMessages(mostMessages, mostCharacters),
    ...sampling,
    max_completion_tokens: maybe(tokens),
    response_format: maybe(ResponseFormat),
    reasoning_effort: maybe({
      ...oneOf('none', 'minimal', 'low', 'medium', 'high', 'xhigh'),
      description: '`none` and `minimal` switch thinking off, as it is unless said; the others on.',
    }),
    chat_template_kwargs: maybe(
      Type.Object(
        { enable_thinking: Type.Optional(Type.Boolean({ description: 'Goes before `reasoning_effort`.' })) },
        { ...strict, expects: 'an object with enable_thinking, true or false' },
      ),
    ),
    ...chatFieldsWithoutUse,
  },
  strict,
)

export const CompletionBody = Type.Object(
  {
    prompt: Type.Union(
      [
        Type.String({ minLength: 1, maxLength: mostCharacters }),
        Type.Array(Type.String({ minLength: 1, maxLength: mostCharacters }), { minItems: 1, maxItems: 1 }),
      ],
      { expects: 'one text', description: 'Continued as it stands.' },
    ),
    ...sampling,
    n,
    logit_bias: logitBias,
    user: ignored(),
    best_of: bestOf,
    echo: refused('is not supported: put the prompt before the text yourself', Type.Literal(false)),
    logprobs: countedLogprobs,
    suffix: refused('is not supported: this model continues a text, it does not fill in', Type.Literal('')),
  },
  strict,
)

const Usage = Type.Object({
  prompt_tokens: Type.Integer(),
  completion_tokens: Type.Integer(),
  total_tokens: Type.Integer(),
  prompt_tokens_details: Type.Object({
    cached_tokens: Type.Integer({ description: 'Those that were not evaluated again.' }),
  }),
})

export const ChatShape = Type.Object({
  id: Type.String(),
  object: Type.Literal('chat.completion'),
  created: Type.Integer(),
  model: Type.String(),
  choices: Type.Array(
    Type.Object({
      index: Type.Literal(0),
      message: Type.Object({
        role: Type.Literal('assistant'),
        content: Type.String({ description: 'Without what was thought.' }),
        refusal: Type.Null(),
        reasoning_content: Type.Optional(
          Type.String({ description: 'What was thought, where the model did.' }),
        ),
      }),
      logprobs: Type.Null(),
      finish_reason: FinishReasonShape,
    }),
  ),
  usage: Usage,
})

export const CompletionShape = Type.Object({
  id: Type.String(),
  object: Type.Literal('text_completion'),
  created: Type.Integer(),
  model: Type.String(),
  choices: Type.Array(
    Type.Object({
      index: Type.Literal(0),
      text: Type.String(),
      logprobs: Type.Null(),
      finish_reason: FinishReasonShape,
    }),
  ),
  usage: Usage,
})
