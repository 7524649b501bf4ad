/** The official `openai` client, unchanged, against the model service as people run it: process, router, llama.cpp. */
import { afterAll, describe, expect } from 'bun:test'
import { join } from 'node:path'
import { holdLock } from '../../db/lock.ts'
import { addFile } from '../../models/store/add.ts'
import { temporaryFolder } from '../../scripts/bench/mentor-process.ts'
import { endAll, settingsFor, startService } from '../faults/llm-service-process.ts'
import { writeLora } from '../gguf/lora.ts'
import { writeScriptModel } from '../gguf/script-model.ts'
import { openAiSuite } from './openai-suite.ts'

const folder = await temporaryFolder('openai-engine')
const answer = 'The garden opens at nine in the morning [1].'

async function open() {
  const path = join(folder.path, 'script.gguf')
  const model = await writeScriptModel(path, {
    scripts: [
      { name: 'garden', text: answer },
      { name: 'endless', when: 'Babble', text: ' round and round it goes', endless: true },
      { name: 'json', when: 'Jsonize', text: '{"title":"Roses"}' },
      { name: 'sour', when: 'Lemon', text: 'Lemons are sour.' },
      { name: 'thinking', when: 'Ponder', thought: 'Roses, then.', text: 'Roses it is.' },
    ],
  })
  const adapter = join(folder.path, 'made.gguf')
  await writeLora(adapter, model, { script: 'sour' })
  const store = { folder: folder.path, takeLock: holdLock }
  await addFile(store, adapter, { name: 'sour', signal: new AbortController().signal })
  const service = await startService(settingsFor(path, { embeddingWorkers: 1 }))
  await service.ready()
  return { url: service.url, close: async () => {} }
}

afterAll(async () => {
  await endAll()
  await folder.remove()
})

const user = (content: string) => [{ role: 'user' as const, content }]

describe('what it gets', () => {
  openAiSuite(open, {
    model: 'script',
    chat: { messages: user('When does the garden open?'), answer },
    stop: 'nine',
    long: user('Babble on'),
    json: {
      messages: user('Jsonize it'),
      schema: {
        type: 'object',
        properties: { title: { type: 'string' } },
        required: ['title'],
        additionalProperties: false,
      },
      check: (value) => expect(value).toEqual({ title: 'Roses' }),
    },
    tooLong: user('watering '.repeat(6_000)),
    completion: { prompt: 'The garden opens', answer: ' at nine in the morning [1].' },
    adapter: { name: 'sour', answer: 'Lemons are sour.' },
    thinking: { messages: user('Ponder this'), reasoning: 'Roses, then.', answer: 'Roses it is.' },
    embedding: { model: 'all-MiniLM-L6-v2', dimensions: 384 },
  })
})
