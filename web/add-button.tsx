import { useRef } from 'react'
import { AddIcon } from './icons.tsx'

/** The file name endings that ingestion reads; the backend decides, this only sorts the file dialog. */
const accepted = '.md,.markdown,.txt,.html,.htm,.pdf,.docx'

export function AddButton({ onFiles }: { onFiles(files: File[]): void }) {
  const input = useRef<HTMLInputElement>(null)
  return (
    <>
      <button type="button" className="quiet" onClick={() => input.current?.click()}>
        <AddIcon />
        Add documents
      </button>
      <input
        ref={input}
        type="file"
        multiple
        accept={accepted}
        hidden
        aria-label="Documents to add"
        onChange={(event) => {
          onFiles([...(event.target.files ?? [])])
          // The same file may be picked again after it was mended.
          event.target.value = ''
        }}
      />
    </>
  )
}
