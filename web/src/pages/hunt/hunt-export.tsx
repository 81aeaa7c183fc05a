import { Download } from 'lucide-react'
import { atServer } from '../../api/root.ts'
import { MenuButton } from '../../parts/menu-button.tsx'

const formats = [
  { id: 'csv', title: 'CSV' },
  { id: 'jsonl', title: 'JSON lines' },
  { id: 'hashes', title: 'Hashes' },
] as const

/** Everything that a hunt found, as a file. */
export function HuntExport({ id }: { readonly id: number }) {
  return (
    <MenuButton
      title={
        <>
          <Download size={14} aria-hidden /> Export
        </>
      }
      choices={formats}
      onChoose={(format) => window.location.assign(atServer(`/api/hunts/${id}/export/?format=${format}`))}
    />
  )
}
