/**
 * Matches in the order of a value of their samples, however many there are.
 *
 * The samples are walked by an index of the value, some at a time, and the matches of each are found by their index:
 *
 *     size       1,000     1,024               1,024     …
 *     sample     17        3                   90
 *     matches    5, 61     2, 7 │ 44           12
 *                               └── a page that ends here goes on behind (1,024, 3, 7)
 *
 * A match that has a name of its own is not where its sample is in the order of names. Those are walked by an index of
 * matches, and both walks give what is before the place that each of them has come to. Matches of samples without a value
 * come last, the newest first.
 */
import { setImmediate } from 'node:timers/promises'
import { type RawBuilder, sql } from 'kysely'
import type { MatchConditions, MatchesInOrder, MatchOrder, MatchPlace } from '../matches.ts'
import type { Database } from './database.ts'
import type { Engine } from './engine.ts'
import { conditionsOf } from './match-conditions.ts'
import { matchesById, orderedBy } from './match-rows.ts'
import { BUDGET_MS, FIRST_OF_QUERY, PAST_ALL, searchIds } from './match-search.ts'
import { byBytes } from './match-values.ts'
import { sizeAfter } from './sample-search.ts'

export async function searchInOrder(
  database: Database,
  engine: Engine,
  rulesetIds: readonly number[],
  filter: MatchConditions,
  order: MatchOrder,
): Promise<MatchesInOrder> {
  const { limit, after } = order
  const ids: number[] = []
  let next = after
  if (after === null || after.value !== null) {
    const walked = await walkValues(database, engine, rulesetIds, filter, order)
    for (const { id } of walked.found) ids.push(id)
    next = walked.next
    // Sizes and names are there of every sample.
    if (next === null && order.by === 'threat') next = { value: null, sampleId: 0, id: PAST_ALL }
  }
  if (next !== null && next.value === null && ids.length < limit) {
    const walk = { limit: limit - ids.length, after: next.id }
    const also = [sql<boolean>`samples.threat_name IS NULL`]
    const rest = await searchIds(database, engine, rulesetIds, filter, walk, { also })
    ids.push(...rest.ids)
    next = rest.next === null ? null : { value: null, sampleId: 0, id: rest.next }
  }
  return { results: await matchesById(database, engine, ids), next }
}

/** Where a match is in the order: by value, then sample, then itself. */
type Place = MatchPlace & { readonly value: string | number }

interface Step {
  readonly found: readonly Place[]
  /** Up to where all is decided; null: to the end. */
  readonly upTo: Place | null
}

/** The rows `(value, sample_id, match_id)` of an index, and the matches of one of them, which is called `step`. */
interface Source {
  readonly rows: (from: Place | null, size: number) => RawBuilder<unknown>
  readonly matches: RawBuilder<unknown>
}

async function walkValues(
  database: Database,
  engine: Engine,
  rulesetIds: readonly number[],
  filter: MatchConditions,
  order: MatchOrder,
): Promise<{ readonly found: readonly Place[]; readonly next: Place | null }> {
  const { limit, descending } = order
  const conditions = conditionsOf(engine, rulesetIds, filter)
  if (rulesetIds.length > 0) conditions.push(sql`matches.ruleset_id IN ${engine.listOf(rulesetIds)}`)
  const fits = conditions.length > 0 ? sql.join(conditions, sql` AND `) : sql`TRUE`
  const compare = comparing(descending)
  const found: Place[] = []
  const began = performance.now()
  let from = order.after as Place | null
  for (let size = FIRST_OF_QUERY; ; await setImmediate()) {
    const started = performance.now()
    const steps: Step[] = []
    for (const each of orderSteps(engine, order, fits, from, size)) {
      const { rows } = await each.execute(database)
      steps.push(stepOf(rows, { from, size, descending }))
    }
    const upTo = steps.reduce((first: Place | null, step) => earlier(first, step.upTo, compare), null)
    const decided = steps.map((step) => step.found.filter((each) => upTo === null || compare(each, upTo) <= 0))
    const [one = [], ...others] = decided.filter((each) => each.length > 0)
    found.push(...(others.length === 0 ? one : [one, ...others].flat().sort(compare)))
    from = upTo
    const isOver = performance.now() - began > BUDGET_MS
    if (from === null || found.length >= limit || isOver) break
    size = sizeAfter(size, performance.now() - started)
  }
  const isCut = found.length > limit
  return { found: found.slice(0, limit), next: isCut ? (found[limit - 1] ?? null) : from }
}

function earlier(one: Place | null, other: Place | null, compare: Comparison): Place | null {
  if (one === null || other === null) return one ?? other
  return compare(one, other) <= 0 ? one : other
}

type Comparison = (one: Place, other: Place) => number

function comparing(descending: boolean): Comparison {
  const direction = descending ? -1 : 1
  return (one, other) =>
    direction * (ofValues(one.value, other.value) || one.sampleId - other.sampleId || one.id - other.id)
}

function ofValues(one: string | number, other: string | number): number {
  if (one === other) return 0
  return typeof one === 'number' && typeof other === 'number' ? one - other : byBytes(String(one), String(other))
}

function sourcesOf({ by, descending }: Pick<MatchOrder, 'by' | 'descending'>): Source[] {
  const column = { size: sql`size`, name: orderedBy(sql`name`), threat: orderedBy(sql`threat_name`) }[by]
  const mark = sql.raw(descending ? '<' : '>')
  const direction = descending ? sql`DESC` : sql`ASC`
  const ofSamples: Source = {
    rows(from, size) {
      const part: Part = (where, byValue = sql`${column} ${direction},`) => sql`SELECT * FROM (
        SELECT ${column} AS value, id AS sample_id, 0 AS match_id FROM samples
        WHERE ${by === 'threat' ? sql`threat_name IS NOT NULL` : sql`TRUE`} AND ${where}
        ORDER BY ${byValue} id ${direction} LIMIT ${size}) AS part`
      // Matches of the sample where a page ended may be left, unless all were decided.
      const also = from?.id === endOf(descending) ? sql`` : sql`=`
      return behind(from, part, (place) => sql`id ${mark}${also} ${place.sampleId}`, size)
    },
    matches:
      by === 'name'
        ? sql`matches.sample_id = step.sample_id AND matches.name IS NULL`
        : sql`matches.sample_id = step.sample_id`,
  }
  if (by !== 'name') return [ofSamples]
  const ofNames: Source = {
    rows(from, size) {
      const part: Part = (where, byValue = sql`${column} ${direction},`) => sql`SELECT * FROM (
        SELECT ${column} AS value, sample_id, id AS match_id FROM matches WHERE name IS NOT NULL AND ${where}
        ORDER BY ${byValue} sample_id ${direction}, id ${direction} LIMIT ${size}) AS part`
      return behind(from, part, (place) => sql`(sample_id, id) ${mark} (${place.sampleId}, ${place.id})`, size)
    },
    matches: sql`matches.id = step.match_id`,
  }
  return [ofSamples, ofNames]

  /** What is left of the place's value, then the values behind it: an index of expressions finds both, but no row of them. */
  function behind(
    from: Place | null,
    part: Part,
    left: (from: Place) => RawBuilder<unknown>,
    size: number,
  ): RawBuilder<unknown> {
    if (from === null) return part(sql`TRUE`)
    const same = part(sql`${column} = ${from.value} AND ${left(from)}`, sql``)
    return sql`${same} UNION ALL ${part(sql`${column} ${mark} ${from.value}`)}
      ORDER BY value ${direction}, sample_id ${direction}, match_id ${direction} LIMIT ${size}`
  }
}

/** Rows of an index; `byValue` is how they are ordered before their ids. */
type Part = (where: RawBuilder<unknown>, byValue?: RawBuilder<unknown>) => RawBuilder<unknown>

/** Behind all matches of a sample. */
const endOf = (descending: boolean): number => (descending ? 0 : PAST_ALL)

interface StepRow {
  readonly value: string | number
  readonly sampleId: number
  /** 0 where the row stands for all matches of the sample. */
  readonly matchId: number
  /** Of the matches that fit: a JSON array. */
  readonly ids: string
}

/** The statements behind a step, one for each index that has matches of the order. */
export function orderSteps(
  { joinInOrder, jsonIds }: Engine,
  order: Pick<MatchOrder, 'by' | 'descending'>,
  fits: RawBuilder<unknown>,
  from: Place | null,
  size: number,
): RawBuilder<StepRow>[] {
  const direction = order.descending ? sql`DESC` : sql`ASC`
  return sourcesOf(order).map((source) => {
    const fitting = sql`
      SELECT matches.id FROM matches ${joinInOrder} samples ON samples.id = matches.sample_id
      WHERE ${source.matches} AND ${fits} ORDER BY matches.id ${direction}`
    // One statement for both, so that what fits and where the step ended are of one moment.
    return sql<StepRow>`
      WITH step(value, sample_id, match_id) AS MATERIALIZED (${source.rows(from, size)})
      SELECT value, sample_id AS "sampleId", match_id AS "matchId", ${jsonIds(fitting)} AS ids FROM step
      ORDER BY value ${direction}, sample_id ${direction}, match_id ${direction}`
  })
}

function stepOf(
  rows: readonly StepRow[],
  { from, size, descending }: { readonly from: Place | null; readonly size: number; readonly descending: boolean },
): Step {
  const compare = comparing(descending)
  const places = rows.flatMap(({ value, sampleId, ids }) =>
    (JSON.parse(ids) as number[]).map((id) => ({ value, sampleId, id })),
  )
  const last = rows.at(-1)
  return {
    found: from === null ? places : places.filter((place) => compare(place, from) > 0),
    upTo:
      last === undefined || rows.length < size
        ? null
        : { value: last.value, sampleId: last.sampleId, id: last.matchId || endOf(descending) },
  }
}
