/**
 * Matches by what they and their samples are, newest first or oldest first.
 *
 * Ten million matches cannot be sorted or counted for each question, and the database answers in the server's own
 * thread. So a question is answered in one of two ways. Where one of its conditions leaves few matches or samples (by an
 * index, tried with a bound), those few are looked at. Otherwise the matches are walked from the newest on, some at a
 * time with pauses for other requests, until the page is full or the time is over; a page may then hold fewer rows than
 * asked for, even none, and `next` goes on behind what was looked at.
 */
import { setImmediate } from 'node:timers/promises'
import { type RawBuilder, sql } from 'kysely'
import { type Counted, countInSteps } from '../counted.ts'
import type { MatchConditions, MatchesFound, MatchWalk } from '../matches.ts'
import type { Database } from './database.ts'
import type { Engine } from './engine.ts'
import { conditionsOf } from './match-conditions.ts'
import { matchesById } from './match-rows.ts'
import { sizeAfter } from './sample-search.ts'

/** Matches looked at by one statement at most; the first looks at a page only, as that is enough without filters. */
const STEP = 4_000
/** Where each is asked what a query demands of samples, steps are sized by how long the last one took. */
export const FIRST_OF_QUERY = 64
/** What one answer may take; it is passed only by the step that is under way. */
export const BUDGET_MS = 250
/** Conditions that leave no more than this are answered directly. */
const FEW = 2_000

export const PAST_ALL = Number.MAX_SAFE_INTEGER

export async function searchMatches(
  database: Database,
  engine: Engine,
  rulesetIds: readonly number[],
  filter: MatchConditions,
  walk: MatchWalk,
): Promise<MatchesFound> {
  const { ids, next } = await searchIds(database, engine, rulesetIds, filter, walk)
  return { results: await matchesById(database, engine, ids), next }
}

/**
 * Chooses among the ids that a step of a walk has found, in their order. `upTo`: the last that was decided, where the time
 * was over before all were; the first one always is.
 */
export type Choice = (
  ids: readonly number[],
  isOver: () => boolean,
) => Promise<{ readonly chosen: readonly number[]; readonly upTo: number | null }>

/** Their ids. `also` are further conditions on the rows of `matches` and `samples`. */
export async function searchIds(
  database: Database,
  engine: Engine,
  rulesetIds: readonly number[],
  filter: MatchConditions,
  { limit, oldestFirst = false, after = oldestFirst ? 0 : PAST_ALL }: MatchWalk,
  { also = [], choose }: { readonly also?: readonly RawBuilder<boolean>[]; readonly choose?: Choice } = {},
): Promise<{ readonly ids: readonly number[]; readonly next: number | null }> {
  const source = await sourceOf(database, engine, rulesetIds, filter, oldestFirst)
  const conditions = [...conditionsOf(engine, rulesetIds, filter), ...also]
  const started = performance.now()
  const isOver = () => performance.now() - started > BUDGET_MS
  const ids: number[] = []
  let from: number | null = after
  let size = filter.sample ? FIRST_OF_QUERY : limit + 1
  while (from !== null) {
    const step: Step = await takeStep(database, engine, source, conditions, { from, size })
    size = filter.sample ? sizeAfter(size, step.ms) : Math.min(STEP, 4 * size)
    const { chosen, upTo } = choose ? await choose(step.ids, isOver) : { chosen: step.ids, upTo: null }
    ids.push(...chosen)
    from = upTo ?? step.next
    if (upTo !== null || ids.length >= limit || isOver()) break
    await setImmediate()
  }
  const page = ids.slice(0, limit)
  const last = page.at(-1)
  return { ids: page, next: ids.length > limit && last !== undefined ? last : from }
}

/** How many matches fulfil the filter; see `Counted`. */
export async function countFoundMatches(
  database: Database,
  engine: Engine,
  rulesetIds: readonly number[],
  filter: MatchConditions,
): Promise<Counted> {
  const source = await sourceOf(database, engine, rulesetIds, filter, false)
  const conditions = conditionsOf(engine, rulesetIds, filter)
  let size = filter.sample ? FIRST_OF_QUERY : STEP
  return countInSteps(PAST_ALL, async (from) => {
    const { ids, next, ms } = await takeStep(database, engine, source, conditions, { from, size })
    if (filter.sample) size = sizeAfter(size, ms)
    return { found: ids.length, next }
  })
}

interface Step {
  readonly ids: readonly number[]
  /** Where the walk goes on; null at its end. */
  readonly next: number | null
  readonly ms: number
}

interface Portion {
  /** The id behind which the portion begins, in the order of the walk. */
  readonly from: number
  readonly size: number
}

/** Where the ids of a walk come from, and in which order. */
interface Source {
  readonly ascending: boolean
  /** SQL for the ids of at most `size` matches behind an id, in the order of the walk. */
  readonly portion: (portion: Portion) => RawBuilder<unknown>
}

async function sourceOf(
  database: Database,
  engine: Engine,
  rulesetIds: readonly number[],
  filter: MatchConditions,
  ascending: boolean,
): Promise<Source> {
  const few = await fewMatches(database, engine, rulesetIds, filter, ascending)
  return { ascending, portion: few ?? walkFrom(rulesetIds, filter, ascending) }
}

/** The end of a statement that takes a portion; `id` is the column that is walked. */
function behind(id: RawBuilder<unknown>, ascending: boolean, { from, size }: Portion) {
  const order = ascending ? sql`ASC` : sql`DESC`
  return {
    where: ascending ? sql`${id} > ${from}` : sql`${id} < ${from}`,
    order: sql`ORDER BY ${id} ${order} LIMIT ${size}`,
  }
}

async function takeStep(
  database: Database,
  { joinInOrder, jsonIds }: Engine,
  source: Source,
  conditions: readonly RawBuilder<boolean>[],
  portion: Portion,
): Promise<Step> {
  const { ascending } = source
  const started = performance.now()
  // One statement looks at the step's matches, so that what passes and where the step ended are of one moment.
  const passing = sql`
    SELECT matches.id FROM step
    ${joinInOrder} matches ON matches.id = step.id
    ${joinInOrder} samples ON samples.id = matches.sample_id
    WHERE ${conditions.length > 0 ? sql.join(conditions, sql` AND `) : sql`TRUE`}
    ORDER BY matches.id ${ascending ? sql`ASC` : sql`DESC`}`
  const { rows } = await sql<{ last: number | null; looked: number; ids: string }>`
    WITH step(id) AS MATERIALIZED (${source.portion(portion)})
    SELECT ${ascending ? sql`max(id)` : sql`min(id)`} AS last, count(*) AS looked, ${jsonIds(passing)} AS ids FROM step`.execute(
    database,
  )
  const [row] = rows
  const ids = JSON.parse(row?.ids ?? '[]') as number[]
  return { ids, next: row && row.looked >= portion.size ? row.last : null, ms: performance.now() - started }
}

function walkFrom(
  rulesetIds: readonly number[],
  { run, exactRule }: MatchConditions,
  ascending: boolean,
): Source['portion'] {
  const [only, ...others] = rulesetIds
  // A run has most of what a ruleset has, and of all that it has a ruleset is little.
  if (run !== undefined && only === undefined) {
    return (portion) => {
      const { where, order } = behind(sql`match_id`, ascending, portion)
      return sql`SELECT match_id AS id FROM retro_matches WHERE hunt_id = ${run} AND ${where} ${order}`
    }
  }
  if (only === undefined) {
    return (portion) => {
      const { where, order } = behind(sql`id`, ascending, portion)
      return sql`SELECT id FROM matches WHERE ${where} ${order}`
    }
  }
  // By the index of rules where one is named.
  const ofRule = exactRule === undefined ? sql`` : sql`AND rule = ${exactRule}`
  // The first of each ruleset by its index, and of those the first: no ruleset is read further than needed.
  return (portion) => {
    const { where, order } = behind(sql`id`, ascending, portion)
    const each = [only, ...others].map(
      (ruleset) =>
        sql`SELECT id FROM (SELECT id FROM matches WHERE ruleset_id = ${ruleset} ${ofRule} AND ${where} ${order}) AS first_ones`,
    )
    return sql`SELECT id FROM (${sql.join(each, sql` UNION ALL `)}) AS each_ruleset ${order}`
  }
}

/** A source over the few matches that a condition leaves; null when none is known to leave few. */
async function fewMatches(
  database: Database,
  { listOf, textsOf }: Engine,
  rulesetIds: readonly number[],
  filter: MatchConditions,
  ascending: boolean,
): Promise<Source['portion'] | null> {
  const { tag, fileTypes, classifications, from, to } = filter
  if (from !== undefined || to !== undefined) {
    const recorded = sql`SELECT id FROM matches WHERE created BETWEEN ${from ?? 0} AND ${to ?? PAST_ALL} LIMIT ${FEW + 1}`
    const ids = await idsOf(database, recorded)
    if (ids.length <= FEW) return among(ids)
  }
  const probes = [
    tag !== undefined && sql`SELECT sample_id AS id FROM tags WHERE tag = ${tag} LIMIT ${FEW + 1}`,
    fileTypes && sql`SELECT id FROM samples WHERE file_type IN ${textsOf(fileTypes)} LIMIT ${FEW + 1}`,
    classifications && sql`SELECT id FROM samples WHERE classification IN ${listOf(classifications)} LIMIT ${FEW + 1}`,
  ].filter((probe) => typeof probe === 'object')
  for (const probe of probes) {
    const samples = await idsOf(database, probe)
    if (samples.length > FEW) continue
    const matches = sql`SELECT id FROM matches WHERE sample_id IN ${listOf(samples)} LIMIT ${10 * FEW + 1}`
    const ids = await idsOf(database, matches)
    if (ids.length <= 10 * FEW) return among(ids)
  }
  return null

  function among(ids: readonly number[]): Source['portion'] {
    const chosen = rulesetIds.length > 0 ? sql`AND ruleset_id IN ${listOf(rulesetIds)}` : sql``
    return (portion) => {
      const { where, order } = behind(sql`id`, ascending, portion)
      return sql`SELECT id FROM matches WHERE id IN ${listOf(ids)} AND ${where} ${chosen} ${order}`
    }
  }
}

async function idsOf(database: Database, query: RawBuilder<unknown>): Promise<number[]> {
  const { rows } = await (query as RawBuilder<{ id: number }>).execute(database)
  return rows.map(({ id }) => id)
}
