import { Link } from 'react-router'
import { addressOfRuleset, useRulesets } from '../../api/rulesets.ts'
import { useFileTypes } from '../../api/samples.ts'
import type { Change } from '../../parts/address-state.ts'
import { classifications } from '../../parts/badge.tsx'
import { Chip } from '../../parts/chip.tsx'
import { DateRange } from '../../parts/date-range.tsx'
import { Filters, SearchField, Select } from '../../parts/field.tsx'
import { QueryField } from '../../parts/query-field.tsx'
import { ShortField } from '../../parts/short-field.tsx'
import styles from './matches-page.module.css'
import type { MatchFilters } from './query.ts'

const verdicts = [
  { id: '', title: 'any' },
  ...[...classifications].reverse().map((id) => ({ id: id as string, title: id as string })),
]
const places = [
  { id: '', title: 'anywhere' },
  { id: 'local', title: 'here' },
  { id: 'cloud', title: 'in the cloud' },
]
const sizes = ['', '10KB', '100KB', '1MB', '10MB', '100MB'].map((id) => ({ id, title: id || 'any' }))

interface FilterProps {
  readonly filters: MatchFilters
  readonly change: Change<MatchFilters>
}

export function MatchFilterRow({ filters, change }: FilterProps) {
  const types = useFileTypes()
  return (
    <Filters>
      <QueryField
        value={filters.query}
        label="Samples that fulfil a query"
        placeholder="Samples: size:>1MB tag:seen"
        onChange={(query) => change({ query }, { replace: true })}
      />
      <SearchField
        label="Search rule names"
        value={filters.rule}
        onChange={(rule) => change({ rule }, { replace: true })}
      />
      <Select
        label="Classification"
        value={filters.classification}
        options={verdicts}
        onChange={(classification) => change({ classification })}
      />
      <Select label="Found" value={filters.place} options={places} onChange={(place) => change({ place })} />
      <ShortField
        label="Type"
        width="8rem"
        value={filters.file_type}
        suggestions={types.data?.results ?? []}
        onChange={(file_type) => change({ file_type }, { replace: true })}
      />
      <Select
        label="Size from"
        value={filters.min_size}
        options={sizes}
        onChange={(min_size) => change({ min_size })}
      />
      <Select label="up to" value={filters.max_size} options={sizes} onChange={(max_size) => change({ max_size })} />
      <ShortField
        label="Tag"
        width="4.5rem"
        value={filters.tag}
        onChange={(tag) => change({ tag }, { replace: true })}
      />
      <label className={styles.together}>
        <input
          type="checkbox"
          checked={filters.enabled_rules}
          onChange={() => change({ enabled_rules: !filters.enabled_rules })}
        />
        without rules switched off
      </label>
      <DateRange label="Recorded" from={filters.from} to={filters.to} onChange={change} />
    </Filters>
  )
}

/** The rulesets whose matches are shown, and a field to add one. */
export function RulesetChoice({ filters: { ruleset, revision, together, exact_rule }, change }: FilterProps) {
  const known = useRulesets({
    type: 'all',
    status: 'all',
    source: 'all',
    search: '',
    order: 'last_matched',
    descending: true,
    page: 1,
    pageSize: 500,
  })
  const names = known.data?.results.map(({ name }) => name) ?? []
  const add = (name: string) => {
    if (names.includes(name) && !ruleset.includes(name)) change({ ruleset: [...ruleset, name] })
  }
  return (
    <div className={styles.rulesets}>
      {ruleset.length === 0 ? 'Of all rulesets' : 'Of'}
      {ruleset.map((name) => (
        <Chip
          key={name}
          removeLabel={`Leave ${name} out`}
          onRemove={() => change({ ruleset: ruleset.filter((each) => each !== name) })}
        >
          <Link to={addressOfRuleset(name)}>{name}</Link>
        </Chip>
      ))}
      <ShortField
        label={ruleset.length === 0 ? 'only of' : 'and of'}
        width="12rem"
        value=""
        suggestions={names.filter((name) => !ruleset.includes(name))}
        onChange={add}
      />
      {exact_rule !== '' && (
        <Chip removeLabel="Of any rule" onRemove={() => change({ exact_rule: '' })}>
          of the rule {exact_rule}
        </Chip>
      )}
      {revision !== '' && (
        <Chip removeLabel="Of any revision" onRemove={() => change({ revision: '' })}>
          first found with revision {revision}
        </Chip>
      )}
      {ruleset.length > 1 && (
        <label className={styles.together}>
          <input type="checkbox" checked={together} onChange={() => change({ together: !together })} />
          only samples that match all of them
        </label>
      )}
    </div>
  )
}
