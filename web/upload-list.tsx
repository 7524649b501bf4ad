import { AgainIcon, CloseIcon, DoneIcon, FailedIcon } from './icons.tsx'
import type { Texts } from './texts/en.ts'
import { useTexts } from './use-texts.ts'
import type { Upload, Uploads } from './use-uploads.ts'
import { remaining } from './wording.ts'

/** Rows shown: a folder may bring ten thousand, and those that failed or are under way are what matters. */
const mostRows = 100
const order: Upload['state'][] = ['failed', 'sending', 'reading', 'waiting', 'done']

/** Files being added: how many are done, and what became of each. */
export function UploadList({ uploads }: { uploads: Uploads }) {
  const texts = useTexts()
  const { files, leftOut, busy, since, cancel, retry, dismiss } = uploads
  if (files.length === 0 && leftOut === 0) return null
  const ended = files.filter((file) => file.state === 'done' || file.state === 'failed').length
  const again = files.filter((file) => file.state === 'failed' && file.file !== null).length
  const rows =
    files.length <= mostRows
      ? files
      : files
          .toSorted((one, other) => order.indexOf(one.state) - order.indexOf(other.state))
          .slice(0, mostRows)
  return (
    <section className="uploads" aria-label={texts.uploads.region}>
      <header>
        <p role="status">{summary(files, busy, ended, texts)}</p>
        {busy && ended > 0 && (
          <p className="aside">
            {texts.uploads.left(remaining(((performance.now() - since) / ended) * (files.length - ended)))}
          </p>
        )}
        {!busy && again > 1 && (
          <button type="button" className="quiet" onClick={() => retry()}>
            {texts.uploads.retryAll}
          </button>
        )}
        {busy ? (
          <button type="button" className="quiet" onClick={cancel}>
            {texts.uploads.cancel}
          </button>
        ) : (
          <button type="button" className="icon-button" aria-label={texts.uploads.dismiss} onClick={dismiss}>
            <CloseIcon />
          </button>
        )}
      </header>
      {busy && <progress aria-label={texts.uploads.progress} value={ended} max={files.length} />}
      {leftOut > 0 && <p className="aside">{texts.uploads.leftOut(leftOut)}</p>}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <ul tabIndex={0} aria-label={texts.uploads.region}>
        {rows.map((file) => (
          <Row key={file.key} file={file} onRetry={busy ? undefined : () => retry(file.key)} />
        ))}
        {files.length > rows.length && (
          <li className="aside">{texts.uploads.more(files.length - rows.length)}</li>
        )}
      </ul>
    </section>
  )
}

function Row({ file, onRetry }: { file: Upload; onRetry: (() => void) | undefined }) {
  const { uploads } = useTexts()
  return (
    <li data-state={file.state}>
      <Mark state={file.state} />
      <bdi className="name" title={file.name}>
        {file.name}
      </bdi>
      {file.state === 'failed' && file.file !== null && onRetry !== undefined && (
        <button
          type="button"
          className="icon-button"
          aria-label={`${uploads.retry}: ${file.name}`}
          title={uploads.retry}
          onClick={onRetry}
        >
          <AgainIcon />
        </button>
      )}
      <bdi className="note">{file.note}</bdi>
    </li>
  )
}

function summary(files: Upload[], busy: boolean, ended: number, { uploads }: Texts): string {
  if (busy) return uploads.adding(files.length, ended)
  const failed = files.filter((file) => file.state === 'failed').length
  return failed === 0 ? uploads.ready(files.length) : uploads.outcome(files.length - failed, failed)
}

function Mark({ state }: { state: Upload['state'] }) {
  if (state === 'done') return <DoneIcon />
  if (state === 'failed') return <FailedIcon />
  return <span className="spinner" aria-hidden="true" />
}
