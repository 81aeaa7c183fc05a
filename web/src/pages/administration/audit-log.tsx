import { Download } from 'lucide-react'
import { type AuditEntry, addressOfAuditExport, useAuditLog } from '../../api/audit.ts'
import { useAddressState } from '../../parts/address-state.ts'
import { LinkButton } from '../../parts/button.tsx'
import { DateRange } from '../../parts/date-range.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Filters, SearchField } from '../../parts/field.tsx'
import { GrowingTable, rowsOf } from '../../parts/growing-table.tsx'
import { Moment } from '../../parts/moment.tsx'
import { count } from '../../parts/numbers.ts'
import { Panel } from '../../parts/panel.tsx'
import { ShortField } from '../../parts/short-field.tsx'

const initial = { user: '', operation: '', subject: '', from: '', to: '' }
const SHOWN_SUBJECTS = 3

/** For administrators: who did what. */
export function AuditLog() {
  const [{ user, operation, subject, from, to }, change] = useAddressState(initial)
  const query = { user, operation, subject, from, to }
  const list = useAuditLog(query)
  return (
    <Panel
      title="Audit log"
      aside={
        <LinkButton href={addressOfAuditExport(query)} download>
          <Download size={14} aria-hidden /> Export
        </LinkButton>
      }
    >
      <Filters>
        <SearchField
          label="Search what it was about"
          value={subject}
          onChange={(subject) => change({ subject }, { replace: true })}
        />
        <ShortField label="User" width="8rem" value={user} onChange={(user) => change({ user }, { replace: true })} />
        <ShortField
          label="Operation"
          width="11rem"
          value={operation}
          onChange={(operation) => change({ operation }, { replace: true })}
        />
        <DateRange label="When" from={from} to={to} onChange={change} />
      </Filters>
      <GrowingTable
        caption="Entries of the audit log"
        list={list}
        rows={rowsOf(list)}
        what={['entry', 'entries']}
        columns={columns}
        keyOf={({ id }) => String(id)}
        empty={
          <EmptyState title="No entries">
            Changes of rulesets, samples, hunts and users are put down here, with log-ins and with what was refused.
          </EmptyState>
        }
      />
    </Panel>
  )
}

const columns = [
  { key: 'time', title: 'When', width: '9rem', cell: ({ time }: AuditEntry) => <Moment at={time} /> },
  { key: 'user', title: 'User', cell: ({ user }: AuditEntry) => user || 'not known' },
  { key: 'operation', title: 'Operation', cell: ({ operation }: AuditEntry) => <code>{operation}</code> },
  { key: 'subjects', title: 'About', cell: subjectsOf },
  {
    key: 'status',
    title: 'Outcome',
    cell: ({ status }: AuditEntry) => (status < 300 ? 'done' : `refused (${status})`),
  },
  { key: 'address', title: 'From', cell: ({ address }: AuditEntry) => address },
] as const

function subjectsOf({ subjects, subject_count }: AuditEntry): string {
  const more = subject_count - Math.min(subjects.length, SHOWN_SUBJECTS)
  return subjects.slice(0, SHOWN_SUBJECTS).join(', ') + (more > 0 ? ` and ${count(more)} more` : '')
}
