/**
 * The fields of OpenAI's requests that mean the same in every API here. A field is taken, or taken and ignored where
 * leaving it out changes nothing that was promised, or refused with the reason. `null` is as good as not sent.
 */
import { type TSchema, Type } from '@sinclair/typebox'
import { oneOf, strict } from '../shapes.ts'

export const maybe = <T extends TSchema>(schema: T) => {
  const { description, expects } = schema
  return Type.Optional(
    Type.Union([schema, Type.Null()], {
      ...(description !== undefined && { description }),
      ...(expects !== undefined && { expects }),
    }),
  )
}

export const ignored = () => Type.Optional(Type.Unknown({ description: 'Taken and ignored.' }))

/** @param harmless what asks for nothing and therefore passes, beside null */
export const refused = (why: string, ...harmless: TSchema[]) =>
  Type.Optional(Type.Union([...harmless, Type.Null()], { refused: why, description: `Refused: it ${why}.` }))

const empty = Type.Array(Type.Unknown(), { maxItems: 0 })
const noTools = 'is not supported: this model calls no tools. Describe them in a message, and ask for JSON'
const oneAnswer = 'must be 1: send the request several times for several answers'
const noLogprobs = 'is not supported: the probabilities of tokens are not given out'
const textOnly = 'is not supported: this model reads and writes text'
const ownTemplate =
  "is refused: messages are written down by the model's own template, and a template is a program"

export const StreamOptions = Type.Object(
  {
    include_usage: Type.Optional(Type.Boolean({ description: 'A last chunk with the `usage`.' })),
    include_obfuscation: ignored(),
  },
  { ...strict, expects: 'an object with include_usage' },
)

/** Of a conversation and of a text that is continued. */
export const n = refused(oneAnswer, Type.Literal(1))
export const bestOf = refused(oneAnswer, Type.Literal(1))
export const logitBias = refused(
  'is not supported: it names tokens by the numbers of another tokenizer',
  Type.Object({}, strict),
)
/** How a text that is continued asks for them: by number. */
export const countedLogprobs = refused(noLogprobs, Type.Literal(0))

/** Of a conversation: what is about OpenAI's accounts, caches and tools, and what no model here does. */
export const chatFieldsWithoutUse = {
  n,
  logit_bias: logitBias,
  user: ignored(),
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
}

/** What other parts than texts hold is read only to name them in the refusal. */
const ContentPart = Type.Object({ type: Type.String({ maxLength: 64 }) }, { additionalProperties: true })

/** @param mostCharacters of a text */
export const chatMessages = (mostMessages: number, mostCharacters: number) =>
  Type.Array(
    Type.Object(
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
    ),
    { minItems: 1, maxItems: mostMessages, expects: `a list of 1 to ${mostMessages} messages` },
  )
