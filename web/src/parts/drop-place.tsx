import { FileUp, FolderUp } from 'lucide-react'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { Button } from './button.tsx'
import styles from './drop-place.module.css'
import { chosenFiles, type DroppedFile, droppedFiles } from './dropped-files.ts'
import { notifyFailed } from './notices.tsx'

/** Files and folders may be dropped anywhere on the page; this says so, and has buttons for those without a mouse. */
export function DropPlace({
  purpose,
  what,
  onFiles,
}: {
  /** What dropping is for, such as `upload`. */
  readonly purpose: string
  /** What may be dropped, such as `files or folders`. */
  readonly what: string
  readonly onFiles: (files: readonly DroppedFile[]) => void
}): ReactNode {
  const [isOver, setOver] = useState(false)
  const files = useRef<HTMLInputElement>(null)
  const folder = useRef<HTMLInputElement>(null)

  const latest = useRef(onFiles)
  useEffect(() => {
    latest.current = onFiles
  })

  useEffect(() => {
    const carriesFiles = ({ dataTransfer }: DragEvent) => dataTransfer?.types.includes('Files') ?? false
    const over = (event: DragEvent) => {
      if (!carriesFiles(event)) return
      event.preventDefault()
      setOver(true)
    }
    const leave = ({ relatedTarget }: DragEvent) => relatedTarget === null && setOver(false)
    const drop = (event: DragEvent) => {
      if (!carriesFiles(event) || !event.dataTransfer) return
      event.preventDefault()
      setOver(false)
      droppedFiles(event.dataTransfer).then((dropped) => latest.current(dropped), notifyFailed)
    }
    window.addEventListener('dragover', over)
    window.addEventListener('dragleave', leave)
    window.addEventListener('drop', drop)
    return () => {
      window.removeEventListener('dragover', over)
      window.removeEventListener('dragleave', leave)
      window.removeEventListener('drop', drop)
    }
  }, [])

  return (
    <div className={styles.place} data-over={isOver || undefined}>
      <span>{isOver ? `Drop them to ${purpose}` : `Drop ${what} anywhere on this page to ${purpose}, or`}</span>
      <Button onPress={() => files.current?.click()}>
        <FileUp size={14} aria-hidden /> Choose files
      </Button>
      <Button onPress={() => folder.current?.click()}>
        <FolderUp size={14} aria-hidden /> Choose a folder
      </Button>
      <Chooser reference={files} isFolder={false} onFiles={onFiles} />
      <Chooser reference={folder} isFolder onFiles={onFiles} />
    </div>
  )
}

function Chooser({
  reference,
  isFolder,
  onFiles,
}: {
  readonly reference: React.RefObject<HTMLInputElement | null>
  readonly isFolder: boolean
  readonly onFiles: (files: readonly DroppedFile[]) => void
}) {
  return (
    <input
      ref={reference}
      type="file"
      multiple
      {...(isFolder && { webkitdirectory: '' })}
      onChange={({ currentTarget }) => {
        if (currentTarget.files) onFiles(chosenFiles(currentTarget.files))
        // The same files may be chosen again.
        currentTarget.value = ''
      }}
    />
  )
}
