/**
 * A question's way to its answer, top to bottom: find passages, weigh what they say, abstain when that is too little,
 * else climb down the ladder and show each sentence once its citations are checked.
 */
import { randomUUID } from 'node:crypto'
import { counts } from '../../db/documents.ts'
import { DatabaseUnavailable } from '../../db/errors.ts'
import type { RetrievalServices } from '../retrieve/retrieve.ts'
import { chooseQuotes } from './3-context-only.ts'
import { type Draft, openDraft } from './citations.ts'
import type { Evidence } from './evidence.ts'
import { AnswerBrokeOff, AnswerUnusable } from './failures.ts'
import { type Found, findEvidence } from './find.ts'
import type { Ladder } from './ladder.ts'
import { NOT_IN_DOCUMENTS } from './prompt.ts'
import { completeSentences, withoutOpenMarker } from './spoken.ts'
import type { Answer, AnswerEvent, AskRequest, LadderStep, RungChunk, RungName } from './types.ts'

export type AnswerServices = RetrievalServices & { ladder: Ladder }

/** One question being answered. */
interface Run {
  services: AnswerServices
  request: AskRequest
  found: Found
  signal: AbortSignal
  /** When the question came, on the clock of `performance.now()`. */
  began: number
  steps: LadderStep[]
  rung: RungName
  draft: Draft
  model: string | null
  usage: Answer['usage']
  firstText: number | null
  /** A model read the passages and said that they do not hold the answer. */
  declined: boolean
}

/**
 * The events of one answer: the passages, text in whole checked sentences, the answer. After a rung's first text only
 * that rung's text and the answer follow, or an error event.
 * @throws RungUnavailable before the first event when a named rung cannot answer; UnknownCollection; the errors of
 *   `db/errors.ts`; the signal's reason.
 */
export async function* answerQuestion(
  services: AnswerServices,
  request: AskRequest,
  signal: AbortSignal,
): AsyncGenerator<AnswerEvent> {
  const began = performance.now()
  if (request.rung !== 'auto') await services.ladder.require(request.rung)
  const found = await inSearchTime(services, (within) => findEvidence(services, request, within), signal)
  const run = openRun(services, request, found, signal, began)
  const passages: AnswerEvent = { type: 'passages', passages: found.passages }
  if (found.evidence.margin < 0) {
    skipAll(run, 'too little evidence in the documents')
    yield passages
    return yield* abstain(run)
  }
  // A named rung may still prove unavailable, and that has to be said before any event.
  let opened = request.rung === 'auto'
  if (opened) yield passages
  try {
    const climb = {
      rung: request.rung,
      request: { ...request, passages: found.passages, evidence: found.evidence },
      began,
      signal,
      steps: run.steps,
    }
    for await (const event of services.ladder.climb(climb, (rung, chunks) => write(run, rung, chunks))) {
      if (!opened) yield passages
      opened = true
      yield event
    }
  } catch (error) {
    if (!(error instanceof AnswerBrokeOff)) throw error
    const message = `The model stopped in the middle of its answer: ${error.reason}. Ask again.`
    return yield { type: 'error', code: error.code, message }
  }
  if (!opened) yield passages
  if (run.declined) yield* abstain(run)
  else yield { type: 'answer', answer: answerOf(run, false) }
}

/** Searching takes milliseconds; a database that says nothing for so long hangs, and is not waited for. */
const searchMs = 10_000

/**
 * Neither an embedded database nor one whose machine has stopped can be told to give up a query: the question ends
 * here, whatever becomes of it. @throws DatabaseUnavailable after `searchMs`, or the answer's whole time if that is less
 */
async function inSearchTime<T>(
  { ladder, db }: AnswerServices,
  search: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const ms = Math.min(searchMs, ladder.settings.totalMs)
  const late = new AbortController()
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    const error = new DatabaseUnavailable(
      `The database (${db.where}) said nothing for ${ms / 1000} s. Try again.`,
    )
    late.abort(error)
    reject(error)
  }, ms)
  try {
    const found = search(AbortSignal.any([signal, late.signal]))
    found.catch(() => undefined) // when it fails after its time, nobody listens any more
    return await Promise.race([found, promise])
  } finally {
    clearTimeout(timer)
  }
}

function openRun(
  services: AnswerServices,
  request: AskRequest,
  found: Found,
  signal: AbortSignal,
  began: number,
): Run {
  return {
    services,
    request,
    found,
    signal,
    began,
    steps: [],
    rung: 'context-only',
    draft: emptyDraft(services, request, found, signal),
    model: null,
    usage: { promptTokens: null, completionTokens: null },
    firstText: null,
    declined: false,
  }
}

function emptyDraft(services: AnswerServices, request: AskRequest, found: Found, signal: AbortSignal): Draft {
  const { passages, evidence } = found
  return openDraft({ question: request.question, passages, evidence, embedder: services.embedder, signal })
}

/**
 * Writes one rung's chunks down.
 * @throws AnswerUnusable when a model's whole answer rests on nothing in the passages; nothing of it was shown then
 */
async function* write(
  run: Run,
  rung: RungName,
  chunks: AsyncIterable<RungChunk>,
): AsyncGenerator<AnswerEvent> {
  const draft = emptyDraft(run.services, run.request, run.found, run.signal)
  Object.assign(run, { rung, draft, model: null, usage: { promptTokens: null, completionTokens: null } })
  let unfinished = ''
  for await (const { text = '', quote, model, usage } of chunks) {
    if (model) run.model = model
    if (usage) run.usage = usage
    if (quote) yield* shown(run, draft.quote(quote))
    const { pieces, rest } = completeSentences(unfinished + text)
    unfinished = rest
    for (const piece of pieces) {
      if (declines(run, piece)) return
      yield* shown(run, await draft.speak(piece))
    }
  }
  if (declines(run, unfinished)) return
  const last = withoutOpenMarker(unfinished.trimEnd())
  if (last.trim() !== '') yield* shown(run, await draft.speak(last))
  if (draft.text === '') throw new AnswerUnusable('nothing that it wrote rests on the passages')
}

function declines(run: Run, piece: string): boolean {
  if (run.draft.text !== '' || !piece.includes(NOT_IN_DOCUMENTS)) return false
  run.declined = true
  return true
}

function* shown(run: Run, text: string): Generator<AnswerEvent> {
  if (text === '') return
  run.firstText ??= performance.now() - run.began
  yield { type: 'text', text }
}

function skipAll(run: Run, reason: string): void {
  const passed: RungName[] = run.request.rung === 'auto' ? ['llm-service', 'local-model'] : [run.request.rung]
  for (const rung of passed.filter((name) => name !== 'context-only'))
    run.steps.push({ rung, outcome: 'skipped', reason, ms: 0, prompt: null })
}

/** Says that the documents do not answer this, and quotes what comes nearest. */
async function* abstain(run: Run): AsyncGenerator<AnswerEvent> {
  const began = performance.now()
  const { services, request, found, signal } = run
  const declined = run.steps.at(-1)
  if (run.declined && declined) declined.reason = 'found no answer in the passages'
  const draft = emptyDraft(services, request, found, signal)
  const quotes = chooseQuotes(found.evidence)
  const nearest = quotes.length > 0 ? nearestTo(found.evidence) : await nothing(services)
  Object.assign(run, { rung: 'context-only', draft, model: null })
  yield* shown(run, draft.say(nearest))
  for (const quote of quotes) yield* shown(run, draft.quote(quote))
  run.steps.push({
    rung: 'context-only',
    outcome: 'answered',
    reason: 'too little evidence',
    ms: Math.round(performance.now() - began),
    prompt: null,
  })
  yield { type: 'answer', answer: answerOf(run, true) }
}

function nearestTo({ unknown }: Evidence): string {
  const reason = unknown.length > 0 ? ` ${nowhere(unknown)}.` : ''
  return `I found no answer to this in the documents.${reason} The nearest they come:`
}

function nowhere(names: string[]): string {
  const quoted = names.map((name) => `“${name}”`)
  return `${quoted.join(', ')} ${names.length === 1 ? 'occurs' : 'occur'} nowhere in the documents`
}

/** Nothing was found; where nothing is stored, saying that the documents were searched would mislead. */
async function nothing({ db }: AnswerServices): Promise<string> {
  const { documents } = await counts(db)
  if (documents > 0) return 'I found nothing about this in the documents.'
  return 'No documents are stored yet. Add some: drop files on the page, or run ./mentor ingest PATH.'
}

function answerOf(run: Run, abstained: boolean): Answer {
  const { draft, found, steps, rung, model, usage, firstText, began } = run
  return {
    id: randomUUID(),
    answer: draft.text,
    abstained,
    citations: draft.citations,
    rung,
    model,
    ladder: steps,
    passages: found.passages,
    timings: { ...found.timings, firstText, total: performance.now() - began },
    usage,
    notes: [
      ...found.notes,
      ...promptNote(steps),
      ...unknownNote(found.evidence, abstained),
      ...droppedNote(draft.dropped),
    ],
  }
}

/** What the model that answered was not given. */
function promptNote(steps: LadderStep[]): string[] {
  const note = steps.find(({ outcome, prompt }) => outcome === 'answered' && prompt !== null)?.prompt?.note
  return note ? [note] : []
}

/** An answer that passes over a name of the question says so; an abstention has said it already. */
function unknownNote({ unknown }: Evidence, abstained: boolean): string[] {
  return abstained || unknown.length === 0 ? [] : [`${nowhere(unknown)}.`]
}

function droppedNote(dropped: number): string[] {
  if (dropped === 0) return []
  return [
    `${dropped} ${dropped === 1 ? 'citation' : 'citations'} of the model did not hold and ${dropped === 1 ? 'was' : 'were'} dropped.`,
  ]
}
