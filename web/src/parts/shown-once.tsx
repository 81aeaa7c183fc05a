import { CopyButton } from './copy-button.tsx'
import styles from './shown-once.module.css'

/** What the server tells this once, to be copied. `what` names it: `the token`. */
export function ShownOnce({ text, what }: { readonly text: string; readonly what: string }) {
  return (
    <p className={styles.shown}>
      <code>{text}</code>
      <CopyButton text={text} what={what} />
    </p>
  )
}
