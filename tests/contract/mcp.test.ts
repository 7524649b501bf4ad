/** The MCP server with the protocol's official client, over both transports: the same suite for each. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { type Listening, serve } from '../../http/serve.ts'
import { ingest, openTestBackend, type TestBackend } from '../http/test-backend.ts'

const harbour = `# The harbour

Ilse Brandt kept the lamp of the harbour for thirty years. The lamp burned whale oil until 1871.
`
const question = 'Who kept the lamp of the harbour?'
const project = join(import.meta.dir, '..', '..')

interface Opened {
  client: Client
  close(): Promise<void>
}

let backend: TestBackend
let server: Listening

async function overHttp(): Promise<Opened> {
  backend = await openTestBackend()
  server = await serve(backend.app, { host: '127.0.0.1', port: 0 })
  await ingest(backend.app, { 'harbour.md': harbour }, 'coast')
  const client = new Client({ name: 'test', version: '1.0.0' })
  await client.connect(new StreamableHTTPClientTransport(new URL(`${server.url}/mcp`)))
  return {
    client,
    async close() {
      await client.close()
      await server.stop()
      await backend.close()
    },
  }
}

/** `mentor mcp` as an editor starts it, without a backend. */
async function overStdio(): Promise<Opened> {
  const data = await mkdtemp(join(tmpdir(), 'mentor-mcp-'))
  const file = join(data, 'harbour.md')
  await Bun.write(file, harbour)
  const env = { ...process.env, MENTOR_DATA: join(data, 'data'), LLM_SERVICE_ENABLED: 'false' } as Record<
    string,
    string
  >
  const mentor = [join(project, 'scripts', 'mentor.ts')]
  const stored = Bun.spawn([process.execPath, ...mentor, 'ingest', file, '--collection', 'coast'], {
    env,
    stdout: 'ignore',
    stderr: 'ignore',
  })
  expect(await stored.exited).toBe(0)
  const client = new Client({ name: 'test', version: '1.0.0' })
  await client.connect(
    new StdioClientTransport({ command: process.execPath, args: [...mentor, 'mcp'], env, stderr: 'inherit' }),
  )
  return {
    client,
    async close() {
      await client.close()
      await rm(data, { recursive: true, force: true })
    },
  }
}

describe.each([
  ['Streamable HTTP', overHttp],
  ['stdio', overStdio],
] as const)('over %s', (_, open) => {
  let opened: Opened
  let client: Client

  beforeAll(async () => {
    opened = await open()
    client = opened.client
  }, 120_000)

  afterAll(async () => {
    await opened.close()
  }, 30_000)

  const call = async (name: string, args: Record<string, unknown>) => {
    const { content, structuredContent, isError } = await client.callTool({ name, arguments: args })
    const text = content.map((part) => (part.type === 'text' ? part.text : '')).join('')
    return { text, found: (structuredContent ?? {}) as Record<string, unknown>, failed: isError === true }
  }

  test('it says who it is and what it can', async () => {
    expect(client.getServerVersion()).toMatchObject({ name: 'mentor' })
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toEqual(['search', 'ask', 'get_document', 'list_documents'])
    for (const { description, inputSchema, annotations } of tools) {
      expect(description?.length).toBeGreaterThan(20)
      expect(inputSchema).toMatchObject({ type: 'object', additionalProperties: false })
      expect(annotations).toMatchObject({ readOnlyHint: true })
    }
  })

  test('search finds passages with their place', async () => {
    const { text, found } = await call('search', { query: 'lamp', collection: 'coast', k: 1 })
    expect(text).toContain('whale oil')
    expect(found.passages).toMatchObject([{ document: { source: 'harbour.md' } }])
  })

  test('ask answers with citations', async () => {
    const { text, found } = await call('ask', { question })
    expect(text).toContain('Ilse Brandt kept the lamp')
    expect(found).toMatchObject({ abstained: false, rung: 'context-only' })
    expect((found.citations as { quote: string }[])[0]?.quote).toContain('Ilse Brandt')
  })

  test('ask says when the documents do not hold it', async () => {
    const { found } = await call('ask', { question: 'How tall is the president of Chile?' })
    expect(found).toMatchObject({ abstained: true })
  })

  test('documents are listed and read, whole and in part', async () => {
    const { found } = await call('list_documents', {})
    const documents = found.documents as { id: string; title: string }[]
    expect(documents).toHaveLength(1)
    const id = documents[0]?.id ?? ''
    expect((await call('get_document', { id })).text).toBe(harbour)
    const part = await call('get_document', { id, start: 2, end: 13 })
    expect(part.text).toBe('The harbour')
    expect(part.found).toMatchObject({ start: 2, end: 13, length: harbour.length })
    expect((await call('list_documents', { collection: 'coast', limit: 1 })).found.next).toBeNull()
  })

  test('documents are resources', async () => {
    const { resources } = await client.listResources()
    expect(resources).toMatchObject([{ title: 'The harbour', mimeType: 'text/plain' }])
    const { contents } = await client.readResource({ uri: resources[0]?.uri ?? '' })
    expect(contents).toMatchObject([{ text: harbour }])
    const { resourceTemplates } = await client.listResourceTemplates()
    expect(resourceTemplates).toMatchObject([{ uriTemplate: 'mentor://documents/{id}' }])
    const absent = client.readResource({ uri: 'mentor://documents/00000000-0000-4000-8000-000000000000' })
    await expect(absent).rejects.toThrow()
    await expect(client.readResource({ uri: 'file:///etc/passwd' })).rejects.toThrow()
  })

  test.each<[string, Record<string, unknown>, string]>([
    ['search', { query: ' ' }, 'must be a text that is not blank'],
    ['search', { query: 'a', k: 0 }, 'k must be a whole number'],
    ['search', { query: 'a', k: '5' }, 'k must be a whole number'],
    ['search', { query: 'a', where: 'c4n4ry' }, 'where is not a known field'],
    ['search', { query: 'c4n4ry\0' }, 'NUL'],
    ['search', { query: 'a', collection: 'nowhere' }, 'no such collection'],
    ['ask', { question: 'a'.repeat(4_001) }, 'at most 4000'],
    ['ask', { question: 'a', stream: true }, 'stream is not a known field'],
    ['ask', { question: 'a', rung: 'llm-service' }, 'cannot answer'],
    ['get_document', { id: '../../etc/passwd' }, 'must be a UUID'],
    ['get_document', { id: '00000000-0000-4000-8000-000000000000' }, 'no such document'],
    ['list_documents', { cursor: 'c4n4ry' }, 'former page'],
    ['list_documents', { limit: 1e9 }, 'limit must be'],
  ])('case %#: %s is refused in words that a model can act on', async (name, args, words) => {
    const { text, failed } = await call(name, args).catch((error: unknown) => ({
      text: String(error),
      failed: true,
    }))
    expect(failed).toBe(true)
    expect(text).toContain(words)
    expect(text).not.toContain('c4n4ry')
  })

  test('an unknown tool is an error', async () => {
    const outcome = await call('delete_everything', {}).catch(() => ({ failed: true }))
    expect(outcome.failed).toBe(true)
  })

  test('20 calls at once are all answered', async () => {
    const found = await Promise.all(Array.from({ length: 20 }, () => call('search', { query: 'lamp' })))
    for (const { text } of found) expect(text).toContain('whale oil')
  })
})

describe('/mcp as an address', () => {
  let opened: Opened

  beforeAll(async () => {
    opened = await overHttp()
  }, 60_000)

  afterAll(async () => {
    await opened.close()
  })

  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
  const post = (body: string, more: Record<string, string> = {}) =>
    fetch(`${server.url}/mcp`, { method: 'POST', headers: { ...headers, ...more }, body })
  const list = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' })

  test('answers JSON-RPC', async () => {
    const response = await post(list)
    expect(response.status).toBe(200)
    expect(await response.text()).toContain('"get_document"')
  })

  test.each<[string, string, Record<string, string>, number]>([
    ['a page of another site', list, { origin: 'https://evil.example' }, 403],
    ['cut JSON', '{"jsonrpc":', {}, 400],
    ['no body', '', {}, 400],
    ['200,000 brackets', '['.repeat(200_000), {}, 400],
    ['another type', list, { 'content-type': 'text/plain' }, 415],
    ['a client that takes no such answer', list, { accept: 'text/html' }, 406],
    ['half a surrogate pair', '{"jsonrpc":"2.0","id":1,"method":"c4n4ry\\ud83d"}', {}, 422],
    ['more than 1 MiB', JSON.stringify({ a: 'c4n4ry'.repeat(200_000) }), {}, 413],
    ['what is no JSON-RPC', '{"c4n4ry":1}', {}, 400],
  ])('refuses %s', async (_, body, more, status) => {
    const response = await post(body, more)
    const text = await response.text()
    expect({ status: response.status, text }).toMatchObject({ status })
    expect(text).not.toContain('c4n4ry')
    expect(JSON.parse(text).error).toBeDefined()
  })

  test.each(['GET', 'DELETE', 'PUT'])('405 for %s: there are no sessions', async (method) => {
    const response = await fetch(`${server.url}/mcp`, { method, headers })
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toContain('POST')
  })
})
