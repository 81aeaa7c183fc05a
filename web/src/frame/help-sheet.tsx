import { Dialog } from '../parts/dialog.tsx'
import styles from './help-sheet.module.css'
import { ctrl, goTo } from './shortcuts.ts'

interface Row {
  readonly keys: readonly (readonly string[])[]
  readonly does: string
}

const groups: readonly { readonly title: string; readonly rows: readonly Row[] }[] = [
  {
    title: 'Everywhere',
    rows: [
      { keys: [[ctrl, 'K'], ['/']], does: 'Search everything' },
      { keys: [['?']], does: 'Show this sheet' },
      { keys: [['Esc']], does: 'Close a dialog or a menu' },
    ],
  },
  {
    title: 'Go to a page: one key after the other',
    rows: Object.entries(goTo).map(([key, { title }]) => ({ keys: [['g', key]], does: title })),
  },
  {
    title: 'In the editor',
    rows: [
      { keys: [[ctrl, 'S']], does: 'Save' },
      { keys: [[ctrl, 'Enter']], does: 'Test the rules' },
      { keys: [[ctrl, 'F']], does: 'Find and replace' },
      { keys: [[ctrl, 'Space']], does: 'Complete a word' },
      { keys: [['F12'], [ctrl, 'click']], does: 'Go to the definition of a string or a rule' },
      { keys: [['F2']], does: 'Rename a string or a rule wherever it is used' },
      { keys: [['Shift', 'Alt', 'F']], does: 'Format: indent every line' },
      { keys: [['Alt', 'Z']], does: 'Break long lines, or not' },
      { keys: [['F8']], does: 'Go to the next problem' },
      { keys: [['Esc', 'Tab']], does: 'Leave the editor' },
    ],
  },
]

/** The shortcuts that there are. */
export function HelpSheet({ onClose }: { readonly onClose: () => void }) {
  return (
    <Dialog title="Keyboard shortcuts" isOpen onClose={onClose}>
      {groups.map(({ title, rows }) => (
        <section key={title} aria-label={title}>
          <h3>{title}</h3>
          <dl className={styles.rows}>
            {rows.map(({ keys, does }) => (
              <div key={does} className={styles.row}>
                <dt>
                  {keys.map((some, n) => (
                    <span key={some.join()}>
                      {n > 0 && ' or '}
                      {some.map((key) => (
                        <kbd key={key}>{key}</kbd>
                      ))}
                    </span>
                  ))}
                </dt>
                <dd>{does}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </Dialog>
  )
}
