import { type SqlBool, sql } from 'kysely'
import { offsetOf } from '../page.ts'
import type { RulesetEntry, RulesetOrder, RulesetQuery, RulesetStatus } from '../rulesets.ts'
import type { Database } from './database.ts'
import type { Engine } from './engine.ts'
import { sqlRulesetTags } from './ruleset-tags.ts'

const status = sql<RulesetStatus>`CASE
  WHEN rulesets.enabled = 0 THEN 'disabled'
  WHEN rulesets.state <> 'valid' THEN rulesets.state
  WHEN rulesets.cloud_state = 'validating' THEN 'pending'
  WHEN rulesets.cloud_state = 'capped' THEN 'capped'
  ELSE 'active' END`

const matchesOf = (classification: number) =>
  sql<number>`coalesce((SELECT sum(matches) FROM ruleset_counts
    WHERE ruleset_id = rulesets.id AND classification = ${sql.lit(classification)}), 0)`

const orders = {
  name: sql`lower(rulesets.name)`,
  owner: sql`lower(users.name)`,
  status,
  unknown: matchesOf(0),
  goodware: matchesOf(1),
  suspicious: matchesOf(2),
  malicious: matchesOf(3),
  modified: sql`rulesets.modified`,
  last_matched: sql`coalesce(rulesets.last_matched, 0)`,
} as const satisfies Record<RulesetOrder, unknown>

/** `page.beyond-end` for a page past the last one. */
export async function listRulesets(
  database: Database,
  engine: Engine,
  ownerId: number,
  query: RulesetQuery,
): Promise<{ count: number; results: RulesetEntry[] }> {
  const { listOf, contains } = engine
  let chosen = database
    .selectFrom('rulesets')
    .innerJoin('users', 'users.id', 'rulesets.owner_id')
    .where('rulesets.tenant_id', 'is', null)
    .select(['rulesets.id', 'rulesets.name'])
  if (query.type === 'my') chosen = chosen.where('owner_id', '=', ownerId)
  if (query.type === 'my' || query.type === 'user') chosen = chosen.where('core', '=', 0)
  if (query.type === 'system') chosen = chosen.where('core', '=', 1)
  if (query.status !== 'all') chosen = chosen.where(sql<SqlBool>`${status} = ${query.status}`)
  if (query.search) {
    chosen = chosen.where(contains(sql`(rulesets.name || ' ' || users.name)`, query.search))
  }
  const { tag } = query
  if (tag) {
    const tagged = database.selectFrom('ruleset_tags').select('ruleset_id').where('tag', '=', tag)
    chosen = chosen.where('rulesets.id', 'in', tagged)
  }
  if (query.source !== 'all') chosen = chosen.where('cloud_synced', '=', query.source === 'cloud' ? 1 : 0)

  const { count } = await database
    .selectFrom(chosen.as('chosen'))
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  const { by: column, descending } = query.order ?? { by: 'name', descending: false }
  const direction = descending ? 'desc' : 'asc'
  let part = query.order ? chosen.orderBy(orders[column], direction) : chosen
  part = part.orderBy('rulesets.name')
  if (query.page) part = part.limit(query.page.size).offset(offsetOf(query.page, count))
  const ids = (await part.execute()).map(({ id }) => id)
  const rows = await entries(database).where('rulesets.id', 'in', listOf(ids)).execute()
  const tags = await sqlRulesetTags(database, engine).listOfEach(ids)
  const byId = new Map(rows.map((row) => [row.id, toEntry(row, tags.get(row.id))]))
  return { count, results: ids.flatMap((id) => byId.get(id) ?? []) }
}

export async function findEntry(database: Database, engine: Engine, name: string): Promise<RulesetEntry | null> {
  const row = await entries(database)
    .where('rulesets.name', '=', name)
    .where('rulesets.tenant_id', 'is', null)
    .executeTakeFirst()
  if (!row) return null
  const tags = await sqlRulesetTags(database, engine).listOfEach([row.id])
  return toEntry(row, tags.get(row.id))
}

function entries(database: Database) {
  return database
    .selectFrom('rulesets')
    .innerJoin('users', 'users.id', 'rulesets.owner_id')
    .leftJoin('revisions', 'revisions.id', 'rulesets.revision_id')
    .select([
      'rulesets.id',
      'rulesets.name',
      'users.name as owner',
      'rulesets.reason',
      'rulesets.core',
      'rulesets.enabled',
      'rulesets.cloud_synced as cloudSynced',
      'rulesets.created',
      'rulesets.modified',
      'rulesets.last_matched as lastMatched',
      'rulesets.notes',
      'rulesets.expires',
      'revisions.number as revision',
      status.as('status'),
      matchesOf(0).as('unknown'),
      matchesOf(1).as('goodware'),
      matchesOf(2).as('suspicious'),
      matchesOf(3).as('malicious'),
      sql<number>`(SELECT count(*) FROM disabled_rules WHERE ruleset_id = rulesets.id)`.as('disabledRules'),
    ])
}

type EntryRow = Awaited<ReturnType<ReturnType<typeof entries>['execute']>>[number]

function toEntry(row: EntryRow, tags: readonly string[] = []): RulesetEntry {
  const { core, enabled, cloudSynced, revision, unknown, goodware, suspicious, malicious, ...rest } = row
  return {
    ...rest,
    core: core === 1,
    enabled: enabled === 1,
    cloudSynced: cloudSynced === 1,
    revision: revision ?? 0,
    tags,
    counts: { unknown, goodware, suspicious, malicious },
  }
}
