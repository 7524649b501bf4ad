/** What `main.ts` is told on stdin: one JSON document. scripts/config.ts makes it of the environment and flags. */
import { type Static, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'

const text = Type.String({ minLength: 1, maxLength: 4_096 })
/** Null: derived from the model and the machine (router/plan.ts). */
const derived = (least: number, most: number) =>
  Type.Union([Type.Integer({ minimum: least, maximum: most }), Type.Null()])
const strict = { additionalProperties: false }

const Shape = Type.Object(
  {
    version: text,
    /** A port (0: any free one), or the path of a socket for processes of this user. */
    listen: Type.Union([
      Type.Object({ host: text, port: Type.Integer({ minimum: 0, maximum: 65_535 }) }, strict),
      Type.Object({ unix: text }, strict),
    ]),
    model: Type.Object(
      {
        /** Name that clients use. */
        name: text,
        /** Absolute. */
        file: text,
        /** Hex; null where the file is recorded nowhere: then it is not verified. */
        sha256: Type.Union([Type.String({ pattern: '^[0-9a-f]{64}$' }), Type.Null()]),
      },
      strict,
    ),
    /** Adapters are its `adapters/NAME.gguf`. */
    modelsDir: text,
    device: Type.Union(['auto', 'cpu', 'cuda', 'vulkan', 'metal'].map((device) => Type.Literal(device))),
    /** Null: as many as fit. */
    gpuLayers: derived(0, 1_000),
    workers: derived(1, 64),
    slots: derived(1, 256),
    contextTokens: derived(256, 1_048_576),
    batchTokens: derived(32, 8_192),
    threads: derived(1, 1_024),
    /** Requests that may wait, and the tokens that they may need together. */
    queue: Type.Object(
      {
        requests: Type.Integer({ minimum: 0, maximum: 100_000 }),
        tokens: Type.Integer({ minimum: 0, maximum: 1_000_000_000 }),
      },
      strict,
    ),
    /** For requests that do not say. */
    defaults: Type.Object(
      {
        maxNewTokens: Type.Integer({ minimum: 1, maximum: 1_048_576 }),
        temperature: Type.Number({ minimum: 0, maximum: 2 }),
        topP: Type.Number({ exclusiveMinimum: 0, maximum: 1 }),
      },
      strict,
    ),
    /** What clients expect; another one than the bundled model's stops the start. */
    embeddingDimension: Type.Integer({ minimum: 1, maximum: 65_536 }),
    /** 0 serves no embeddings. */
    embeddingWorkers: Type.Integer({ minimum: 0, maximum: 64 }),
    allowedOrigins: Type.Array(text, { maxItems: 100 }),
    allowedHosts: Type.Array(text, { maxItems: 100 }),
    /** When set, requests must bring it as `Authorization: Bearer`. */
    apiKey: Type.Union([text, Type.Null()]),
  },
  strict,
)

type Parsed = Static<typeof Shape>
export type DeviceSetting = 'auto' | 'cpu' | 'cuda' | 'vulkan' | 'metal'
export interface ServiceProcessSettings extends Omit<Parsed, 'device'> {
  device: DeviceSetting
}

/** The document on stdin cannot be used. The message names the field and holds none of its values. */
export class WrongSettings extends Error {
  override readonly name = 'WrongSettings'
}

/** @throws WrongSettings */
export function parseSettings(document: string): ServiceProcessSettings {
  let found: unknown
  try {
    found = JSON.parse(document)
  } catch {
    throw new WrongSettings(
      `The settings on stdin are no JSON document (${document.length} characters): start it with ./mentor start or ./mentor llm serve.`,
    )
  }
  if (isSettings(found)) return found
  const first = Value.Errors(Shape, found).First()
  const where = first?.path ? `its field ${first.path.slice(1).replaceAll('/', '.')}` : 'the document'
  throw new WrongSettings(`The settings on stdin cannot be used: ${where}: ${first?.message}.`)
}

function isSettings(value: unknown): value is ServiceProcessSettings {
  return Value.Check(Shape, value)
}
