/** The process that ingests what was uploaded: one at a time, started when jobs wait, ended by itself when none is left. */
import { pendingJobs } from '../db/jobs.ts'
import type { Database } from '../db/open.ts'
import { inWords } from '../http/log-text.ts'

export interface IngestWorker {
  /** Jobs may wait: starts the process unless it runs. */
  wake(): void
  /** Takes up what a former backend left, and looks for jobs of others every few seconds. */
  resume(): Promise<void>
  /** Ends the process; its job goes on at the next start. */
  close(): Promise<void>
}

interface WorkerSettings {
  db: Database
  /** Runs the worker once, until no job is queued. */
  command: string[]
  /** Given to it on stdin. */
  settings: string
  log: (line: string) => void
}

/** Jobs of the command line, and those whose worker died, are found within so long. */
const lookEveryMs = 5_000
/** A worker that fails at once is not started again at once: 1 s, 2 s, 4 s … between tries. */
const longestPauseMs = 60_000
/** A worker that was asked to end may finish its statement, then it is killed. */
const patienceMs = 2_000

export function openIngestWorker({ db, command, settings, log }: WorkerSettings): IngestWorker {
  let child: Bun.Subprocess | null = null
  let woken = false
  let failures = 0
  let notBefore = 0
  let closed = false
  let looking: Timer | undefined

  const start = () => {
    woken = false
    child = Bun.spawn(command, { stdin: Buffer.from(settings), stdout: 'ignore', stderr: 'inherit' })
    void child.exited.then(ended)
  }
  const ended = (code: number) => {
    child = null
    if (code === 0) failures = 0
    else if (!closed) {
      const pause = Math.min(1_000 * 2 ** failures++, longestPauseMs)
      notBefore = performance.now() + pause
      log(`The ingest worker ended with ${code}; jobs that wait are taken up again in ${pause / 1000} s.`)
      setTimeout(look, pause).unref()
    }
    // A job that came while it was ending would otherwise wait for the next look.
    if (woken) void look()
  }
  const wake = () => {
    if (closed) return
    woken = true
    if (child === null && performance.now() >= notBefore) start()
  }
  const look = async () => {
    if (closed || child !== null) return
    try {
      if ((await pendingJobs(db)) > 0) wake()
    } catch (error) {
      log(`Waiting jobs cannot be looked for: ${inWords(error)}`)
    }
  }

  return {
    wake,
    async resume() {
      looking = setInterval(look, lookEveryMs)
      looking.unref()
      await look()
    },
    async close() {
      closed = true
      clearInterval(looking)
      if (child === null) return
      child.kill('SIGTERM')
      const kill = setTimeout(() => child?.kill('SIGKILL'), patienceMs)
      await child.exited
      clearTimeout(kill)
    },
  }
}
