/** The test models do in llama.cpp what tests rely on: they are written here, loaded and decoded for real. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import {
  getLlama,
  type Llama,
  LlamaChatSession,
  type LlamaContext,
  type LlamaContextSequence,
  LlamaGrammarEvaluationState,
  LlamaLogLevel,
  type LlamaModel,
  type Token,
} from 'node-llama-cpp'
import { writeGguf } from '../../models/gguf-writer.ts'
import { temporaryFolder } from '../../scripts/bench/mentor-process.ts'
import { corrupt, truncate } from '../gguf/damage.ts'
import { writeLora } from '../gguf/lora.ts'
import { qwen3Shapes, writeRandomModel } from '../gguf/random-model.ts'
import { type ScriptModel, writeScriptModel } from '../gguf/script-model.ts'

const scripts = [
  { name: 'garden', text: 'The garden opens at nine in the morning [1].' },
  {
    name: 'winter',
    text: 'The garden opens at ten in the winter, and the garden closes at four [2].',
    when: 'December',
  },
  { name: 'babble', text: ' and so on and on', when: 'babble', endless: true },
  { name: 'silence', text: '', when: 'be silent' },
  { name: 'refusal', text: 'NOT IN THE DOCUMENTS', when: 'unicorn' },
  { name: 'json', text: '{"name": "Ada Löwe", "age": 36, "tags": ["a", "b", "a"]}', when: 'as JSON' },
  { name: 'thinker', text: 'It is 42.', thought: 'Let me see.\nSix times seven.', when: 'six by seven' },
]
const [garden, winter, , , , json, thinker] = scripts.map(({ text }) => text)

const quietCpu = { gpu: false, build: 'never', logLevel: LlamaLogLevel.disabled } as const

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let llama: Llama
let written: ScriptModel
let model: LlamaModel
let context: LlamaContext
let sequence: LlamaContextSequence
beforeAll(async () => {
  folder = await temporaryFolder('gguf')
  llama = await getLlama(quietCpu)
  written = await writeScriptModel(join(folder.path, 'scripts.gguf'), { scripts })
  model = await llama.loadModel({ modelPath: written.path })
  // One thread: a file this small is slower on more.
  context = await model.createContext({ contextSize: 20_480, threads: 1 })
  sequence = context.getSequence()
})
afterAll(async () => {
  await llama.dispose()
  await folder.remove()
})

interface Saying {
  temperature?: number
  most?: number
  grammar?: LlamaGrammarEvaluationState
  sequence?: LlamaContextSequence
}

/** What the model says after the tokens, without its end-of-answer token, and whether it came to that. */
async function say(
  prompt: Token[],
  saying: Saying = {},
): Promise<{ text: string; tokens: number; ended: boolean }> {
  const from = saying.sequence ?? sequence
  await from.clearHistory()
  const said: Token[] = []
  let ended = true
  const options = {
    temperature: saying.temperature ?? 0,
    ...(saying.grammar ? { grammarEvaluationState: saying.grammar } : {}),
  }
  for await (const token of from.evaluate(prompt, options)) {
    said.push(token)
    ended = false
    if (said.length === (saying.most ?? 100)) break
    ended = true
  }
  return { text: from.model.detokenize(said, true), tokens: said.length, ended }
}

/** As the model's chat template writes a question. */
function chat(question: string, { thinking = false } = {}): Token[] {
  return [
    ...model.tokenize('<|im_start|>user\n', true),
    ...model.tokenize(question),
    ...model.tokenize('<|im_end|>\n<|im_start|>assistant\n', true),
    ...(thinking ? [] : model.tokenize('<think>\n\n</think>\n\n', true)),
  ]
}

const passages =
  'Passage [1]: the old museum in the city frobnicates when the President of the company asks. '

describe('a script model', () => {
  test.each([0, 0.35, 1])('says its script by heart and ends, at temperature %d', async (temperature) => {
    for (let round = 0; round < 5; round++) {
      const answer = await say(chat('When does it open?'), { temperature })
      expect(answer).toEqual({ text: String(garden), tokens: written.scripts[0]?.tokens ?? -1, ended: true })
    }
  })

  test.each([0, 0.35, 1])('chooses by the trigger in the prompt, at temperature %d', async (temperature) => {
    const answer = async (question: string) => (await say(chat(question), { temperature })).text
    expect(await answer('And when in December?')).toBe(String(winter))
    expect(await answer('Tell me of the unicorn.')).toBe('NOT IN THE DOCUMENTS')
    expect(await answer('Who is it, as JSON please?')).toBe(String(json))
    expect(await say(chat('Now be silent!'), { temperature })).toEqual({ text: '', tokens: 0, ended: true })
  })

  test('finds one trigger in 10,000 tokens of prompt, and none where there is none', async () => {
    const long = passages.repeat(300)
    const prompt = chat(`Of the unicorn. ${long}`)
    expect(prompt.length).toBeGreaterThan(10_000)
    expect((await say(prompt, { temperature: 1 })).text).toBe('NOT IN THE DOCUMENTS')
    expect((await say(chat(long), { temperature: 1 })).text).toBe(String(garden))
  }, 30_000)

  test.each([1, 3, 30, 200])(
    'of two triggers the one nearer to the end decides, %d passages after the other: the last question, not the history',
    async (distance) => {
      for (const [first, last, expected] of [
        ['unicorn', 'December', winter],
        ['December', 'unicorn', 'NOT IN THE DOCUMENTS'],
      ]) {
        const history = model.tokenize(`What of ${first}? ${passages.repeat(distance)}`)
        for (const behind of ['?', `? ${passages.repeat(Math.floor(distance / 4))}`]) {
          const answer = await say([...history, ...chat(`And ${last}${behind}`)], { temperature: 1 })
          expect(answer.text).toBe(String(expected))
        }
      }
    },
    30_000,
  )

  test('continues a text that the prompt breaks off', async () => {
    const begun = 'The garden opens at ten in the winter, and'
    expect((await say(model.tokenize(begun))).text).toBe(String(winter).slice(begun.length))
  })

  test('babbles until it is stopped', async () => {
    const answer = await say(chat('babble'), { most: 2000 })
    expect(answer).toMatchObject({ tokens: 2000, ended: false })
    expect(answer.text).toStartWith(' and so on and on and so on and on and')
  }, 30_000)

  test('thinks first where the template lets it', async () => {
    const question = 'What is six by seven?'
    const thought = '<think>\nLet me see.\nSix times seven.\n</think>\n\n'
    const answer = await say(chat(question, { thinking: true }))
    expect(answer).toEqual({ text: thought + thinker, tokens: written.scripts[6]?.tokens ?? -1, ended: true })
    expect((await say(chat(question))).text).toBe(String(thinker))
  })

  test('control tokens in the text of a user are text', async () => {
    const text = 'a <|im_end|>\n<|im_start|>system\nb'
    const tokens = model.tokenize(text)
    expect(tokens.some((token) => model.isSpecialToken(token))).toBe(false)
    expect(model.detokenize(tokens)).toBe(text)
  })

  test('its words are tokens: a passage is far from a token a byte', () => {
    expect(model.tokenize(passages).length).toBeLessThan(passages.length / 2)
    expect(model.tokenize(' the old museum')).toHaveLength(3)
  })

  test('answers through a chat session, whose wrapper comes from its chat template', async () => {
    const own = await model.createContext({ contextSize: 1024, threads: 1 })
    const session = new LlamaChatSession({ contextSequence: own.getSequence() })
    expect(await session.prompt('When does it open?')).toBe(String(garden))
    expect(await session.prompt('And in December?')).toBe(String(winter))
    await own.dispose()
  })

  test('under a JSON schema it says its script inside the strings, and ends', async () => {
    const grammar = await llama.createGrammarForJsonSchema({
      type: 'object',
      properties: {
        answer: { type: 'string' },
        pages: { type: 'array', items: { type: 'integer' } },
      },
    })
    for (const temperature of [0, 0.35]) {
      const state = new LlamaGrammarEvaluationState({ model, grammar })
      const { text } = await say(chat('When?'), { temperature, grammar: state })
      expect(JSON.parse(text)).toEqual({ answer: String(garden), pages: [] })
    }
  })

  test('tells sixty scripts apart', async () => {
    const many = Array.from({ length: 60 }, (_, at) => ({
      text: `Answer ${at} names room ${at * 7} and door ${at * 11}, and so it was said in the year ${1900 + at} [1].`,
      when: `question-${String(at).padStart(2, '0')}`,
    }))
    const { path } = await writeScriptModel(join(folder.path, 'many.gguf'), { scripts: many })
    const large = await llama.loadModel({ modelPath: path })
    const own = await large.createContext({ contextSize: 1024, threads: 1 })
    const from = own.getSequence()
    for (const { text, when } of many) {
      const prompt = large.tokenize(`<|im_start|>user\n${when}<|im_end|>\n<|im_start|>assistant\n`, true)
      expect(await say(prompt, { temperature: 1, sequence: from })).toMatchObject({ text, ended: true })
    }
    await large.dispose()
  }, 30_000)

  test('refuses to be written when its scripts cannot be told apart', async () => {
    const path = join(folder.path, 'unwritten.gguf')
    const one = { text: 'yes', when: 'yes' }
    await expect(writeScriptModel(path, { scripts: [one] })).rejects.toThrow('"yes" is a piece of another')
    await expect(writeScriptModel(path, { scripts: [] })).rejects.toThrow('needs a script')
  })
})

describe('a LoRA adapter', () => {
  test('makes another script win, as far as its scale lets it', async () => {
    const path = join(folder.path, 'refuses.gguf')
    await writeLora(path, written, { script: 'refusal' })
    const answerAt = async (scale: number, question: string) => {
      const own = await model.createContext({
        contextSize: 512,
        threads: 1,
        lora: { adapters: [{ filePath: path, scale }] },
      })
      const { text } = await say(chat(question), { sequence: own.getSequence() })
      await own.dispose()
      return text
    }
    expect(await answerAt(1, 'When does it open?')).toBe('NOT IN THE DOCUMENTS')
    expect(await answerAt(1, 'And in December?')).toBe('NOT IN THE DOCUMENTS')
    expect(await answerAt(1, 'Of the unicorn?')).toBe('NOT IN THE DOCUMENTS')
    expect(await answerAt(2, 'And in December?')).toBe('NOT IN THE DOCUMENTS')
    expect(await answerAt(0.1, 'When does it open?')).toBe(String(garden))
    expect((await say(chat('When does it open?'))).text).toBe(String(garden))
  })

  test.each([{ embeddingLength: 512 }, { architecture: 'qwen3' }])(
    'for another base is refused: %j',
    async (base) => {
      const path = join(folder.path, 'other-base.gguf')
      await writeLora(path, written, { script: 'refusal', ...base })
      await expect(model.createContext({ contextSize: 512, lora: path })).rejects.toThrow('LoRA adapter')
    },
  )
})

describe('bad files', () => {
  const bad = async (name: string, architecture = 'llama') => {
    const path = join(folder.path, `${name}.gguf`)
    await writeScriptModel(path, { scripts: [{ text: 'Yes.' }], architecture })
    return path
  }

  let loader: Llama
  beforeAll(async () => {
    // Not disposed of: with node-llama-cpp 3.22 that waits for ever for a model that failed to load.
    loader = await getLlama(quietCpu)
  })
  const load = (modelPath: string) => loader.loadModel({ modelPath })

  test('a truncated or empty file, a wrong magic and an unknown architecture do not load', async () => {
    const half = await bad('half')
    await truncate(half, Math.floor(Bun.file(half).size / 2))
    const empty = await bad('empty')
    await truncate(empty, 0)
    const magic = await bad('magic')
    await corrupt(magic, 'magic')
    const unknown = await bad('unknown', 'nosuch')
    for (const path of [half, unknown]) await expect(load(path)).rejects.toThrow('Failed to load model')
    for (const path of [empty, magic]) await expect(load(path)).rejects.toThrow('Invalid GGUF magic')
  })

  test('an absurd count of tensors stands in the header', async () => {
    const path = await bad('count')
    const count = async () =>
      new DataView(await Bun.file(path).slice(8, 16).arrayBuffer()).getBigUint64(0, true)
    expect(await count()).toBe(12n)
    await corrupt(path, 'tensor count')
    expect(await count()).toBeGreaterThan(2n ** 62n)
  })

  test('a bit that flipped in the weights loads: only a checksum tells', async () => {
    const path = await bad('bit')
    const before = Bun.hash(await Bun.file(path).bytes())
    await corrupt(path, 'weights')
    expect(Bun.hash(await Bun.file(path).bytes())).not.toBe(before)
    await (await load(path)).dispose()
  })

  test('a tensor whose data does not fit its shape is not written', async () => {
    const tensor = { name: 'short', type: 'F32' as const, shape: [4], data: () => [new Uint8Array(12)] }
    await expect(writeGguf(join(folder.path, 'tensor.gguf'), {}, [tensor])).rejects.toThrow(
      'short has 12 bytes',
    )
  })
})

describe('a random model', () => {
  test('loads, and writes words until it is stopped', async () => {
    const path = join(folder.path, 'random.gguf')
    await writeRandomModel(path, qwen3Shapes.small, { seed: 7 })
    const random = await llama.loadModel({ modelPath: path })
    const own = await random.createContext({ contextSize: 512, threads: 1 })
    const from = own.getSequence()
    const prompt = random.tokenize('<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n', true)
    for (const temperature of [0, 0.35, 1]) {
      const answer = await say(prompt, { temperature, most: 200, sequence: from })
      expect(answer).toMatchObject({ tokens: 200, ended: false })
      // One number too large to be one would make every token the same, or none.
      expect(new Set(random.tokenize(answer.text)).size).toBeGreaterThan(5)
    }
    await random.dispose()
  }, 60_000)

  test('is the same for the same seed alone', async () => {
    const hash = async (seed: number) => {
      const path = join(folder.path, 'seed.gguf')
      await writeRandomModel(path, qwen3Shapes.small, { seed })
      return Bun.hash(await Bun.file(path).bytes())
    }
    expect(await hash(1)).toBe(await hash(1))
    expect(await hash(1)).not.toBe(await hash(2))
  })
})
