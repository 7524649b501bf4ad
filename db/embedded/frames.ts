/**
 * Cuts a client's byte stream into batches of the Postgres wire protocol: all messages up to the one that makes
 * the server answer. A batch is then carried out as one, so no other client's message can come between a Parse
 * and its Bind (in the one session all clients share, an unnamed statement is the same for everybody).
 */

/** What a client said before its first typed message. */
export type Greeting = { kind: 'encryption' } | { kind: 'cancel' } | { kind: 'startup'; message: Buffer }

export type Frame =
  | Greeting
  /** `statements`: names of prepared statements made in it. `ends`: whether it asks for ReadyForQuery. */
  | { kind: 'batch'; bytes: Buffer; statements: string[]; ends: boolean }
  | { kind: 'terminate' }

/** The client sent what is no Postgres message; its connection cannot be read any further. */
export class ProtocolViolation extends Error {
  override readonly name = 'ProtocolViolation'
}

const type = {
  query: 0x51, // Q
  sync: 0x53, // S
  flush: 0x48, // H
  functionCall: 0x46, // F
  terminate: 0x58, // X
  parse: 0x50, // P
} as const
const version3 = 196_608
const sslRequest = 80_877_103
const gssRequest = 80_877_104
const cancelRequest = 80_877_102
/** As Postgres itself: a longer first message is no Postgres client. */
const longestGreeting = 10_000
/** Postgres takes 1 GB; a batch of ingestion is a few megabytes, so more than this is a broken client. */
const longestMessage = 256 * 1024 * 1024

/** Takes chunks as they arrive, gives frames as they become whole. */
export function frameReader(): (chunk: Buffer) => Frame[] {
  let chunks: Buffer[] = []
  let size = 0
  /** Bytes that must be here before reading on: a long message is joined once, not with each of its chunks. */
  let wanted = 4
  let started = false

  return (chunk) => {
    chunks.push(chunk)
    size += chunk.length
    const frames: Frame[] = []
    if (size < wanted) return frames
    let buffer = chunks.length === 1 ? chunk : Buffer.concat(chunks, size)

    while (!started) {
      const greeting = readGreeting(buffer)
      if (typeof greeting === 'number') return keep(buffer, greeting, frames)
      frames.push(greeting.frame)
      buffer = buffer.subarray(greeting.length)
      started = greeting.frame.kind === 'startup'
    }
    for (;;) {
      const batch = readBatch(buffer)
      if (typeof batch === 'number') return keep(buffer, batch, frames)
      frames.push(batch.frame)
      buffer = buffer.subarray(batch.length)
    }
  }

  function keep(rest: Buffer, needed: number, frames: Frame[]): Frame[] {
    chunks = rest.length > 0 ? [rest] : []
    size = rest.length
    wanted = needed
    return frames
  }
}

/** The greeting at the buffer's start, or how many bytes must be there to say. */
function readGreeting(buffer: Buffer): { frame: Greeting; length: number } | number {
  if (buffer.length < 8) return 8
  const length = buffer.readInt32BE(0)
  const code = buffer.readInt32BE(4)
  if (length < 8 || length > longestGreeting) throw new ProtocolViolation(`a greeting of ${length} bytes`)
  if (buffer.length < length) return length
  if (code === sslRequest || code === gssRequest) return { frame: { kind: 'encryption' }, length }
  if (code === cancelRequest) return { frame: { kind: 'cancel' }, length }
  if (code !== version3) throw new ProtocolViolation(`protocol version ${code}`)
  return { frame: { kind: 'startup', message: buffer.subarray(0, length) }, length }
}

/** The batch at the buffer's start, or how many bytes must be there to say more. */
function readBatch(buffer: Buffer): { frame: Frame; length: number } | number {
  const statements: string[] = []
  let at = 0
  for (;;) {
    if (buffer.length < at + 5) return at + 5
    const kind = buffer.readUInt8(at)
    const length = buffer.readInt32BE(at + 1)
    if (length < 4 || length > longestMessage) throw new ProtocolViolation(`a message of ${length} bytes`)
    const end = at + 1 + length
    if (kind === type.terminate && at === 0) return { frame: { kind: 'terminate' }, length: end }
    if (buffer.length < end) return end
    if (kind === type.parse) {
      const name = buffer.toString('utf8', at + 5, buffer.indexOf(0, at + 5))
      if (name !== '') statements.push(name)
    }
    at = end
    const ends = kind === type.query || kind === type.sync || kind === type.functionCall
    if (ends || kind === type.flush) {
      return { frame: { kind: 'batch', bytes: buffer.subarray(0, at), statements, ends }, length: at }
    }
  }
}
