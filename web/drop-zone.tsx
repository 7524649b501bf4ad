import { type DragEvent, type ReactNode, useRef, useState } from 'react'
import type { OnFiles } from './add-button.tsx'
import { droppedFiles } from './dropped-files.ts'
import { useTexts } from './use-texts.ts'

/** Takes files and folders dropped anywhere on the page. The buttons do the same without a mouse. */
export function DropZone({ onFiles, children }: { onFiles: OnFiles; children: ReactNode }) {
  const { uploads } = useTexts()
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
    void droppedFiles(event.dataTransfer).then(onFiles)
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
          <p>{uploads.drop}</p>
        </div>
      )}
    </div>
  )
}

function carriesFiles(event: DragEvent): boolean {
  return event.dataTransfer.types.includes('Files')
}
