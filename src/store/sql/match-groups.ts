/**
 * Matches by sample or by rule: a walk from the newest match on stops at the first of each group.
 *
 * A sample has few matches, so each of them is asked whether a newer one of its sample stands before it. A rule may
 * have millions, of which the filter leaves few; asking each about all that are newer would take their square. There, the
 * walk remembers the rules that it has met, and looks for those of earlier pages once for each rule, some matches at a time.
 */
import { setImmediate } from 'node:timers/promises'
import { type RawBuilder, sql } from 'kysely'
import type { Micros } from '../clock.ts'
import type { Counted } from '../counted.ts'
import type { MatchConditions, MatchGroupsFound, MatchWalk } from '../matches.ts'
import type { Database } from './database.ts'
import type { Engine } from './engine.ts'
import { ofMatches, ofSamples } from './match-conditions.ts'
import { matchesById } from './match-rows.ts'
import { type Choice, searchIds } from './match-search.ts'
import { sizeAfter } from './sample-search.ts'

/** Matches of a group that are counted at most, those that a condition has to be asked about and those that none has. */
const MOST_ASKED = 2_000
const MOST_COUNTED = 10_000
/** Groups that one statement counts; requests are answered in between. */
const COUNTED_AT_ONCE = { sample: 100, rule: 1 } as const
/** What counting may take; the groups that are left then are not counted. */
const COUNT_BUDGET_MS = 500
/** Matches of a rule that are looked at first. */
const FIRST_STEP = 64

/** What makes a match `newer` one of the group of `matches`, and what the filter demands of it. */
interface Grouping {
  readonly group: RawBuilder<unknown>
  /** Joins the sample of `newer`, where a condition is about it. */
  readonly sample: RawBuilder<unknown>
  readonly fits: RawBuilder<unknown>
  readonly isFiltered: boolean
}

export async function searchGroups(
  database: Database,
  engine: Engine,
  rulesetIds: readonly number[],
  filter: MatchConditions,
  by: 'sample' | 'rule',
  walk: Pick<MatchWalk, 'limit' | 'after'>,
): Promise<MatchGroupsFound> {
  const group =
    by === 'sample'
      ? sql`newer.sample_id = matches.sample_id`
      : sql`newer.ruleset_id = matches.ruleset_id AND newer.rule = matches.rule`
  // The matches of one sample all fulfil what is demanded of the sample; those of a rule are of many samples.
  const ofSample = by === 'rule' ? ofSamples(engine, rulesetIds, filter) : []
  const conditions = [...ofMatches(engine, rulesetIds, filter, 'newer'), ...ofSample]
  const grouping: Grouping = {
    group,
    sample: ofSample.length > 0 ? sql`${engine.joinInOrder} samples ON samples.id = newer.sample_id` : sql``,
    fits: conditions.length > 0 ? sql.join(conditions, sql` AND `) : sql`TRUE`,
    isFiltered: conditions.length > 0,
  }
  const heads =
    by === 'sample'
      ? { also: [isNewestOfSample(grouping)] }
      : { choose: newestOfRules(database, engine, grouping, walk) }
  const { ids, next } = await searchIds(database, engine, rulesetIds, filter, walk, heads)
  const counts = await countGroups(database, engine, ids, grouping, { atOnce: COUNTED_AT_ONCE[by], from: filter.from })
  const newest = await matchesById(database, engine, ids)
  return {
    results: newest.map((match) => ({ newest: match, matches: counts.get(match.id) ?? { count: 1, more: true } })),
    next,
  }
}

function isNewestOfSample({ group, sample, fits }: Grouping): RawBuilder<boolean> {
  return sql<boolean>`NOT EXISTS (
    SELECT 1 FROM matches AS newer ${sample} WHERE ${group} AND newer.id > matches.id AND ${fits})`
}

/** Of the matches that a walk finds, the first of each rule that no earlier page has. */
function newestOfRules(
  database: Database,
  { listOf, joinInOrder }: Engine,
  { sample, fits }: Grouping,
  { after }: Pick<MatchWalk, 'after'>,
): Choice {
  const met = new Set<string>()
  return async (ids, isOver) => {
    const rows = await database
      .selectFrom('matches')
      .select(['id', 'ruleset_id as rulesetId', 'rule'])
      .where('id', 'in', listOf(ids))
      .orderBy('id', 'desc')
      .execute()
    const chosen: number[] = []
    let decided: number | null = null
    for (const { id, rulesetId, rule } of rows) {
      const key = `${rulesetId} ${rule}`
      if (!met.has(key)) {
        if (after !== undefined && decided !== null && isOver()) return { chosen, upTo: decided }
        met.add(key)
        if (after === undefined || !(await isOnEarlierPage(rulesetId, rule, after))) chosen.push(id)
      }
      decided = id
    }
    return { chosen, upTo: null }
  }

  /** Whether a match of the rule that the walk has passed before fulfils the filter. */
  async function isOnEarlierPage(rulesetId: number, rule: string, after: number): Promise<boolean> {
    let from = after
    for (let size = FIRST_STEP; ; ) {
      const started = performance.now()
      const fitting = sql`SELECT 1 FROM step
        ${joinInOrder} matches AS newer ON newer.id = step.id ${sample} WHERE ${fits} LIMIT 1`
      const { rows } = await sql<{ looked: number; last: number | null; fitting: number }>`
        WITH step(id) AS MATERIALIZED (
          SELECT id FROM matches WHERE ruleset_id = ${rulesetId} AND rule = ${rule} AND id >= ${from}
          ORDER BY id LIMIT ${size}
        )
        SELECT count(*) AS looked, max(id) AS last, (SELECT count(*) FROM (${fitting}) AS one) AS fitting
        FROM step`.execute(database)
      const { looked = 0, last = null, fitting: found = 0 } = rows[0] ?? {}
      if (found > 0) return true
      if (last === null || looked < size) return false
      from = last + 1
      size = sizeAfter(size, performance.now() - started)
      await setImmediate()
    }
  }
}

/** How many matches the groups of these have that fulfil the filter. Groups are missing where time was short. */
async function countGroups(
  database: Database,
  { listOf }: Engine,
  ids: readonly number[],
  { group, sample, fits, isFiltered }: Grouping,
  { atOnce, from }: { readonly atOnce: number; readonly from: Micros | undefined },
): Promise<ReadonlyMap<number, Counted>> {
  const most = isFiltered ? MOST_ASKED : MOST_COUNTED
  const looked = sql`SELECT count(*) FROM (SELECT 1 FROM matches AS newer WHERE ${group} LIMIT ${most + 1}) AS looked`
  const fitting = sql`
    SELECT count(*) FROM (
      SELECT * FROM matches AS newer WHERE ${group} ORDER BY newer.id DESC LIMIT ${most}
    ) AS newer ${sample} WHERE ${fits}`
  const oldest = sql`
    SELECT created FROM matches AS newer WHERE ${group} ORDER BY newer.id DESC LIMIT 1 OFFSET ${most - 1}`
  // Matches are recorded in the order of their ids: none behind one that is too old fits.
  const areAll = (oldest: number | null) => from !== undefined && oldest !== null && oldest < from
  const counts = new Map<number, Counted>()
  const started = performance.now()
  for (let at = 0; at < ids.length && performance.now() - started < COUNT_BUDGET_MS; at += atOnce) {
    if (at > 0) await setImmediate()
    const { rows } = await sql<{ id: number; looked: number; oldest: number | null; fitting: number }>`
      SELECT matches.id, (${looked}) AS looked, (${oldest}) AS oldest, (${isFiltered ? fitting : looked}) AS fitting
      FROM matches WHERE matches.id IN ${listOf(ids.slice(at, at + atOnce))}`.execute(database)
    for (const { id, looked, oldest, fitting } of rows)
      counts.set(id, { count: Math.min(most, Math.max(1, fitting)), more: looked > most && !areAll(oldest) })
  }
  return counts
}
