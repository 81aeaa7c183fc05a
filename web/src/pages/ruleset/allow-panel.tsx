import { type FormEvent, useState } from 'react'
import { type AllowEntry, useAllow, useAllowList, useDisallow } from '../../api/allow-lists.ts'
import { Button } from '../../parts/button.tsx'
import { Select, TextField } from '../../parts/field.tsx'
import { Moment } from '../../parts/moment.tsx'
import { notifyFailed } from '../../parts/notices.tsx'
import { counted } from '../../parts/numbers.ts'
import { Panel } from '../../parts/panel.tsx'
import { Problem } from '../../parts/problem.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import styles from './rules.module.css'

type Kind = AllowEntry['kind']

const kinds = [
  { id: 'hash', title: 'a hash' },
  { id: 'name', title: 'a file name' },
  { id: 'signer', title: 'a signer' },
  { id: 'serial', title: 'a serial number' },
] as const satisfies readonly { readonly id: Kind; readonly title: string }[]

const hints: Readonly<Record<Kind, string>> = {
  hash: 'MD5, SHA-1, SHA-256 or SHA-512.',
  name: 'With the wildcards * and ?.',
  signer: 'The common name of the certificate. Signatures are not verified: a hash is safer.',
  serial: 'Of the certificate, such as 77:01:9a. Signatures are not verified: a hash is safer.',
}

/** The samples whose matches with a rule are not reported. */
export function AllowPanel({
  ruleset,
  rules,
  mayChange,
}: {
  readonly ruleset: string
  /** Names of those in the text. */
  readonly rules: readonly string[]
  readonly mayChange: boolean
}) {
  const list = useAllowList(ruleset)
  const remove = useDisallow()
  const entries = list.data?.results
  const columns: readonly Column<AllowEntry>[] = [
    { key: 'rule', title: 'Rule', cell: ({ rule }) => <span className={styles.name}>{rule}</span> },
    { key: 'kind', title: 'Allowed is', cell: ({ kind }) => kinds.find(({ id }) => id === kind)?.title ?? kind },
    { key: 'value', title: 'Value', cell: ({ value }) => <span className={styles.name}>{value}</span> },
    {
      key: 'by',
      title: 'Added by',
      cell: ({ by, created }) => (
        <>
          {by}, <Moment at={created} />
        </>
      ),
    },
    ...(mayChange
      ? [
          {
            key: 'remove',
            title: 'Remove',
            cell: ({ rule, kind, value }: AllowEntry) => (
              <Button
                weight="quiet"
                aria-label={`Remove ${value} from the allow list of ${rule}`}
                isDisabled={remove.isPending}
                onPress={() => remove.mutate({ ruleset, rule, kind, value }, { onError: notifyFailed })}
              >
                Remove
              </Button>
            ),
          },
        ]
      : []),
  ]
  return (
    <Panel title="Allow list" aside={entries && counted(entries.length, 'entry', 'entries')}>
      <p className={styles.note}>
        A rule makes no matches on the samples that are allowed for it, from then on; earlier matches are kept.
      </p>
      {mayChange && rules.length > 0 && <AllowForm ruleset={ruleset} rules={rules} />}
      {list.isError ? (
        <Problem error={list.error} onRetry={() => void list.refetch()} />
      ) : (
        <Table
          caption="Allowed samples"
          columns={columns}
          rows={entries}
          keyOf={({ rule, kind, value }) => `${rule} ${kind} ${value}`}
          empty={<p className={styles.note}>Nothing is allowed.</p>}
        />
      )}
    </Panel>
  )
}

function AllowForm({ ruleset, rules }: { readonly ruleset: string; readonly rules: readonly string[] }) {
  const add = useAllow()
  const [rule, setRule] = useState(rules[0] ?? '')
  const [kind, setKind] = useState<Kind>('hash')
  const [value, setValue] = useState('')
  const onSubmit = (event: FormEvent) => {
    event.preventDefault()
    add.mutate({ ruleset, rule, kind, value }, { onError: notifyFailed, onSuccess: () => setValue('') })
  }
  return (
    <form className={styles.form} onSubmit={onSubmit}>
      <Select label="For" value={rule} options={rules.map((id) => ({ id, title: id }))} onChange={setRule} />
      <Select label="allow" value={kind} options={kinds} onChange={setKind} />
      <TextField
        label="Value"
        value={value}
        onChange={setValue}
        hint={hints[kind]}
        autoComplete="off"
        maxLength={300}
      />
      <Button type="submit" isDisabled={value.trim() === '' || add.isPending}>
        Allow
      </Button>
    </form>
  )
}
