/** One question as a client asks it, streamed or not, perhaps hanging up in the middle; and what came of it, checked. */
import type { Answer, RungName } from '../../backend/answer/types.ts'
import { readEvents, type StreamEvent } from '../../scripts/api.ts'
import { type ModelRung, modelOf, notSaidBy } from './ladder-mentor.ts'

export interface Asked {
  question: string
  stream: boolean
  rung: 'auto' | RungName
  maxTokens: number
  /** Milliseconds after which the client hangs up; null: it stays. */
  leaveAfter: number | null
}

export type Outcome = { ms: number; asked: Asked } /** `passed`: why the rungs before it did not. */ & (
  | { kind: 'answer'; rung: RungName; passed: string[] }
  /** It says what happened: a status with a code, or an error event. `shown`: text was there before. */
  | { kind: 'error'; code: string; message: string; shown: boolean }
  | { kind: 'left' }
  /** What must never be. */
  | { kind: 'wrong'; what: string }
)

/** @param patienceMs after which it counts as hung */
export async function ask(url: string, asked: Asked, patienceMs: number): Promise<Outcome> {
  const began = performance.now()
  const hungUp = new AbortController()
  const leave =
    asked.leaveAfter === null ? undefined : setTimeout(() => hungUp.abort('left'), asked.leaveAfter)
  const hung = setTimeout(() => hungUp.abort('hung'), patienceMs)
  const since = () => ({ ms: performance.now() - began, asked })
  try {
    const response = await fetch(`${url}/api/ask`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        question: asked.question,
        stream: asked.stream,
        rung: asked.rung,
        max_tokens: asked.maxTokens,
      }),
      signal: hungUp.signal,
      // A connection kept for later would count as one left over.
      keepalive: false,
    })
    const came = response.ok && asked.stream ? await streamed(response) : await wholly(response)
    return { ...came, ...since() }
  } catch (error) {
    if (hungUp.signal.reason === 'left') return { kind: 'left', ...since() }
    const what = hungUp.signal.reason === 'hung' ? 'it hung' : `the connection failed: ${error}`
    return { kind: 'wrong', what, ...since() }
  } finally {
    clearTimeout(leave)
    clearTimeout(hung)
  }
}

type Came =
  | { kind: 'answer'; rung: RungName; passed: string[] }
  | { kind: 'error'; code: string; message: string; shown: boolean }
  | Wrong
interface Wrong {
  kind: 'wrong'
  what: string
}
const wrong = (what: string): Wrong => ({ kind: 'wrong', what })

async function wholly(response: Response): Promise<Came> {
  const body = (await response.json()) as Answer & { error?: { code?: string; message?: string } }
  if (response.ok) return checked(body)
  const { code, message } = body.error ?? {}
  if (code === undefined || !message) return wrong(`${response.status} without a code and a message`)
  if (response.status === 500) return wrong(`500 ${code}`)
  return { kind: 'error', code: `${response.status} ${code}`, message, shown: false }
}

async function streamed(response: Response): Promise<Came> {
  const events: (StreamEvent & { code?: unknown })[] = []
  for await (const event of readEvents(response)) events.push(event)
  const text = events.map(({ type, delta }) => (type === 'text-delta' ? String(delta) : '')).join('')
  const types = events.map(({ type }) => type)
  const ends = types.filter((type) => type === 'data-answer' || type === 'error')
  if (ends.length !== 1 || types.at(-1) !== 'finish' || types.at(-2) !== ends[0])
    return wrong(`the stream ended with ${types.slice(-4).join(', ')}`)
  const last = events.at(-2)
  if (last?.type === 'data-answer') {
    const answer = last.data as Answer
    return answer.answer === text ? checked(answer) : wrong(`${JSON.stringify(text)} is not ${answer.answer}`)
  }
  if (!last?.errorText || typeof last.code !== 'string') return wrong('an error without words or code')
  if (last.code === 'internal_error') return wrong(`500 in the stream: ${last.errorText}`)
  const strangers = text === '' ? [] : rungs.map((rung) => notSaidBy(rung, text, false))
  if (strangers.length > 0 && !strangers.includes(null)) return wrong(strangers.join(' / '))
  return { kind: 'error', code: last.code, message: String(last.errorText), shown: text !== '' }
}

const rungs: ModelRung[] = ['llm-service', 'local-model']

/** That one rung wrote all of it, and that the steps say the same. */
function checked({ answer, rung, model, ladder, citations }: Answer): Came {
  const steps = ladder.map((step) => `${step.rung} ${step.outcome}`)
  if (steps.filter((step) => step.endsWith(' answered')).join() !== `${rung} answered`)
    return wrong(`${rung} answered, and the steps say ${steps.join(', ')}`)
  if (ladder.some(({ outcome, reason }) => outcome !== 'answered' && !reason))
    return wrong(`a rung was passed over without a reason: ${steps.join(', ')}`)
  if (citations.length === 0) return wrong(`an answer without a citation: ${answer}`)
  const passed = ladder.flatMap((step) =>
    step.reason === null ? [] : [`${step.rung} ${step.outcome}: ${step.reason}`],
  )
  if (rung === 'context-only') {
    const quotes = citations.map(({ quote, number }) => `${quote} [${number}]`).join('\n\n')
    return answer === quotes && model === null
      ? { kind: 'answer', rung, passed }
      : wrong(`not quoted: ${answer}`)
  }
  if (model !== modelOf(rung)) return wrong(`${rung} answered with ${model}`)
  const stranger = notSaidBy(rung, answer, true)
  return stranger === null ? { kind: 'answer', rung, passed } : wrong(stranger)
}

/** How often each thing happened, most often first. */
export function tally(names: string[]): string[] {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts].toSorted((a, b) => b[1] - a[1]).map(([name, count]) => `${name} ${count}`)
}
