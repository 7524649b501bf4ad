/** Other programs for OpenAI's protocol, unchanged but for the base URL: each asks, streams and is refused. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai'
import { embedMany, generateText, streamText } from 'ai'
import { type Listening, serve } from '../../http/serve.ts'
import { ingest, openTestBackend, type TestBackend } from '../http/test-backend.ts'

const harbour = `# The harbour

Ilse Brandt kept the lamp of the harbour for thirty years. The lamp burned whale oil until 1871.
`
const question = 'Who kept the lamp of the harbour?'

let backend: TestBackend
let server: Listening

beforeAll(async () => {
  backend = await openTestBackend()
  server = await serve(backend.app, { host: '127.0.0.1', port: 0 })
  await ingest(backend.app, { 'harbour.md': harbour }, 'coast')
}, 60_000)

afterAll(async () => {
  await server.stop()
  await backend.close()
})

describe("the AI SDK's provider", () => {
  const mentor = () =>
    createOpenAICompatible({ name: 'mentor', baseURL: `${server.url}/v1`, includeUsage: true })

  test('generates', async () => {
    const { text, finishReason, usage } = await generateText({
      model: mentor().chatModel('mentor/coast'),
      prompt: question,
    })
    expect(text).toContain('Ilse Brandt')
    expect(finishReason).toBe('stop')
    expect(usage.outputTokens).toBeGreaterThan(0)
  })

  test('streams', async () => {
    const result = streamText({ model: mentor().chatModel('mentor'), prompt: question })
    expect((await Array.fromAsync(result.textStream)).join('')).toContain('Ilse Brandt')
    expect(await result.finishReason).toBe('stop')
    expect((await result.usage).inputTokens).toBeGreaterThan(0)
  })

  test('embeds', async () => {
    const { embeddings } = await embedMany({
      model: mentor().embeddingModel('all-MiniLM-L6-v2'),
      values: ['a lamp', 'a ferry'],
    })
    expect(embeddings.map((one) => one.length)).toEqual([384, 384])
  })

  test('throws what was refused', async () => {
    const asked = generateText({ model: mentor().chatModel('gpt-4o'), prompt: question, maxRetries: 0 })
    await expect(asked).rejects.toMatchObject({
      statusCode: 404,
      message: expect.stringContaining('not served'),
    })
  })
})

describe("LangChain's ChatOpenAI", () => {
  const chat = (model: string) =>
    new ChatOpenAI({ model, apiKey: 'none', maxRetries: 0, configuration: { baseURL: `${server.url}/v1` } })

  test('invokes, with usage', async () => {
    const answer = await chat('mentor').invoke([
      ['system', 'Be brief.'],
      ['user', question],
    ])
    expect(String(answer.content)).toContain('Ilse Brandt')
    expect(answer).toMatchObject({ usage_metadata: { total_tokens: expect.any(Number) } })
  })

  test('streams', async () => {
    const texts: string[] = []
    for await (const chunk of await chat('mentor/coast').stream(question)) texts.push(String(chunk.content))
    expect(texts.join('')).toContain('Ilse Brandt')
    expect(texts.filter((one) => one !== '').length).toBeGreaterThan(1)
  })

  test('embeds', async () => {
    const embeddings = new OpenAIEmbeddings({
      model: 'all-MiniLM-L6-v2',
      apiKey: 'none',
      configuration: { baseURL: `${server.url}/v1` },
    })
    expect(await embeddings.embedQuery('a lamp')).toHaveLength(384)
  })

  test('throws what was refused', async () => {
    await expect(chat('gpt-4o').invoke(question)).rejects.toMatchObject({ status: 404 })
  })
})

/** A Python environment with the `openai` package, or why there is none. */
async function pythonWithClient(dir: string): Promise<{ python: string } | { missing: string }> {
  const run = async (...command: string[]) => {
    try {
      const child = Bun.spawn(command, { stdout: 'ignore', stderr: 'pipe' })
      const said = await new Response(child.stderr).text()
      return (await child.exited) === 0 ? null : (said.trim().split('\n').at(-1) ?? 'it failed')
    } catch (error) {
      return String(error)
    }
  }
  const python = join(dir, 'bin', 'python')
  const made = await run('python3', '-m', 'venv', dir)
  if (made !== null) return { missing: `python3 -m venv: ${made}` }
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--retries', '0']
  const installed = await run(python, ...pip, '--timeout', '10', 'openai')
  return installed === null ? { python } : { missing: `pip install openai: ${installed}` }
}

const program = `
import json, sys
from openai import OpenAI, NotFoundError
client = OpenAI(base_url=sys.argv[1], api_key='none', max_retries=0)
messages = [{'role': 'user', 'content': sys.argv[2]}]
whole = client.chat.completions.create(model='mentor/coast', messages=messages)
stream = client.chat.completions.create(model='mentor', messages=messages, stream=True)
streamed = ''.join(c.choices[0].delta.content or '' for c in stream if c.choices)
vector = client.embeddings.create(model='all-MiniLM-L6-v2', input='a lamp').data[0].embedding
models = [m.id for m in client.models.list()]
try:
    client.chat.completions.create(model='gpt-4o', messages=messages)
    refused = None
except NotFoundError as error:
    refused = error.code
print(json.dumps({
    'text': whole.choices[0].message.content, 'citations': len(whole.choices[0].message.citations),
    'finish': whole.choices[0].finish_reason, 'tokens': whole.usage.total_tokens,
    'streamed': streamed, 'dimensions': len(vector), 'models': models, 'refused': refused,
}))
`

test("Python's openai", async () => {
  const dir = await mkdtemp(join(tmpdir(), 'mentor-python-'))
  try {
    const found = await pythonWithClient(dir)
    if ('missing' in found) {
      console.warn(`skipped: the Python client, as it cannot be installed here (${found.missing})`)
      return
    }
    const child = Bun.spawn([found.python, '-c', program, `${server.url}/v1`, question], {
      stdout: 'pipe',
      stderr: 'pipe',
    })
    const [out, err] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ])
    expect({ code: await child.exited, err }).toEqual({ code: 0, err: '' })
    const got = JSON.parse(out)
    expect(got).toMatchObject({
      finish: 'stop',
      dimensions: 384,
      models: ['mentor', 'mentor/coast', 'all-MiniLM-L6-v2'],
      refused: 'model_not_found',
    })
    expect(got.text).toContain('Ilse Brandt')
    expect(got.streamed).toBe(got.text)
    expect(got.citations).toBeGreaterThan(0)
    expect(got.tokens).toBeGreaterThan(0)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}, 180_000)
