/**
 * A child of the probe that does as it is told: `bun scripted-probe-child.ts SCRIPT DEVICE MODEL`, the script as JSON
 * from devices to what happens there. `works` gives the right answers by heart, the same on every device; `real` is the
 * probe's own child on the CPU.
 */
import { appendFileSync } from 'node:fs'
import { probeAnswers, probeVocabulary } from '../../llm-service/probe/probe-model.ts'
import type { ChildLine } from '../../llm-service/probe/trial.ts'

export type Mishap =
  | 'works'
  | 'real'
  | 'abort'
  | 'segfault'
  | 'exit'
  | 'hang'
  | 'babble'
  | 'garbage'
  | 'no-driver'
  | 'no-memory'
  | 'zeros'
  | 'not-numbers'
  | 'nearly'
  | 'short'
  | 'other-binary'

export interface ProbeScript {
  does: Partial<Record<string, Mishap>>
  /** Each child appends its device and process id here, and `hang` the id of a process that it started. */
  record: string
}

const script: ProbeScript = JSON.parse(process.argv[2] ?? '{}')
const device = process.argv[3] ?? ''
appendFileSync(script.record, `${device} ${process.pid}\n`)

const opened: ChildLine = {
  stage: 'opened',
  build: 'NODE_LLAMA_CPP_CMAKE_OPTION_MENTOR_PACKAGE' in process.env ? 'package' : 'source',
  deviceName: 'Scripted card',
  memoryBytes: 2 ** 33,
}

function say(line: ChildLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

function sayAll(): void {
  say(opened)
  say({ stage: 'loaded' })
  say({ stage: 'read' })
}

/** Rows whose likeliest tokens are right and whose other numbers come from `value`. */
function rows(value: (at: number) => number): number[][] {
  return probeAnswers.map((answer, row) =>
    Array.from({ length: probeVocabulary }, (_, token) => (token === answer ? 20 : value(row * 512 + token))),
  )
}

switch (script.does[device] ?? 'works') {
  case 'works':
    sayAll()
    say({ stage: 'done', logits: rows(() => 0) })
    break
  case 'real':
    process.argv.splice(2, 3, 'cpu', process.argv[4] ?? '')
    await import('../../llm-service/probe/probe-child.ts')
    break
  case 'abort':
    say(opened)
    say({ stage: 'loaded' })
    process.stderr.write('CUDA error: the provided PTX was compiled with an unsupported toolchain.\n')
    await Bun.sleep(50)
    process.abort()
    break
  case 'segfault':
    process.kill(process.pid, 'SIGSEGV')
    await Bun.sleep(60_000)
    break
  case 'exit':
    process.exit(3)
    break
  case 'hang': {
    // What it starts must not outlive it: node-llama-cpp tries libraries in a child of its own.
    const child = Bun.spawn(['sleep', '600'])
    appendFileSync(script.record, `started ${child.pid}\n`)
    say(opened)
    process.on('SIGTERM', () => {})
    await Bun.sleep(600_000)
    break
  }
  case 'babble':
    for (;;) {
      say(opened)
      process.stdout.write('ggml_init: found 1 device\n')
      await Bun.sleep(20)
    }
  case 'garbage':
    process.stdout.write('\u0000\u0001{"stage":"done","logits":"many"}\n{"stage":7}\nnull\n[1,2\n')
    break
  case 'no-driver':
    say({ stage: 'failed', message: 'libcuda.so.1: cannot open shared object file' })
    process.exit(1)
    break
  case 'no-memory':
    say({ stage: 'failed', message: 'CUDA error: out of memory' })
    process.exit(1)
    break
  case 'zeros':
    sayAll()
    say({ stage: 'done', logits: rows(() => 0).map((row) => row.fill(0)) })
    break
  case 'not-numbers':
    sayAll()
    say({ stage: 'done', logits: rows((at) => (at === 1_000 ? Number.NaN : 0)) })
    break
  case 'nearly':
    sayAll()
    say({ stage: 'done', logits: rows((at) => 4 * Math.sin(at)) })
    break
  case 'other-binary':
    say({ ...opened, build: 'source' })
    await Bun.sleep(60_000)
    break
  case 'short':
    sayAll()
    say({ stage: 'done', logits: rows(() => 0).slice(1) })
    break
}
