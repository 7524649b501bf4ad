/** What the service's own routes take and give: `/api/llm/…`. The fields of the wire contract come first. */
import { type Static, Type } from '@sinclair/typebox'
import { nullable, oneOf, strict } from '../../http/shapes.ts'

/** Longer answers than any served context holds; a number beyond is a mistake, not a wish. */
export const mostNewTokens = 131_072
/** Of a conversation. */
export const mostMessages = 256
/** Characters, of a message or a prompt; the context is the limit that counts, this one bounds the work to find out. */
export const mostCharacters = 1_000_000

/** Texts that hold a whole context, escaped as JSON at worst. */
export const promptLimits = { maxBytes: 2 * 1024 * 1024, maxDepth: 64 }
/** Many texts at once. */
export const textsLimits = { maxBytes: 8 * 1024 * 1024, maxDepth: 16 }

export const AdapterName = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$',
  expects: 'a name of up to 128 letters, digits, dots, dashes and underscores',
})
const scale = Type.Number({ minimum: -10, maximum: 10 })

export const AdapterUses = Type.Array(
  Type.Object(
    {
      name: AdapterName,
      scale: Type.Optional({ ...scale, description: 'Its usual weight unless said, 1 where that is 0.' }),
    },
    strict,
  ),
  {
    maxItems: 8,
    expects: 'a list of up to 8 objects with a name and a scale from -10 to 10',
    description:
      'LoRA adapters for this request, instead of those with a usual weight; a scale of 0 leaves one out.',
  },
)

export const Stop = Type.Union(
  [
    Type.String({ minLength: 1, maxLength: 256 }),
    Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { maxItems: 16 }),
  ],
  {
    expects: 'a text or a list of up to 16 texts, each of 1 to 256 characters',
    description: 'The answer ends before the first of these.',
  },
)

export const Seed = Type.Integer({
  minimum: Number.MIN_SAFE_INTEGER,
  maximum: Number.MAX_SAFE_INTEGER,
  description: 'The same seed and request give the same answer; -1 draws one.',
})

const MaxNewTokens = Type.Integer({ minimum: 1, maximum: mostNewTokens })
export const Temperature = Type.Number({
  minimum: 0,
  maximum: 2,
  description: '0 takes the likeliest token.',
})
export const TopP = Type.Number({
  exclusiveMinimum: 0,
  maximum: 1,
  expects: 'a number above 0, at most 1',
})
export const TopK = Type.Integer({ minimum: 0, maximum: 1_000, description: '0 is no limit.' })
export const MinP = Type.Number({ minimum: 0, maximum: 1 })

const Message = Type.Object(
  { role: oneOf('system', 'user', 'assistant'), content: Type.String({ maxLength: mostCharacters }) },
  strict,
)

export const GenerateBody = Type.Object(
  {
    messages: Type.Optional(
      Type.Array(Message, {
        minItems: 1,
        maxItems: mostMessages,
        expects: 'a list of 1 to 256 messages',
        description: "A conversation, oldest first, written down by the model's own template.",
      }),
    ),
    prompt: Type.Optional(
      Type.String({
        maxLength: mostCharacters,
        pattern: '\\S',
        expects: 'a text that is not blank',
        description: 'A text that is continued as it stands. Either this or `messages`.',
      }),
    ),
    max_new_tokens: Type.Optional(MaxNewTokens),
    temperature: Type.Optional(Temperature),
    top_p: Type.Optional(TopP),
    stop: Type.Optional(Stop),
    stream: Type.Optional(
      Type.Boolean({
        description:
          'True: server-sent events `{"text"}`, `{"queued"}` while it waits, at last the unstreamed response.',
      }),
    ),
    top_k: Type.Optional(TopK),
    min_p: Type.Optional(MinP),
    seed: Type.Optional(Seed),
    adapters: Type.Optional(AdapterUses),
    thinking: Type.Optional(
      Type.Boolean({ description: 'Lets a reasoning model think before it answers; false unless said.' }),
    ),
  },
  strict,
)

export const FinishReasonShape = { ...oneOf('stop', 'length'), description: '`length`: at `max_new_tokens`.' }

export const GenerateShape = Type.Object({
  text: Type.String(),
  model: Type.String(),
  prompt_tokens: Type.Integer(),
  completion_tokens: Type.Integer(),
  finish_reason: FinishReasonShape,
  latency_seconds: Type.Number({ description: 'From the request to the last token, waiting included.' }),
  cached_tokens: Type.Integer({ description: 'Of the prompt, those that were not evaluated again.' }),
  prompt_ms: Type.Number({ description: 'Until the prompt was read.' }),
  generation_ms: Type.Number({ description: 'From then to the last token.' }),
  reasoning: Type.Optional(Type.String({ description: 'What the model thought, where it did.' })),
})

const text = Type.String({ minLength: 1, maxLength: 100_000 })
/** As many as OpenAI takes. */
const mostTexts = 2_048

export const EmbedBody = Type.Object(
  {
    texts: Type.Optional(
      Type.Array(text, { minItems: 1, maxItems: mostTexts, expects: 'a list of 1 to 2048 texts' }),
    ),
    text: Type.Optional(text),
  },
  { ...strict, description: 'Either `texts` or `text`.' },
)

export const EmbedShape = Type.Object({
  embeddings: Type.Array(Type.Array(Type.Number()), { description: 'One a text, each of length 1.' }),
  model: Type.String(),
  dimension: Type.Integer(),
})

export const CountBody = Type.Object(
  {
    texts: Type.Array(Type.String({ maxLength: mostCharacters }), {
      minItems: 1,
      maxItems: mostTexts,
      expects: 'a list of 1 to 2048 texts',
    }),
  },
  strict,
)

export const CountShape = Type.Object({
  counts: Type.Array(Type.Integer(), { description: 'Tokens of each text, as it counts inside a message.' }),
  context_tokens: nullable(
    Type.Integer({ description: 'Prompt and answer together; null while no model is loaded.' }),
  ),
  model: Type.String(),
})

export const AdapterBody = Type.Object(
  {
    name: AdapterName,
    scale: Type.Optional({
      ...scale,
      description:
        'Weight for requests that name no adapters; 0, as unless said, applies it only where it is named.',
    }),
  },
  strict,
)

export const AdapterShape = Type.Object({
  name: Type.String(),
  file: Type.String(),
  loaded: Type.Boolean(),
  scale: Type.Number(),
  problem: nullable(Type.String({ description: 'Why it cannot be used with this model.' })),
})
export const AdapterList = Type.Object({ adapters: Type.Array(AdapterShape) })

const rates = Type.Object({ prompt: Type.Number(), generation: Type.Number() })
const memory = Type.Object({ ram_bytes: Type.Integer(), vram_bytes: Type.Integer() })
const layers = Type.Object({ gpu: Type.Integer(), total: Type.Integer() })

const WorkerShape = Type.Object({
  pid: nullable(Type.Integer()),
  state: oneOf('loading', 'ready', 'restarting', 'failed'),
  reason: nullable(Type.String()),
  loaded: Type.Number({ description: '0 to 1 while loading.' }),
  restarts: Type.Integer(),
  rss_bytes: Type.Integer({ description: 'What the process takes.' }),
  device: nullable(Type.String()),
  device_name: nullable(Type.String()),
  layers: nullable(layers),
  memory: nullable(memory),
  slots: nullable(Type.Integer({ description: 'Requests evaluated at once.' })),
  threads: nullable(Type.Integer()),
  active: Type.Integer(),
  waiting: Type.Integer(),
  tokens_per_second: rates,
})

export const HealthShape = Type.Object({
  status: oneOf('healthy', 'loading', 'degraded'),
  model: Type.String(),
  model_loaded: Type.Boolean(),
  embedding_model: nullable(Type.String()),
  embedding_loaded: Type.Boolean(),
  device: nullable(
    Type.String({ description: '`cpu`, `cuda`, `vulkan` or `metal`; null until it is loaded.' }),
  ),
  reason: nullable(Type.String({ description: 'Why it is not healthy.' })),
  version: Type.String(),
  context_tokens: nullable(Type.Integer({ description: 'Prompt and answer of one request together.' })),
  layers: nullable(layers),
  memory,
  queue: Type.Object({
    active: Type.Integer(),
    waiting: Type.Integer(),
    waiting_tokens: Type.Integer(),
    capacity: Type.Integer(),
  }),
  tokens_per_second: rates,
  totals: Type.Object({
    requests: Type.Integer(),
    prompt_tokens: Type.Integer(),
    cached_tokens: Type.Integer(),
    completion_tokens: Type.Integer(),
  }),
  adapters: Type.Integer({ description: 'That can be used.' }),
  workers: Type.Array(WorkerShape),
})

export const AboutShape = Type.Object({
  name: Type.String(),
  version: Type.String(),
  model: Type.String(),
  embedding_model: nullable(Type.String()),
  links: Type.Record(Type.String(), Type.String()),
})

export type ServiceHealthView = Static<typeof HealthShape>
