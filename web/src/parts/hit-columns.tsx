import { Link } from 'react-router'
import type { HuntHit } from '../api/hunts.ts'
import { Classification } from './badge.tsx'
import styles from './hit-columns.module.css'
import { HitStrings } from './hit-strings.tsx'
import { TABLE_FROM } from './media.ts'
import { bytes } from './numbers.ts'
import type { Column } from './table.tsx'

/** What is shown of a match that an ad-hoc hunt found. */
export const hitColumns: readonly Column<HuntHit>[] = [
  {
    key: 'sample',
    title: 'Sample',
    cell: ({ sha256, filename }) => (
      <Link to={`/samples/${sha256}`} className={styles.name ?? ''} title={`${filename}\n${sha256}`}>
        {filename}
      </Link>
    ),
  },
  { key: 'rule', title: 'Rule', cell: ({ rule }) => rule },
  { key: 'classification', title: 'Classification', cell: (hit) => <Classification of={hit.classification} /> },
  { key: 'threat', title: 'Threat', from: TABLE_FROM, cell: ({ threat_name }) => threat_name ?? '–' },
  { key: 'type', title: 'Type', from: TABLE_FROM, cell: (hit) => hit.file_type },
  { key: 'size', title: 'Size', from: TABLE_FROM, align: 'end', cell: (hit) => bytes(hit.file_size) },
  {
    key: 'strings',
    title: 'Strings',
    from: TABLE_FROM,
    cell: ({ strings, sha256 }) => <HitStrings strings={strings} sha256={sha256} />,
  },
]
