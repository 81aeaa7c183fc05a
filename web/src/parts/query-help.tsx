import { fieldsOfQueries } from '../../../src/query/index.ts'
import { Button } from './button.tsx'
import { Dialog } from './dialog.tsx'
import styles from './query-help.module.css'

/** The query language, in short; each example can be added to the query. */
export function QueryHelp({
  isOpen,
  onClose,
  onExample,
}: {
  readonly isOpen: boolean
  readonly onClose: () => void
  readonly onExample: (example: string) => void
}) {
  return (
    <Dialog title="How to search" isOpen={isOpen} onClose={onClose} actions={<Button onPress={onClose}>Close</Button>}>
      <p>
        A word is a part of a name, or the beginning of a hash. Paste hashes to find any of them. With{' '}
        <code>field:value</code> you ask for more:
      </p>
      <ul className={styles.rules}>
        <li>
          Terms are combined with <code>AND</code> (or a blank), <code>OR</code>, <code>NOT</code> and parentheses.
        </li>
        <li>
          <code>*</code> stands for any characters, <code>?</code> for one. A value with blanks, parentheses or a colon
          is put in quotes.
        </li>
        <li>
          <code>[a TO b]</code> is a range; <code>&gt;</code>, <code>&gt;=</code>, <code>&lt;</code> and{' '}
          <code>&lt;=</code> are for one end; <code>[a, b]</code> is any of the values.
        </li>
      </ul>
      <table className={styles.fields}>
        <caption>Fields, with an example that can be added to the query</caption>
        <thead>
          <tr>
            <th scope="col">Example</th>
            <th scope="col">Meaning</th>
          </tr>
        </thead>
        <tbody>
          {fieldsOfQueries.map(({ name, about, example }) => (
            <tr key={name}>
              <th scope="row">
                <Button weight="quiet" aria-label={`Add ${example}`} onPress={() => onExample(example)}>
                  <code>{example}</code>
                </Button>
              </th>
              <td>{about}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Dialog>
  )
}
