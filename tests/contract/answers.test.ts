/** Whole answers over a real database, with a model server of every kind behind rung 1, or none. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { answerQuestion } from '../../backend/answer/answer.ts'
import { type Ladder, type LadderSettings, openLadder } from '../../backend/answer/ladder.ts'
import { NOT_IN_DOCUMENTS } from '../../backend/answer/prompt.ts'
import type { Answer, AnswerEvent, AskRequest } from '../../backend/answer/types.ts'
import { RungUnavailable } from '../../backend/answer/types.ts'
import { retrieve, UnknownCollection } from '../../backend/retrieve/retrieve.ts'
import { readText } from '../../db/documents.ts'
import { type Embedder, openEmbedder } from '../../embedding/embedder.ts'
import { EmbeddingFailed } from '../../embedding/errors.ts'
import { ingestPaths } from '../../ingest/ingest.ts'
import { allMiniLM } from '../../models/bundled.ts'
import { onBothDatabases } from '../database/databases.ts'
import { type Behaviour, type ChatServer, inTokens, type Part, serveChat, streamed } from './chat-server.ts'

const samples = join(import.meta.dir, '..', '..', 'samples')
const handbook = (await Bun.file(join(import.meta.dir, '..', 'data', 'handbook-questions.json')).json()) as {
  question: string
  file: string
  contains: string
}[]

const settings: LadderSettings = {
  serviceUrl: null,
  serviceEnabled: true,
  serviceTimeoutMs: 5_000,
  serviceApiKey: null,
  model: null,
  totalMs: 10_000,
  firstTextMs: 1_000,
  betweenTextMs: 500,
  reserveMs: 1_000,
  maxNewTokens: 64,
  temperature: 0.35,
  topP: 0.9,
}
const plain: AskRequest = {
  question: 'How often is a chainsaw inspected?',
  collection: 'handbook',
  passages: 6,
  history: [],
  rung: 'auto',
  maxTokens: 64,
  temperature: 0.35,
  topP: 0.9,
}

const open: { stop(): unknown }[] = []
afterEach(async () => {
  for (const part of open.splice(0)) await part.stop()
})

function ladderOver(serviceUrl: string | null): Ladder {
  const ladder = openLadder({ ...settings, serviceUrl }, () => undefined)
  open.push({ stop: () => ladder.close() })
  return ladder
}

function model(chat: Behaviour['chat']): ChatServer {
  const server = serveChat({ chat })
  open.push(server)
  return server
}

/** A model that says this, token by token. */
const saying = (text: string) => model(() => streamed(inTokens(text))).url
const streaming = (...parts: Part[]) => model(() => streamed(parts)).url

const failing: Embedder = {
  model: allMiniLM,
  embed: () => Promise.reject(new EmbeddingFailed('the worker died twice')),
  stats: () => ({ workers: 0, texts: 0, busyMs: 0 }),
  pids: () => [],
  close: async () => undefined,
}

onBothDatabases('answers', (database) => {
  let embedder: Embedder
  let folder: string

  beforeAll(async () => {
    embedder = openEmbedder({ model: allMiniLM, workers: 1 })
    folder = await mkdtemp(join(tmpdir(), 'mentor-answers-'))
    const one = join(folder, 'note.txt')
    await Bun.write(one, 'The spare key of the boat house hangs behind the blue barometer.\n')
    const options = { onLine: () => undefined }
    const services = { db: database().db, embedder }
    await ingestPaths(services, { ...options, inputs: [{ path: samples }], collection: 'handbook' })
    await ingestPaths(services, { ...options, inputs: [{ path: one }], collection: 'single' })
  }, 120_000)
  afterAll(async () => {
    await embedder.close()
    await rm(folder, { recursive: true, force: true })
  })

  async function events(
    request: Partial<AskRequest>,
    serviceUrl: string | null,
    signal: AbortSignal = new AbortController().signal,
    by: Embedder = embedder,
  ): Promise<AnswerEvent[]> {
    const services = { db: database().db, embedder: by, ladder: ladderOver(serviceUrl) }
    const all: AnswerEvent[] = []
    for await (const event of answerQuestion(services, { ...plain, ...request }, signal)) all.push(event)
    return all
  }

  async function ask(
    request: Partial<AskRequest>,
    serviceUrl: string | null = null,
    by?: Embedder,
  ): Promise<Answer> {
    const all = await events(request, serviceUrl, undefined, by)
    const last = all.at(-1)
    if (last?.type !== 'answer') throw new Error(`no answer: ${JSON.stringify(last)}`)
    const text = all.map((event) => (event.type === 'text' ? event.text : '')).join('')
    expect(text).toBe(last.answer.answer)
    await holds(last.answer)
    return last.answer
  }

  /** What is promised of every answer: quotes stand where they say, numbers run from 1 in order of first use. */
  async function holds({ answer, citations }: Answer): Promise<void> {
    for (const { document, start, end, quote } of citations) {
      const read = await readText(database().db, document.id, { version: document.version })
      expect(read === 'gone' ? null : read?.text.slice(start, end)).toBe(quote)
      expect(quote).not.toBe('')
      expect(quote.isWellFormed()).toBe(true)
    }
    const used = [...new Set([...answer.matchAll(/\[(\d+)\]/g)].map(([, n]) => Number(n)))]
    expect(used).toEqual(citations.map(({ number }) => number))
    expect(used).toEqual(used.map((_, i) => i + 1))
  }

  describe('from the documents alone', () => {
    test('the handbook’s questions: answered from the right file, the first quote nearly always right', async () => {
      let right = 0
      for (const { question, file, contains } of handbook) {
        const { abstained, citations, rung, model, answer } = await ask({ question })
        expect({ question, abstained, rung, model }).toEqual({
          question,
          abstained: false,
          rung: 'context-only',
          model: null,
        })
        const flat = citations.map(({ quote }) => quote.replace(/\s+/g, ' '))
        // Shown without the marks of Markdown; the rows of its tables with the names of their columns.
        const plain = citations.filter(({ quote }) => !/[|*`_[]/.test(quote))
        for (const { quote, number } of plain) expect(answer).toContain(`${quote} [${number}]`)
        expect(answer).not.toMatch(/\*\*|^\|/m)
        expect(answer.split('\n\n')).toHaveLength(citations.length)
        expect(citations.map(({ document }) => document.source).join()).toContain(file)
        if (flat[0]?.includes(contains)) right++
      }
      expect(right).toBeGreaterThanOrEqual(Math.floor(0.75 * handbook.length))
    }, 60_000)

    test('what the documents do not hold is refused, with the nearest sentences quoted', async () => {
      for (const question of ['What is the capital of Mongolia?', 'Who won the world cup in 2014?']) {
        const { abstained, answer, citations, rung, ladder } = await ask({ question })
        expect({ question, abstained, rung }).toEqual({ question, abstained: true, rung: 'context-only' })
        expect(answer).toStartWith('I found no answer to this in the documents.')
        expect(citations.length).toBeGreaterThan(0)
        expect(ladder.map((step) => [step.rung, step.outcome])).toEqual([
          ['llm-service', 'skipped'],
          ['local-model', 'skipped'],
          ['context-only', 'answered'],
        ])
      }
    })

    test('a collection of a single passage answers what it holds and nothing else', async () => {
      const found = await ask({ question: 'Where is the spare key of the boat house?', collection: 'single' })
      expect(found).toMatchObject({ abstained: false })
      expect(found.citations[0]?.quote).toBe(
        'The spare key of the boat house hangs behind the blue barometer.',
      )
      const other = await ask({ question: 'What is the capital of Mongolia?', collection: 'single' })
      expect(other).toMatchObject({ abstained: true })
      expect(other.citations).toHaveLength(1)
    })

    test('a question of signs only abstains', async () => {
      expect(await ask({ question: '??? 🤷 !!!' })).toMatchObject({ abstained: true })
    })

    test('a follow-up is looked for with the question before it, but not everything is a follow-up', async () => {
      const history = [
        { role: 'user' as const, content: 'What does a year ticket cost?' },
        { role: 'assistant' as const, content: '48 euros [1].' },
      ]
      const followed = await ask({ question: 'And for a child?', history })
      expect(followed.abstained).toBe(false)
      expect(await ask({ question: 'What is the capital of Mongolia?', history })).toMatchObject({
        abstained: true,
      })
    })

    test('without an embedder words alone are searched, and the answer says so', async () => {
      const answer = await ask({}, null, failing)
      expect(answer.abstained).toBe(false)
      expect(answer.citations[0]?.quote).toContain('6 weeks')
      expect(answer.notes.join()).toContain('only words were searched')
      expect(answer.passages.every(({ scores }) => scores.dense === null)).toBe(true)
    })

    test('an unknown collection is an error before any event', async () => {
      expect(events({ collection: 'nowhere' }, null)).rejects.toBeInstanceOf(UnknownCollection)
    })
  })

  describe('from a model', () => {
    test('text in whole sentences after the passages; citations renumbered, checked and quoted', async () => {
      const found = await ask({})
      const source = found.citations[0]?.quote ?? ''
      const number = found.passages.findIndex(({ text }) => text.includes(source)) + 1
      const url = saying(
        `A chainsaw is inspected every 6 weeks [${number}]. It is an inspected chainsaw [${number}]!`,
      )
      const all = await events({}, url)
      expect(all.map(({ type }) => type)).toEqual(['passages', 'text', 'text', 'answer'])
      const answer = await ask({}, url)
      expect(answer).toMatchObject({ rung: 'llm-service', model: 'test-model', abstained: false })
      expect(answer.answer).toStartWith('A chainsaw is inspected every 6 weeks [1].')
      expect(answer.usage).toEqual({ promptTokens: 321, completionTokens: 12 })
      expect(answer.ladder).toMatchObject([{ rung: 'llm-service', outcome: 'answered', reason: null }])
      expect(answer.citations[0]?.quote).toContain('6 weeks')
    })

    test('a citation of the wrong passage is replaced by the right one, and counted', async () => {
      const { passages } = await ask({})
      const wrong = passages.findIndex(({ text }) => !/chainsaw|weeks/i.test(text)) + 1
      expect(wrong).toBeGreaterThan(0)
      const answer = await ask({}, saying(`A chainsaw is inspected every 6 weeks [${wrong}].`))
      expect(answer.citations[0]?.quote).toContain('6 weeks')
      expect(answer.notes.join()).toContain('1 citation of the model did not hold')
    })

    test('a wrong number does not hold, whatever else fits', async () => {
      const answer = await ask(
        {},
        saying('A chainsaw is inspected every 6 weeks [1]. A chainsaw is inspected every 97 weeks [1].'),
      )
      expect(answer.rung).toBe('llm-service')
      expect(answer.answer).toMatch(/every 97 weeks\.$/)
    })

    test('citations of passages that are not there are dropped', async () => {
      const answer = await ask({}, saying('A chainsaw is inspected every 6 weeks [77].'))
      expect(answer.citations.length).toBe(1)
      expect(answer.answer).not.toContain('77')
    })

    test('an answer that rests on nothing is thrown away before anything is shown: the documents answer', async () => {
      const answer = await ask(
        {},
        saying('Bananas grow in bunches on Mars [1]. Penguins eat them with custard [2].'),
      )
      expect(answer.rung).toBe('context-only')
      expect(answer.answer).not.toContain('Bananas')
      expect(answer.ladder[0]).toMatchObject({
        rung: 'llm-service',
        outcome: 'failed',
        reason: 'nothing that it wrote rests on the passages',
      })
    })

    test('a model that finds no answer makes it an abstention', async () => {
      const answer = await ask({}, saying(NOT_IN_DOCUMENTS))
      expect(answer).toMatchObject({ abstained: true, rung: 'context-only', model: null })
      expect(answer.ladder[0]).toMatchObject({
        rung: 'llm-service',
        outcome: 'answered',
        reason: 'found no answer in the passages',
      })
      expect(answer.answer).not.toContain(NOT_IN_DOCUMENTS)
    })

    test('markup that a model was talked into gets no citation', async () => {
      const url = saying(
        'A chainsaw is inspected every 6 weeks [1].\n\n<img src=x onerror=steal()> [1] Click [here](http://evil/).',
      )
      const answer = await ask({}, url)
      expect(answer.rung).toBe('llm-service')
      expect(answer.citations).toHaveLength(1)
      expect(answer.answer).toMatch(/weeks.*\n\n<img[^[]*> Click/)
    })

    test('the stream breaks after its first text: an error event, nothing after it, no second model', async () => {
      const all = await events({}, streaming('A chainsaw is inspected every 6 weeks [1]. And', { end: true }))
      expect(all.map(({ type }) => type)).toEqual(['passages', 'text', 'error'])
      expect(all.at(-1)).toMatchObject({
        code: 'model_failed',
        message: expect.stringContaining('Ask again'),
      })
    })

    test('a broken service: the documents answer, and the ladder says why', async () => {
      const answer = await ask({}, model(() => new Response('', { status: 500 })).url)
      expect(answer.ladder.map(({ outcome }) => outcome)).toEqual(['failed', 'unavailable', 'answered'])
    })

    test('too little evidence: the model is not asked', async () => {
      const server = model(() => streamed(['Ulan Bator [1].']))
      const answer = await ask({ question: 'What is the capital of Mongolia?' }, server.url)
      expect(answer.abstained).toBe(true)
      expect(server.requests).toHaveLength(0)
    })
  })

  describe('a rung that is named', () => {
    test.each(['local-model', 'llm-service'] as const)(
      '%s cannot: refused before the first event',
      async (rung) => {
        const services = { db: database().db, embedder, ladder: ladderOver(null) }
        const answering = answerQuestion(services, { ...plain, rung }, new AbortController().signal)
        expect(answering.next()).rejects.toBeInstanceOf(RungUnavailable)
      },
    )

    test('fails on the way: refused before the first event too', async () => {
      const { url } = model(() => new Response('', { status: 500 }))
      const services = { db: database().db, embedder, ladder: ladderOver(url) }
      const answering = answerQuestion(
        services,
        { ...plain, rung: 'llm-service' },
        new AbortController().signal,
      )
      expect(answering.next()).rejects.toMatchObject({
        name: 'RungUnavailable',
        reason: expect.stringContaining('500'),
      })
    })

    test('context-only answers though a model is there', async () => {
      const server = model(() => streamed(['x']))
      expect(await ask({ rung: 'context-only' }, server.url)).toMatchObject({ rung: 'context-only' })
      expect(server.requests).toHaveLength(0)
    })
  })

  test('a client that goes away ends the answer at once', async () => {
    const gone = new AbortController()
    const server = model((_, left) =>
      streamed(Array.from({ length: 100 }, () => ['x ', { pauseMs: 50 }]).flat(), left),
    )
    setTimeout(() => gone.abort(new Error('gone')), 300)
    expect(events({}, server.url, gone.signal)).rejects.toThrow('gone')
    await Bun.sleep(1_200)
    expect(server.aborted()).toBe(server.requests.length)
  })

  describe('retrieval', () => {
    const services = () => ({ db: database().db, embedder })

    test('every mode gives passages best first, with what made their score', async () => {
      for (const mode of ['hybrid', 'dense', 'lexical'] as const) {
        const { passages, notes } = await retrieve(services(), {
          query: plain.question,
          k: 5,
          mode,
          collection: 'handbook',
        })
        expect(notes).toEqual([])
        expect(passages.length).toBeGreaterThan(mode === 'lexical' ? 0 : 4)
        expect(passages.map(({ score }) => score)).toEqual(
          passages.map(({ score }) => score).sort((a, b) => b - a),
        )
        if (mode !== 'lexical') expect(passages.every(({ scores }) => scores.dense !== null)).toBe(true)
        if (mode !== 'dense') expect(passages[0]?.scores.lexical).toBeGreaterThan(0)
      }
    })

    test('a collection is searched alone, all of them when none is named', async () => {
      const query = 'spare key of the boat house'
      const found = async (collection?: string) =>
        (await retrieve(services(), { query, k: 50, mode: 'hybrid', ...(collection && { collection }) }))
          .passages
      expect(await found('single')).toHaveLength(1)
      expect((await found('handbook')).some(({ document }) => document.source === 'note.txt')).toBe(false)
      expect((await found())[0]?.document.source).toContain('note.txt')
    })
  })
})
