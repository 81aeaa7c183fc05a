import type { Insertable, Selectable } from 'kysely'
import type { CloudRuleset, CloudRulesetChange, StoredCloudRulesets } from '../cloud-rulesets.ts'
import type { CloudRulesetsTable, Flag } from '../schema.ts'
import type { Database } from './database.ts'
import type { Engine } from './engine.ts'

export function sqlCloudRulesets(database: Database, { listOf, textsOf }: Engine): StoredCloudRulesets {
  return {
    async find(rulesetId) {
      const row = await database
        .selectFrom('cloud_rulesets')
        .selectAll()
        .where('ruleset_id', '=', rulesetId)
        .executeTakeFirst()
      return row ? fromRow(row) : null
    },

    async write(rulesetId, change) {
      const exists = await database.selectFrom('rulesets').select('id').where('id', '=', rulesetId).executeTakeFirst()
      if (!exists) return null
      const values = toRow(change)
      const row = await database
        .insertInto('cloud_rulesets')
        .values({ wanted: 1, state: 'absent', ...values, ruleset_id: rulesetId })
        .onConflict((conflict) => conflict.column('ruleset_id').doUpdateSet({ ruleset_id: rulesetId, ...values }))
        .returningAll()
        .executeTakeFirstOrThrow()
      return fromRow(row)
    },

    async listThere() {
      const rows = await database
        .selectFrom('cloud_rulesets')
        .select('ruleset_id')
        .where('state', 'in', ['stored', 'validating'])
        .execute()
      return rows.map(({ ruleset_id }) => ruleset_id)
    },

    async listChanging(alsoThese) {
      return database
        .selectFrom('cloud_rulesets')
        .innerJoin('rulesets', 'rulesets.id', 'cloud_rulesets.ruleset_id')
        .select(['rulesets.id', 'rulesets.name', 'cloud_rulesets.state', 'retro_state as retroState'])
        .where('cloud_rulesets.state', 'in', ['validating', 'stored'])
        .where((eb) =>
          eb.or([
            eb('cloud_rulesets.state', '=', 'validating'),
            eb('retro_state', 'in', ['RUNNING', 'VALIDATING']),
            eb('rulesets.id', 'in', listOf(alsoThese)),
          ]),
        )
        .orderBy('rulesets.id')
        .execute()
    },

    async listWithText() {
      const rows = await database
        .selectFrom('cloud_rulesets')
        .innerJoin('rulesets', 'rulesets.id', 'cloud_rulesets.ruleset_id')
        .select(['rulesets.id', 'rulesets.name', 'cloud_rulesets.revision_id'])
        .where('cloud_rulesets.revision_id', 'is not', null)
        .execute()
      return rows.map(({ id, name, revision_id }) => ({ id, name, revisionId: revision_id as number }))
    },

    async setDigest(rulesetId, digest, revisionId) {
      await database
        .insertInto('cloud_digests')
        .values({ ruleset_id: rulesetId, digest, revision_id: revisionId })
        .onConflict((conflict) => conflict.columns(['ruleset_id', 'digest']).doUpdateSet({ revision_id: revisionId }))
        .execute()
    },

    async findTexts(names) {
      return database
        .selectFrom('rulesets')
        .innerJoin('cloud_digests', 'cloud_digests.ruleset_id', 'rulesets.id')
        .innerJoin('cloud_rulesets', 'cloud_rulesets.ruleset_id', 'rulesets.id')
        .select(['rulesets.id as rulesetId', 'rulesets.name', 'cloud_digests.digest'])
        .select(['cloud_digests.revision_id as revisionId', 'cloud_rulesets.cleared_until as clearedUntil'])
        .where('rulesets.name', 'in', textsOf(names))
        .where('rulesets.tenant_id', 'is', null)
        .execute()
    },
  }
}

function fromRow(row: Selectable<CloudRulesetsTable>): CloudRuleset {
  return {
    wanted: row.wanted === 1,
    state: row.state,
    reason: row.reason,
    revisionId: row.revision_id,
    retroState: row.retro_state,
    retroStarted: row.retro_started,
    retroFinished: row.retro_finished,
    retroEstimated: row.retro_estimated,
    retroProgress: row.retro_progress,
    retroReason: row.retro_reason,
    retroCapped: row.retro_capped === 1,
    clearedUntil: row.cleared_until,
  }
}

const columns = {
  wanted: 'wanted',
  state: 'state',
  reason: 'reason',
  revisionId: 'revision_id',
  retroState: 'retro_state',
  retroStarted: 'retro_started',
  retroFinished: 'retro_finished',
  retroEstimated: 'retro_estimated',
  retroProgress: 'retro_progress',
  retroReason: 'retro_reason',
  retroCapped: 'retro_capped',
  clearedUntil: 'cleared_until',
} as const satisfies Record<keyof CloudRuleset, keyof CloudRulesetsTable>

function toRow(change: CloudRulesetChange): Partial<Insertable<CloudRulesetsTable>> {
  const flag = (value: unknown) => (typeof value === 'boolean' ? ((value ? 1 : 0) satisfies Flag) : value)
  return Object.fromEntries(
    Object.entries(change).map(([key, value]) => [columns[key as keyof CloudRuleset], flag(value)]),
  )
}
