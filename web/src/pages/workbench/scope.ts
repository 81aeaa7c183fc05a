/** The part of the samples that a text is run over: kept in the address, told to the server as a selection. */
import { useEffect, useMemo, useState } from 'react'
import { parseQuery } from '../../../../src/query/index.ts'
import { type Hunt, type Selection, useSelected } from '../../api/hunts.ts'
import { useAddressState } from '../../parts/address-state.ts'
import type { ClassificationName } from '../../parts/badge.tsx'

const TYPING_PAUSE_MS = 300

/** What rules should not match: what is classified so, and a collection that somebody has tagged so. */
const GOODWARE = 'classification:goodware OR tag:goodware'

/** Whatever `scope` says, a save can be preceded by a run over these. */
export const goodware: Selection = { query: GOODWARE }

/** In the address, so that going back and reloading keep it. `on`: `everything`, or `goodware` alone. */
export const everything = {
  on: 'everything',
  classification: 'all',
  type: 'all',
  tag: '',
  name: '',
  from: '',
  to: '',
  query: '',
}
export type Asked = typeof everything

export type Scope = ReturnType<typeof useScope>

export function useScope() {
  const [asked, setAsked] = useAddressState<Asked>(everything)
  // What is typed and what the address has may differ: a wrong query does not get there.
  const [isTypedWrong, setQueryWrong] = useState(false)
  // An address that was sent may have a query that cannot be understood, whether its field is shown or not.
  const isAskedWrong = useMemo(() => parseQuery(asked.query).problem !== null, [asked.query])
  const selection = useMemo(() => selectionOf(asked), [asked])
  const settled = useSettled(selection)
  const selected = useSelected(settled)
  return {
    asked,
    change: (changes: Partial<Asked>) => setAsked(changes, { replace: true }),
    selection,
    /** The same, when nothing has been typed for a moment. */
    settled,
    selected,
    isQueryWrong: isTypedWrong || isAskedWrong,
    setQueryWrong,
    /** No sample is in it: there is nothing to run over. */
    isEmpty: selected.data?.samples === 0,
    isNarrowed: Object.keys(selection).length > 0,
  }
}

export function selectionOf({
  on,
  classification,
  type,
  tag,
  name,
  from: firstDay,
  to: lastDay,
  query,
}: Asked): Selection {
  const own = query !== '' && parseQuery(query).condition !== null ? query : ''
  const from = timeOf(firstDay, '00:00:00')
  const to = timeOf(lastDay, '23:59:59')
  const queries = [on === 'goodware' ? GOODWARE : '', own].filter((each) => each !== '')
  return {
    ...(classification !== 'all' && { classifications: [classification as ClassificationName] }),
    ...(type !== 'all' && { file_types: [type] }),
    ...(tag !== '' && { tags: [tag] }),
    ...(name !== '' && { name }),
    ...(queries.length > 0 && { query: queries.length === 1 ? queries[0] : `(${queries.join(') AND (')})` }),
    ...((from || to) && { last_seen: { ...(from && { from }), ...(to && { to }) } }),
  }
}

/** The fields that select what a hunt was over; null where no fields of the page do. */
export function askedOf({ selection, selection_hashes: hashes }: Hunt): Asked | null {
  const { classifications, file_types, tags, name = '', query = '', last_seen } = selection
  const asked: Asked = {
    ...everything,
    classification: classifications?.[0] ?? 'all',
    type: file_types?.[0] ?? 'all',
    tag: tags?.[0] ?? '',
    name,
    ...(query === GOODWARE ? { on: 'goodware' } : { query }),
    from: dayOf(last_seen?.from),
    to: dayOf(last_seen?.to),
  }
  return hashes === 0 && isSameSelection(selectionOf(asked), selection) ? asked : null
}

/** Whether two select the same, however their times and fields are written. */
export function isSameSelection(one: Selection, other: Selection): boolean {
  return written(one) === written(other)
}

function written(selection: Selection): string {
  return JSON.stringify(selection, (_, value) => {
    if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value)) return Date.parse(value)
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return value
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}

/** A time of a day where the browser is; undefined for what is no day, which an address may have. */
function timeOf(day: string, clock: string): string | undefined {
  const time = Date.parse(`${day}T${clock}`)
  return Number.isNaN(time) ? undefined : new Date(time).toISOString()
}

/** `2026-11-22` where the browser is. */
function dayOf(time: string | undefined): string {
  if (time === undefined) return ''
  const at = new Date(time)
  const two = (number: number) => String(number).padStart(2, '0')
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
}

/** A selection as it was when nothing had been typed for a moment. */
function useSettled(selection: Selection): Selection {
  const [settled, setSettled] = useState(selection)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(selection), TYPING_PAUSE_MS)
    return () => clearTimeout(timer)
  }, [selection])
  return settled
}
