/** The hub's list of a repository's files, asked when a mirror does not pass on the hub's own headers. */
import { Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import type { HubFile } from '../registry.ts'
import { type Access, get, PullFailed } from './request.ts'

const Entries = Type.Array(
  Type.Object({
    path: Type.String(),
    lfs: Type.Optional(Type.Object({ oid: Type.String({ pattern: '^[0-9a-f]{64}$' }) })),
  }),
)

/** A folder of a thousand files is listed in less; whoever sends more is no hub. */
const mostBytes = 4 * 2 ** 20

/** SHA-256 of a file in large-file storage, from `/api/models/REPO/tree/REVISION`; null when it is not told. */
export async function treeSha256(file: HubFile, access: Access): Promise<string | null> {
  const folder = file.path.split('/').slice(0, -1)
  const parts = ['api', 'models', ...file.repo.split('/'), 'tree', file.revision, ...folder]
  const url = new URL(
    `${access.endpoint.href.replace(/\/+$/, '')}/${parts.map(encodeURIComponent).join('/')}`,
  )
  try {
    const answer = await get(url, { accept: 'application/json' }, access)
    const chunks: Uint8Array[] = []
    let size = 0
    for await (const bytes of answer.body()) {
      size += bytes.length
      if (size > mostBytes) return null
      chunks.push(bytes)
    }
    const entries: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'))
    if (!Value.Check(Entries, entries)) return null
    return entries.find(({ path }) => path === file.path)?.lfs?.oid ?? null
  } catch (error) {
    if (error instanceof PullFailed || error instanceof SyntaxError) return null
    throw error
  }
}
