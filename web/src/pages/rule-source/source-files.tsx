import { Link } from 'react-router'
import type { RuleSourceFile } from '../../api/rule-sources.ts'
import { addressOfRuleset } from '../../api/rulesets.ts'
import { type Column, Table } from '../../parts/table.tsx'
import styles from './tables.module.css'

const states: Readonly<Record<RuleSourceFile['state'], string>> = {
  offered: 'not imported',
  imported: 'as in the source',
  detached: 'edited here: left alone',
  gone: 'gone from the source',
  deleted: 'deleted here',
}

const columns: readonly Column<RuleSourceFile>[] = [
  { key: 'path', title: 'File', cell: ({ path }) => <span className={styles.path}>{path}</span> },
  {
    key: 'ruleset',
    title: 'Ruleset',
    cell: ({ ruleset }) => (ruleset === null ? '–' : <Link to={addressOfRuleset(ruleset)}>{ruleset}</Link>),
  },
  {
    key: 'state',
    title: 'State',
    cell: ({ state, problem, enabled, ruleset }) => (
      <span className={styles.lines}>
        {states[state]}
        {ruleset !== null && !enabled && ', disabled'}
        {problem && <small className={styles.error}>{problem}</small>}
      </span>
    ),
  },
]

/** The rule files of a source as of the last synchronization, and what they became. */
export function SourceFiles({ files }: { readonly files: readonly RuleSourceFile[] | undefined }) {
  return (
    <Table
      caption="Files of the source"
      columns={columns}
      rows={files}
      keyOf={({ path }) => path}
      empty={<p className={styles.none}>No rule file was read yet.</p>}
    />
  )
}
