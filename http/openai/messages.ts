/** Messages of OpenAI's protocol as texts with a role. */
import { invalid, type Problem } from '../refusal.ts'

/** As sent: `developer` is `system`, and a text may come in parts. */
export interface SentMessage {
  role: 'system' | 'developer' | 'user' | 'assistant'
  content: string | { type: string }[]
}

export interface TextMessage {
  role: 'system' | 'user' | 'assistant'
  content: string
}

/** @throws RequestRefused 422 for parts that are no text */
export function textMessages(sent: SentMessage[]): TextMessage[] {
  const problems: Problem[] = []
  const messages = sent.map(({ role, content }, i): TextMessage => {
    const text = typeof content === 'string' ? content : textOf(content, `messages/${i}/content`, problems)
    return { role: role === 'developer' ? 'system' : role, content: text }
  })
  if (problems.length > 0) throw invalid(problems.slice(0, 8))
  return messages
}

function textOf(parts: { type: string }[], path: string, problems: Problem[]): string {
  const texts: string[] = []
  for (const [i, part] of parts.entries()) {
    const problem = (words: string) => problems.push({ path: `${path}/${i}`, problem: words })
    const others = Object.keys(part).filter((key) => key !== 'type' && key !== 'text')
    if (part.type !== 'text') problem(`must be a text part: this model reads no ${kindOf(part.type)}`)
    else if (!('text' in part) || typeof part.text !== 'string') problem('must have a text')
    else if (others.length > 0) problem('must have a type and a text, and nothing else')
    else texts.push(part.text)
  }
  return texts.join('\n')
}

function kindOf(type: string): string {
  if (/image|video/.test(type)) return 'images'
  return type.includes('audio') ? 'audio' : 'other parts'
}
