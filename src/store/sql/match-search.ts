/**
 * Matches by what they and their samples are, newest first.
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
import { matchesById } from './match-rows.ts'

/** Matches looked at by one statement at most; the first looks at a page only, as that is enough without filters. */
const STEP = 4_000
/** What one answer may take; it is passed only by the step that is under way. */
const BUDGET_MS = 250
/** Conditions that leave no more than this are answered directly. */
const FEW = 2_000

const PAST_ALL = Number.MAX_SAFE_INTEGER

export async function searchMatches(
  database: Database,
  engine: Engine,
  rulesetIds: readonly number[],
  filter: MatchConditions,
  { limit, after = PAST_ALL }: MatchWalk,
): Promise<MatchesFound> {
  const source = (await fewMatches(database, engine, rulesetIds, filter)) ?? walkFrom(rulesetIds)
  const conditions = conditionsOf(engine, rulesetIds, filter)
  const started = performance.now()
  const ids: number[] = []
  let below: number | null = after
  for (let size = limit + 1; below !== null; size = Math.min(STEP, 4 * size)) {
    const step: Step = await takeStep(database, engine, source, conditions, { below, size })
    ids.push(...step.ids)
    below = step.next
    if (ids.length >= limit || performance.now() - started > BUDGET_MS) break
    await setImmediate()
  }
  const page = ids.slice(0, limit)
  const last = page.at(-1)
  const more = ids.length > limit && last !== undefined ? last : below
  return { results: await matchesById(database, engine, page), next: more }
}

/** How many matches fulfil the filter; see `Counted`. */
export async function countFoundMatches(
  database: Database,
  engine: Engine,
  rulesetIds: readonly number[],
  filter: MatchConditions,
): Promise<Counted> {
  const source = (await fewMatches(database, engine, rulesetIds, filter)) ?? walkFrom(rulesetIds)
  const conditions = conditionsOf(engine, rulesetIds, filter)
  return countInSteps(PAST_ALL, async (below) => {
    const { ids, next } = await takeStep(database, engine, source, conditions, { below, size: STEP })
    return { found: ids.length, next }
  })
}

interface Step {
  readonly ids: readonly number[]
  /** Where the walk goes on; null at its end. */
  readonly next: number | null
}

interface Portion {
  readonly below: number
  readonly size: number
}

/** SQL for the ids of at most `size` matches below an id, descending. */
type Source = (portion: Portion) => RawBuilder<unknown>

async function takeStep(
  database: Database,
  { joinInOrder, jsonIds }: Engine,
  source: Source,
  conditions: readonly RawBuilder<boolean>[],
  portion: Portion,
): Promise<Step> {
  // One statement looks at the step's matches, so that what passes and where the step ended are of one moment.
  const passing = sql`
    SELECT matches.id FROM step
    ${joinInOrder} matches ON matches.id = step.id
    ${joinInOrder} samples ON samples.id = matches.sample_id
    WHERE ${conditions.length > 0 ? sql.join(conditions, sql` AND `) : sql`TRUE`}
    ORDER BY matches.id DESC`
  const { rows } = await sql<{ last: number | null; looked: number; ids: string }>`
    WITH step(id) AS MATERIALIZED (${source(portion)})
    SELECT min(id) AS last, count(*) AS looked, ${jsonIds(passing)} AS ids FROM step`.execute(database)
  const [row] = rows
  const ids = JSON.parse(row?.ids ?? '[]') as number[]
  return { ids, next: row && row.looked >= portion.size ? row.last : null }
}

function walkFrom(rulesetIds: readonly number[]): Source {
  const [only, ...others] = rulesetIds
  if (only === undefined) {
    return ({ below, size }) => sql`SELECT id FROM matches WHERE id < ${below} ORDER BY id DESC LIMIT ${size}`
  }
  // Each ruleset's newest by its index, and of those the newest: no ruleset is read further than needed.
  return ({ below, size }) => {
    const each = [only, ...others].map(
      (ruleset) =>
        sql`SELECT id FROM (SELECT id FROM matches WHERE ruleset_id = ${ruleset} AND id < ${below}
          ORDER BY id DESC LIMIT ${size}) AS newest`,
    )
    return sql`SELECT id FROM (${sql.join(each, sql` UNION ALL `)}) AS each_ruleset ORDER BY id DESC LIMIT ${size}`
  }
}

/** A source over the few matches that a condition leaves; null when none is known to leave few. */
async function fewMatches(
  database: Database,
  { listOf, textsOf }: Engine,
  rulesetIds: readonly number[],
  filter: MatchConditions,
): Promise<Source | null> {
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

  function among(ids: readonly number[]): Source {
    const chosen = rulesetIds.length > 0 ? sql`AND ruleset_id IN ${listOf(rulesetIds)}` : sql``
    return ({ below, size }) =>
      sql`SELECT id FROM matches WHERE id IN ${listOf(ids)} AND id < ${below} ${chosen} ORDER BY id DESC LIMIT ${size}`
  }
}

async function idsOf(database: Database, query: RawBuilder<unknown>): Promise<number[]> {
  const { rows } = await (query as RawBuilder<{ id: number }>).execute(database)
  return rows.map(({ id }) => id)
}

function conditionsOf(
  { listOf, textsOf, like }: Engine,
  rulesetIds: readonly number[],
  filter: MatchConditions,
): RawBuilder<boolean>[] {
  const { revision, rule, enabledRules, cloud, classifications, fileTypes, tag, minSize, maxSize, from, to } = filter
  const conditions: RawBuilder<boolean>[] = []
  if (revision !== undefined) {
    const itself = sql`SELECT 1 FROM revisions WHERE revisions.id = matches.revision_id AND revisions.number = ${revision}`
    conditions.push(sql`EXISTS (${itself})`)
  }
  if (rule) conditions.push(like(sql`matches.rule`, `%${rule.replace(/[\\%_]/g, '\\$&')}%`))
  if (enabledRules) {
    const disabled = sql`SELECT 1 FROM disabled_rules AS disabled
      WHERE disabled.ruleset_id = matches.ruleset_id AND disabled.rule = matches.rule`
    conditions.push(sql`NOT EXISTS (${disabled})`)
  }
  if (cloud !== undefined) conditions.push(sql`matches.cloud = ${cloud ? 1 : 0}`)
  if (from !== undefined) conditions.push(sql`matches.created >= ${from}`)
  if (to !== undefined) conditions.push(sql`matches.created <= ${to}`)
  if (classifications) conditions.push(sql`samples.classification IN ${listOf(classifications)}`)
  if (fileTypes) conditions.push(sql`samples.file_type IN ${textsOf(fileTypes)}`)
  if (minSize !== undefined) conditions.push(sql`samples.size >= ${minSize}`)
  if (maxSize !== undefined) conditions.push(sql`samples.size <= ${maxSize}`)
  if (tag !== undefined) {
    conditions.push(sql`EXISTS (SELECT 1 FROM tags WHERE tags.sample_id = samples.id AND tags.tag = ${tag})`)
  }
  if (filter.together) {
    for (const ruleset of rulesetIds) {
      conditions.push(
        sql`EXISTS (SELECT 1 FROM matches AS also WHERE also.sample_id = samples.id AND also.ruleset_id = ${ruleset})`,
      )
    }
  }
  return conditions
}
