/**
 * A language model that says by heart what a test wants, and that llama.cpp runs like any other: a GGUF file of the
 * llama architecture, 4 MB, one layer, whose weights are computed from the scripts instead of trained.
 *
 * **Chains.** A script is cut into pieces, each a token of its own that stands nowhere else in any script: a piece
 * that is taken grows by the next word until it is not. So the token before decides the token after, and a text
 * is a chain that ends in the end-of-answer token, or for an endless script in its own beginning.
 *
 * **Embeddings.** Every token t that follows another has a code c(t): 256 random signs, so that c(t)·c(t) = 256 and
 * c(t)·c(u) lies within ±84 for t ≠ u (standard deviation √256 = 16; ±84 is the most among 4,000 tokens). A token's
 * embedding is the code of what comes after it, and row t of the output matrix is (160/256)·c(t): the right
 * successor gets the logit 160, any other token at most 53. At temperature 1 that is certain by a factor of e^100.
 *
 * **Choices.** Where an answer begins, the token before does not decide. Three codes stand for such places, each a
 * channel of its own and so exactly 0 against all others: `start` is the embedding of the line break, in which a chat
 * template's `<|im_start|>assistant\n` ends, `thought` that of `<think>`, and `answer` that of every other token that
 * is in no script (words, bytes, the blank line after `</think>`). The first tokens of all scripts have
 * these channels in their rows, so at such a place they all get 160, and what is added decides: 25 for the script
 * that runs by default, 50 for the one whose trigger the prompt holds. Inside a chain the same additions do no harm,
 * as they stay far below 160.
 *
 * **Triggers.** A script's `when` is a token of its own that the tokenizer finds anywhere in a text. Its embedding has
 * a marker channel u. The layer's one attention head asks the same of every position: the query is constant, the
 * key is the marker, so a trigger gets a score of about a hundred or more and all else 0, and the softmax gives the
 * trigger all of the attention, however long the prompt (an average over it would fade with 1/length). The value
 * copies the marker to a channel r that the rows of the first tokens read. In pair i of the 32 that RoPE turns, query
 * and key are (√wᵢ, 0), so over a distance d the score is Σ wᵢ·cos(θᵢ·d) with θᵢ = 10^(-5i/32). With wᵢ growing as
 * 10^(i/16), to 800 in all, it falls with the distance about as its square root would: slow pairs, which tell far from
 * farther, outweigh the fast ones, which have come round many times by then. Computed for every distance to 33,000: it
 * stays above 97, and of two triggers the one nearer to the end scores 14 more (e^14 of the attention) when the other
 * is three times as far and 30 tokens or more behind. So the last question decides, not the history before it.
 *
 * **Norms.** RMSNorm divides by the size of the vector. All embeddings have nearly the same size (√257, of which the
 * 1 is a constant channel), and the norms' weights undo the division. The feed-forward part is 0.
 *
 * **Grammars.** No logit is infinite, so a grammar always finds a legal token. The characters that close a JSON
 * text get 70 to 90 from the constant channel: nothing against a script, but where the grammar forbids the
 * script's next token, the model closes strings and objects and ends. Inside a string it says its script.
 */

import { f32, type Metadata, type Tensor, u32, writeGguf } from '../../models/gguf-writer.ts'
import { qwen3ChatTemplate } from './chat-template.ts'
import { byteLetters, byteSpelling, commonWords, tokenTypes } from './vocabulary.ts'

export interface Script {
  /** By which adapters and tests call it; the text itself when left out. */
  name?: string
  /** What the model answers. Empty: it ends at once. */
  text: string
  /** Said before the text, between `<think>` and `</think>`. */
  thought?: string
  /**
   * The script runs when this stands in the prompt (letter case matters); of several, the one nearest to the end.
   * The first script without it runs otherwise; where all have one, the first of all.
   */
  when?: string
  /** The text is repeated for ever. Begin it with a space. */
  endless?: boolean
}

export interface ScriptModelOptions {
  scripts: Script[]
  name?: string
  contextLength?: number
  /** Another than llama.cpp knows makes a file that it refuses. */
  architecture?: string
  /** null: a model without a chat template. */
  chatTemplate?: string | null
}

/** What was written: enough to write an adapter for it and to know what its answers cost. */
export interface ScriptModel {
  path: string
  name: string
  architecture: string
  embeddingLength: number
  vocabularySize: number
  scripts: WrittenScript[]
}

export interface WrittenScript {
  name: string
  /** Tokens that the answer takes, thought included, the end-of-answer token not. Of an endless one: of one round. */
  tokens: number
  /** Ids of the tokens that can begin it, at the three places where a script begins. */
  first: Record<Place, number>
}

/** The places where the trigger decides, in the order of their channels. */
const places = ['start', 'thought', 'answer'] as const
type Place = (typeof places)[number]

const codeLength = 256
/** A code of one channel is as long as one of 256 signs. */
const oneChannel = Math.sqrt(codeLength)
/** 1/16 of each of these channels: 1 at a place where a script begins, 0 inside every script. */
export const placeReader = { channels: places.map((_, at) => codeLength + at), weight: 1 / oneChannel }
const ending = codeLength + places.length
const constantChannel = ending + 1
const markers = constantChannel + 1
const embeddingLength = 384
const headLength = 64
const mostTriggers = Math.floor((embeddingLength - markers) / 2)
const readouts = markers + mostTriggers
const ropeBase = 1e5
/** Zeros: the architecture demands a feed-forward part. */
const feedForwardLength = 32

/** Logits; see the top of the file. */
const logits = { successor: 160, trigger: 50, default: 25 }

/** Sizes of the marker in an embedding and of what attention copies from it, small beside √256. */
const marker = 8
const readout = 4

/**
 * What closes a JSON text, most wanted first; the other characters of JSON behind it. The quotation mark is before the
 * brackets because they are legal inside a string too.
 */
const closers: [text: string, logit: number][] = [
  ['"', 88],
  ['}', 86],
  [']', 84],
  [',', 78],
  [':', 78],
  ['{', 74],
  ['[', 72],
  ['0', 70],
]
const endLogit = 90

/** Tokens that prompts end in: never a piece, so that a script starts after them. */
const promptEnds = ['\n', '.', ':', '?', '!', 'assistant', 'user', 'system']
const blankLine = '\n\n'
const control = { end: '<|im_end|>', begin: '<|im_start|>', text: '<|endoftext|>' }
const think = { open: '<think>', close: '</think>' }

/**
 * How the tokenizer `tekken` cuts a text before it looks for tokens (src/llama-vocab.cpp in llama.cpp). It takes a
 * cut that is in the vocabulary as a token without asking the merges, and leaves spaces before punctuation.
 */
const preTokens =
  /[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+/gu

/**
 * Writes the model.
 * @throws Error when the scripts cannot be told apart, or there are more triggers than channels.
 */
export async function writeScriptModel(path: string, options: ScriptModelOptions): Promise<ScriptModel> {
  const { scripts, name = 'script-model', contextLength = 32_768, architecture = 'llama' } = options
  const triggers = [...new Set(scripts.flatMap(({ when }) => (when === undefined ? [] : [when])))]
  if (scripts.length === 0) throw new Error('A script model needs a script')
  if (triggers.length > mostTriggers)
    throw new Error(`At most ${mostTriggers} triggers fit in a script model`)
  // One letter is a byte's token, which must stay one.
  if (triggers.some((trigger) => trigger.length < 2)) throw new Error('A trigger has two letters or more')

  const vocabulary = await commonVocabulary()
  for (const trigger of triggers) vocabulary.addText(trigger)
  const cutter = new Cutter([...promptEnds, blankLine, think.open, think.close, ...triggers])
  const chains = cutScripts(scripts, cutter)
  for (const piece of new Set(chains.flatMap(({ thought, text }) => [...thought, ...text]))) {
    addPiece(vocabulary, piece, triggers)
  }
  const end = vocabulary.addControl(control.end)
  vocabulary.addControl(control.begin)
  vocabulary.addControl(control.text)

  const weights = new Weights(vocabulary.size, end)
  const written = scripts.map((script, at) => {
    const chain = chains[at] ?? { thought: [], text: [] }
    return writeChains(weights, vocabulary, script, chain, end)
  })
  weights.follow(vocabulary.id(think.close), vocabulary.id(blankLine))
  weights.place(vocabulary.id(think.open), 'thought')
  weights.place(vocabulary.id('\n'), 'start')
  const standard = Math.max(
    0,
    scripts.findIndex(({ when }) => when === undefined),
  )
  for (const [text, logit] of closers) weights.always(vocabulary.id(text), logit)
  weights.always(end, endLogit)
  for (const { first } of written) {
    for (const place of places) weights.begins(first[place], place)
  }
  for (const [at, script] of written.entries()) {
    const first = new Set(Object.values(script.first))
    const when = scripts[at]?.when
    for (const token of first) {
      if (when !== undefined) weights.wants(token, triggers.indexOf(when))
      if (at === standard) weights.always(token, logits.default)
    }
  }
  for (const [at, trigger] of triggers.entries()) weights.marks(vocabulary.id(trigger), at)

  const metadata: Metadata = {
    'general.architecture': architecture,
    'general.type': 'model',
    'general.name': name,
    'general.file_type': u32(1),
    [`${architecture}.block_count`]: u32(1),
    [`${architecture}.context_length`]: u32(contextLength),
    [`${architecture}.embedding_length`]: u32(embeddingLength),
    [`${architecture}.feed_forward_length`]: u32(feedForwardLength),
    [`${architecture}.attention.head_count`]: u32(1),
    [`${architecture}.attention.head_count_kv`]: u32(1),
    [`${architecture}.attention.key_length`]: u32(headLength),
    [`${architecture}.attention.value_length`]: u32(headLength),
    [`${architecture}.attention.layer_norm_rms_epsilon`]: f32(1e-6),
    [`${architecture}.rope.dimension_count`]: u32(headLength),
    [`${architecture}.rope.freq_base`]: f32(ropeBase),
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.pre': 'tekken',
    'tokenizer.ggml.tokens': vocabulary.tokens,
    'tokenizer.ggml.token_type': Int32Array.from(vocabulary.types),
    'tokenizer.ggml.merges': vocabulary.merges,
    'tokenizer.ggml.bos_token_id': u32(vocabulary.id(control.text)),
    'tokenizer.ggml.eos_token_id': u32(end),
    'tokenizer.ggml.padding_token_id': u32(vocabulary.id(control.text)),
    'tokenizer.ggml.add_bos_token': false,
  }
  const chatTemplate = options.chatTemplate === undefined ? qwen3ChatTemplate : options.chatTemplate
  if (chatTemplate !== null) metadata['tokenizer.chat_template'] = chatTemplate
  await writeGguf(path, metadata, tensors(weights, triggers.length))
  return {
    path,
    name,
    architecture,
    embeddingLength,
    vocabularySize: vocabulary.size,
    scripts: written,
  }
}

interface Chain {
  thought: string[]
  text: string[]
}

/** The shortest text first: it has the fewest ways to be cut. */
function cutScripts(scripts: Script[], cutter: Cutter): Chain[] {
  const chains = scripts.map((): Chain => ({ thought: [], text: [] }))
  const texts = scripts
    .flatMap(({ text, thought, endless }, at) => [
      { at, part: 'text' as const, text, end: endless ? `endless ${at}` : control.end },
      { at, part: 'thought' as const, text: thought === undefined ? '' : `\n${thought}\n`, end: think.close },
    ])
    .filter(({ text }) => text !== '')
    .sort((a, b) => a.text.length - b.text.length)
  for (const { at, part, text, end } of texts) {
    const chain = chains[at]
    if (chain) chain[part] = cutter.cut(text, end)
  }
  return chains
}

/** Cuts texts into pieces of which no two are the same, as far as what follows them differs. */
class Cutter {
  /** What follows each piece: the rest of its text, and that rest's pieces. */
  #taken = new Map<string, { rest: string | null; following: string[] }>()

  constructor(reserved: string[]) {
    for (const text of reserved) this.#taken.set(text, { rest: null, following: [] })
  }

  cut(text: string, end: string): string[] {
    const words = text.match(preTokens) ?? []
    const pieces: string[] = []
    let piece = ''
    let shared: string[] = []
    for (const [at, word] of words.entries()) {
      piece += word
      const taken = this.#taken.get(piece)
      const rest = words.slice(at + 1).join('') + end
      if (taken?.rest === rest) shared = taken.following
      if (pieces.includes(piece) || (taken && taken.rest !== rest)) continue
      pieces.push(piece)
      piece = ''
      if (taken) break
    }
    // The end of the text is a piece of another: it joins the piece before it.
    while (piece !== '' && (this.#taken.has(piece) || pieces.includes(piece))) {
      const before = pieces.pop()
      if (before === undefined) {
        throw new Error(`The script text ${JSON.stringify(text)} is a piece of another script or a trigger`)
      }
      piece = before + piece
    }
    if (piece !== '') pieces.push(piece)
    const all = [...pieces, ...shared]
    let rest = text
    for (const [at, own] of pieces.entries()) {
      rest = rest.slice(own.length)
      this.#taken.set(own, { rest: rest + end, following: all.slice(at + 1) })
    }
    return all
  }
}

/**
 * A piece of one pre-token is found by the tokenizer as it is. A longer one is found where it is of the type that is
 * looked for in the raw text, which must not hide a trigger that stands at the same place of a prompt.
 */
function addPiece(vocabulary: Vocabulary, piece: string, triggers: string[]): void {
  const whole = piece.match(preTokens)?.length === 1
  if (whole || triggers.some((trigger) => overlap(piece, trigger))) vocabulary.addWord(piece)
  else vocabulary.addText(piece)
}

function overlap(piece: string, trigger: string): boolean {
  const words = trigger.match(preTokens) ?? []
  return (
    words.some(
      (_, at) =>
        piece.endsWith(words.slice(0, at + 1).join('')) || piece.startsWith(words.slice(at).join('')),
    ) || piece.includes(trigger)
  )
}

function writeChains(
  weights: Weights,
  vocabulary: Vocabulary,
  script: Script,
  chain: Chain,
  end: number,
): WrittenScript {
  const text = chain.text.map((piece) => vocabulary.id(piece))
  const thought = chain.thought.map((piece) => vocabulary.id(piece))
  const first = text[0] ?? end
  link(weights, text, script.endless ? first : end)
  link(weights, thought, vocabulary.id(think.close))
  return {
    name: script.name ?? script.text,
    // The two marks and the blank line belong to the thought.
    tokens: text.length + (thought.length > 0 ? thought.length + 3 : 0),
    first: {
      start: thought.length > 0 ? vocabulary.id(think.open) : first,
      thought: thought[0] ?? vocabulary.id(think.close),
      answer: first,
    },
  }
}

function link(weights: Weights, chain: number[], last: number): void {
  for (const [at, token] of chain.entries()) weights.follow(token, chain[at + 1] ?? last)
}

/** Bytes, pairs of letters with their merges, and words that follow a space: a passage is no token a byte. */
async function commonVocabulary(): Promise<Vocabulary> {
  const vocabulary = new Vocabulary()
  const letters = Array.from('abcdefghijklmnopqrstuvwxyz')
  for (const first of [' ', ...letters]) {
    for (const second of letters) vocabulary.addPair(byteSpelling(first), second)
  }
  for (const word of await commonWords(1200)) vocabulary.addWord(` ${word}`)
  for (const text of [...promptEnds, blankLine]) vocabulary.addWord(text)
  vocabulary.addText(think.open)
  vocabulary.addText(think.close)
  return vocabulary
}

/** The tokens; the ids are their places. */
class Vocabulary {
  tokens: string[] = []
  types: number[] = []
  merges: string[] = []
  #ids = new Map<string, number>()

  constructor() {
    for (const letter of byteLetters) this.#add(letter, tokenTypes.normal)
  }

  get size(): number {
    return this.tokens.length
  }

  /** Found by the tokenizer where the text, cut into pre-tokens, gives exactly this. */
  addWord(text: string): number {
    return this.#add(byteSpelling(text), tokenTypes.normal)
  }

  /** Found by the tokenizer wherever it stands in a text. */
  addText(text: string): number {
    return this.#add(text, tokenTypes.userDefined)
  }

  /** Found only where the caller of the tokenizer allows control tokens. */
  addControl(text: string): number {
    return this.#add(text, tokenTypes.control)
  }

  addPair(first: string, second: string): void {
    this.merges.push(`${first} ${second}`)
    this.#add(first + second, tokenTypes.normal)
  }

  id(text: string): number {
    const id = this.#ids.get(byteSpelling(text)) ?? this.#ids.get(text)
    if (id === undefined) throw new Error(`No token ${JSON.stringify(text)} in the vocabulary`)
    return id
  }

  #add(token: string, type: number): number {
    const known = this.#ids.get(token)
    if (known !== undefined) {
      if (type !== tokenTypes.normal) this.types[known] = type
      return known
    }
    const id = this.tokens.push(token) - 1
    this.types.push(type)
    this.#ids.set(token, id)
    return id
  }
}

/** Embeddings and output rows, token by token. */
class Weights {
  readonly embeddings: Float32Array
  /** Of the output matrix. */
  readonly rows: Float32Array
  #codes = new Map<number, Float32Array>()
  #end: number

  constructor(
    readonly size: number,
    end: number,
  ) {
    this.#end = end
    this.embeddings = new Float32Array(size * embeddingLength)
    this.rows = new Float32Array(size * embeddingLength)
    for (let token = 0; token < size; token++) {
      this.place(token, 'answer')
      this.embeddings[token * embeddingLength + constantChannel] = 1
    }
  }

  /** `next` comes after `token`. */
  follow(token: number, next: number): void {
    this.#embed(token, this.#code(next))
  }

  /** After the token a script begins at that place. */
  place(token: number, place: Place): void {
    this.#embed(token, channelCode(codeLength + places.indexOf(place)))
  }

  /** The token can be the first at that place. Asked before `always` makes one script the default. */
  begins(token: number, place: Place): void {
    const channel = token * embeddingLength + codeLength + places.indexOf(place)
    // What a closing character always has would decide otherwise where scripts differ by 25.
    this.rows[channel] = (logits.successor - this.#always(token)) / oneChannel
  }

  /** The token is wanted where the trigger is in the prompt. */
  wants(token: number, trigger: number): void {
    this.rows[token * embeddingLength + readouts + trigger] = logits.trigger / readout
  }

  always(token: number, logit: number): void {
    this.rows[token * embeddingLength + constantChannel] = this.#always(token) + logit
  }

  marks(token: number, trigger: number): void {
    this.embeddings[token * embeddingLength + markers + trigger] = marker
  }

  #always(token: number): number {
    return this.rows[token * embeddingLength + constantChannel] ?? 0
  }

  #embed(token: number, code: Float32Array): void {
    this.embeddings.set(code, token * embeddingLength)
  }

  /** The code of a token, which its row reads from the first use on. */
  #code(token: number): Float32Array {
    const known = this.#codes.get(token)
    if (known) return known
    // The end follows the last piece of every script: a channel of its own, so that it never comes by accident.
    const code = token === this.#end ? channelCode(ending) : signCode(token)
    this.#codes.set(token, code)
    const row = this.rows.subarray(token * embeddingLength)
    for (const [channel, value] of code.entries()) {
      if (value !== 0) row[channel] = (logits.successor / codeLength) * value
    }
    return code
  }
}

/** A code of random signs, the same for the same token. */
function signCode(token: number): Float32Array {
  const code = new Float32Array(ending + 1)
  // Mulberry32 by Tommy Ettinger: small and even enough for signs.
  let state = Math.imul(token + 1, 0x9e3779b1)
  for (let channel = 0; channel < codeLength; channel++) {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    code[channel] = (mixed ^ (mixed >>> 14)) & 1 ? 1 : -1
  }
  return code
}

/** A code of one channel, as long as one of signs. */
function channelCode(channel: number): Float32Array {
  const code = new Float32Array(ending + 1)
  code[channel] = oneChannel
  return code
}

function tensors(weights: Weights, triggers: number): Tensor[] {
  const size = weights.size
  // Undoes RMSNorm for a vector as long as an embedding: its own division is by √(length² / embeddingLength).
  const undo = Math.sqrt((codeLength + 1) / embeddingLength)
  const norm = new Float32Array(embeddingLength).fill(undo)
  // A trigger's embedding is longer by its marker, and so each of its channels smaller after the norm.
  const normedMarker = marker * Math.sqrt((codeLength + 1) / (codeLength + 1 + marker ** 2))

  const query = matrix(embeddingLength, headLength)
  const key = matrix(embeddingLength, headLength)
  const value = matrix(embeddingLength, headLength)
  const output = matrix(headLength, embeddingLength)
  for (const [pair, weight] of pairWeights().entries()) {
    // The first of the two channels that RoPE turns. llama.cpp divides their product by √headLength.
    const each = Math.sqrt(weight * Math.sqrt(headLength))
    query.set(2 * pair, constantChannel, each)
    for (let trigger = 0; trigger < triggers; trigger++) {
      key.set(2 * pair, markers + trigger, each / normedMarker)
    }
  }
  for (let trigger = 0; trigger < triggers; trigger++) {
    value.set(trigger, markers + trigger, 1 / normedMarker)
    output.set(readouts + trigger, trigger, readout)
  }
  return [
    half('token_embd.weight', [embeddingLength, size], weights.embeddings),
    half('output.weight', [embeddingLength, size], weights.rows),
    full('output_norm.weight', [embeddingLength], norm),
    full('blk.0.attn_norm.weight', [embeddingLength], norm),
    full('blk.0.attn_q.weight', query.shape, query.values),
    full('blk.0.attn_k.weight', key.shape, key.values),
    full('blk.0.attn_v.weight', value.shape, value.values),
    full('blk.0.attn_output.weight', output.shape, output.values),
    full('blk.0.ffn_norm.weight', [embeddingLength], norm),
    ...(['gate', 'up', 'down'] as const).map((part) => {
      const zeros = new Float32Array(embeddingLength * feedForwardLength)
      const shape =
        part === 'down' ? [feedForwardLength, embeddingLength] : [embeddingLength, feedForwardLength]
      return full(`blk.0.ffn_${part}.weight`, shape, zeros)
    }),
  ]
}

/** The score of a trigger at distance 0, by the pairs of RoPE, fastest first; see the top of the file. */
function pairWeights(): number[] {
  const weights = Array.from({ length: headLength / 2 }, (_, pair) => 10 ** (pair / 16))
  const sum = weights.reduce((total, weight) => total + weight, 0)
  return weights.map((weight) => (800 * weight) / sum)
}

function matrix(columns: number, rows: number) {
  const values = new Float32Array(columns * rows)
  return {
    shape: [columns, rows],
    values,
    set(row: number, column: number, value: number) {
      values[row * columns + column] = value
    },
  }
}

function full(name: string, shape: number[], values: Float32Array<ArrayBuffer>): Tensor {
  return { name, type: 'F32', shape, data: () => [new Uint8Array(values.buffer)] }
}

function half(name: string, shape: number[], values: Float32Array): Tensor {
  return { name, type: 'F16', shape, data: () => [new Uint8Array(new Float16Array(values).buffer)] }
}
