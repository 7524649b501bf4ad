import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { getLlama, type Llama } from 'node-llama-cpp'
import { zodResponseFormat } from 'openai/helpers/zod'
import { z } from 'zod'
import { grammarOf, jsonGrammar, SchemaRefused } from '../../llm-service/engine/json-schema.ts'
import { openSampler } from './gbnf-sample.ts'
import { randomCase, seeded, spoil, valid } from './json-schema-random.ts'

let llama: Llama
beforeAll(async () => {
  llama = await getLlama({ gpu: false, build: 'never', skipDownload: true, progressLogs: false })
})
afterAll(() => llama.dispose())

/** llama.cpp's own answer: whether a whole text follows the grammar to its end. */
async function acceptor(grammar: string): Promise<(text: string) => boolean> {
  const parsed = await llama.createGrammar({ grammar })
  const test: unknown = Reflect.get(parsed, '_testText')
  if (typeof test !== 'function') throw new Error('node-llama-cpp has no _testText any more')
  return (text) => test.call(parsed, text) === true
}

async function expectTexts(schema: unknown, { yes, no }: { yes: unknown[]; no: unknown[] }) {
  const accepts = await acceptor(grammarOf(schema))
  for (const value of yes) expect([value, accepts(JSON.stringify(value))]).toEqual([value, true])
  for (const value of no) expect([value, accepts(JSON.stringify(value))]).toEqual([value, false])
}

function refusal(schema: unknown): string {
  try {
    grammarOf(schema)
  } catch (error) {
    if (error instanceof SchemaRefused) return error.message
    throw error
  }
  return 'taken'
}

const object = (properties: object, required: string[] = Object.keys(properties)) => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
})
const text = { type: 'string' }

describe('any JSON object', () => {
  const yes = [
    '{}',
    '{"a":1}',
    '{ "a": [1, -2.5e3, {"b": null}] }',
    '{\n  "a": true,\n  "b": [\n    "é\\n😀\\u00e9"\n  ]\n}',
  ]
  const no = [
    ['a list', '[]'],
    ['something before', ' {}'],
    ['a line break after', '{}\n'],
    ['a space after', '{} '],
    ['a second value', '{}{}'],
    ['white space without end', '{\n\n}'],
    ['many spaces', '{     }'],
    ['a leading zero', '{"a":01}'],
    ['a comma too many', '{"a":1,}'],
    ['a raw control character', '{"a":"\u0001"}'],
    ['an escaped control character', '{"a":"\\u0001"}'],
    ['half a surrogate pair', '{"a":"\\ud83d"}'],
    ['a number that JSON cannot hold', '{"a":1e999}'],
    ['a text broken off', '{"a":'],
  ] as const
  test('whole objects, and nothing after them', async () => {
    const accepts = await acceptor(jsonGrammar())
    for (const whole of yes) expect([whole, accepts(whole)]).toEqual([whole, true])
    for (const [why, broken] of no) expect([why, accepts(broken)]).toEqual([why, false])
  })
})

describe('keywords', () => {
  test('required and optional properties, in the order of the schema', () =>
    expectTexts(object({ a: text, b: { type: 'integer' }, c: { type: 'boolean' } }, ['b']), {
      yes: [{ b: 1 }, { a: 'x', b: 1 }, { a: '', b: -5, c: true }, { b: 1, c: false }],
      no: [
        {},
        { a: 'x' },
        { b: 1.5 },
        { c: true, b: 1 },
        { b: 1, d: 1 },
        { a: null, b: 1 },
        { b: 1, a: 'x' },
      ],
    }))

  test('only optional properties', () =>
    expectTexts(object({ a: text, b: text }, []), {
      yes: [{}, { a: '' }, { b: '' }, { a: '', b: '' }],
      no: [{ c: '' }, { b: '', a: '' }],
    }))

  test('additional properties never take a declared name', async () => {
    const schema = {
      type: 'object',
      properties: { a: text, ab: { type: 'integer' }, 'ö"x': text },
      additionalProperties: { type: 'integer' },
    }
    await expectTexts(schema, {
      yes: [{}, { a: 'x' }, { a: 'x', ab: 1, b: 3, abc: 3, '': 5 }, { z: 1 }, { 'ö"x': '', ö: 1 }],
      no: [{ a: 1 }, { ab: 'x' }, { z: 'x' }],
    })
    const accepts = await acceptor(grammarOf(schema))
    expect(accepts('{"z":1,"a":5}')).toBe(false)
    expect(accepts('{"\\u0061":5}')).toBe(false)
  })

  test('an object that says nothing of its properties is open, one that declares some is closed', async () => {
    await expectTexts({ type: 'object' }, { yes: [{}, { a: [1] }], no: [[], null] })
    await expectTexts({ properties: { a: text } }, { yes: [{}, { a: '' }], no: [{ b: 1 }, 'a'] })
    await expectTexts({ type: 'object', additionalProperties: false }, { yes: [{}], no: [{ b: 1 }] })
    await expectTexts(
      { ...object({ a: text }), additionalProperties: true },
      { yes: [{ a: '', b: [{}] }], no: [{ b: 1 }] },
    )
  })

  test('propertyNames that choose names', () =>
    expectTexts(
      {
        type: 'object',
        propertyNames: { enum: ['a', 'b'] },
        additionalProperties: { type: 'integer' },
        required: ['a'],
      },
      { yes: [{ a: 1 }, { a: 1, b: 2 }], no: [{ b: 2 }, { a: 1, c: 2 }, { a: '' }] },
    ))

  test('lists of types, nullable, enum and const', async () => {
    await expectTexts(
      { type: ['string', 'null', 'integer'] },
      { yes: ['', null, 3], no: [true, 1.5, [], {}] },
    )
    await expectTexts({ type: 'string', nullable: true }, { yes: ['', null], no: [1] })
    await expectTexts(
      { enum: ['a', 'ab', 'b"\\', 1, 12, -1, null, true, { x: [1] }, 'ö'] },
      {
        yes: ['a', 'ab', 'b"\\', 1, 12, -1, null, true, { x: [1] }, 'ö'],
        no: ['', 'aba', 'b', 2, 123, false, { x: [2] }, 'o'],
      },
    )
    await expectTexts(
      { type: 'integer', enum: [1, 'a', 2.5, 7], maximum: 5 },
      { yes: [1], no: ['a', 2.5, 7] },
    )
    await expectTexts({ const: 'only' }, { yes: ['only'], no: ['other', null] })
    await expectTexts(
      { enum: Array.from({ length: 1000 }, (_, i) => `value ${i}`) },
      {
        yes: ['value 0', 'value 10', 'value 999'],
        no: ['value 1000', 'value', 'value 01'],
      },
    )
  })

  test('arrays: items, counts, tuples of both drafts', async () => {
    const counted = { type: 'array', items: { type: 'integer' }, minItems: 2, maxItems: 4 }
    await expectTexts(counted, {
      yes: [
        [1, 2],
        [1, 2, 3, 4],
      ],
      no: [[], [1], [1, 2, 3, 4, 5], [1, 'a'], {}],
    })
    await expectTexts({ type: 'array', maxItems: 0 }, { yes: [[]], no: [[1]] })
    await expectTexts({ type: 'array', maxItems: 1 }, { yes: [[], [{}]], no: [[1, 1]] })
    const pair = [text, { type: 'integer' }]
    for (const tuple of [{ prefixItems: pair }, { items: pair, additionalItems: false }]) {
      await expectTexts(
        { type: 'array', ...tuple },
        { yes: [['a', 1]], no: [[], ['a'], ['a', 1, 1], [1, 'a']] },
      )
    }
    await expectTexts(
      { prefixItems: pair, items: { type: 'boolean' }, minItems: 1, maxItems: 4 },
      {
        yes: [['a'], ['a', 1], ['a', 1, true], ['a', 1, true, false]],
        no: [[], ['a', 1, 1], ['a', 1, true, true, true]],
      },
    )
    await expectTexts(
      { prefixItems: pair, items: { type: 'boolean' }, minItems: 4 },
      {
        yes: [
          ['a', 1, true, false],
          ['a', 1, true, true, true],
        ],
        no: [['a', 1, true]],
      },
    )
  })

  test('lengths of strings count characters, not bytes or UTF-16 units', async () => {
    await expectTexts(
      { type: 'string', minLength: 2, maxLength: 3 },
      { yes: ['ab', '😀é\n', '""'], no: ['a', 'abcd', ''] },
    )
    for (const [min, max] of [
      [0, 99],
      [0, 100],
      [0, 101],
      [100, 100],
      [150, 1234],
      [250, 20_000],
    ] as const) {
      const of = (length: number) => 'x'.repeat(length)
      await expectTexts(
        { type: 'string', minLength: min, maxLength: max },
        {
          yes: [of(min), of(max), of(Math.round((min + max) / 2))],
          no: [of(max + 1), ...(min > 0 ? [of(min - 1)] : [])],
        },
      )
    }
    await expectTexts(
      { type: 'string', minLength: 300 },
      { yes: ['x'.repeat(300), 'x'.repeat(999)], no: ['x'.repeat(299)] },
    )
  })

  test('limits of numbers are kept exactly', async () => {
    const random = seeded(3)
    for (const [low, high] of [
      [0, 1],
      [-5, 5],
      [0.25, 0.75],
      [-1.5, -0.125],
      [10, 99],
      [0, 1000],
      [-100, 7],
      [99.99, 100.01],
      [-0.5, 0],
    ] as const)
      for (const type of ['number', 'integer'])
        for (const open of [false, true]) {
          const limits = open
            ? { exclusiveMinimum: low, exclusiveMaximum: high }
            : { minimum: low, maximum: high }
          if (
            type === 'integer' &&
            !(Math.ceil(low + (open ? 1e-9 : 0)) <= Math.floor(high - (open ? 1e-9 : 0)))
          ) {
            expect(refusal({ type, ...limits })).toContain('no finite value')
            continue
          }
          const drawn = Array.from({ length: 60 }, () => low - 2 + random() * (high - low + 4)).map((value) =>
            Number(value.toFixed(random() < 0.3 ? 0 : Math.floor(random() * 5))),
          )
          const values = [...drawn, low, high, 0, low - 0.001, high + 0.001, low + 1, high - 1].map(
            (value) => value + 0 || 0,
          )
          const inside = (value: number) =>
            open ? value > low && value < high : value >= low && value <= high
          const fits = (value: number) => inside(value) && (type === 'number' || Number.isInteger(value))
          await expectTexts(
            { type, ...limits },
            {
              yes: values.filter(fits),
              no: values.filter((value) => !fits(value)),
            },
          )
        }
  })

  test('limits on one side, and those of 53 and 64 bits', async () => {
    await expectTexts(
      { type: 'integer', minimum: 15 },
      { yes: [15, 16, 99, 100, 12_345_678], no: [14, 1, 9, -15, 0] },
    )
    await expectTexts({ type: 'integer', maximum: -15 }, { yes: [-15, -16, -99, -100], no: [-14, 0, 15, -9] })
    await expectTexts({ type: 'number', exclusiveMinimum: 0 }, { yes: [0.001, 1, 17.5], no: [0, -1, -0.5] })
    const safe = { type: 'integer', minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }
    await expectTexts(safe, { yes: [0, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER], no: [1.5] })
    const accepts = await acceptor(grammarOf(safe))
    expect([accepts('9007199254740992'), accepts('-9007199254740992')]).toEqual([false, false])
    expect(refusal({ type: 'integer', minimum: 0, maximum: 2 ** 63 })).toBe('taken')
    expect(refusal({ type: 'number', minimum: -3.4e38, maximum: 3.4e38 })).toBe('taken')
  })

  test('anyOf, oneOf and allOf, with keywords beside them', async () => {
    await expectTexts(
      { anyOf: [text, object({ a: text }), { type: 'null' }] },
      {
        yes: ['', null, { a: '' }],
        no: [1, {}, { a: 1 }, []],
      },
    )
    await expectTexts(
      { type: 'object', properties: { a: text, b: text }, anyOf: [{ required: ['a'] }, { required: ['b'] }] },
      {
        yes: [{ a: '' }, { b: '' }, { a: '', b: '' }],
        no: [{}, { c: '' }],
      },
    )
    await expectTexts(
      {
        allOf: [
          { type: 'object', properties: { a: text }, required: ['a'] },
          { properties: { b: text, a: { maxLength: 2 } } },
        ],
      },
      {
        yes: [{ a: 'xy' }, { a: '', b: 'long' }],
        no: [{ a: 'xyz' }, { b: '' }, { a: '', c: 1 }],
      },
    )
    await expectTexts(
      { allOf: [{ minimum: 3 }, { maximum: 5 }], type: 'integer' },
      { yes: [3, 5], no: [2, 6] },
    )
    await expectTexts(
      { allOf: [{ anyOf: [{ const: 1 }, { const: 2 }] }, { enum: [2, 3] }] },
      { yes: [2], no: [1, 3] },
    )
  })

  test('references, into themselves too', async () => {
    const tree = {
      $ref: '#/$defs/tree',
      $defs: {
        tree: object({ v: { type: 'integer' }, of: { type: 'array', items: { $ref: '#/$defs/tree' } } }),
      },
    }
    await expectTexts(tree, {
      yes: [
        { v: 1, of: [] },
        { v: 1, of: [{ v: 2, of: [{ v: 3, of: [] }] }] },
      ],
      no: [{ v: 1 }, { v: 1, of: [1] }, { v: 1, of: [{ v: 2 }] }],
    })
    const list = object({ next: { anyOf: [{ $ref: '#' }, { type: 'null' }] } })
    await expectTexts(list, {
      yes: [{ next: null }, { next: { next: { next: null } } }],
      no: [{}, { next: {} }],
    })
    const odd = {
      ...object({ a: { $ref: '#/definitions/a~1b%20c~0' } }),
      definitions: { 'a/b c~': { type: 'null' } },
    }
    await expectTexts(odd, { yes: [{ a: null }], no: [{ a: 1 }] })
  })

  test('names and values of every kind of character', () => {
    const odd = [
      '',
      '"',
      '\\',
      '\n',
      '\u0000',
      '\u007f',
      '\ud800',
      '😀',
      '[a-z]',
      ']^-',
      'é\u2028',
      '#',
      '__proto__',
    ]
    const properties = Object.fromEntries(odd.map((name, i) => [`${name}${i}`, { const: name }]))
    const value = Object.fromEntries(odd.map((name, i) => [`${name}${i}`, name]))
    return expectTexts(
      { ...object(properties), additionalProperties: { type: 'null' } },
      {
        yes: [value, { ...value, more: null }],
        no: [{ ...value, '😀7': 1 }, {}],
      },
    )
  })

  test('formats', async () => {
    const cases = {
      date: [
        ['2024-02-29', '1999-12-31', '2000-02-29'],
        ['2023-02-29', '1900-02-29', '2024-13-01', '2024-04-31', '24-1-1'],
      ],
      time: [
        ['23:59:59Z', '00:00:00.5+02:00'],
        ['24:00:00Z', '12:00', '12:00:00'],
      ],
      'date-time': [['2024-02-29T12:00:00Z'], ['2024-02-29', '2024-02-30T12:00:00Z']],
      uuid: [[crypto.randomUUID()], ['1234', crypto.randomUUID().replaceAll('-', '')]],
      email: [
        ['a@b.de', 'first.last+tag@mail.example.org'],
        ['a', 'a@b', '.a@b.de', 'a..b@c.de', 'a b@c.de'],
      ],
      ipv4: [
        ['127.0.0.1', '255.255.255.255'],
        ['256.0.0.1', '1.2.3', '01.2.3.4'],
      ],
      uri: [
        ['https://example.org/a?b=c#d', 'http://localhost:8080'],
        ['example', 'https://', 'https://a b'],
      ],
    }
    for (const [format, [yes = [], no = []]] of Object.entries(cases))
      await expectTexts({ type: 'string', format }, { yes, no })
  })

  test('patterns match what RegExp matches', async () => {
    const texts = [
      '',
      'a',
      'ab',
      'abc',
      'xabcx',
      'AB-12',
      'AB-123',
      'b',
      'aab',
      '"',
      '\\',
      'a\nb',
      'é',
      '😀',
      '12.5',
      'a-b',
      ']',
      'foo',
      'foobar',
      '   ',
      '{2}',
      'ba',
    ]
    const patterns = [
      '^[A-Z]{2}-\\d{2,3}$',
      'abc',
      '^a',
      'b$',
      '^(a|ab)(c|)$',
      '^a|b$',
      '^[^a]*$',
      '^.$',
      '^\\S+$',
      '^["\\\\]$',
      '^\\u0061\\x62?$',
      '^(?:foo|bar)+$',
      '^[\\]\\-a]+$',
      '^[a-]+$',
      '^$|^a+?$',
      '^(?<name>a)b*$',
      '^\\d+(\\.\\d+)?$',
      '^[\\s\\S]{2,3}$',
      '^\\{2\\}$',
      '^\\u{1f600}$',
    ]
    for (const pattern of patterns) {
      const matches = (value: string) => new RegExp(pattern, 'u').test(value)
      await expectTexts(
        { type: 'string', pattern },
        { yes: texts.filter(matches), no: texts.filter((value) => !matches(value)) },
      )
    }
    await expectTexts(
      { type: 'string', pattern: '^[a-z]+$', minLength: 2, maxLength: 3 },
      { yes: ['ab', 'abc'], no: ['a', 'abcd', 'A1'] },
    )
  })
})

describe('random schemas', () => {
  test('their values are taken, spoiled ones are not, and what is taken is valid', async () => {
    const random = seeded(11)
    for (let round = 0; round < 250; round++) {
      const { schema, draw } = randomCase(random)
      const accepts = await acceptor(grammarOf(schema))
      for (let i = 0; i < 4; i++) {
        const value = draw()
        expect(valid(schema, value)).toBe(true)
        for (const written of [JSON.stringify(value), JSON.stringify(value, null, 2)])
          expect([schema, written, accepts(written)]).toEqual([schema, written, true])
        const spoiled = spoil(schema, value, random)
        if (spoiled !== undefined) {
          const written = JSON.stringify(spoiled)
          expect([schema, written, accepts(written)]).toEqual([schema, written, false])
        }
      }
    }
  })

  test('what the grammars let through is valid, and llama.cpp takes it', async () => {
    const random = seeded(12)
    for (let round = 0; round < 150; round++) {
      const { schema } = randomCase(random)
      const grammar = grammarOf(schema)
      const accepts = await acceptor(grammar)
      const sample = openSampler(grammar, random)
      for (let i = 0; i < 5; i++) {
        const written = sample()
        expect([schema, written, valid(schema, JSON.parse(written))]).toEqual([schema, written, true])
        expect([written, accepts(written)]).toEqual([written, true])
      }
    }
  })
})

describe('what clients send', () => {
  const Node = z.object({
    id: z.string(),
    get children() {
      return z.array(Node)
    },
  })
  const everything = z.object({
    short: z.string().min(1).max(5),
    email: z.email(),
    uuid: z.uuid(),
    at: z.iso.datetime(),
    day: z.iso.date(),
    time: z.iso.time(),
    whole: z.int(),
    share: z.number().min(0).max(1),
    positive: z.number().positive(),
    float: z.float32(),
    count: z.number().int().positive(),
    pair: z.tuple([z.string(), z.number()]),
    record: z.record(z.string(), z.number()),
    named: z.record(z.enum(['a', 'b']), z.number()),
    maybe: z.nullable(z.string()),
    left: z.union([z.literal('a'), z.literal('b')]),
    kind: z.enum(['x', 'y']),
    tagged: z.discriminatedUnion('type', [
      z.object({ type: z.literal('a'), v: z.string() }),
      z.object({ type: z.literal('b'), w: z.number() }),
    ]),
    node: Node,
    url: z.url(),
    ip: z.ipv4(),
    ip6: z.ipv6(),
    prefixed: z.string().startsWith('ab'),
    anything: z.json(),
    both: z.intersection(z.object({ q: z.string() }), z.object({ w: z.string() })),
    optional: z.string().optional(),
    some: z.array(z.string()).nonempty(),
    base64: z.base64(),
  })

  for (const target of ['draft-2020-12', 'draft-7', 'openapi-3.0'] as const)
    test(`zod ${target}: whatever the grammar lets through, zod parses`, () => {
      // OpenAPI 3.0 has neither tuples nor propertyNames; zod writes something looser there.
      const model = target === 'openapi-3.0' ? everything.omit({ pair: true, named: true }) : everything
      const sample = openSampler(grammarOf(z.toJSONSchema(model, { target })), seeded(5))
      for (let i = 0; i < 100; i++) {
        const written = sample()
        expect([written, model.safeParse(JSON.parse(written)).error?.issues]).toEqual([written, undefined])
      }
    })

  test("zodResponseFormat of OpenAI's client", () => {
    const Answer = z.object({ answer: z.string(), sources: z.array(Node), score: z.nullable(z.number()) })
    const sample = openSampler(grammarOf(zodResponseFormat(Answer, 'answer').json_schema.schema), seeded(6))
    for (let i = 0; i < 50; i++) expect(Answer.safeParse(JSON.parse(sample())).success).toBe(true)
  })

  test('a model of pydantic', () =>
    expectTexts(
      {
        $defs: {
          Colour: { enum: ['red', 'blue'], title: 'Colour', type: 'string' },
          Cat: {
            properties: {
              kind: { const: 'cat', default: 'cat', title: 'Kind', type: 'string' },
              lives: { exclusiveMinimum: 0, maximum: 9, title: 'Lives', type: 'integer' },
            },
            required: ['lives'],
            title: 'Cat',
            type: 'object',
          },
          Dog: {
            properties: { kind: { const: 'dog', title: 'Kind', type: 'string' } },
            required: ['kind'],
            title: 'Dog',
            type: 'object',
          },
        },
        properties: {
          colour: { allOf: [{ $ref: '#/$defs/Colour' }], description: 'Of it.' },
          pet: {
            discriminator: { mapping: { cat: '#/$defs/Cat', dog: '#/$defs/Dog' }, propertyName: 'kind' },
            oneOf: [{ $ref: '#/$defs/Cat' }, { $ref: '#/$defs/Dog' }],
            title: 'Pet',
          },
          born: {
            anyOf: [{ format: 'date', type: 'string' }, { type: 'null' }],
            default: null,
            title: 'Born',
          },
          pair: {
            maxItems: 2,
            minItems: 2,
            prefixItems: [{ type: 'integer' }, { type: 'string' }],
            title: 'Pair',
            type: 'array',
          },
          home: { format: 'uri', maxLength: 2083, minLength: 1, title: 'Home', type: 'string' },
        },
        required: ['colour', 'pet', 'pair'],
        title: 'Thing',
        type: 'object',
      },
      {
        yes: [
          { colour: 'red', pet: { kind: 'cat', lives: 9 }, pair: [1, ''] },
          { colour: 'blue', pet: { kind: 'dog' }, born: '2024-01-01', pair: [1, ''], home: 'https://a.de/' },
          { colour: 'blue', pet: { lives: 1 }, born: null, pair: [1, ''] },
        ],
        no: [
          { colour: 'green', pet: { kind: 'dog' }, pair: [1, ''] },
          { colour: 'red', pet: { kind: 'cat', lives: 0 }, pair: [1, ''] },
          { colour: 'red', pet: { kind: 'cow' }, pair: [1, ''] },
        ],
      },
    ))
})

describe('refused by name', () => {
  const at = (schema: object) => object({ here: schema })
  const secret = 'a-value-of-the-client'
  const cases: [why: string, schema: unknown, says: string][] = [
    ['not', at({ not: text }), '"not" at #/properties/here is not supported. Supported are type'],
    ['if', at({ if: {}, else: {} }), '"if" at #/properties/here'],
    [
      'patternProperties',
      at({ patternProperties: { [secret]: {} } }),
      '"patternProperties" at #/properties/here',
    ],
    ['uniqueItems', at({ type: 'array', uniqueItems: true }), '"uniqueItems" at #/properties/here'],
    ['multipleOf', at({ type: 'number', multipleOf: 3 }), '"multipleOf"'],
    [
      'a keyword nobody knows',
      at({ [`${secret}\n${'x'.repeat(99)}`.slice(21)]: 1 }),
      'at #/properties/here is not supported',
    ],
    ['a type nobody knows', at({ type: secret }), '"type" at #/properties/here must be one of null, boolean'],
    [
      'a format nobody knows',
      at({ type: 'string', format: secret }),
      '"format" at #/properties/here is not one of',
    ],
    ['a pattern that looks ahead', at({ pattern: '^(?=a)b$' }), '"pattern" at #/properties/here looks ahead'],
    ['a back reference', at({ pattern: '(a)\\1' }), '"pattern"'],
    ['a broken pattern', at({ pattern: '(a' }), 'is not a regular expression'],
    ['a pattern that may be empty, repeated', at({ pattern: '(a*)*' }), 'repeats what may be empty'],
    ['a pattern with a thousand thousand places', at({ pattern: '^([a-z]{1,999}x){1,999}$' }), 'positions'],
    [
      'a pattern of a control character',
      at({ pattern: '\\x01' }),
      '"pattern" at #/properties/here wants a character',
    ],
    [
      'a limit beyond 64 bits',
      at({ type: 'integer', maximum: 1e30 }),
      '"maximum" at #/properties/here is beyond',
    ],
    [
      'a limit nearly 0',
      at({ type: 'number', minimum: 1e-9 }),
      '"minimum" at #/properties/here is closer to 0',
    ],
    [
      'enum beside pattern',
      at({ enum: ['a'], pattern: 'a' }),
      '"pattern" at #/properties/here is not supported beside',
    ],
    [
      'two patterns',
      { allOf: [at({ pattern: 'a' }), at({ pattern: 'b' })] },
      '"pattern" at #/allOf/1/properties/here is joined',
    ],
    ['a length that its pattern does not keep', at({ pattern: '^a+b+$', maxLength: 9 }), '"maxLength"'],
    [
      'a huge count',
      at({ type: 'array', maxItems: 1e9 }),
      '"maxItems" at #/properties/here must be a whole number from 0 to',
    ],
    ['a huge length', at({ type: 'string', minLength: 1e9 }), '"minLength"'],
    ['a negative count', at({ type: 'string', minLength: -1 }), '"minLength"'],
    ['a limit that is text', at({ minimum: secret }), '"minimum" at #/properties/here must be a number'],
    ['an empty enum', at({ enum: [] }), '"enum"'],
    ['too many values', at({ enum: Array.from({ length: 1001 }, (_, i) => i) }), 'at most 1000'],
    ['anyOf that is no list', at({ anyOf: {} }), '"anyOf"'],
    [
      'a reference elsewhere',
      at({ $ref: `https://${secret}/` }),
      '"$ref" at #/properties/here is not supported',
    ],
    ['a reference to nothing', at({ $ref: '#/$defs/none' }), 'points to nothing'],
    ['a reference into the prototype', at({ $ref: '#/constructor' }), 'points to nothing'],
    ['a reference to itself', { $ref: '#' }, '"$ref" at # leads back to itself'],
    [
      'a ring of references',
      { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { anyOf: [text, { $ref: '#/$defs/a' }] } } },
      'leads back',
    ],
    ['an object that needs itself', object({ again: { $ref: '#' } }), 'no finite value'],
    ['a list that needs itself', { type: 'array', items: { $ref: '#' }, minItems: 1 }, 'no finite value'],
    ['false', false, 'no finite value'],
    ['a contradiction', { allOf: [{ type: 'string' }, { type: 'integer' }] }, 'no finite value'],
    ['limits that cross', { type: 'integer', minimum: 3, maximum: 2 }, 'no finite value'],
    ['no schema', secret, 'is not a schema'],
    ['a list', [], 'is not a schema'],
    ['null inside', at({ items: null }), 'at #/properties/here/items is not a schema'],
  ]
  for (const [why, schema, says] of cases)
    test(why, () => {
      const message = refusal(schema)
      expect(message).toContain(says)
      expect(message).not.toContain(secret)
      expect(message).not.toContain('\n')
      expect(message.length).toBeLessThan(700)
    })

  test('a property that nothing can satisfy is left out, unless it is required', async () => {
    await expectTexts({ properties: { a: false, b: text } }, { yes: [{}, { b: '' }], no: [{ a: 1 }] })
    expect(refusal({ properties: { a: false }, required: ['a'] })).toContain('no finite value')
    await expectTexts({ type: 'array', items: false }, { yes: [[]], no: [[1]] })
  })
})

describe('bounds', () => {
  function nested(levels: number, wrap: (inner: object) => object): object {
    let schema: object = text
    for (let i = 0; i < levels; i++) schema = wrap(schema)
    return schema
  }

  test('depth and size', () => {
    for (const wrap of [
      (inner: object) => object({ properties: inner }),
      (inner: object) => ({ type: 'array', items: inner }),
      (inner: object) => ({ anyOf: [inner] }),
      (inner: object) => ({ const: [inner] }),
    ]) {
      expect(refusal(nested(30, wrap))).toBe('taken')
      expect(refusal(nested(65, wrap))).toContain('nested deeper than 64 levels')
      expect(refusal(nested(5_000, wrap))).toMatch(/nested deeper than 64 levels|more than 5000/)
    }
    const wide = (count: number) =>
      object(Object.fromEntries(Array.from({ length: count }, (_, i) => [`name${i}`, text])))
    expect(refusal(wide(1_000))).toBe('taken')
    expect(refusal(wide(4_990))).toBe('taken')
    expect(
      refusal(object(Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`n${i}`, {}])))),
    ).toContain('more than 5000')
  })

  test('what would open ever more readings at once is refused before llama.cpp sees it', () => {
    const node = (extra: object) => ({ type: 'array', items: { $ref: '#' }, ...extra })
    expect(refusal({ anyOf: [node({ maxItems: 5 }), node({ maxItems: 6 }), text] })).toContain('begin alike')
    const doubled = (inner: object) => ({
      anyOf: [object({ a: inner, b: text }), object({ a: inner, c: text })],
    })
    expect(refusal(nested(3, doubled))).toBe('taken')
    const defs = Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [
        `d${i}`,
        doubled(i === 0 ? text : { $ref: `#/$defs/d${i - 1}` }),
      ]),
    )
    expect(refusal({ $ref: '#/$defs/d19', $defs: defs })).toContain('begin alike')
  })

  test('a union that contains itself is fine when its members can be told apart', async () => {
    const self = { $ref: '#' }
    const expression = {
      anyOf: [
        object({ id: text, kind: { const: 'add' }, left: self, right: self }),
        object({ id: text, kind: { const: 'not' }, of: self }),
        object({ id: text, kind: { const: 'value' }, value: { type: 'number' } }),
      ],
    }
    const value = { id: 'v', kind: 'value', value: 1 }
    await expectTexts(expression, {
      yes: [value, { id: 'n', kind: 'not', of: { id: 'a', kind: 'add', left: value, right: value } }],
      no: [
        { id: 'n', kind: 'not', of: {} },
        { id: 'n', kind: 'add', of: value },
      ],
    })
  })

  test('what unfolds without end is refused', () => {
    const options = (n: number) => ({
      anyOf: Array.from({ length: 20 }, (_, i) => ({ minLength: n * 100 + i })),
    })
    expect(refusal({ allOf: Array.from({ length: 10 }, (_, n) => options(n)) })).toContain('alternatives')
    const long = Array.from({ length: 900 }, (_, i) => String(i).repeat(300))
    expect(refusal({ enum: long })).toContain('too large a grammar')
    const lists = Object.fromEntries(
      Array.from({ length: 100 }, (_, i) => [
        `l${i}`,
        { type: 'array', items: { const: i }, maxItems: 2000 },
      ]),
    )
    expect(refusal(object(lists))).toContain('repeats too much')
  })
})
