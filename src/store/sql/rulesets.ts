import { sql } from 'kysely'
import type { Diagnostic, LeftOut } from '../../yara/index.ts'
import type { RuleSummary } from '../rule-summary.ts'
import type { StoredRulesets, TenantRuleset } from '../rulesets.ts'
import type { Flag } from '../schema.ts'
import type { Database } from './database.ts'
import type { Engine } from './engine.ts'
import { findEntry, listRulesets } from './ruleset-list.ts'

export function sqlRulesets(database: Database, engine: Engine): StoredRulesets {
  const { listOf, jsonLength } = engine
  const ofTenant = (tenantId: number) =>
    database
      .selectFrom('rulesets')
      .innerJoin('revisions', 'revisions.id', 'rulesets.revision_id')
      .select(['rulesets.id', 'rulesets.name', 'digest', 'revision_id', 'enabled', 'state', 'reason'])
      .select(jsonLength(sql`revisions.rules`).as('rules'))
      .where('rulesets.tenant_id', '=', tenantId)

  return {
    async findByName(name) {
      const row = await database
        .selectFrom('rulesets')
        .leftJoin('revisions', 'revisions.id', 'rulesets.revision_id')
        .select([
          'rulesets.id',
          'owner_id as ownerId',
          'core',
          'enabled',
          'expires',
          'state',
          'cloud_state as cloudState',
        ])
        .select(['cloud_synced as cloudSynced', 'revision_id as revisionId', 'revisions.number'])
        .select(['revisions.diagnostics', 'revisions.left_out as leftOut'])
        .select('revisions.text_digest as digest')
        .where('rulesets.name', '=', name)
        .where('rulesets.tenant_id', 'is', null)
        .executeTakeFirst()
      return row
        ? {
            ...row,
            core: row.core === 1,
            enabled: row.enabled === 1,
            cloudSynced: row.cloudSynced === 1,
            diagnostics: JSON.parse(row.diagnostics ?? '[]') as Diagnostic[],
            leftOut: leftOutOf(row.leftOut),
          }
        : null
    },

    findEntry: (name) => findEntry(database, engine, name),

    async findByCurrentRevision(revisionId) {
      const row = await database
        .selectFrom('rulesets')
        .select(['id', 'state'])
        .where('revision_id', '=', revisionId)
        .executeTakeFirst()
      return row ?? null
    },

    async exists(id) {
      const row = await database.selectFrom('rulesets').select('id').where('id', '=', id).executeTakeFirst()
      return row !== undefined
    },

    async findCondition(name) {
      const row = await database
        .selectFrom('rulesets')
        .select(['id', 'name', 'enabled', 'state', 'reason'])
        .where('name', '=', name)
        .where('tenant_id', 'is', null)
        .executeTakeFirst()
      return row ? { ...row, enabled: row.enabled === 1 } : null
    },

    async findText(id) {
      const { enabled, content, rules, ...row } = await database
        .selectFrom('rulesets')
        .leftJoin('revisions', 'revisions.id', 'rulesets.revision_id')
        .select(['rulesets.name', 'enabled', 'state', 'revision_id as revisionId'])
        .select(['revisions.content', 'revisions.text_digest as digest', 'revisions.rules'])
        .where('rulesets.id', '=', id)
        .executeTakeFirstOrThrow()
      const summaries = JSON.parse(rules ?? '[]') as RuleSummary[]
      return { ...row, enabled: enabled === 1, content: content ?? '', rules: summaries }
    },

    list: (ownerId, query) => listRulesets(database, engine, ownerId, query),

    async listLive() {
      const rows = await database
        .selectFrom('rulesets')
        .select(['id', 'revision_id', 'tenant_id'])
        .where('enabled', '=', 1)
        .where('state', '=', 'valid')
        .where('revision_id', 'is not', null)
        .orderBy('id')
        .execute()
      return rows.map((row) => ({
        rulesetId: row.id,
        revisionId: row.revision_id ?? 0,
        isTenants: row.tenant_id !== null,
      }))
    },

    async add({ name, ownerId, core, created }) {
      const { id } = await database
        .insertInto('rulesets')
        // The state comes with the first revision, in the same transaction.
        .values({
          name,
          owner_id: ownerId,
          core: core ? 1 : 0,
          enabled: 1,
          state: 'invalid',
          cloud_synced: 0,
          created,
          modified: created,
        })
        .returning('id')
        .executeTakeFirstOrThrow()
      return id
    },

    async addOfTenant({ name, tenantId, digest, enabled, created }) {
      const { id } = await database
        .insertInto('rulesets')
        .values({
          name,
          owner_id: tenantId,
          tenant_id: tenantId,
          digest,
          core: 0,
          enabled: enabled ? 1 : 0,
          state: 'valid',
          cloud_synced: 0,
          created,
          modified: created,
        })
        .returning('id')
        .executeTakeFirstOrThrow()
      return id
    },

    async setRevision(id, revisionId, condition) {
      await database
        .updateTable('rulesets')
        .set({ revision_id: revisionId, ...condition })
        .where('id', '=', id)
        .execute()
    },

    async setEnabled(id, { enabled, state, reason }) {
      await database
        .updateTable('rulesets')
        .set({ enabled: enabled ? 1 : 0, state, ...(reason !== undefined && { reason }) })
        .where('id', '=', id)
        .execute()
    },

    async setNotes(id, { notes, expires }) {
      if (notes === undefined && expires === undefined) return
      await database
        .updateTable('rulesets')
        .set({ ...(notes !== undefined && { notes }), ...(expires !== undefined && { expires }) })
        .where('id', '=', id)
        .execute()
    },

    async findExpired(at, limit) {
      return database
        .selectFrom('rulesets')
        .select(['id', 'name'])
        .where('expires', 'is not', null)
        .where('expires', '<=', at)
        .where('enabled', '=', 1)
        .where('tenant_id', 'is', null)
        .orderBy('expires')
        .orderBy('id')
        .limit(limit)
        .execute()
    },

    async nextExpiry() {
      const { next } = await database
        .selectFrom('rulesets')
        .select(({ fn }) => fn.min<number | null>('expires').as('next'))
        .where('expires', 'is not', null)
        .where('enabled', '=', 1)
        .where('tenant_id', 'is', null)
        .executeTakeFirstOrThrow()
      return next
    },

    async setStopped(id, reason, suspend) {
      await database
        .updateTable('rulesets')
        .set({ reason, ...(suspend && { state: 'error' }) })
        .where('id', '=', id)
        .execute()
    },

    async setCloudState(id, { synced, state }) {
      await database
        .updateTable('rulesets')
        .set({ cloud_synced: synced ? 1 : 0, cloud_state: state })
        .where('id', '=', id)
        .execute()
    },

    async clearCloudStates() {
      await database.updateTable('rulesets').set({ cloud_state: null }).where('cloud_state', 'is not', null).execute()
    },

    async changeOwner(from, to) {
      await database.updateTable('rulesets').set({ owner_id: to }).where('owner_id', '=', from).execute()
    },

    async recordMatch(ids, at) {
      await database
        .updateTable('rulesets')
        .set({ last_matched: sql`CASE WHEN last_matched > ${at} THEN last_matched ELSE ${at} END` })
        .where('id', 'in', listOf(ids))
        .execute()
    },

    async forgetLastMatched(id) {
      await sql`UPDATE rulesets SET last_matched = NULL
        WHERE id = ${id} AND NOT EXISTS (SELECT 1 FROM matches WHERE ruleset_id = ${id})`.execute(database)
    },

    async delete(id) {
      await database.deleteFrom('rulesets').where('id', '=', id).execute()
    },

    async findOfTenant(tenantId, name) {
      const row = await ofTenant(tenantId).where('rulesets.name', '=', name).executeTakeFirst()
      return row ? toTenantRuleset(row) : null
    },

    async listOfTenant(tenantId) {
      const rows = await ofTenant(tenantId).orderBy('rulesets.name').execute()
      return rows.map(toTenantRuleset)
    },

    async listTenants(revisionIds) {
      const rows = await database
        .selectFrom('rulesets')
        .select(['id', 'tenant_id', 'revision_id'])
        .where('revision_id', 'in', listOf(revisionIds))
        .where('tenant_id', 'is not', null)
        .orderBy('id')
        .execute()
      return rows.map(({ id, tenant_id, revision_id }) => ({
        id,
        tenantId: tenant_id as number,
        revisionId: revision_id as number,
      }))
    },

    async countOfTenant(tenantId, name) {
      const { count, same } = await database
        .selectFrom('rulesets')
        .select(({ fn, eb }) => [
          fn.countAll<number>().as('count'),
          fn.sum<number | null>(eb.case().when('name', '=', name).then(1).else(0).end()).as('same'),
        ])
        .where('tenant_id', '=', tenantId)
        .executeTakeFirstOrThrow()
      return { count, hasName: Boolean(same) }
    },

    async deleteOfRemovedTenants() {
      const { numDeletedRows } = await database
        .deleteFrom('rulesets')
        .where('tenant_id', 'in', (eb) => eb.selectFrom('users').select('id').where('removed', 'is not', null))
        .executeTakeFirst()
      return numDeletedRows > 0n
    },
  }
}

export function leftOutOf(json: string | null): readonly LeftOut[] {
  return json === null ? [] : (JSON.parse(json) as LeftOut[])
}

interface TenantRow {
  readonly id: number
  readonly name: string
  readonly digest: Uint8Array | null
  readonly revision_id: number | null
  readonly enabled: Flag
  readonly state: 'valid' | 'invalid' | 'error'
  readonly reason: string | null
  readonly rules: number
}

function toTenantRuleset(row: TenantRow): TenantRuleset {
  return {
    id: row.id,
    name: row.name,
    digest: row.digest?.toHex() ?? '',
    revisionId: row.revision_id ?? 0,
    rules: row.rules,
    wantsSamples: row.enabled === 1,
    runs: row.state === 'valid',
    reason: row.reason,
  }
}
