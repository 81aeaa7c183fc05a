import { memo } from 'react'
import { Link } from 'react-router'
import { Badge } from '../../parts/badge.tsx'
import { Button } from '../../parts/button.tsx'
import { bytes, count, counted } from '../../parts/numbers.ts'
import { Panel } from '../../parts/panel.tsx'
import { ProgressBar } from '../../parts/progress-bar.tsx'
import { clearEnded, stopUploads, tryAgain, type Upload, useUploads } from './uploads.ts'
import styles from './uploads-panel.module.css'

/** Rows that are shown; the totals count them all. */
const SHOWN = 200

/** Bytes. */
const LEAST_WITH_BAR = 1024 * 1024

/** What was dropped and how far it is; nothing while there is nothing. */
export function UploadsPanel() {
  const uploads = useUploads()
  if (uploads.length === 0) return null
  const among = (...states: Upload['state'][]) => uploads.filter(({ state }) => states.includes(state))
  const open = among('waiting', 'sending')
  const known = uploads.filter(({ isKnown }) => isKnown).length
  const failed = among('failed').length
  const sum = (of: 'size' | 'done', some: readonly Upload[]) => some.reduce((total, upload) => total + upload[of], 0)
  const words = [
    `${count(uploads.length - open.length - failed)} of ${counted(uploads.length, 'file')} sent`,
    known > 0 && `${count(known)} already here`,
    among('sent').length > 0 && `${count(among('sent').length)} being matched`,
    failed > 0 && `${count(failed)} failed`,
  ].filter(Boolean)
  return (
    <Panel
      title="Uploads"
      aside={
        <>
          {open.length > 0 && <Button onPress={stopUploads}>Stop</Button>}
          {open.length === 0 && <Button onPress={clearEnded}>Clear the list</Button>}
        </>
      }
    >
      <div className={styles.totals}>
        <ProgressBar label="Uploads" done={sum('done', uploads)} whole={Math.max(1, sum('size', uploads))} />
        <p aria-live="polite">{words.join(' · ')}</p>
      </div>
      <ul className={styles.list}>
        {uploads.slice(0, SHOWN).map((upload) => (
          <UploadRow key={upload.id} upload={upload} />
        ))}
      </ul>
      {uploads.length > SHOWN && <p className={styles.note}>and {counted(uploads.length - SHOWN, 'more file')}</p>}
    </Panel>
  )
}

/** Drawn anew only when something of its own changes. */
const UploadRow = memo(function UploadRow({ upload }: { readonly upload: Upload }) {
  const { id, name, size, sha256, problem } = upload
  return (
    <li>
      <span className={styles.name} title={name}>
        {sha256 ? <Link to={`/samples/${sha256}`}>{name}</Link> : name}
      </span>
      <span className={styles.size}>{bytes(size)}</span>
      <UploadState upload={upload} />
      {problem && (
        <span className={styles.problem}>
          {problem}
          <Button onPress={() => tryAgain(id)} aria-label={`Try again to send ${name}`}>
            Try again
          </Button>
        </span>
      )}
    </li>
  )
})

function UploadState({ upload: { name, state, done, size, isKnown } }: { readonly upload: Upload }) {
  switch (state) {
    case 'waiting':
      return <span className={styles.size}>waiting</span>
    case 'sending':
      // A small file is gone before a bar has begun to move.
      if (size < LEAST_WITH_BAR) return <span className={styles.size}>sending</span>
      return <ProgressBar label={`Sending ${name}`} done={done} whole={Math.max(1, size)} />
    case 'sent':
      return <Badge tone="information">{isKnown ? 'already here' : 'being matched'}</Badge>
    case 'processed':
      return <Badge tone={isKnown ? 'unknown' : 'goodware'}>{isKnown ? 'already here' : 'done'}</Badge>
    case 'failed':
      return <Badge tone="malicious">failed</Badge>
  }
}
