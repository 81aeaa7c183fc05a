/** The filters of matches as SQL about a row of `matches` and its row of `samples`. */
import { type RawBuilder, sql } from 'kysely'
import type { MatchConditions } from '../matches.ts'
import type { Engine } from './engine.ts'
import { sqlOf } from './sample-conditions.ts'

type Sql = RawBuilder<boolean>

/** All that a filter demands. */
export function conditionsOf(engine: Engine, rulesetIds: readonly number[], filter: MatchConditions): Sql[] {
  return [...ofMatches(engine, rulesetIds, filter, 'matches'), ...ofSamples(engine, rulesetIds, filter)]
}

/**
 * What it demands of the match alone. `table` is what the row is called: rows of `matches` come from a source that
 * leaves other rulesets out.
 */
export function ofMatches(
  { listOf, like }: Engine,
  rulesetIds: readonly number[],
  filter: MatchConditions,
  table: 'matches' | 'newer',
): Sql[] {
  const { revision, rule, enabledRules, cloud, from, to, run, newInRun } = filter
  const row = sql.table(table)
  const conditions: Sql[] = []
  if (rulesetIds.length > 0 && table === 'newer') {
    conditions.push(sql`${row}.ruleset_id IN ${listOf(rulesetIds)}`)
  }
  if (revision !== undefined) {
    const itself = sql`SELECT 1 FROM revisions WHERE revisions.id = ${row}.revision_id AND revisions.number = ${revision}`
    conditions.push(sql`EXISTS (${itself})`)
  }
  if (rule) conditions.push(like(sql`${row}.rule`, `%${rule.replace(/[\\%_]/g, '\\$&')}%`))
  if (filter.exactRule !== undefined) conditions.push(sql`${row}.rule = ${filter.exactRule}`)
  if (enabledRules) {
    const disabled = sql`SELECT 1 FROM disabled_rules AS disabled
      WHERE disabled.ruleset_id = ${row}.ruleset_id AND disabled.rule = ${row}.rule`
    conditions.push(sql`NOT EXISTS (${disabled})`)
  }
  if (cloud !== undefined) conditions.push(sql`${row}.cloud = ${cloud ? 1 : 0}`)
  if (from !== undefined) conditions.push(sql`${row}.created >= ${from}`)
  if (to !== undefined) conditions.push(sql`${row}.created <= ${to}`)
  if (run !== undefined) {
    conditions.push(sql`EXISTS (
      SELECT 1 FROM retro_matches WHERE retro_matches.hunt_id = ${run} AND retro_matches.match_id = ${row}.id)`)
    if (newInRun) {
      conditions.push(sql`${row}.created > (
        SELECT coalesce(max(coalesce(stopped, started, created)), 0) FROM hunts
        WHERE kind = 'local-retro' AND id < ${run})`)
    }
  }
  return conditions
}

/** What it demands of the sample, a row that is called `samples`. */
export function ofSamples(engine: Engine, rulesetIds: readonly number[], filter: MatchConditions): Sql[] {
  const { listOf, textsOf } = engine
  const { classifications, fileTypes, minSize, maxSize, tag, sample } = filter
  const conditions: Sql[] = []
  if (classifications) conditions.push(sql`samples.classification IN ${listOf(classifications)}`)
  if (fileTypes) conditions.push(sql`samples.file_type IN ${textsOf(fileTypes)}`)
  if (minSize !== undefined) conditions.push(sql`samples.size >= ${minSize}`)
  if (maxSize !== undefined) conditions.push(sql`samples.size <= ${maxSize}`)
  if (tag !== undefined) {
    conditions.push(sql`EXISTS (SELECT 1 FROM tags WHERE tags.sample_id = samples.id AND tags.tag = ${tag})`)
  }
  if (sample) conditions.push(sqlOf(engine, sample))
  for (const ruleset of filter.ofAll ?? (filter.together ? rulesetIds : [])) {
    conditions.push(
      sql`EXISTS (SELECT 1 FROM matches AS also WHERE also.sample_id = samples.id AND also.ruleset_id = ${ruleset})`,
    )
  }
  return conditions
}
