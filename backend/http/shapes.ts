/** What the API takes and gives, once: the validator, the types and the OpenAPI document come from here. */
import { type Static, Type } from '@sinclair/typebox'
import { nullable, oneOf, strict } from '../../http/shapes.ts'

export const CollectionName = Type.String({
  pattern: '^[a-z0-9][a-z0-9._-]{0,63}$',
  expects: 'a name of up to 64 lower case letters, digits, dots, dashes and underscores',
})

export const Uuid = Type.String({
  pattern: '^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$',
  expects: 'a UUID',
})

/** What is searched for is read at once: a longer one is a document. */
export const mostQuestion = 4_000

const asked = (description: string) =>
  Type.String({
    minLength: 1,
    maxLength: mostQuestion,
    pattern: '\\S',
    expects: 'a text that is not blank',
    description,
  })

const HistoryMessage = Type.Object(
  { role: oneOf('user', 'assistant'), content: Type.String({ maxLength: 8_000 }) },
  strict,
)

export const AskBody = Type.Object(
  {
    question: asked('The question, up to 4,000 characters.'),
    collection: Type.Optional(CollectionName),
    passages: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 20, description: 'Passages that the answer is written from.' }),
    ),
    history: Type.Optional(
      Type.Array(HistoryMessage, { maxItems: 20, description: 'The conversation so far, oldest first.' }),
    ),
    rung: Type.Optional({
      ...oneOf('auto', 'llm-service', 'local-model', 'context-only'),
      description: 'A named rung answers alone, or the request is refused with 503 rung_unavailable.',
    }),
    max_tokens: Type.Optional(Type.Integer({ minimum: 1, maximum: 4_096 })),
    temperature: Type.Optional(Type.Number({ minimum: 0, maximum: 2 })),
    stream: Type.Optional(
      Type.Boolean({
        description: 'True: the AI SDK UI message stream, whose `data-answer` part is the answer.',
      }),
    ),
  },
  strict,
)

export const SearchBody = Type.Object(
  {
    query: asked('What to look for, up to 4,000 characters.'),
    collection: Type.Optional(CollectionName),
    k: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: 'Passages; 10 unless said.' })),
    mode: Type.Optional(oneOf('hybrid', 'dense', 'lexical')),
  },
  strict,
)

export const CollectionBody = Type.Object({ name: CollectionName }, strict)

/** For the OpenAPI document: the upload itself is read as a stream. */
export const UploadForm = Type.Object(
  {
    files: Type.Array(Type.String({ format: 'binary' }), {
      minItems: 1,
      description: 'Markdown, text, HTML, PDF or Word files; the file name may be a relative path.',
    }),
    collection: Type.Optional(CollectionName),
  },
  strict,
)

// ---- what is given

const offsets = {
  start: Type.Integer({ description: 'UTF-16 code units into the text of the document version.' }),
  end: Type.Integer({ description: 'Exclusive; never inside a surrogate pair.' }),
}
const place = {
  page: nullable(Type.Integer({ description: 'From 1, for formats that have pages.' })),
  heading: nullable(Type.String({ description: 'Headings above, outermost first, joined by ›.' })),
}

const DocumentReference = Type.Object({
  id: Uuid,
  title: Type.String(),
  source: Type.String({ description: 'The path or upload name it came from, for display.' }),
  version: Type.Integer(),
})

export const Passage = Type.Object({
  id: Type.Integer(),
  document: DocumentReference,
  text: Type.String(),
  ...offsets,
  ...place,
  language: Type.String({ description: 'BCP 47 primary subtag, or und.' }),
  score: Type.Number({ description: 'Fused score, 0 to 1 within one question.' }),
  scores: Type.Object({ dense: nullable(Type.Number()), lexical: nullable(Type.Number()) }),
  ranks: Type.Object({ dense: nullable(Type.Integer()), lexical: nullable(Type.Integer()) }),
})

export const SearchResult = Type.Object({
  passages: Type.Array(Passage),
  timings: Type.Object({ embed: Type.Number(), search: Type.Number() }, { description: 'Milliseconds.' }),
  notes: Type.Array(Type.String(), { description: 'What was done without.' }),
})

const Citation = Type.Object({
  number: Type.Integer({ description: '`[number]` in the answer.' }),
  document: DocumentReference,
  ...place,
  ...offsets,
  quote: Type.String({ description: 'Exactly `text.slice(start, end)` of the document version.' }),
})

const rungName = oneOf('llm-service', 'local-model', 'context-only')

const PromptFigures = Type.Object(
  {
    passages: Type.Integer({ description: 'Passages that the model was given.' }),
    of: Type.Integer({ description: 'Passages that were found for it.' }),
    tokens: Type.Integer({ description: 'Of the whole prompt, in tokens of the model that was asked.' }),
    context: Type.Integer({ description: 'Tokens that the model holds, prompt and answer together.' }),
    counted: {
      ...oneOf('exact', 'estimated'),
      description: 'By the model’s own tokenizer, or by characters.',
    },
    note: nullable(Type.String({ description: 'What was left out or shortened, in words.' })),
  },
  { description: 'Null where no model was given anything.' },
)

export const AnswerShape = Type.Object({
  id: Type.String(),
  answer: Type.String(),
  abstained: Type.Boolean({ description: 'True when the documents do not hold enough to answer.' }),
  citations: Type.Array(Citation),
  rung: rungName,
  model: nullable(Type.String({ description: 'Null when the answer is quotes from the documents.' })),
  ladder: Type.Array(
    Type.Object({
      rung: rungName,
      outcome: oneOf('answered', 'unavailable', 'failed', 'timeout', 'skipped'),
      reason: nullable(Type.String()),
      ms: Type.Number(),
      prompt: nullable(PromptFigures),
    }),
  ),
  passages: Type.Array(Passage),
  timings: Type.Object({
    embed: Type.Number(),
    search: Type.Number(),
    firstText: nullable(Type.Number()),
    total: Type.Number(),
  }),
  usage: Type.Object({
    promptTokens: nullable(Type.Integer()),
    completionTokens: nullable(Type.Integer()),
  }),
  notes: Type.Array(Type.String()),
})

export const DocumentShape = Type.Object({
  id: Uuid,
  collection: Type.String(),
  title: Type.String(),
  source: Type.String(),
  version: Type.Integer(),
  mediaType: Type.String(),
  language: Type.String({ description: 'BCP 47 primary subtag, or und.' }),
  bytes: Type.Integer(),
  length: Type.Integer({ description: 'UTF-16 code units of the text.' }),
  passages: Type.Integer(),
  warnings: Type.Array(Type.String()),
  createdAt: Type.String({ format: 'date-time' }),
  updatedAt: Type.String({ format: 'date-time' }),
})

export const DocumentPage = Type.Object({
  documents: Type.Array(DocumentShape),
  next: nullable(
    Type.String({ description: 'Send it as `cursor` for the next page; null on the last one.' }),
  ),
})

export const TextWindow = Type.Object({
  text: Type.String(),
  start: Type.Integer({ description: 'As asked, moved back by one when it was inside a surrogate pair.' }),
  end: Type.Integer({
    description: 'As asked or the end of the text, moved on by one inside a surrogate pair.',
  }),
  length: Type.Integer({ description: 'UTF-16 code units of the whole text.' }),
  version: Type.Integer(),
  title: Type.String(),
  source: Type.String(),
})

const IngestLine = Type.Object({
  file: Type.String(),
  status: oneOf('added', 'replaced', 'moved', 'unchanged', 'removed', 'skipped', 'failed'),
  reason: nullable(Type.String()),
  warnings: Type.Array(Type.String()),
  document: nullable(Uuid),
  passages: Type.Integer(),
  ms: Type.Number(),
})

export const JobShape = Type.Object({
  job: Uuid,
  kind: oneOf('upload', 'paths'),
  collection: Type.String(),
  state: oneOf('queued', 'running', 'done', 'failed'),
  reason: nullable(Type.String({ description: 'Why the job as a whole failed.' })),
  total: nullable(Type.Integer({ description: 'Files found; null until they are counted.' })),
  done: Type.Integer({ description: 'Files that have their line.' }),
  lines: Type.Array(IngestLine),
  totals: nullable(Type.Record(Type.String(), Type.Number())),
  createdAt: Type.String({ format: 'date-time' }),
  finishedAt: nullable(Type.String({ format: 'date-time' })),
})

export const JobAccepted = Type.Object({ job: Uuid })

const CollectionShape = Type.Object({
  name: Type.String(),
  documents: Type.Integer(),
  passages: Type.Integer(),
  createdAt: Type.String({ format: 'date-time' }),
})
export const CollectionList = Type.Object({ collections: Type.Array(CollectionShape) })
export const CollectionMade = Type.Object({ name: Type.String() })

export const HealthShape = Type.Object({
  status: oneOf('healthy', 'degraded', 'starting'),
  backend: Type.Literal('ok'),
  vllm: { ...oneOf('ok', 'unavailable'), description: 'The first rung, llm-service, under its old name.' },
  timestamp: Type.String({ format: 'date-time' }),
  version: Type.String(),
  strategy: Type.String({ description: 'Which rung answers now, and why none before it, in words.' }),
  rungs: Type.Array(
    Type.Object({
      rung: rungName,
      state: oneOf('ready', 'unavailable', 'checking'),
      reason: nullable(Type.String()),
      model: nullable(Type.String()),
    }),
  ),
  database: Type.Object({
    kind: oneOf('embedded', 'server'),
    where: Type.String(),
    state: oneOf('ready', 'unavailable', 'checking'),
  }),
  embedding: Type.Object({
    model: Type.String(),
    revision: Type.String({ description: 'SHA-256 of the weights.' }),
    dimensions: Type.Integer(),
    token_limit: Type.Integer(),
    workers: Type.Integer(),
  }),
  counts: Type.Object({ collections: Type.Integer(), documents: Type.Integer(), passages: Type.Integer() }),
  ingesting: nullable(Type.Object({ done: Type.Integer(), total: Type.Integer() })),
})

export type Health = Static<typeof HealthShape>
export type JobView = Static<typeof JobShape>
