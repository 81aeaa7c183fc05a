import { Link } from 'react-router'
import type { Preview, PreviewedFile } from '../../api/rule-sources.ts'
import { addressOfRuleset } from '../../api/rulesets.ts'
import { counted, share } from '../../parts/numbers.ts'
import { type Column, Table } from '../../parts/table.tsx'
import styles from './tables.module.css'

const steps: Readonly<Record<PreviewedFile['step'], string>> = {
  create: 'new',
  offer: 'new',
  update: 'changed',
  keep: 'as before',
  restore: 'is back',
  detached: 'edited here: left alone',
  declined: 'deleted here: left alone',
  disable: 'gone: is disabled',
  delete: 'gone: is deleted',
  forget: 'gone',
}

/** File by file, what would be done, and what would come of it. */
export function PreviewTable({ preview: { files, unreadable, corpus } }: { readonly preview: Preview }) {
  const columns: readonly Column<PreviewedFile>[] = [
    { key: 'path', title: 'File', cell: ({ path }) => <span className={styles.path}>{path}</span> },
    { key: 'step', title: 'Change', cell: ({ step }) => steps[step] },
    {
      key: 'ruleset',
      title: 'Ruleset',
      cell: ({ ruleset, step }) =>
        step === 'create' || step === 'offer' ? ruleset : <Link to={addressOfRuleset(ruleset)}>{ruleset}</Link>,
    },
    { key: 'compiles', title: 'Compiles', cell: (file) => <Compiles file={file} /> },
    {
      key: 'expected',
      title: 'A hunt would read',
      align: 'end',
      cell: ({ expected, broad_rules }) => (
        <span className={styles.lines}>
          {expected && corpus ? share(expected.samples, corpus.samples) : '–'}
          {broad_rules.length > 0 && (
            <small className={styles.warning}>a tenth and more for {broad_rules.join(', ')}</small>
          )}
        </span>
      ),
    },
  ]
  return (
    <>
      <Table
        caption="Files and what would be done with each"
        columns={columns}
        rows={files}
        keyOf={({ path }) => path}
        empty={<p className={styles.none}>There is no rule file in it.</p>}
      />
      {unreadable.length > 0 && (
        <div className={styles.unreadable}>
          {counted(unreadable.length, 'file')} cannot be read:
          <ul>
            {unreadable.map(({ path, message }) => (
              <li key={path}>{message}</li>
            ))}
          </ul>
        </div>
      )}
    </>
  )
}

function Compiles({ file: { runs, problems } }: { readonly file: PreviewedFile }) {
  if (runs === null) return '–'
  return (
    <span className={styles.lines}>
      <span {...(!runs && { className: styles.error })}>{runs ? (problems.length > 0 ? 'in part' : 'yes') : 'no'}</span>
      {problems.slice(0, 5).map((problem) => (
        <small key={problem}>{problem}</small>
      ))}
    </span>
  )
}
