import { type SqlBool, sql } from 'kysely'
import type { Account } from '../accounts/index.ts'
import { type Database, listOf, type Micros, offsetOf, type Page } from '../store/index.ts'

/**
 * What the API shows of a ruleset's condition. An enabled ruleset that runs is `active`, whether or not a cloud has
 * it; `pending` and `capped` are the cloud's: its validation is open, or its hunt stopped at the match limit.
 */
export type RulesetStatus = 'active' | 'disabled' | 'invalid' | 'error' | 'pending' | 'capped'

export interface RulesetEntry {
  readonly id: number
  readonly name: string
  readonly owner: string
  readonly status: RulesetStatus
  /** Why it is invalid or was suspended, or on which sample it was stopped; null when all is well. */
  readonly reason: string | null
  readonly core: boolean
  readonly enabled: boolean
  readonly cloudSynced: boolean
  /** The number of the current revision, from 1. */
  readonly revision: number
  /** Matches by the classification of their sample. */
  readonly counts: {
    readonly unknown: number
    readonly goodware: number
    readonly suspicious: number
    readonly malicious: number
  }
  readonly created: Micros
  readonly modified: Micros
  /** When a sample last matched, whether or not it had matched before. */
  readonly lastMatched: Micros | null
}

export interface RulesetQuery {
  /** `my`: of the one who asks; `user`: of all users; `system`: core rulesets. The first two leave core rulesets out. */
  readonly type: 'my' | 'user' | 'system' | 'all'
  readonly status: 'all' | RulesetStatus
  readonly source: 'all' | 'local' | 'cloud'
  /** Only those with this in their name or their owner's, whatever the case; everything by default. */
  readonly search?: string
  /** By name, ascending, by default; where it leaves two equal, the name decides. */
  readonly order?: { readonly by: RulesetOrder; readonly descending: boolean }
  /** Null for everything at once. */
  readonly page: Page | null
}

export const rulesetOrders = [
  'name',
  'owner',
  'status',
  'malicious',
  'suspicious',
  'goodware',
  'unknown',
  'modified',
  'last_matched',
] as const
export type RulesetOrder = (typeof rulesetOrders)[number]

const status = sql<RulesetStatus>`CASE
  WHEN rulesets.enabled = 0 THEN 'disabled'
  WHEN rulesets.state <> 'valid' THEN rulesets.state
  WHEN rulesets.cloud_state = 'validating' THEN 'pending'
  WHEN rulesets.cloud_state = 'capped' THEN 'capped'
  ELSE 'active' END`

const matchesOf = (classification: number) =>
  sql<number>`coalesce((SELECT matches FROM ruleset_counts
    WHERE ruleset_id = rulesets.id AND classification = ${sql.lit(classification)}), 0)`

const orders = {
  name: sql`rulesets.name COLLATE NOCASE`,
  owner: sql`users.name COLLATE NOCASE`,
  status,
  unknown: matchesOf(0),
  goodware: matchesOf(1),
  suspicious: matchesOf(2),
  malicious: matchesOf(3),
  modified: sql`rulesets.modified`,
  last_matched: sql`rulesets.last_matched`,
} as const satisfies Record<RulesetOrder, unknown>

/** `page.beyond-end` for a page past the last one. */
export async function listRulesets(
  database: Database,
  by: Account,
  query: RulesetQuery,
): Promise<{ count: number; results: RulesetEntry[] }> {
  return database.transaction().execute(async (trx) => {
    let chosen = trx
      .selectFrom('rulesets')
      .innerJoin('users', 'users.id', 'rulesets.owner_id')
      .where('rulesets.tenant_id', 'is', null)
      .select(['rulesets.id', 'rulesets.name'])
    if (query.type === 'my') chosen = chosen.where('owner_id', '=', by.id)
    if (query.type === 'my' || query.type === 'user') chosen = chosen.where('core', '=', 0)
    if (query.type === 'system') chosen = chosen.where('core', '=', 1)
    if (query.status !== 'all') chosen = chosen.where(sql<SqlBool>`${status} = ${query.status}`)
    if (query.search) {
      const { search } = query
      chosen = chosen.where(sql<SqlBool>`instr(lower(rulesets.name || ' ' || users.name), lower(${search})) > 0`)
    }
    if (query.source !== 'all') chosen = chosen.where('cloud_synced', '=', query.source === 'cloud' ? 1 : 0)

    const { count } = await trx
      .selectFrom(chosen.as('chosen'))
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow()
    const { by: column, descending } = query.order ?? { by: 'name', descending: false }
    const direction = descending ? 'desc' : 'asc'
    let part = query.order ? chosen.orderBy(orders[column], direction) : chosen
    part = part.orderBy('rulesets.name')
    if (query.page) part = part.limit(query.page.size).offset(offsetOf(query.page, count))
    const ids = (await part.execute()).map(({ id }) => id)
    const rows = await entries(trx).where('rulesets.id', 'in', listOf(ids)).execute()
    const byId = new Map(rows.map((row) => [row.id, toEntry(row)]))
    return { count, results: ids.flatMap((id) => byId.get(id) ?? []) }
  })
}

/** Undefined where there is none of that name. */
export async function findEntry(database: Database, name: string): Promise<RulesetEntry | undefined> {
  const row = await entries(database)
    .where('rulesets.name', '=', name)
    .where('rulesets.tenant_id', 'is', null)
    .executeTakeFirst()
  return row && toEntry(row)
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
      'revisions.number as revision',
      status.as('status'),
      matchesOf(0).as('unknown'),
      matchesOf(1).as('goodware'),
      matchesOf(2).as('suspicious'),
      matchesOf(3).as('malicious'),
    ])
}

function toEntry(row: Awaited<ReturnType<ReturnType<typeof entries>['execute']>>[number]): RulesetEntry {
  const { core, enabled, cloudSynced, revision, unknown, goodware, suspicious, malicious, ...rest } = row
  return {
    ...rest,
    core: core === 1,
    enabled: enabled === 1,
    cloudSynced: cloudSynced === 1,
    revision: revision ?? 0,
    counts: { unknown, goodware, suspicious, malicious },
  }
}
