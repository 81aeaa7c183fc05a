import { CircleAlert, CircleCheck, X } from 'lucide-react'
import { useEffect, useSyncExternalStore } from 'react'
import { Button } from './button.tsx'
import styles from './notices.module.css'

interface Notice {
  readonly id: number
  readonly kind: 'done' | 'failed'
  readonly text: string
}

const SHOWN_MS = 6_000

let notices: readonly Notice[] = []
let lastId = 0
const listeners = new Set<() => void>()

/** Says in a corner of the window that something is done; goes away by itself. */
export const notifyDone = (text: string): void => add('done', text)

/** Says that something failed and what to do; stays until it is closed. */
export const notifyFailed = (error: unknown): void =>
  add('failed', error instanceof Error ? error.message : String(error))

export function Notices() {
  const shown = useSyncExternalStore(subscribe, () => notices)
  return (
    <section aria-label="Notices" aria-live="polite" className={styles.notices}>
      {shown.map((notice) => (
        <NoticeLine key={notice.id} {...notice} />
      ))}
    </section>
  )
}

function NoticeLine({ id, kind, text }: Notice) {
  useEffect(() => {
    if (kind === 'failed') return
    const timer = setTimeout(() => remove(id), SHOWN_MS)
    return () => clearTimeout(timer)
  }, [id, kind])
  const Icon = kind === 'done' ? CircleCheck : CircleAlert
  return (
    <div className={`${styles.notice} ${styles[kind]}`}>
      <Icon size={16} aria-hidden />
      <p>{text}</p>
      <Button weight="quiet" isIcon aria-label="Close this notice" onPress={() => remove(id)}>
        <X size={14} aria-hidden />
      </Button>
    </div>
  )
}

function add(kind: Notice['kind'], text: string): void {
  // The same failure twice is one notice.
  const others = notices.filter((notice) => notice.text !== text)
  change([...others, { id: ++lastId, kind, text }].slice(-5))
}

function remove(id: number): void {
  change(notices.filter((notice) => notice.id !== id))
}

function change(next: readonly Notice[]): void {
  notices = next
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
