import { useMemo, useState } from 'react'
import { Link } from 'react-router'
import { addressOf } from '../../api/http.ts'
import { type Rule, useRules, useSwitchRules } from '../../api/rules.ts'
import type { Ruleset } from '../../api/rulesets.ts'
import { useAddressState } from '../../parts/address-state.ts'
import { Badge } from '../../parts/badge.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Filters, SearchField } from '../../parts/field.tsx'
import { Moment } from '../../parts/moment.tsx'
import { More } from '../../parts/more.tsx'
import { notifyFailed } from '../../parts/notices.tsx'
import { count, counted } from '../../parts/numbers.ts'
import { Problem } from '../../parts/problem.tsx'
import { RuleMeta } from '../../parts/rule-meta.tsx'
import { Switch } from '../../parts/switch.tsx'
import { type Column, type Sort, Table } from '../../parts/table.tsx'
import { AllowPanel } from './allow-panel.tsx'
import styles from './rules.module.css'

const initial = { rules: '' }

/** A text may have tens of thousands. */
const ROWS = 200

/** The rules of a ruleset, with how much each matches, and a switch to silence it. */
export default function Rules({ ruleset, mayChange }: { readonly ruleset: Ruleset; readonly mayChange: boolean }) {
  const { name } = ruleset
  const list = useRules(name)
  const [{ rules: search }, change] = useAddressState(initial)
  const [sort, setSort] = useState<Sort | undefined>()
  const [most, setMost] = useState(ROWS)
  const switches = useSwitchRules(name)
  const all = list.data?.results
  const fitting = useMemo(() => all && sorted(searched(all, search), sort), [all, search, sort])
  if (list.isError && !all) return <Problem error={list.error} onRetry={() => void list.refetch()} />
  const columns = columnsOf({
    ruleset: name,
    mayChange,
    onSwitch: (rule, enabled) => switches.mutate({ rules: [rule], enabled }, { onError: notifyFailed }),
  })
  return (
    <>
      <p className={styles.note}>
        A rule that is switched off makes no matches from then on, here and in the cloud; other rules may still refer to
        it, and it stays off when the text changes. Its earlier matches are kept.
      </p>
      {ruleset.disabled_rules > 0 && (
        <p>
          <Link to={addressOf('/matches', { ruleset: name, enabled_rules: 'true' })}>
            Matches without those of the {counted(ruleset.disabled_rules, 'rule')} switched off
          </Link>
        </p>
      )}
      <Filters>
        <SearchField label="Search rules" value={search} onChange={(rules) => change({ rules }, { replace: true })} />
      </Filters>
      <Table
        caption="Rules"
        columns={columns}
        rows={fitting?.slice(0, most)}
        keyOf={keyOf}
        onSort={setSort}
        {...(sort && { sort })}
        empty={
          search === '' ? (
            <EmptyState title="There are no rules">No text of this ruleset has compiled yet.</EmptyState>
          ) : (
            <EmptyState title="No rule fits">None has this in its name or its tags.</EmptyState>
          )
        }
      />
      {fitting && fitting.length > ROWS && (
        <More
          shown={Math.min(most, fitting.length)}
          total={{ count: fitting.length, more: false }}
          what={['rule', 'rules']}
          hasMore={most < fitting.length}
          isLoading={false}
          onMore={() => setMost(most + ROWS)}
        />
      )}
      {all && (
        <AllowPanel
          ruleset={name}
          rules={all.filter(({ in_text }) => in_text).map((rule) => rule.name)}
          mayChange={mayChange}
        />
      )}
    </>
  )
}

const keyOf = ({ name }: Rule) => name

function searched(rules: readonly Rule[], search: string): readonly Rule[] {
  const part = search.toLowerCase()
  return rules.filter(({ name, tags }) => [name, ...tags].some((each) => each.toLowerCase().includes(part)))
}

/** In the order of the text without a sort. */
function sorted(rules: readonly Rule[], sort: Sort | undefined): readonly Rule[] {
  if (!sort) return rules
  const compare = (a: Rule, b: Rule) =>
    sort.by === 'matches' ? a.matches - b.matches : a.name.localeCompare(b.name, 'en')
  return rules.toSorted((a, b) => (sort.descending ? compare(b, a) : compare(a, b)))
}

function columnsOf({
  ruleset,
  mayChange,
  onSwitch,
}: {
  readonly ruleset: string
  readonly mayChange: boolean
  readonly onSwitch: (rule: string, enabled: boolean) => void
}): readonly Column<Rule>[] {
  return [
    {
      key: 'name',
      title: 'Rule',
      isSortable: true,
      cell: ({ name, tags, meta, noisy }) => (
        <>
          <span className={styles.name}>{name}</span> {noisy && <Badge tone="suspicious">noisy</Badge>}
          {tags.length > 0 && <small className={styles.tags}>{tags.join(' ')}</small>}
          {Object.keys(meta).length > 0 && (
            <details>
              <summary className={styles.tags}>About {name}</summary>
              <RuleMeta meta={meta} />
            </details>
          )}
        </>
      ),
    },
    {
      key: 'state',
      title: 'State',
      cell: (rule) => <State rule={rule} />,
    },
    {
      key: 'matches',
      title: 'Matches',
      align: 'end',
      isSortable: true,
      cell: ({ name, matches }) =>
        matches === 0 ? (
          <span className={styles.none}>0</span>
        ) : (
          <Link
            to={addressOf('/matches', { ruleset, rule: name })}
            aria-label={`${counted(matches, 'match', 'matches')} of ${name}`}
          >
            {count(matches)}
          </Link>
        ),
    },
    {
      key: 'enabled',
      title: 'Reports matches',
      cell: ({ name, enabled }) => (
        <Switch
          label={`${name} reports matches`}
          isOn={enabled}
          isDisabled={!mayChange}
          onChange={(isOn) => onSwitch(name, isOn)}
        />
      ),
    },
  ]
}

function State({ rule: { enabled, in_text, disabled_by, disabled_since, matches } }: { readonly rule: Rule }) {
  if (enabled) return 'on'
  return (
    <span className={styles.off}>
      off
      {disabled_since && (
        <small>
          {' '}
          by {disabled_by}, <Moment at={disabled_since} />
        </small>
      )}
      {matches > 0 && <small>; matches from before are kept</small>}
      {!in_text && <small>; no longer in the text</small>}
    </span>
  )
}
