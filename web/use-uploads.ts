/** Files on their way into the documents: sent, read by a job, reported one by one. */
import { useCallback, useState } from 'react'
import { readJob, sendFiles } from './api.ts'
import { adviceFor } from './failure.ts'
import type { IngestLine, Job } from './wire.ts'

export interface Upload {
  key: string
  name: string
  state: 'sending' | 'reading' | 'done' | 'failed'
  /** What became of it, in words: why it failed, or how much was read. */
  note: string
}

export interface Uploads {
  files: Upload[]
  busy: boolean
  add(files: File[], folders?: string[]): void
  dismiss(): void
}

const collection = 'default'
const pollMs = 500
/** Failures of the poll itself (a restart of the backend) that are sat out before giving up. */
const pollPatience = 20

/** `onChange` is called when documents were added. */
export function useUploads(onChange: () => void): Uploads {
  const [files, setFiles] = useState<Upload[]>([])
  const busy = files.some((file) => file.state === 'sending' || file.state === 'reading')

  const add = useCallback(
    async (picked: File[], folders: string[] = []) => {
      setFiles((current) => [
        ...current.filter((upload) => upload.state !== 'done'),
        ...folders.map(asFolder),
      ])
      if (picked.length === 0) return
      const batch = picked.map((file) => newUpload(file.name))
      const keys = new Set(batch.map((upload) => upload.key))
      const update = (change: (upload: Upload) => Upload) =>
        setFiles((current) => current.map((upload) => (keys.has(upload.key) ? change(upload) : upload)))
      setFiles((current) => [...current, ...batch])
      try {
        const job = await sendFiles(picked, collection)
        update((upload) => ({ ...upload, state: 'reading', note: 'Waiting to be read' }))
        const report = (read: Job) => {
          const lines = linesByUpload(batch, read.lines)
          update((upload) => withLine(upload, lines.get(upload.key)))
        }
        const finished = await follow(job, report)
        update((upload) => unfinishedFails(upload, finished))
      } catch (error) {
        const advice = adviceFor(error, 'The upload')
        update((upload) => failUnlessDone(upload, `${advice.title}. ${advice.text}`))
      }
      onChange()
    },
    [onChange],
  )

  return { files, busy, add, dismiss: () => setFiles([]) }
}

function newUpload(name: string): Upload {
  return { key: crypto.randomUUID(), name, state: 'sending', note: 'Sending' }
}

function asFolder(name: string): Upload {
  const note = 'A folder: drop the files in it, or run ./mentor ingest FOLDER'
  return { key: crypto.randomUUID(), name, state: 'failed', note }
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
    await new Promise((resolve) => setTimeout(resolve, pollMs))
  }
}

/** Lines by name; two files of one name take theirs in turn. */
function linesByUpload(batch: Upload[], lines: IngestLine[]): Map<string, IngestLine> {
  const left = [...lines]
  const found = new Map<string, IngestLine>()
  for (const upload of batch) {
    const at = left.findIndex((line) => line.file === upload.name)
    const line = at < 0 ? undefined : left.splice(at, 1)[0]
    if (line !== undefined) found.set(upload.key, line)
  }
  return found
}

function withLine(upload: Upload, line: IngestLine | undefined): Upload {
  if (line === undefined) return upload
  if (line.status === 'failed' || line.status === 'skipped') {
    return { ...upload, state: 'failed', note: line.reason ?? 'It could not be read.' }
  }
  return { ...upload, state: 'done', note: [outcome(line), ...line.warnings].join('; ') }
}

function outcome(line: IngestLine): string {
  if (line.status === 'unchanged') return 'Already there, unchanged'
  const passages = `${line.passages} passage${line.passages === 1 ? '' : 's'}`
  return line.status === 'replaced' ? `Replaced, ${passages}` : `Added, ${passages}`
}

function unfinishedFails(upload: Upload, job: Job): Upload {
  return failUnlessDone(upload, job.reason ?? 'The job ended without a word about this file. Add it again.')
}

function failUnlessDone(upload: Upload, note: string): Upload {
  return upload.state === 'done' || upload.state === 'failed' ? upload : { ...upload, state: 'failed', note }
}
