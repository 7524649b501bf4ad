import { type DragEvent, type ReactNode, useRef, useState } from 'react'

interface DropZoneProps {
  /** `folders`: names of what was dropped beside files and cannot be read here. */
  onFiles(files: File[], folders: string[]): void
  children: ReactNode
}

/** Takes files dropped anywhere on the page. The button beside it does the same without a mouse. */
export function DropZone({ onFiles, children }: DropZoneProps) {
  const [over, setOver] = useState(false)
  // Enter and leave fire for every element crossed: the page is left when they balance.
  const depth = useRef(0)
  const move = (step: number) => (event: DragEvent) => {
    if (!carriesFiles(event)) return
    event.preventDefault()
    depth.current = Math.max(0, depth.current + step)
    setOver(depth.current > 0)
  }
  const drop = (event: DragEvent) => {
    if (!carriesFiles(event)) return
    event.preventDefault()
    depth.current = 0
    setOver(false)
    const { files, folders } = sorted(event.dataTransfer)
    onFiles(files, folders)
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the button "Add documents" is the way by keyboard
    <div
      className="drop-zone"
      onDragEnter={move(1)}
      onDragOver={move(0)}
      onDragLeave={move(-1)}
      onDrop={drop}
    >
      {children}
      {over && (
        <div className="drop-veil">
          <p>Drop to add to your documents</p>
        </div>
      )}
    </div>
  )
}

function carriesFiles(event: DragEvent): boolean {
  return event.dataTransfer.types.includes('Files')
}

/** A dropped folder looks like a file until it is read, which then fails without a word of why. */
function sorted(dropped: DataTransfer): { files: File[]; folders: string[] } {
  const files: File[] = []
  const folders: string[] = []
  for (const item of dropped.items) {
    const file = item.getAsFile()
    if (file === null) continue
    if (item.webkitGetAsEntry()?.isDirectory === true) folders.push(file.name)
    else files.push(file)
  }
  return { files, folders }
}
