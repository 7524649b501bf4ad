/**
 * What `/v1` takes and gives: OpenAI's protocol, as far as it means something here. A field is taken, or taken and
 * ignored where leaving it out changes nothing, or refused with the reason. `null` is as good as not sent.
 */
import { type TSchema, Type } from '@sinclair/typebox'
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

const maybe = <T extends TSchema>(schema: T) => {
  const { description, expects } = schema
  return Type.Optional(
    Type.Union([schema, Type.Null()], {
      ...(description !== undefined && { description }),
      ...(expects !== undefined && { expects }),
    }),
  )
}

const ignored = () => Type.Optional(Type.Unknown({ description: 'Taken and ignored.' }))

/** @param harmless what asks for nothing and therefore passes, beside null */
const refused = (why: string, ...harmless: TSchema[]) =>
  Type.Optional(Type.Union([...harmless, Type.Null()], { refused: why, description: `Refused: it ${why}.` }))

const empty = Type.Array(Type.Unknown(), { maxItems: 0 })
const noTools = 'is not supported: this model calls no tools. Describe them in a message, and ask for JSON'
const oneAnswer = 'must be 1: send the request several times for several answers'
const noLogprobs = 'is not supported: the probabilities of tokens are not given out'
const textOnly = 'is not supported: this model reads and writes text'
const ownTemplate =
  "is refused: messages are written down by the model's own template, and a template is a program"

const tokens = Type.Integer({ minimum: 1, maximum: mostNewTokens })
const penalty = Type.Number({ minimum: -2, maximum: 2 })

const StreamOptions = Type.Object(
  {
    include_usage: Type.Optional(Type.Boolean({ description: 'A last chunk with the `usage`.' })),
    include_obfuscation: ignored(),
  },
  { ...strict, expects: 'an object with include_usage' },
)

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
  n: refused(oneAnswer, Type.Literal(1)),
  logit_bias: refused(
    'is not supported: it names tokens by the numbers of another tokenizer',
    Type.Object({}, strict),
  ),
  user: ignored(),
}

/** What other parts than texts hold is read only to name them in the refusal. */
const ContentPart = Type.Object({ type: Type.String({ maxLength: 64 }) }, { additionalProperties: true })

const ChatMessage = Type.Object(
  {
    role: {
      ...oneOf('system', 'developer', 'user', 'assistant'),
      expects: 'system, developer, user or assistant: there are no tools',
      description: '`developer` is `system`.',
    },
    content: Type.Union(
      [Type.String({ maxLength: mostCharacters }), Type.Array(ContentPart, { maxItems: 256 })],
      {
        expects: 'a text or a list of text parts',
        description: 'A text, or parts `{"type": "text", "text"}`.',
      },
    ),
    // What comes back when an answer is put into the conversation as it was received.
    name: ignored(),
    refusal: ignored(),
    annotations: ignored(),
    reasoning_content: ignored(),
    reasoning: ignored(),
    audio: refused(textOnly),
    tool_calls: refused(noTools, empty),
    function_call: refused(noTools),
  },
  strict,
)

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
    messages: Type.Array(ChatMessage, {
      minItems: 1,
      maxItems: mostMessages,
      expects: 'a list of 1 to 256 messages',
    }),
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
    metadata: ignored(),
    moderation: ignored(),
    parallel_tool_calls: ignored(),
    prediction: ignored(),
    prompt_cache_key: ignored(),
    prompt_cache_options: ignored(),
    prompt_cache_retention: ignored(),
    safety_identifier: ignored(),
    service_tier: ignored(),
    store: ignored(),
    verbosity: ignored(),
    chat_template: refused(ownTemplate),
    tools: refused(noTools, empty),
    tool_choice: refused(noTools, Type.Literal('none'), Type.Literal('auto')),
    functions: refused(noTools, empty),
    function_call: refused(noTools, Type.Literal('none'), Type.Literal('auto')),
    logprobs: refused(noLogprobs, Type.Literal(false)),
    top_logprobs: refused(noLogprobs, Type.Literal(0)),
    modalities: refused(textOnly, Type.Array(Type.Literal('text'), { maxItems: 1 })),
    audio: refused(textOnly),
    web_search_options: refused('is not supported: nothing is looked up elsewhere'),
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
    best_of: refused(oneAnswer, Type.Literal(1)),
    echo: refused('is not supported: put the prompt before the text yourself', Type.Literal(false)),
    logprobs: refused(noLogprobs, Type.Literal(0)),
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

const embeddingText = Type.String({ minLength: 1, maxLength: 100_000 })

export const EmbeddingBody = Type.Object(
  {
    input: Type.Union([embeddingText, Type.Array(embeddingText, { minItems: 1, maxItems: 2_048 })], {
      expects: 'a text or a list of 1 to 2048 texts: token numbers of another tokenizer mean nothing here',
    }),
    model: maybe(Type.String({ minLength: 1, maxLength: 256 })),
    encoding_format: maybe({
      ...oneOf('float', 'base64'),
      description: '`base64`: 32-bit floats, little-endian.',
    }),
    dimensions: maybe(Type.Integer({ minimum: 1, maximum: 65_536, description: "Only the model's own." })),
    user: ignored(),
  },
  strict,
)

export const EmbeddingShape = Type.Object({
  object: Type.Literal('list'),
  data: Type.Array(
    Type.Object({
      object: Type.Literal('embedding'),
      index: Type.Integer(),
      embedding: Type.Union([Type.Array(Type.Number()), Type.String()]),
    }),
  ),
  model: Type.String(),
  usage: Type.Object({ prompt_tokens: Type.Integer(), total_tokens: Type.Integer() }),
})

export const ModelShape = Type.Object({
  id: Type.String(),
  object: Type.Literal('model'),
  created: Type.Integer(),
  owned_by: Type.String(),
  root: Type.Optional(Type.String({ description: 'Of an adapter: the model that it changes.' })),
  max_model_len: Type.Optional(Type.Integer({ description: 'Tokens of prompt and answer together.' })),
})
export const ModelList = Type.Object({ object: Type.Literal('list'), data: Type.Array(ModelShape) })
