/** A chat into tokens by the model's own template, with the words of people kept apart from its control tokens. */
import { randomBytes } from 'node:crypto'
import { type ChatMessage, EngineError, type Prompt } from '../types.ts'
import type { Native, NativeModel, NativeTemplate } from './native.ts'

/** For models that bring none: the form most small models know. */
const chatML = `{%- for message in messages -%}
{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' -}}
{%- endfor -%}
{{- '<|im_start|>assistant\\n' -}}`

export interface Tokenizer {
  /** @throws EngineError `bad_request` when the template refuses the messages */
  prompt(prompt: Prompt): number[]
  /** Tokens of each text, as it would count inside a message. */
  count(texts: string[]): number[]
}

export function openTokenizer(native: Native, model: NativeModel, template: string | null): Tokenizer {
  const renderer = compile(native, template)
  const text = (words: string) => piecesOf(words).flatMap((piece) => [...model.tokenize(piece, false)])
  const control = (part: string) => (part === '' ? [] : [...model.tokenize(part, true)])
  const bos = () => (model.shouldPrependBosToken() ? [model.tokenBos()] : [])

  function chat(messages: ChatMessage[], thinking: boolean): number[] {
    // The template is rendered around marks, and the contents take their places afterwards as plain text: a control
    // token that somebody writes into a message or a document stays the letters it is made of.
    const nonce = randomBytes(8).toString('hex')
    const marks = messages.map((_, i) => `\u{e000}${nonce}.${i}\u{e001}`)
    const rendered = render(renderer, {
      messages: messages.map(({ role }, i) => ({ role, content: marks[i] })),
      add_generation_prompt: true,
      enable_thinking: thinking,
      bos_token: tokenText(model, model.shouldPrependBosToken() ? model.tokenBos() : -1),
      eos_token: tokenText(model, model.tokenEos()),
    })
    const parts = rendered.split(new RegExp(`\u{e000}${nonce}\\.(\\d+)\u{e001}`, 'u'))
    const seen = new Set(parts.filter((_, i) => i % 2 === 1).map(Number))
    const missing = messages.findIndex((_, i) => !seen.has(i))
    if (missing >= 0) {
      throw new EngineError(
        'bad_request',
        `The model's chat template leaves the ${messages[missing]?.role} message number ${missing + 1} out.`,
      )
    }
    const tokens = parts.flatMap((part, i) =>
      i % 2 === 0 ? control(part) : text(messages[Number(part)]?.content ?? ''),
    )
    const first = bos()
    return first.length > 0 && tokens[0] !== first[0] ? [...first, ...tokens] : tokens
  }

  return {
    prompt: (prompt) =>
      prompt.kind === 'chat' ? chat(prompt.messages, prompt.thinking) : [...bos(), ...text(prompt.text)],
    count: (texts) => texts.map((words) => text(words).length),
  }
}

/**
 * Some of llama.cpp's splitters are a recursive regular expression: 50,000 equal letters in a row end the process
 * (20,000 do not). So a long text is cut, before a space where there is one: then no word's tokens change.
 */
const longestPiece = 8_000

function piecesOf(words: string): string[] {
  const pieces: string[] = []
  for (let from = 0; from < words.length; ) {
    let end = Math.min(words.length, from + longestPiece)
    if (end < words.length) {
      const space = words.lastIndexOf(' ', end)
      if (space > from) end = space
      // Not between the halves of a letter.
      else if (/[\ud800-\udbff]/.test(words[end - 1] ?? '')) end--
    }
    pieces.push(words.slice(from, end))
    from = end
  }
  return pieces
}

function compile({ bindings }: Native, template: string | null): NativeTemplate {
  try {
    return new bindings.AddonJinjaRenderer(template ?? chatML)
  } catch {
    // A template in a dialect that llama.cpp does not read; the common form answers better than nothing.
    return new bindings.AddonJinjaRenderer(chatML)
  }
}

function render(renderer: NativeTemplate, values: Record<string, unknown>): string {
  try {
    return renderer.render(values)
  } catch {
    throw new EngineError(
      'bad_request',
      "The model's chat template does not take these messages: some want user and assistant to alternate, and no system message.",
    )
  }
}

function tokenText(model: NativeModel, token: number): string {
  return token < 0 ? '' : model.getTokenString(token)
}
