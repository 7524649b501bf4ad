/** How a batch left the session: ready for anybody, or still in the hands of its client. */
type State = 'idle' | 'held'

/** What the session needs of the database: one batch of the wire protocol in, the answer out, synchronously. */
export type Execute = (bytes: Uint8Array) => Uint8Array[]

export interface Batch {
  bytes: Uint8Array
  /** Names of prepared statements made in it. */
  statements: string[]
  /** Whether it asks for ReadyForQuery. */
  ends: boolean
}

/** One client as the session sees it. */
export interface Client {
  answer(bytes: Uint8Array): void
  /** Ends the connection, because it held the session too long. */
  drop(reason: string): void
}

export interface Session {
  run(client: Client, batch: Batch): void
  /** The client has gone: what it left open is rolled back, what it prepared is forgotten. */
  leave(client: Client): void
}

/** The database stopped answering in protocol: nothing it says from here on can be trusted. */
export class EngineBroken extends Error {
  override readonly name = 'EngineBroken'
}

const sync = Buffer.from([0x53, 0, 0, 0, 4])

/**
 * Shares the one session of an embedded database among clients. A batch runs alone; a client that is in a
 * transaction, or between a Flush and its Sync, keeps the session until it is through, as it would keep the
 * unnamed statement of a session of its own. Otherwise first come, first served.
 *
 * `holdMs`: a client that holds the session so long without saying anything is dropped, because everybody else
 * waits for it. `broken` is told when the database can go on no more.
 */
export function shareSession(execute: Execute, holdMs: number, broken: (error: Error) => void): Session {
  const waiting: { client: Client; batch: Batch }[] = []
  const prepared = new Map<Client, Set<string>>()
  /** Prepared statements of clients that have gone. */
  let orphans: string[] = []
  let holder: Client | null = null
  /** The holder's transaction stands open, by the database's last word. */
  let inTransaction = false
  let holdTimer: ReturnType<typeof setTimeout> | undefined
  let scheduled = false

  return { run, leave }

  function run(client: Client, batch: Batch): void {
    waiting.push({ client, batch })
    if (client === holder) clearTimeout(holdTimer)
    schedule()
  }

  /** Between two batches the event loop gets its turn: a batch blocks it for as long as it runs. */
  function schedule(): void {
    if (scheduled) return
    scheduled = true
    setImmediate(() => {
      scheduled = false
      try {
        step()
      } catch (error) {
        broken(error instanceof Error ? error : new EngineBroken(String(error)))
      }
    })
  }

  function step(): void {
    if (holder === null) dropOrphans()
    const at = holder === null ? 0 : waiting.findIndex((entry) => entry.client === holder)
    const next = waiting[at]
    if (!next) return
    waiting.splice(at, 1)
    remember(next.client, next.batch.statements)
    const state = carryOut(next.batch, (part) => next.client.answer(part))
    holder = state === 'held' ? next.client : null
    if (holder !== null && !waiting.some((entry) => entry.client === holder)) watch(holder)
    if (waiting.length > 0) schedule()
  }

  function carryOut(batch: Batch, answer: (part: Uint8Array) => void): State {
    const parts = execute(batch.bytes)
    for (const part of parts) answer(part)
    if (!batch.ends) return 'held'
    inTransaction = transactionState(parts) !== idle
    return inTransaction ? 'held' : 'idle'
  }

  function watch(client: Client): void {
    clearTimeout(holdTimer)
    holdTimer = setTimeout(() => {
      if (holder !== client) return
      client.drop(`held the session for ${holdMs} ms without a word`)
      leave(client)
    }, holdMs)
  }

  function remember(client: Client, names: string[]): void {
    if (names.length === 0) return
    const known = prepared.get(client) ?? new Set()
    for (const name of names) known.add(name)
    prepared.set(client, known)
  }

  function leave(client: Client): void {
    for (let i = waiting.length - 1; i >= 0; i--) if (waiting[i]?.client === client) waiting.splice(i, 1)
    orphans.push(...(prepared.get(client) ?? []))
    prepared.delete(client)
    try {
      if (holder === client) release()
    } catch (error) {
      broken(error instanceof Error ? error : new EngineBroken(String(error)))
    }
    schedule()
  }

  /** Ends whatever the holder was in: the Sync first, since after an error all else is ignored until one. */
  function release(): void {
    clearTimeout(holdTimer)
    holder = null
    const silent = () => {}
    if (carryOut({ bytes: sync, statements: [], ends: true }, silent) === 'held') {
      carryOut({ bytes: simpleQuery('rollback'), statements: [], ends: true }, silent)
    }
  }

  /**
   * Without this, each connection that ever was would leave its prepared statements in memory. One a query: a
   * name whose Parse had failed is unknown, and must not keep the others.
   */
  function dropOrphans(): void {
    for (const name of orphans) execute(simpleQuery(`deallocate "${name.replaceAll('"', '""')}"`))
    orphans = []
  }
}

const idle = 'I'.charCodeAt(0)

/** The status byte of the ReadyForQuery that must end the answer. */
function transactionState(parts: Uint8Array[]): number {
  const tail = Buffer.concat(parts.slice(-6)).subarray(-6)
  if (tail.length < 6 || tail[0] !== 0x5a || tail.readInt32BE(1) !== 5) {
    throw new EngineBroken('The embedded database answered without ReadyForQuery.')
  }
  return tail[5] as number
}

function simpleQuery(statement: string): Buffer {
  const text = Buffer.from(`${statement}\0`)
  const head = Buffer.alloc(5)
  head[0] = 0x51
  head.writeInt32BE(text.length + 4, 1)
  return Buffer.concat([head, text])
}
