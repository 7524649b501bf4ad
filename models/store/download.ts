/**
 * A large file in several ranges at once, into `PATH.part`. What came is noted in `PATH.state.json` every second and
 * at the end, so that a download goes on where it was after Ctrl-C, `kill -9` or a broken connection. Only bytes that
 * are written are noted; the SHA-256 over the whole file (pull.ts) finds whatever a power cut made of that.
 */
import { type FileHandle, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { type Static, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { type Access, get, PullFailed, shown } from './request.ts'

export interface Remote {
  url: URL
  bytes: number
  /** The hub's own, where it says one. */
  sha256: string | null
  gitOid: string | null
  etag: string | null
  commit: string | null
  /** Whether the server gives parts of it. */
  ranges: boolean
}

/** For tests and unusual lines; all have defaults. */
export interface Tuning {
  connections: number
  pieceBytes: number
  /** Attempts in a row without a byte, after which a download is given up. */
  attempts: number
  /** The first pause between them; it doubles, up to 30 s. */
  pauseMs: number
}

/**
 * Four connections fill most lines, and a piece is what they share: small enough that the last one is not waited for.
 */
export const usualTuning: Tuning = { connections: 4, pieceBytes: 16 * 2 ** 20, attempts: 6, pauseMs: 500 }

const State = Type.Object({
  url: Type.String(),
  bytes: Type.Integer(),
  sha256: Type.Union([Type.String(), Type.Null()]),
  etag: Type.Union([Type.String(), Type.Null()]),
  pieceBytes: Type.Integer({ minimum: 1 }),
  /** Bytes that are there of each piece, from its start. */
  done: Type.Array(Type.Integer({ minimum: 0 })),
})
type State = Static<typeof State>

export const partOf = (path: string) => `${path}.part`
const stateOf = (path: string) => `${path}.state.json`

/**
 * Asks for the first byte of a file: that tells its length, whether ranges work, and what the hub says of it. @throws
 * PullFailed
 */
export async function probe(url: URL, access: Access, tuning: Tuning): Promise<Remote> {
  return insist(tuning, access.signal, null, async () => {
    const { response, hub, close } = await get(url, { range: 'bytes=0-0' }, access)
    close()
    const { headers, status } = response
    const encoding = headers.get('content-encoding') ?? 'identity'
    if (encoding !== 'identity') throw new PullFailed(`${shown(url)} comes compressed (${encoding}).`)
    const length =
      status === 206
        ? /\/(\d{1,15})$/.exec(headers.get('content-range') ?? '')?.[1]
        : headers.get('content-length')
    const bytes = /^\d{1,15}$/.test(length ?? '') ? Number(length) : 0
    if (bytes === 0)
      throw new PullFailed(`${shown(url)} is empty, or its server does not say how long it is.`)
    if (hub.bytes !== null && hub.bytes !== bytes)
      throw new PullFailed(
        `The hub says ${shown(url)} has ${hub.bytes} bytes, the file server says ${bytes}.`,
      )
    const { sha256, gitOid, commit } = hub
    return { url, bytes, sha256, gitOid, commit, etag: headers.get('etag'), ranges: status === 206 }
  })
}

/** Bytes of the disk that an unfinished download takes already. */
export async function bytesOnDisk(path: string): Promise<number> {
  return stat(partOf(path)).then(
    ({ blocks }) => blocks * 512,
    () => 0,
  )
}

/**
 * Downloads into `PATH.part`, or goes on with it.
 * @param tell called with the bytes that are there
 * @throws PullFailed; the signal's reason. What came is kept.
 */
export async function download(
  remote: Remote,
  path: string,
  access: Access,
  tuning: Tuning,
  tell: (done: number) => void,
): Promise<void> {
  const state = await resumed(remote, path, tuning)
  const file = await open(partOf(path), state === null ? 'w' : 'r+', 0o600)
  const job: Job = { remote, file, path, tuning, tell, state: state ?? fresh(remote, tuning) }
  let saved = Promise.resolve()
  // One after the other: two at once would mix. A full disk is no reason to stop; the next pull begins anew.
  const note = () => (saved = saved.then(() => save(job)).catch(() => {}))
  const noting = setInterval(note, 1000)
  try {
    if (remote.ranges) await inRanges(job, access)
    else await inOneStream(job, access)
    await file.sync() // before its name says that it is whole
  } catch (error) {
    throw await explainWrite(error, path)
  } finally {
    clearInterval(noting)
    await file.close()
    await note()
  }
}

/** Removes what a download left. */
export async function discard(path: string): Promise<void> {
  await rm(partOf(path), { force: true })
  await rm(stateOf(path), { force: true })
}

/** Once the file has its own name. */
export async function discardState(path: string): Promise<void> {
  await rm(stateOf(path), { force: true })
}

interface Job {
  remote: Remote
  file: FileHandle
  path: string
  tuning: Tuning
  state: State
  tell: (done: number) => void
}

function fresh({ url, bytes, sha256, etag, ranges }: Remote, { pieceBytes }: Tuning): State {
  const size = ranges ? pieceBytes : bytes
  return {
    url: shown(url),
    bytes,
    sha256,
    etag,
    pieceBytes: size,
    done: Array(Math.ceil(bytes / size)).fill(0),
  }
}

/** @returns null when there is nothing to go on with: nothing there, or of another file */
async function resumed(remote: Remote, path: string, tuning: Tuning): Promise<State | null> {
  if (!remote.ranges) return null
  try {
    const state: unknown = JSON.parse(await readFile(stateOf(path), 'utf8'))
    if (!Value.Check(State, state)) return null
    const same =
      remote.sha256 === null
        ? state.url === shown(remote.url) && state.etag === remote.etag && remote.etag !== null
        : state.sha256 === remote.sha256
    const { size } = await stat(partOf(path))
    const expected = fresh(remote, { ...tuning, pieceBytes: state.pieceBytes })
    const fits = state.done.every((done, piece) => {
      const [from, to] = borders(state, piece)
      return done <= to - from && (done === 0 || from + done <= size)
    })
    return same && fits && state.bytes === remote.bytes && state.done.length === expected.done.length
      ? state
      : null
  } catch {
    return null
  }
}

async function save({ path, state }: Job): Promise<void> {
  await writeFile(`${stateOf(path)}.new`, JSON.stringify(state), { mode: 0o600 })
  await rename(`${stateOf(path)}.new`, stateOf(path))
}

function borders({ pieceBytes, bytes }: State, piece: number): [number, number] {
  return [piece * pieceBytes, Math.min((piece + 1) * pieceBytes, bytes)]
}

/** The server gave the whole file when a part was asked for. */
class RangeRefused extends Error {}

async function inRanges(job: Job, access: Access): Promise<void> {
  const { state, tuning } = job
  const missing = state.done.flatMap((done, piece) => {
    const [from, to] = borders(state, piece)
    return done < to - from ? [piece] : []
  })
  const failed = new AbortController()
  const own = { ...access, signal: AbortSignal.any([access.signal, failed.signal]) }
  const connection = async () => {
    for (let piece = missing.shift(); piece !== undefined; piece = missing.shift()) {
      const next = piece
      await insist(
        tuning,
        own.signal,
        () => state.done[next] ?? 0,
        () => onePiece(job, next, own),
      )
    }
  }
  const connections = Array.from({ length: Math.min(tuning.connections, missing.length) }, () =>
    connection().catch((error: unknown) => {
      failed.abort(error) // the others need not go on; the first error is the reason
      throw error
    }),
  )
  await Promise.allSettled(connections)
  access.signal.throwIfAborted()
  if (!failed.signal.aborted) return
  if (!(failed.signal.reason instanceof RangeRefused)) throw failed.signal.reason
  job.state = fresh({ ...job.remote, ranges: false }, tuning)
  await inOneStream(job, access)
}

async function onePiece(job: Job, piece: number, access: Access): Promise<void> {
  const { remote, state } = job
  const [start, end] = borders(state, piece)
  const from = start + (state.done[piece] ?? 0)
  if (from >= end) return
  const answer = await get(remote.url, { range: `bytes=${from}-${end - 1}` }, access)
  try {
    if (answer.response.status === 200) throw new RangeRefused()
    const range = answer.response.headers.get('content-range')
    const etag = answer.response.headers.get('etag')
    // With a SHA-256 the whole is checked in the end; mirrors may well name the same file differently.
    const changed = remote.sha256 === null && remote.etag !== null && etag !== null && etag !== remote.etag
    if (changed || range !== `bytes ${from}-${end - 1}/${remote.bytes}`)
      throw new PullFailed(`${shown(remote.url)} changed while it was downloaded: pull it again.`)
    await write(job, piece, from, end, answer.body())
  } finally {
    answer.close()
  }
}

/** Without ranges nothing can be gone on with: each attempt begins anew. */
async function inOneStream(job: Job, access: Access): Promise<void> {
  const { remote, state, tuning } = job
  await insist(tuning, access.signal, null, async () => {
    const answer = await get(remote.url, {}, access)
    try {
      state.done[0] = 0
      await write(job, 0, 0, remote.bytes, answer.body())
    } finally {
      answer.close()
    }
  })
}

async function write(
  { file, state, tell, remote }: Job,
  piece: number,
  from: number,
  end: number,
  body: AsyncIterable<Uint8Array>,
): Promise<void> {
  let at = from
  for await (const bytes of body) {
    const wanted = bytes.subarray(0, end - at)
    for (let written = 0; written < wanted.length; ) {
      written += (await file.write(wanted, written, wanted.length - written, at + written)).bytesWritten
    }
    at += wanted.length
    state.done[piece] = (state.done[piece] ?? 0) + wanted.length
    tell(state.done.reduce((sum, done) => sum + done, 0))
    if (at === end) return
  }
  throw new PullFailed(`${remote.url.host} broke off the download of ${shown(remote.url)}.`, 'later')
}

/**
 * Tries again, with growing pauses, what may work in a moment; an attempt that got further does not count as a
 * failure.
 */
async function insist<T>(
  { attempts, pauseMs }: Tuning,
  signal: AbortSignal,
  progress: (() => number) | null,
  work: () => Promise<T>,
): Promise<T> {
  for (let failures = 0; ; ) {
    const before = progress?.() ?? 0
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof PullFailed) || error.retry === 'never') throw error
      failures = (progress?.() ?? 0) > before ? 1 : failures + 1
      if (failures >= attempts)
        throw new PullFailed(
          `${error.message} Given up after ${attempts} attempts; pull again to go on. Without a way to the hub name a mirror with HF_ENDPOINT, or bring the file and run ./mentor models add FILE.`,
        )
      // Spread, because several connections fail at once and would come back at once.
      const pause = Math.min(pauseMs * 2 ** (failures - 1), 30_000) * (0.5 + Math.random() / 2)
      await pausing(Math.max(pause, error.waitMs), signal)
    }
  }
}

function pausing(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    if (signal.aborted) return reject(signal.reason)
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, ms)
    signal.addEventListener('abort', stop, { once: true })
  })
}

async function explainWrite(error: unknown, path: string): Promise<unknown> {
  const code = error instanceof Error && 'code' in error ? error.code : null
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error
  return new PullFailed(`The disk of ${path} is full: make room, then pull again to go on.`)
}
