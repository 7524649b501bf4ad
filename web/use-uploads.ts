/** Files on their way into the documents: sent in batches, read by a job, reported one by one. */
import { useCallback, useEffect, useRef, useState } from 'react'
import { RequestFailed, readJob, sendFiles } from './api.ts'
import type { Dropped, DroppedFile } from './dropped-files.ts'
import { adviceFor } from './failure.ts'
import { settings } from './settings.ts'
import type { Texts } from './texts/en.ts'
import { useTexts } from './use-texts.ts'
import type { IngestLine, Job } from './wire.ts'

export interface Upload {
  key: string
  name: string
  /** Null for a folder that gave nothing. */
  file: File | null
  state: 'waiting' | 'sending' | 'reading' | 'done' | 'failed'
  /** Of its bytes, those that have left, from 0 to 1. */
  sent: number
  /** What became of it, in words: why it failed, or how much was read. */
  note: string
}

export interface Uploads {
  files: Upload[]
  /** Files of dropped folders that were not sent. */
  leftOut: number
  busy: boolean
  /** `performance.now()` when the files under way were added. */
  since: number
  add(dropped: Dropped): void
  /** Sends the failed ones again: all of them, or the one of that key. */
  retry(key?: string): void
  /** Stops what is being sent and what waits; what has been sent is read. */
  cancel(): void
  dismiss(): void
}

const pollMs = 500
/** Failures of the poll itself (a restart of the backend) that are sat out before giving up. */
const pollPatience = 60
/** A batch is sent whole or not at all: small enough that a cut costs little, large enough to be quick. */
const batchFiles = 50
const batchBytes = 24e6
/** How often a batch is sent again by itself when the backend says it is busy. */
const busyTries = 20

/** `onChange` is called when documents were added. */
export function useUploads(onChange: () => void): Uploads {
  const texts = useTexts()
  const [files, setFiles] = useState<Upload[]>([])
  const [leftOut, setLeftOut] = useState(0)
  const [since, setSince] = useState(0)
  const queue = useRef<Upload[]>([])
  const running = useRef(false)
  const stop = useRef(new AbortController())
  const said = useRef(texts)
  said.current = texts
  const busy = files.some((file) => file.state !== 'done' && file.state !== 'failed')

  useWarnBeforeLeaving(files.some((file) => file.state === 'waiting' || file.state === 'sending'))

  const run = useCallback(async () => {
    if (running.current) return
    running.current = true
    const readings: Promise<void>[] = []
    while (queue.current.length > 0) {
      const batch = takeBatch(queue.current)
      const job = await send(batch, said.current, setFiles, stop.current.signal)
      // The next batch is sent while this one is read.
      if (job !== null) readings.push(read(job, batch, said.current, setFiles).then(onChange))
    }
    running.current = false
    await Promise.all(readings)
  }, [onChange])

  const enqueue = useCallback(
    (uploads: Upload[]) => {
      stop.current = stop.current.signal.aborted ? new AbortController() : stop.current
      queue.current.push(...uploads)
      void run()
    },
    [run],
  )

  const add = useCallback(
    (dropped: Dropped) => {
      const { uploads } = said.current
      const fresh = dropped.files.map((file) => newUpload(file, uploads.waiting))
      const folders = dropped.folders.map(({ name, state }): Upload => {
        const note = state === 'empty' ? uploads.emptyFolder : uploads.unreadableFolder
        return { key: crypto.randomUUID(), name, file: null, state: 'failed', sent: 0, note }
      })
      setSince(performance.now())
      setLeftOut(dropped.leftOut)
      setFiles((current) => [...current.filter(({ state }) => state !== 'done'), ...folders, ...fresh])
      enqueue(fresh)
    },
    [enqueue],
  )

  const retry = (key?: string) => {
    const again = files
      .filter((one) => one.state === 'failed' && one.file !== null && (key === undefined || one.key === key))
      .map((one): Upload => ({ ...one, state: 'waiting', sent: 0, note: texts.uploads.waiting }))
    const renewed = new Map(again.map((one) => [one.key, one]))
    setSince(performance.now())
    setFiles((current) => current.map((one) => renewed.get(one.key) ?? one))
    enqueue(again)
  }

  const cancel = () => {
    const waiting = new Set(queue.current.splice(0).map((one) => one.key))
    setFiles((current) =>
      current.map((one) => (waiting.has(one.key) ? failed(one, texts.uploads.cancelled) : one)),
    )
    stop.current.abort()
  }

  const dismiss = () => {
    setFiles([])
    setLeftOut(0)
  }
  return { files, leftOut, busy, since, add, retry, cancel, dismiss }
}

/** Closing the page would lose what has not left it. */
function useWarnBeforeLeaving(sending: boolean): void {
  useEffect(() => {
    if (!sending) return
    const warn = (event: BeforeUnloadEvent) => event.preventDefault()
    addEventListener('beforeunload', warn)
    return () => removeEventListener('beforeunload', warn)
  }, [sending])
}

function newUpload({ name, file }: DroppedFile, note: string): Upload {
  return { key: crypto.randomUUID(), name, file, state: 'waiting', sent: 0, note }
}

function takeBatch(queue: Upload[]): Upload[] {
  let bytes = 0
  let count = 0
  while (count < Math.min(queue.length, batchFiles)) {
    bytes += queue[count]?.file?.size ?? 0
    if (count > 0 && bytes > batchBytes) break
    count += 1
  }
  return queue.splice(0, count)
}

type SetFiles = (change: (current: Upload[]) => Upload[]) => void

function updater(batch: Upload[], setFiles: SetFiles) {
  const keys = new Set(batch.map((upload) => upload.key))
  return (change: (upload: Upload) => Upload) =>
    setFiles((current) => current.map((upload) => (keys.has(upload.key) ? change(upload) : upload)))
}

/** Sends a batch; the id of its job, or null when it failed, which its files then say. */
async function send(
  batch: Upload[],
  texts: Texts,
  setFiles: SetFiles,
  signal: AbortSignal,
): Promise<string | null> {
  const update = updater(batch, setFiles)
  const files = batch.flatMap(({ name, file }) => (file === null ? [] : [{ name, file }]))
  const ends = offsets(batch)
  const onSent = (bytes: number) =>
    update((upload) => {
      const { from, to } = ends.get(upload.key) ?? { from: 0, to: 0 }
      const sent = to === from ? 1 : Math.min(1, Math.max(0, (bytes - from) / (to - from)))
      return { ...upload, state: 'sending', sent, note: texts.uploads.sending(Math.round(sent * 100)) }
    })
  onSent(0)
  for (let tries = 1; ; tries += 1) {
    try {
      const job = await sendFiles(files, settings().collection || 'default', onSent, signal)
      update((upload) => ({ ...upload, state: 'reading', sent: 1, note: texts.uploads.reading }))
      return job
    } catch (error) {
      if (signal.aborted) update((upload) => failed(upload, texts.uploads.cancelled))
      else if (isBusy(error) && tries < busyTries) {
        await pause(1000 * (error.retryAfter ?? 1))
        continue
      } else {
        const advice = adviceFor(error, texts.uploads.subject, texts)
        update((upload) => failed(upload, `${advice.title}. ${advice.text}`))
      }
      return null
    }
  }
}

function isBusy(error: unknown): error is RequestFailed {
  return error instanceof RequestFailed && (error.status === 429 || error.status === 503)
}

/** Where each file lies in the bytes of its batch: they are sent one after another. */
function offsets(batch: Upload[]): Map<string, { from: number; to: number }> {
  const found = new Map<string, { from: number; to: number }>()
  let from = 0
  for (const { key, file } of batch) {
    const to = from + (file?.size ?? 0)
    found.set(key, { from, to })
    from = to
  }
  return found
}

/** Follows a job to its end and reports what became of each file. */
async function read(job: string, batch: Upload[], texts: Texts, setFiles: SetFiles): Promise<void> {
  const update = updater(batch, setFiles)
  try {
    const finished = await follow(job, (now) => {
      const lines = linesByUpload(batch, now.lines)
      update((upload) => withLine(upload, lines.get(upload.key), texts))
    })
    update((upload) => failUnlessDone(upload, finished.reason ?? texts.uploads.silent))
  } catch (error) {
    const advice = adviceFor(error, texts.uploads.subject, texts)
    update((upload) => failUnlessDone(upload, `${advice.title}. ${advice.text}`))
  }
}

/** Reads the job until it is finished, and reports each reading. */
async function follow(id: string, report: (job: Job) => void): Promise<Job> {
  for (let failures = 0; ; ) {
    try {
      const job = await readJob(id)
      failures = 0
      report(job)
      if (job.finishedAt !== null) return job
    } catch (error) {
      failures += 1
      if (failures > pollPatience) throw error
    }
    await pause(pollMs)
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Lines by name; two files of one name take theirs in turn. */
function linesByUpload(batch: Upload[], lines: IngestLine[]): Map<string, IngestLine> {
  const left = Map.groupBy(lines, (line) => line.file)
  const found = new Map<string, IngestLine>()
  for (const upload of batch) {
    const line = left.get(upload.name)?.shift()
    if (line !== undefined) found.set(upload.key, line)
  }
  return found
}

function withLine(upload: Upload, line: IngestLine | undefined, { uploads }: Texts): Upload {
  if (line === undefined) return upload
  if (line.status === 'failed' || line.status === 'skipped') {
    return failed(upload, line.reason ?? uploads.unreadable)
  }
  return { ...upload, state: 'done', note: [outcome(line, uploads), ...line.warnings].join('; ') }
}

function outcome(line: IngestLine, uploads: Texts['uploads']): string {
  if (line.status === 'unchanged') return uploads.unchanged
  return line.status === 'replaced' ? uploads.replaced(line.passages) : uploads.added(line.passages)
}

function failed(upload: Upload, note: string): Upload {
  return { ...upload, state: 'failed', note }
}

function failUnlessDone(upload: Upload, note: string): Upload {
  return upload.state === 'done' || upload.state === 'failed' ? upload : failed(upload, note)
}
