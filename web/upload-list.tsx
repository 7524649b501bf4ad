import { CloseIcon, DoneIcon, FailedIcon } from './icons.tsx'
import type { Upload, Uploads } from './use-uploads.ts'
import { counted } from './wording.ts'

/** Files being added: how many are done, and what became of each. */
export function UploadList({ uploads }: { uploads: Uploads }) {
  const { files, busy, dismiss } = uploads
  if (files.length === 0) return null
  const ended = files.filter((file) => file.state === 'done' || file.state === 'failed').length
  return (
    <section className="uploads" aria-label="Documents being added">
      <header>
        <p role="status">{summary(files, busy, ended)}</p>
        {!busy && (
          <button type="button" className="quiet square" aria-label="Dismiss" onClick={dismiss}>
            <CloseIcon />
          </button>
        )}
      </header>
      {busy && <progress aria-label="Documents added" value={ended} max={files.length} />}
      <ul>
        {files.map((file) => (
          <li key={file.key} data-state={file.state}>
            <Mark state={file.state} />
            <bdi className="name">{file.name}</bdi>
            <bdi className="note">{file.note}</bdi>
          </li>
        ))}
      </ul>
    </section>
  )
}

function summary(files: Upload[], busy: boolean, ended: number): string {
  if (busy) return `Adding ${counted(files.length, 'document')}: ${ended} done`
  const failed = files.filter((file) => file.state === 'failed').length
  if (failed === 0) return `${counted(files.length, 'document')} ready to be asked about`
  const added = failed === files.length ? '' : `${files.length - failed} added, `
  return `${added}${counted(failed, 'document')} could not be added`
}

function Mark({ state }: { state: Upload['state'] }) {
  if (state === 'done') return <DoneIcon />
  if (state === 'failed') return <FailedIcon />
  return <span className="spinner" aria-hidden="true" />
}
