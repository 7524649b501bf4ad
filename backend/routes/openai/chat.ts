/** `POST /v1/chat/completions`: a conversation answered from the documents, as OpenAI's clients ask for it. */
import type { Static } from '@sinclair/typebox'
import { Elysia } from 'elysia'
import { loadTokenizer } from '../../../embedding/tokenizer.ts'
import { describe } from '../../../http/describe.ts'
import { explain } from '../../../http/error-response.ts'
import type { StreamPart } from '../../../http/event-stream.ts'
import { jsonBody } from '../../../http/json-body.ts'
import { type ChatHead, chatCompletion, chatHead, chunkWriter } from '../../../http/openai/chat.ts'
import { OpenAiErrorShape, openAiBody, unknownModel } from '../../../http/openai/errors.ts'
import { textMessages } from '../../../http/openai/messages.ts'
import { invalid, RequestRefused } from '../../../http/refusal.ts'
import { NoQuery } from '../../../http/shapes.ts'
import type { Answer, AnswerEvent, AskRequest, Message } from '../../answer/types.ts'
import { footnoteMarkers, footnotes } from '../../footnotes.ts'
import { ChatBody, ChatShape } from '../../http/openai-shapes.ts'
import { refusalMeant } from '../../http/refusals.ts'
import { mostQuestion } from '../../http/shapes.ts'
import { modelChoice, modelName } from '../../model-name.ts'
import { UnknownCollection } from '../../retrieve/retrieve.ts'
import type { Backend } from '../backend.ts'

const defaultPassages = 5
/** As many as `POST /api/ask` takes. */
const mostHistory = 20
const systemNote = 'Messages of system and developer were not used: how an answer is written is Mentor’s own.'

/** A long conversation, escaped as JSON at worst; a schema in a field that is refused may be deep. */
const limits = { maxBytes: 2 * 1024 * 1024, maxDepth: 32 }

const about = describe({
  tag: "OpenAI's protocol",
  summary: 'Answer a conversation from the documents',
  description:
    'With `stream: true` server-sent events of `chat.completion.chunk`, each with whole, checked sentences, until ' +
    '`[DONE]`; comments say every 5 s that it is still there. `citations` stands beside `content`, and in the delta of ' +
    'the last chunk, as in `POST /api/ask`. An event with `error`, without a `[DONE]`, means that the answer broke off.',
  gives: { 200: { says: 'The answer', shape: ChatShape, types: ['application/json', 'text/event-stream'] } },
  refuses: [400, 404, 408, 413, 415, 502, 503],
  errors: OpenAiErrorShape,
})

export function openAiChatRoute(backend: Backend) {
  const { answering, log } = backend
  return new Elysia().post(
    '/v1/chat/completions',
    async ({ body, request }) => {
      const asked = askedOf(body, backend)
      try {
        if (body.stream !== true) {
          return completion(backend, asked, await answering.whole(request, asked.ask))
        }
        return await answering.stream(request, asked.ask, (events) => chunks(backend, asked, events, log))
      } catch (error) {
        if (error instanceof UnknownCollection) throw unknownModel(modelName)
        throw error
      }
    },
    { ...jsonBody(ChatBody, limits), query: NoQuery, ...about },
  )
}

interface Asked {
  head: ChatHead
  ask: AskRequest
  footnotes: boolean
  withUsage: boolean
  notes: string[]
}

/** @throws RequestRefused 404 for a model that is none of ours, 422 for a conversation without a question */
function askedOf(body: Static<typeof ChatBody>, { services }: Backend): Asked {
  const choice = modelChoice(body.model)
  if (choice === null) throw unknownModel(modelName)
  const messages = textMessages(body.messages)
  const { maxNewTokens, temperature, topP } = services.ladder.settings
  return {
    head: chatHead(body.model),
    ask: {
      ...choice,
      question: questionOf(messages),
      history: messages
        .slice(0, -1)
        .filter(({ role }) => role !== 'system')
        .slice(-mostHistory),
      passages: body.mentor?.passages ?? defaultPassages,
      maxTokens: body.max_completion_tokens ?? body.max_tokens ?? maxNewTokens,
      temperature: body.temperature ?? temperature,
      topP: body.top_p ?? topP,
    },
    footnotes: body.mentor?.footnotes === true,
    withUsage: body.stream_options?.include_usage === true,
    notes: messages.some(({ role }) => role === 'system') ? [systemNote] : [],
  }
}

function questionOf(messages: Message[]): string {
  const last = messages.length - 1
  const { role, content } = messages[last] ?? { role: 'system', content: '' }
  const path = `messages/${last}`
  if (role !== 'user') throw invalid([{ path: `${path}/role`, problem: 'must be user: the last one asks' }])
  if (content.trim() === '') throw invalid([{ path: `${path}/content`, problem: 'must not be blank' }])
  if (content.length > mostQuestion) {
    const problem = `must have at most ${mostQuestion} characters: it is what is searched for`
    throw invalid([{ path: `${path}/content`, problem }])
  }
  return content
}

async function completion(backend: Backend, { head, ask, footnotes: wanted, notes }: Asked, answer: Answer) {
  const content = wanted ? footnoteMarkers(answer.answer) + footnotes(answer.citations) : answer.answer
  const { usage, additions } = await endOf(backend, ask, answer, notes)
  return {
    ...chatCompletion(head, {
      message: { content, citations: answer.citations },
      finishReason: finishReason(ask, answer),
      usage,
    }),
    mentor: additions,
  }
}

async function* chunks(
  backend: Backend,
  { head, ask, footnotes: wanted, withUsage, notes }: Asked,
  events: AsyncIterable<AnswerEvent>,
  log: (line: string) => void,
): AsyncGenerator<StreamPart> {
  const { begin, chunk, usage } = chunkWriter(head, withUsage)
  try {
    yield begin()
    for await (const event of events) {
      if (event.type === 'text') {
        yield chunk({ content: wanted ? footnoteMarkers(event.text) : event.text })
      } else if (event.type === 'error') {
        throw new RequestRefused(502, event.code, event.message)
      } else if (event.type === 'answer') {
        const { answer } = event
        const below = wanted ? footnotes(answer.citations) : ''
        if (below !== '') yield chunk({ content: below })
        const end = await endOf(backend, ask, answer, notes)
        yield {
          ...chunk({ citations: answer.citations }, finishReason(ask, answer)),
          mentor: end.additions,
        }
        if (withUsage) yield usage(end.usage)
      }
    }
    yield '[DONE]'
  } catch (error) {
    yield openAiBody(explain(error, log, refusalMeant))
  }
}

/** A model that wrote as much as it was allowed to was most likely cut off. */
function finishReason(ask: AskRequest, { usage }: Answer): 'stop' | 'length' {
  return (usage.completionTokens ?? 0) >= ask.maxTokens ? 'length' : 'stop'
}

/** What follows the text: the tokens, and what Mentor says beside OpenAI's fields. */
async function endOf({ services }: Backend, ask: AskRequest, answer: Answer, notes: string[]) {
  const { promptTokens, completionTokens } = answer.usage
  const known = promptTokens !== null && completionTokens !== null
  const [prompt, written] = known
    ? [promptTokens, completionTokens]
    : await wordPieces(services, [
        [...ask.history.map(({ content }) => content), ask.question].join('\n'),
        answer.answer,
      ])
  return {
    usage: { prompt_tokens: prompt, completion_tokens: written, total_tokens: prompt + written },
    additions: {
      rung: answer.rung,
      model: answer.model,
      abstained: answer.abstained,
      notes: [...notes, ...answer.notes],
      usage_counted_by: known ? ('model' as const) : ('embedding-model' as const),
    },
  }
}

async function wordPieces(
  { embedder }: Backend['services'],
  [prompt, written]: [string, string],
): Promise<[number, number]> {
  const tokenizer = await loadTokenizer(embedder.model)
  return [tokenizer.count(prompt), tokenizer.count(written)]
}
