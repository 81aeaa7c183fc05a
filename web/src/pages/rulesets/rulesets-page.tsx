import { useState } from 'react'
import { Link } from 'react-router'
import { useUnread } from '../../api/bell.ts'
import { addressOf } from '../../api/http.ts'
import {
  addressOfRuleset,
  mayChange,
  type Ruleset,
  type RulesetQuery,
  useRulesets,
  useRulesetTags,
  useSwitchRuleset,
} from '../../api/rulesets.ts'
import { mayWork, type SessionUser, useUser } from '../../api/session.ts'
import { useSharing } from '../../api/sharing.ts'
import { type Change, useAddressState } from '../../parts/address-state.ts'
import { Badge, type ClassificationName, classifications } from '../../parts/badge.tsx'
import { Button, LinkButton } from '../../parts/button.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Filters, SearchField, Select } from '../../parts/field.tsx'
import { TABLE_FROM } from '../../parts/media.ts'
import { Moment } from '../../parts/moment.tsx'
import { notifyFailed } from '../../parts/notices.tsx'
import { count, counted } from '../../parts/numbers.ts'
import { PageHead } from '../../parts/page-head.tsx'
import { Pager } from '../../parts/pager.tsx'
import { Problem } from '../../parts/problem.tsx'
import { RulesetStatus } from '../../parts/ruleset-status.tsx'
import { Switch } from '../../parts/switch.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { ChosenRulesets } from './chosen-rulesets.tsx'
import { ImportPlace } from './import-place.tsx'
import styles from './rulesets-page.module.css'

const PAGE_SIZE = 100

const initial = {
  ...{ search: '', type: 'all', status: 'all', source: 'all', tag: '' },
  ...{ order: 'name', descending: false, page: 1 },
}
type State = typeof initial

const types = [
  { id: 'all', title: 'everybody' },
  { id: 'my', title: 'me' },
  { id: 'user', title: 'users' },
  { id: 'system', title: 'core' },
] as const
const statuses = ['all', 'active', 'disabled', 'invalid', 'error', 'pending', 'capped'].map((id) => ({
  id,
  title: id,
}))
const sources = [
  { id: 'all', title: 'all' },
  { id: 'local', title: 'this appliance' },
  { id: 'cloud', title: 'cloud' },
] as const

const none: ReadonlySet<string> = new Set()

export function Component() {
  const user = useUser()
  const isShared = useSharing().data?.member === true
  const [state, change] = useAddressState(initial)
  const { page, ...query } = state
  const list = useRulesets({ ...(query as Omit<RulesetQuery, 'page' | 'pageSize'>), page, pageSize: PAGE_SIZE })
  const [chosen, setChosen] = useState<ReadonlySet<string>>(none)
  const filter: Change<State> = (changes, how) => {
    // What is chosen is what can be seen, page by page.
    setChosen(none)
    change({ ...changes, page: 1 }, how)
  }
  const isFiltered = ['search', 'type', 'status', 'source', 'tag'].some(
    (name) => state[name as keyof State] !== initial[name as keyof State],
  )
  return (
    <>
      <PageHead
        title="Rulesets"
        about={list.data && `${counted(list.data.count, 'ruleset')}${isFiltered ? ' with these filters' : ''}`}
        actions={
          <>
            {isShared && <LinkButton href="/shared-rulesets">Shared</LinkButton>}
            <LinkButton href="/rule-sources">Sources</LinkButton>
            {mayWork(user) && (
              <LinkButton href="/workbench" weight="main">
                New ruleset
              </LinkButton>
            )}
          </>
        }
      />
      {mayWork(user) && <ImportPlace />}
      <ListFilters state={state} filter={filter} />
      {list.isError && !list.data ? (
        <Problem error={list.error} onRetry={() => void list.refetch()} />
      ) : (
        <>
          <Table
            name="rulesets"
            caption="Rulesets"
            columns={columnsFor(user)}
            rows={list.data?.results}
            keyOf={({ name }) => name}
            isStale={list.isPlaceholderData}
            {...(mayWork(user) && { choice: { chosen, onChange: setChosen } })}
            sort={{ by: state.order, descending: state.descending }}
            onSort={({ by, descending }) => filter({ order: by, descending })}
            empty={isFiltered ? <NothingFits filter={filter} /> : <NoRulesets />}
          />
          {list.data && (
            <Pager page={page} pageSize={PAGE_SIZE} total={list.data.count} onPage={(next) => change({ page: next })} />
          )}
          <ChosenRulesets
            chosen={chosen}
            fitting={list.data?.count ?? 0}
            query={query as Omit<RulesetQuery, 'page' | 'pageSize'>}
            onChoose={setChosen}
          />
        </>
      )}
    </>
  )
}

function ListFilters({ state, filter }: { readonly state: State; readonly filter: Change<State> }) {
  const tags = useRulesetTags().data?.results ?? []
  return (
    <Filters>
      <SearchField
        label="Search names and owners"
        value={state.search}
        onChange={(search) => filter({ search }, { replace: true })}
      />
      <Select label="Of" value={state.type} options={types} onChange={(type) => filter({ type })} />
      <Select label="Status" value={state.status} options={statuses} onChange={(status) => filter({ status })} />
      {tags.length > 0 && (
        <Select
          label="Tag"
          value={`=${state.tag}`}
          options={[{ id: '=', title: 'any' }, ...tags.map(({ tag }) => ({ id: `=${tag}`, title: tag }))]}
          onChange={(id) => filter({ tag: id.slice(1) })}
        />
      )}
      <Select label="Source" value={state.source} options={sources} onChange={(source) => filter({ source })} />
    </Filters>
  )
}

function columnsFor(user: SessionUser): readonly Column<Ruleset>[] {
  return [
    {
      key: 'name',
      title: 'Name',
      isSortable: true,
      cell: ({ name, tags }) => (
        <>
          <Link to={addressOfRuleset(name)} className={styles.name ?? ''}>
            {name}
          </Link>{' '}
          <NewMatches of={name} />
          {tags.length > 0 && <small className={styles.tags}>{tags.join(', ')}</small>}
        </>
      ),
    },
    {
      key: 'status',
      title: 'Status',
      isSortable: true,
      cell: ({ name, status, reason, expired, disabled_rules: off }) => (
        <>
          <RulesetStatus of={status} reason={reason} />
          {expired && <span className={styles.off}>expired</span>}
          {off > 0 && (
            <Link to={`${addressOfRuleset(name)}?tab=rules`} className={styles.off ?? ''}>
              {counted(off, 'rule')} off
            </Link>
          )}
        </>
      ),
    },
    {
      key: 'owner',
      title: 'Owner',
      isSortable: true,
      from: TABLE_FROM,
      cell: ({ owner, system_ruleset }) => (system_ruleset ? 'core' : owner),
    },
    ...[...classifications].reverse().map(countColumn),
    {
      key: 'last_matched',
      title: 'Last match',
      isSortable: true,
      from: TABLE_FROM,
      align: 'end',
      cell: ({ last_matched }) => (last_matched ? <Moment at={last_matched} /> : <Dash />),
    },
    {
      key: 'modified',
      title: 'Changed',
      isSortable: true,
      from: TABLE_FROM,
      align: 'end',
      cell: ({ modified }) => <Moment at={modified} />,
    },
    { key: 'enabled', title: 'Enabled', cell: (ruleset) => <EnabledSwitch ruleset={ruleset} user={user} /> },
  ]
}

function countColumn(classification: ClassificationName): Column<Ruleset> {
  return {
    key: classification,
    title: `${classification[0]?.toUpperCase()}${classification.slice(1)}`,
    isSortable: true,
    from: TABLE_FROM,
    align: 'end',
    cell: ({ name, match_counts }) => {
      const matches = match_counts[classification]
      if (matches === 0) return <Dash />
      return (
        <Link
          to={addressOf('/matches', { ruleset: name, classification })}
          className={styles.count ?? ''}
          data-classification={classification}
          aria-label={counted(matches, `${classification} match`, `${classification} matches`)}
        >
          {count(matches)}
        </Link>
      )
    },
  }
}

/** How many of its matches are new for the user; nothing for none. */
function NewMatches({ of }: { readonly of: string }) {
  const unread = useUnread().data?.rulesets.find(({ name }) => name === of)
  if (!unread) return null
  return (
    <Badge tone="information">
      {count(unread.matches)}
      {unread.more && '+'} new
    </Badge>
  )
}

const Dash = () => (
  <span className={styles.dash}>
    <span aria-hidden>–</span>
    <span className="visually-hidden">none</span>
  </span>
)

function EnabledSwitch({ ruleset, user }: { readonly ruleset: Ruleset; readonly user: SessionUser }) {
  const change = useSwitchRuleset()
  return (
    <Switch
      label={`${ruleset.name} is enabled`}
      isOn={ruleset.enabled}
      isDisabled={!mayChange(user, ruleset)}
      onChange={(enabled) => change.mutate({ name: ruleset.name, enabled }, { onError: notifyFailed })}
    />
  )
}

function NothingFits({ filter }: { readonly filter: Change<State> }) {
  return (
    <EmptyState title="No ruleset fits" action={<Button onPress={() => filter(initial)}>Show all rulesets</Button>}>
      None has this in its name with the filters above.
    </EmptyState>
  )
}

function NoRulesets() {
  return (
    <EmptyState
      title="No rulesets yet"
      action={
        <LinkButton href="/workbench" weight="main">
          Write the first one
        </LinkButton>
      }
    >
      A ruleset is a YARA text. Saved and enabled, it is matched against every sample that arrives; Local Retro matches
      it against those that are here. Files can be imported with <code>backtrail rules import</code>, and whole
      repositories are fetched as <Link to="/rule-sources">sources</Link>.
    </EmptyState>
  )
}
