/** The parent's side of the parser: one child process for all files of a run, replaced when one kills it. */
import { join } from 'node:path'
import type { EmbeddingModel } from '../../models/bundled.ts'
import type { PreparedDocument, PreparedPassage } from '../prepare.ts'
import { Refused } from './extracted.ts'
import { formatOfName } from './identify.ts'
import type { Reply, Request } from './messages.ts'

export interface ParserLimits {
  /** For reading a file, and for each of its portions of passages. */
  timeMs: number
  /** Resident bytes of the child. */
  memory: number
}

export const usualLimits: ParserLimits = { timeMs: 60_000, memory: 2 * 1024 ** 3 }

/** What size and pages add to the time for reading: a large file is not a stuck one. */
const perMegabyteMs = 1000
const perPageMs = 200
/** Resident memory never falls again: a child beyond this share of its limit is replaced before the next file. */
const worn = 0.4

export interface ParsedFile extends PreparedDocument {
  /** In order, some at a time, each time when asked: read them to the end, or return, before the next `open`. */
  passages(): AsyncGenerator<PreparedPassage[]>
}

export interface Parser {
  /** Throws `Refused` for a file that cannot be taken, whatever the reason. */
  open(file: { name: string; bytes: Uint8Array }): Promise<ParsedFile>
  close(): Promise<void>
}

interface Child {
  ask(request: Request, limitMs: number): Promise<Reply>
  kill(): Promise<void>
  readonly dead: boolean
}

export function openParser(model: EmbeddingModel, limits: ParserLimits = usualLimits): Parser {
  let child: Child | null = null

  async function ready(): Promise<Child> {
    if (child && !child.dead) return child
    const started = startChild(limits)
    child = started
    const reply = await started.ask({ kind: 'start', model, memoryLimit: limits.memory }, 60_000)
    if (reply.kind === 'refused') throw new Error(`the parser cannot start: ${reply.reason}`)
    return started
  }

  async function read(file: { name: string; bytes: Uint8Array }, asPlainText: boolean): Promise<ParsedFile> {
    const process = await ready()
    const limitMs = limits.timeMs + perMegabyteMs * (file.bytes.length / 1024 ** 2)
    const reply = await process.ask({ kind: 'open', ...file, asPlainText }, limitMs)
    if (reply.kind === 'refused') throw new Refused(reply.code, reply.reason.replace(/^\w+: /, ''))
    if (reply.kind !== 'opened') throw new Error(`the parser answered ${reply.kind}`)
    return { ...reply.document, passages: () => passagesOf(process) }
  }

  async function* passagesOf(from: Child): AsyncGenerator<PreparedPassage[]> {
    for (;;) {
      const reply = await from.ask({ kind: 'next' }, limits.timeMs)
      if (reply.kind === 'refused') throw new Refused(reply.code, reply.reason.replace(/^\w+: /, ''))
      if (reply.kind !== 'passages') throw new Error(`the parser answered ${reply.kind}`)
      if (reply.done && reply.memory > worn * limits.memory) await from.kill()
      if (reply.passages.length > 0) yield reply.passages
      if (reply.done) return
    }
  }

  /** A parser may end by another hand than the file's (memory that ran short, a kill): the file that ends two did it. */
  async function readAgainAfterCrash(file: Parameters<typeof read>[0]): ReturnType<typeof read> {
    try {
      return await read(file, false)
    } catch (error) {
      if (error instanceof Refused && error.code === 'crashed') return read(file, false)
      throw error
    }
  }

  return {
    async open(file) {
      try {
        return await readAgainAfterCrash(file)
      } catch (error) {
        const overran = error instanceof Refused && ['too_slow', 'too_large', 'crashed'].includes(error.code)
        if (!overran || formatOfName(file.name) !== 'markdown') throw error
        // Mark-up made to be hard to parse is still text.
        const plain = await read(file, true)
        const warning = `its Markdown could not be read (${error.code}): read as plain text`
        return { ...plain, warnings: [...plain.warnings, warning] }
      }
    },
    async close() {
      await child?.kill()
      child = null
    },
  }
}

function startChild(limits: ParserLimits): Child {
  let waiting: { resolve(reply: Reply): void; reject(reason: Refused): void; deadline: number } | null = null
  let dead = false
  let said = ''

  const spawned = Bun.spawn([process.execPath, join(import.meta.dir, 'child.ts')], {
    ipc: (reply: Reply) => {
      if (reply.kind === 'page') {
        if (waiting) waiting.deadline += perPageMs
        return
      }
      waiting?.resolve(reply)
      waiting = null
    },
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe'],
    // A parser that is tricked into telling all it knows must know no key and no database.
    env: {},
  })
  const listening = listen(spawned.stderr, (text) => {
    said = (said + text).slice(-2000)
  })

  spawned.exited.then(async () => {
    dead = true
    await listening
    waiting?.reject(
      said.includes('over its memory limit')
        ? new Refused(
            'too_large',
            `reading it took more than ${limits.memory / 1024 ** 2} MB of memory: split the document`,
          )
        : new Refused(
            'crashed',
            `the parser broke on it (${spawned.signalCode ?? `exit ${spawned.exitCode}`}): export it again`,
          ),
    )
    waiting = null
  })

  async function kill(): Promise<void> {
    dead = true
    spawned.kill('SIGKILL')
    await spawned.exited
  }

  return {
    get dead() {
      return dead
    },
    kill,
    ask(request, limitMs) {
      return new Promise((resolve, reject) => {
        const own = { resolve, reject, deadline: performance.now() + limitMs }
        waiting = own
        const timer = setInterval(() => {
          if (waiting !== own) clearInterval(timer)
          else if (performance.now() > own.deadline) {
            clearInterval(timer)
            waiting = null
            reject(
              new Refused(
                'too_slow',
                `reading it took longer than ${Math.round(limitMs / 1000)} s: split or simplify it`,
              ),
            )
            void kill()
          }
        }, 100)
        if (dead)
          reject(new Refused('crashed', 'the parser ended before it could read the file: ingest it again'))
        else spawned.send(request)
      })
    },
  }
}

async function listen(stream: ReadableStream<Uint8Array>, hear: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder()
  for await (const chunk of stream) hear(decoder.decode(chunk, { stream: true }))
}
