/** Every route's way to an answer: so many at once, counted, and given up when the client is gone. */
import { eventStream, type StreamPart } from '../http/event-stream.ts'
import type { Gate } from '../http/gate.ts'
import { RequestRefused } from '../http/refusal.ts'
import { type AnswerServices, answerQuestion } from './answer/answer.ts'
import type { Answer, AnswerEvent, AskRequest } from './answer/types.ts'
import type { AnswerFigures } from './answer-figures.ts'

export interface AnsweringParts {
  services: AnswerServices
  /** Enough for every rung to be busy; more would wait for longer than anybody waits. */
  gate: Gate
  figures: AnswerFigures
  keepOpen: (request: Request) => void
}

export interface Answering {
  /** @throws RequestRefused 503 or 502; what `answerQuestion` throws */
  whole(request: Request, ask: AskRequest): Promise<Answer>
  /**
   * A refusal has its own status until the first event; what comes later must become a part.
   * @throws as `whole`
   */
  stream(
    request: Request,
    ask: AskRequest,
    parts: (events: AsyncGenerator<AnswerEvent>) => AsyncGenerator<StreamPart>,
    headers?: Record<string, string>,
  ): Promise<Response>
  /** The events themselves, for what is no HTTP response; they must be read to their end or `return`ed. */
  events(ask: AskRequest, signal: AbortSignal): AsyncGenerator<AnswerEvent>
}

export function openAnswering({ services, gate, figures, keepOpen }: AnsweringParts): Answering {
  async function* events(ask: AskRequest, signal: AbortSignal): AsyncGenerator<AnswerEvent> {
    const leave = gate.enter()
    const began = performance.now()
    let answer: Answer | null = null
    let failed = false
    try {
      for await (const event of answerQuestion(services, ask, signal)) {
        if (event.type === 'answer') answer = event.answer
        if (event.type === 'error') failed = true
        yield event
      }
    } catch (error) {
      failed = !signal.aborted
      throw error
    } finally {
      leave()
      figures.count({
        rung: answer?.rung ?? null,
        failed,
        promptTokens: answer?.usage.promptTokens ?? 0,
        completionTokens: answer?.usage.completionTokens ?? 0,
        milliseconds: performance.now() - began,
      })
    }
  }

  return {
    events,
    async whole(request, ask) {
      keepOpen(request)
      for await (const event of events(ask, request.signal)) {
        if (event.type === 'answer') return event.answer
        if (event.type === 'error') throw new RequestRefused(502, event.code, event.message)
      }
      throw new Error('The answer ended without an answer or an error.')
    },
    async stream(request, ask, parts, headers = {}) {
      keepOpen(request)
      const stop = new AbortController()
      const all = events(ask, AbortSignal.any([request.signal, stop.signal]))
      const begun = await afterFirst(all)
      return eventStream(parts(begun), headers, request.signal, () => {
        stop.abort()
        // A reader that leaves before it read anything never entered `parts`: nobody else would end this.
        all.return(undefined).catch(ignoreAbort)
      })
    },
  }
}

/** The abort comes back out of the generator as its error: it has been dealt with. */
function ignoreAbort(): void {}

/** Waits for the first event: until then a refusal still has its own status. */
async function afterFirst(events: AsyncGenerator<AnswerEvent>): Promise<AsyncGenerator<AnswerEvent>> {
  const first = await events.next()
  return (async function* () {
    if (first.done) return
    yield first.value
    yield* events
  })()
}
