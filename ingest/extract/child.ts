/**
 * The process in which files are parsed: what a hostile or broken one does to it costs that file alone. The parent
 * keeps the time (`parser.ts`), a thread of this process the memory (`watchdog.ts`).
 */
import { loadTokenizer, type Tokenizer } from '../../embedding/tokenizer.ts'
import { type PreparedPassage, prepare } from '../prepare.ts'
import { Refused } from './extracted.ts'
import type { Reply, Request } from './messages.ts'

/** Passages a reply: enough to keep every embedding worker busy, few enough to begin early. */
const passagesAReply = 32

let model: { tokenizer: Tokenizer; tokenLimit: number } | null = null
let open: Generator<PreparedPassage> | null = null
let turn: Promise<void> = Promise.resolve()

function reply(message: Reply): void {
  process.send?.(message)
}

async function answer(request: Request): Promise<void> {
  if (request.kind === 'start') {
    watch(request.memoryLimit)
    model = { tokenizer: await loadTokenizer(request.model), tokenLimit: request.model.tokenLimit }
    reply({ kind: 'started' })
  } else if (request.kind === 'open') {
    if (!model) throw new Error('the parser was given a file before its model')
    const { name, bytes, asPlainText } = request
    const prepared = await prepare({ name, bytes }, model, {
      asPlainText,
      onPage: () => reply({ kind: 'page' }),
    })
    open = prepared.passages
    reply({ kind: 'opened', document: prepared.document })
  } else {
    const passages: PreparedPassage[] = []
    let done = open === null
    while (open && !done && passages.length < passagesAReply) {
      const next = open.next()
      if (next.done) done = true
      else passages.push(next.value)
    }
    reply({ kind: 'passages', passages, done, memory: process.memoryUsage.rss() })
  }
}

function watch(memoryLimit: number): void {
  const watchdog = new Worker(new URL('./watchdog.ts', import.meta.url).href)
  watchdog.postMessage({ memoryLimit, parent: process.ppid })
}

process.on('message', (request: Request) => {
  turn = turn
    .then(() => answer(request))
    .catch((error: unknown) => {
      // A parser's own stumble is a property of the file, told like any other refusal.
      if (error instanceof Refused) reply({ kind: 'refused', code: error.code, reason: error.message })
      else
        reply({
          kind: 'refused',
          code: 'unreadable',
          reason: `unreadable: the file cannot be read (${error})`,
        })
    })
})
process.on('disconnect', () => process.exit(0))
// Ctrl-C reaches the whole process group: the parent decides when this process ends.
process.on('SIGINT', () => undefined)
