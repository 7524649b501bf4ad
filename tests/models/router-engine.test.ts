/** The router over the real engine, with a model that says by heart what each test wants. */

import { afterAll, afterEach, describe, expect, test } from 'bun:test'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { usualPatience } from '../../llm-service/router/hang-watch.ts'
import { usualCommand } from '../../llm-service/router/worker-process.ts'
import type { GenerateRequest, ServiceEvent } from '../../llm-service/types.ts'
import { temporaryFolder } from '../../scripts/bench/mentor-process.ts'
import { writeLora } from '../gguf/lora.ts'
import { writeScriptModel } from '../gguf/script-model.ts'
import {
  allReady,
  engine,
  hear,
  openScripted,
  pidsOf,
  request,
  type Scripted,
  until,
} from './scripted-router.ts'

const folder = await temporaryFolder('router-engine')
const adaptersDir = join(folder.path, 'adapters')
await mkdir(adaptersDir)
const model = await writeScriptModel(join(folder.path, 'script.gguf'), {
  contextLength: 8_192,
  scripts: [
    { name: 'garden', text: 'The garden opens at nine [1].' },
    { name: 'sour', when: 'Lemon', text: 'Lemons are sour.' },
    { name: 'endless', when: 'Babble', text: ' round and round it goes', endless: true },
  ],
})
await writeLora(join(adaptersDir, 'sour.gguf'), model, { script: 'sour' })
await writeLora(join(adaptersDir, 'larger.gguf'), model, { script: 'sour', embeddingLength: 128 })
await writeLora(join(adaptersDir, 'qwen.gguf'), model, { script: 'sour', architecture: 'qwen3' })

const open: Scripted[] = []
async function ready(workers = 1, slots = 2): Promise<Scripted> {
  const scripted = openScripted({
    workers,
    slots,
    adaptersDir,
    workerCommand: usualCommand,
    patience: usualPatience,
    plan: async () => ({
      workers,
      engine: { ...engine, modelFile: model.path, contextTokens: 4_096, slots },
    }),
  })
  open.push(scripted)
  await allReady(scripted, workers)
  return scripted
}
afterEach(async () => {
  await Promise.all(open.splice(0).map(({ service }) => service.close(0)))
})
afterAll(() => folder.remove())

const ask = (content: string, more: Partial<GenerateRequest> = {}) =>
  request('', { prompt: { kind: 'chat', messages: [{ role: 'user', content }], thinking: false }, ...more })

function stats(event: ServiceEvent | null) {
  if (event?.type !== 'done') throw new Error(`not done: ${JSON.stringify(event)}`)
  return event.stats
}

describe('a conversation', () => {
  test('goes to the worker that holds it, which reads only what is new', async () => {
    const { service } = await ready(2)
    const long = 'Tell me all there is to be known about the garden and its hours. '.repeat(12)
    const turns: GenerateRequest[] = []
    const messages: { role: 'user' | 'assistant'; content: string }[] = [{ role: 'user', content: long }]
    for (let turn = 0; turn < 3; turn++) {
      turns.push(request('', { prompt: { kind: 'chat', messages: [...messages], thinking: false } }))
      const { text, last } = await hear(service, turns[turn] ?? request(''))
      const { promptTokens, cachedTokens } = stats(last)
      if (turn > 0) expect(cachedTokens / promptTokens).toBeGreaterThan(0.8)
      else expect(cachedTokens).toBe(0)
      messages.push({ role: 'assistant', content: text }, { role: 'user', content: 'And then?' })
    }
  })
})

describe('adapters', () => {
  test('are chosen by name and weight, and stay after a worker was lost', async () => {
    const scripted = await ready(2)
    const { service } = scripted
    const said = async (more?: Partial<GenerateRequest>) => (await hear(service, ask('When?', more))).text
    expect(await said()).toStartWith('The garden')
    expect(await said({ adapters: [{ name: 'sour', scale: 1 }] })).toBe('Lemons are sour.')
    expect(await said()).toStartWith('The garden')
    await service.setAdapter('sour', 1)
    expect(await said()).toBe('Lemons are sour.')
    expect(await said({ adapters: [{ name: 'sour', scale: 0 }] })).toStartWith('The garden')
    for (const pid of pidsOf(service)) process.kill(pid, 'SIGKILL')
    await until(() => service.health().workers.every(({ restarts }) => restarts === 1), 'both are down')
    await allReady(scripted, 2)
    expect(new Set(await Promise.all([said(), said(), said(), said()]))).toEqual(
      new Set(['Lemons are sour.']),
    )
  })

  test('for another base model are refused by name', async () => {
    const { service } = await ready()
    for (const name of ['qwen', 'larger']) {
      await expect(service.setAdapter(name, 1)).rejects.toMatchObject({
        code: 'bad_request',
        message: expect.stringMatching(new RegExp(`${name}.*base model`)),
      })
      expect(service.adapters().find((one) => one.name === name)).toMatchObject({
        loaded: false,
        problem: expect.stringContaining('base model'),
      })
    }
    expect((await hear(service, ask('When?'))).text).toStartWith('The garden')
  })
})

describe('crashes', () => {
  test('under load: every request is answered or says why, and none twice over', async () => {
    const scripted = await ready(2, 4)
    const { service } = scripted
    let kills = 0
    const killing = setInterval(() => {
      const [pid] = pidsOf(service).toSorted(() => Math.random() - 0.5)
      if (pid === undefined || kills >= 4) return
      kills++
      process.kill(pid, ['SIGSEGV', 'SIGKILL', 'SIGABRT'][kills % 3] as NodeJS.Signals)
    }, 400)
    const answers: string[] = []
    const one = async (i: number) => {
      while (kills < 4) {
        const { text, last, error } = await hear(service, ask(`Question ${i}, when?`))
        if (last?.type === 'done') expect(text).toBe('The garden opens at nine [1].')
        else expect(error ?? last).toMatchObject({ code: expect.stringMatching(/failed|overloaded/) })
        answers.push(last?.type ?? 'refused')
        if (last?.type !== 'done') await Bun.sleep(50)
      }
    }
    await Promise.all(Array.from({ length: 8 }, (_, i) => one(i)))
    clearInterval(killing)
    expect(answers.filter((type) => type === 'done').length).toBeGreaterThan(20)
    await allReady(scripted, 2)
    await until(() => service.health().queue.active === 0, 'no slot is in use')
    expect((await hear(service, ask('When?'))).last).toMatchObject({ type: 'done' })
  }, 60_000)

  test('a client that leaves frees its slot within a step', async () => {
    const { service } = await ready(1, 1)
    const leaving = new AbortController()
    const { error } = await hear(service, ask('Babble please', { maxTokens: 4_000 }), {
      signal: leaving.signal,
      onEvent: () => leaving.abort(new Error('left')),
    })
    expect(error).toMatchObject({ message: 'left' })
    await until(() => service.health().queue.active === 0, 'the slot is free', 1_000)
    expect((await hear(service, ask('When?'))).text).toStartWith('The garden')
  })
})
