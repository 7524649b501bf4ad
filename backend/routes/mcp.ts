/** `/mcp`: the Model Context Protocol over Streamable HTTP, without sessions: each request stands by itself. */

import { createMcpHandler } from '@modelcontextprotocol/server'
import { Type } from '@sinclair/typebox'
import { Elysia } from 'elysia'
import { describe } from '../../http/describe.ts'
import { openGate } from '../../http/gate.ts'
import { jsonBody } from '../../http/json-body.ts'
import { NoQuery } from '../../http/shapes.ts'
import { type ApiRequest, mcpServerFactory } from '../mcp/server.ts'
import type { Backend } from './backend.ts'

const mostAtOnce = 128
/** Below the shortest idle limit of usual proxies. */
const keepAliveMs = 5_000
const limits = { maxBytes: 1024 * 1024, maxDepth: 32 }

/** What came with the request and decides what it may do; nothing else of it is passed on. */
const passedOn = ['authorization', 'cookie']

const about = describe({
  tag: 'Model Context Protocol',
  summary: 'Tools and resources for other models',
  description:
    'JSON-RPC as the protocol has it, in its revisions 2025-03-26 to 2026-07-28. Tools: `search`, `ask`, ' +
    '`get_document`, `list_documents`; resources: `mentor://documents/ID`. `./mentor mcp` is the same over stdio.',
  gives: {
    200: {
      says: 'What the message asked for',
      shape: Type.Object({}, { additionalProperties: true }),
      types: ['application/json', 'text/event-stream'],
    },
    202: { says: 'A notification was taken' },
  },
  refuses: [400, 406, 408, 413, 415, 503],
})

/** @param send a request to this very API */
export function mcpRoute({ version, keepOpen, log }: Backend, send: (request: Request) => Promise<Response>) {
  const gate = openGate(mostAtOnce, 'messages')
  const request =
    (headers: Headers | null): ApiRequest =>
    (path, init) => {
      const inner = new Request(`http://localhost${path}`, init)
      for (const name of passedOn) {
        const value = headers?.get(name)
        if (value) inner.headers.set(name, value)
      }
      return send(inner)
    }
  const handler = createMcpHandler(mcpServerFactory(version, request), {
    keepAliveMs,
    onerror: (error) => log(`MCP: ${error.name}`),
  })
  return new Elysia()
    .post(
      '/mcp',
      async ({ body, request }) => {
        const leave = gate.enter()
        keepOpen(request)
        try {
          return await handler.fetch(request, { parsedBody: body })
        } finally {
          leave()
        }
      },
      { ...jsonBody(Type.Unknown(), limits), query: NoQuery, ...about },
    )
    .onStop(() => handler.close())
}
