/**
 * Matches by sample or by rule. A walk from the newest match on stops at the first of each group: at every match that no
 * newer one of its group stands before, which an index answers. So a page of groups costs what a page of matches does,
 * whatever the number of matches.
 */
import { sql } from 'kysely'
import type { MatchConditions, MatchGroupsFound, MatchWalk } from '../matches.ts'
import type { Database } from './database.ts'
import type { Engine } from './engine.ts'
import { ofMatches, ofSamples } from './match-conditions.ts'
import { matchesById } from './match-rows.ts'
import { searchIds } from './match-search.ts'

/** Matches of a group that are counted at most, those that a condition has to be asked about and those that none has. */
const MOST_ASKED = 2_000
const MOST_COUNTED = 10_000

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
  const sample = ofSample.length > 0 ? sql`JOIN samples ON samples.id = newer.sample_id` : sql``
  const conditions = [...ofMatches(engine, rulesetIds, filter, 'newer'), ...ofSample]
  const fits = conditions.length > 0 ? sql.join(conditions, sql` AND `) : sql`TRUE`
  const isHead = sql<boolean>`NOT EXISTS (
    SELECT 1 FROM matches AS newer ${sample} WHERE ${group} AND newer.id > matches.id AND ${fits})`
  const { ids, next } = await searchIds(database, engine, rulesetIds, filter, walk, [isHead])

  const most = conditions.length > 0 ? MOST_ASKED : MOST_COUNTED
  const { rows } = await sql<{ id: number; looked: number; oldest: number | null; fitting: number }>`
    SELECT matches.id, (
      SELECT count(*) FROM (SELECT 1 FROM matches AS newer WHERE ${group} LIMIT ${most + 1}) AS looked
    ) AS looked, (
      SELECT created FROM matches AS newer WHERE ${group} ORDER BY newer.id DESC LIMIT 1 OFFSET ${most - 1}
    ) AS oldest, (
      SELECT count(*) FROM (
        SELECT * FROM matches AS newer WHERE ${group} ORDER BY newer.id DESC LIMIT ${most}
      ) AS newer ${sample} WHERE ${fits}
    ) AS fitting FROM matches WHERE matches.id IN ${engine.listOf(ids)}`.execute(database)
  // Matches are recorded in the order of their ids: none behind one that is too old fits.
  const isOver = (oldest: number | null) => filter.from !== undefined && oldest !== null && oldest < filter.from
  const counts = new Map(
    rows.map(
      ({ id, looked, oldest, fitting }) =>
        [id, { count: Math.max(1, fitting), more: looked > most && !isOver(oldest) }] as const,
    ),
  )
  const newest = await matchesById(database, engine, ids)
  return {
    results: newest.map((match) => ({ newest: match, matches: counts.get(match.id) ?? { count: 1, more: false } })),
    next,
  }
}
