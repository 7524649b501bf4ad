import { useRef } from 'react'
import { type Dropped, pickedFiles } from './dropped-files.ts'
import { AddIcon, FolderIcon } from './icons.tsx'
import { useTexts } from './use-texts.ts'

export type OnFiles = (dropped: Dropped) => void

/** The ways to add files and folders without a mouse that drops them. */
export function AddButtons({ onFiles, folder = true }: { onFiles: OnFiles; folder?: boolean }) {
  const { bar } = useTexts()
  return (
    <div className="add">
      <AddButton onFiles={onFiles} name={bar.add} label={bar.filesToAdd}>
        <AddIcon />
      </AddButton>
      {folder && (
        <AddButton onFiles={onFiles} name={bar.addFolder} label={bar.folderToAdd} directory>
          <FolderIcon />
        </AddButton>
      )}
    </div>
  )
}

interface AddButtonProps {
  onFiles: OnFiles
  name: string
  label: string
  directory?: boolean
  children: React.ReactNode
}

function AddButton({ onFiles, name, label, directory = false, children }: AddButtonProps) {
  const input = useRef<HTMLInputElement>(null)
  return (
    <>
      <button type="button" className="quiet" title={name} onClick={() => input.current?.click()}>
        {children}
        <span>{name}</span>
      </button>
      <input
        ref={input}
        type="file"
        multiple
        {...(directory && { webkitdirectory: '' })}
        hidden
        aria-label={label}
        onChange={(event) => {
          onFiles(pickedFiles([...(event.target.files ?? [])]))
          // The same file may be picked again after it was mended.
          event.target.value = ''
        }}
      />
    </>
  )
}
