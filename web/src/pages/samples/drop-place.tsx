import { FileUp, FolderUp } from 'lucide-react'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { Button } from '../../parts/button.tsx'
import { notifyFailed } from '../../parts/notices.tsx'
import styles from './drop-place.module.css'
import { chosenFiles, droppedFiles } from './dropped-files.ts'
import { addUploads } from './uploads.ts'

/** Files and folders may be dropped anywhere on the page; this says so, and has buttons for those without a mouse. */
export function DropPlace(): ReactNode {
  const [isOver, setOver] = useState(false)
  const files = useRef<HTMLInputElement>(null)
  const folder = useRef<HTMLInputElement>(null)

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
      droppedFiles(event.dataTransfer).then(addUploads, notifyFailed)
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
      <span>{isOver ? 'Drop them to upload' : 'Drop files or folders anywhere on this page, or'}</span>
      <Button onPress={() => files.current?.click()}>
        <FileUp size={14} aria-hidden /> Choose files
      </Button>
      <Button onPress={() => folder.current?.click()}>
        <FolderUp size={14} aria-hidden /> Choose a folder
      </Button>
      <Chooser reference={files} isFolder={false} />
      <Chooser reference={folder} isFolder />
    </div>
  )
}

function Chooser({
  reference,
  isFolder,
}: {
  readonly reference: React.RefObject<HTMLInputElement | null>
  readonly isFolder: boolean
}) {
  return (
    <input
      ref={reference}
      type="file"
      multiple
      {...(isFolder && { webkitdirectory: '' })}
      onChange={({ currentTarget }) => {
        if (currentTarget.files) addUploads(chosenFiles(currentTarget.files))
        // The same files may be chosen again.
        currentTarget.value = ''
      }}
    />
  )
}
