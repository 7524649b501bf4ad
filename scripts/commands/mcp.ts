/** `mentor mcp`: the Model Context Protocol over stdin and stdout, for programs that start their servers themselves. */
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { mcpServerFactory } from '../../backend/mcp/server.ts'
import { type Api, connect } from '../api.ts'
import type { Config } from '../config.ts'
import { version } from '../services.ts'

/** Ends with its stdin. Nothing but messages goes to stdout. */
export async function mcp(config: Config, signal: AbortSignal): Promise<void> {
  let api = await connect(config)
  /** A backend that was restarted listens elsewhere; every request here only reads, so it may be sent again. */
  const request = async (path: string, init: RequestInit): Promise<Response> => {
    try {
      return await api.request(path, init)
    } catch (error) {
      if (init.signal?.aborted === true || api.url === null) throw error
      await replace(await connect(config))
      return await api.request(path, init)
    }
  }
  const replace = async (next: Api) => {
    const before = api
    api = next
    await before.close()
  }
  const over = Promise.withResolvers<void>()
  process.stdin.once('end', over.resolve).once('close', over.resolve)
  signal.addEventListener('abort', () => over.resolve(), { once: true })
  const server = serveStdio(
    mcpServerFactory(version, () => request),
    {
      onerror: (error) => process.stderr.write(`mentor mcp: ${error.message}\n`),
    },
  )
  try {
    await over.promise
  } finally {
    await server.close()
    await api.close()
  }
}
