import { sql } from 'kysely'
import type { Diagnostic } from '../../yara/index.ts'
import type { NewOrigin, RevisionOrigin, StoredRevisions } from '../revisions.ts'
import type { RuleSummary } from '../rule-summary.ts'
import type { Database } from './database.ts'
import type { Engine } from './engine.ts'
import { leftOutOf } from './rulesets.ts'

export function sqlRevisions(database: Database, { listOf }: Engine): StoredRevisions {
  const listed = (rulesetId: number) =>
    database
      .selectFrom('revisions')
      .innerJoin('users', 'users.id', 'revisions.author_id')
      .select(['revisions.number', 'users.name as author', 'revisions.created', 'revisions.valid'])
      .select('revisions.origin')
      .where('revisions.ruleset_id', '=', rulesetId)

  return {
    async add({ rulesetId, number, content, digest = null, authorId, created, valid, origin, ...text }) {
      const { id } = await database
        .insertInto('revisions')
        .values({
          ruleset_id: rulesetId,
          number,
          content,
          text_digest: digest,
          author_id: authorId,
          created,
          valid: valid ? 1 : 0,
          diagnostics: JSON.stringify(text.diagnostics),
          rules: JSON.stringify(text.rules),
          plan: text.plan,
          left_out: text.leftOut.length === 0 ? null : JSON.stringify(text.leftOut),
          ...originColumns(origin),
        })
        .returning('id')
        .executeTakeFirstOrThrow()
      return id
    },

    async list(rulesetId, most) {
      const rows = await listed(rulesetId).orderBy('revisions.number', 'desc').limit(most).execute()
      return rows.map((row) => ({ ...row, valid: row.valid === 1, origin: readOrigin(row.origin) }))
    },

    async find(rulesetId, number) {
      const row = await listed(rulesetId)
        .select(['revisions.content', 'revisions.diagnostics', 'revisions.rules', 'revisions.left_out'])
        .where('revisions.number', '=', number)
        .executeTakeFirst()
      if (!row) return null
      const { left_out, ...revision } = row
      return {
        ...revision,
        valid: row.valid === 1,
        origin: readOrigin(row.origin),
        diagnostics: JSON.parse(row.diagnostics) as Diagnostic[],
        leftOut: leftOutOf(left_out),
        rules: rulesIn(row.rules),
      }
    },

    async listCurrent(afterRuleset, limit) {
      return database
        .selectFrom('rulesets')
        .innerJoin('revisions', 'revisions.id', 'rulesets.revision_id')
        .select(['revisions.id', 'rulesets.id as rulesetId', 'rulesets.name'])
        .select(sql<number>`octet_length(revisions.content)`.as('bytes'))
        .where('rulesets.id', '>', afterRuleset)
        .where('rulesets.tenant_id', 'is', null)
        .orderBy('rulesets.id')
        .limit(limit)
        .execute()
    },

    async textsOf(ids) {
      const rows = await database
        .selectFrom('revisions')
        .select(['id', 'content', 'rules'])
        .where('id', 'in', listOf(ids))
        .execute()
      return rows.map(({ rules, ...row }) => ({ ...row, rules: rulesIn(rules).map(({ name }) => name) }))
    },

    async contentOf(id) {
      const row = await database.selectFrom('revisions').select('content').where('id', '=', id).executeTakeFirst()
      return row?.content ?? null
    },

    async findNewestValid(name) {
      const row = await database
        .selectFrom('revisions')
        .innerJoin('rulesets', 'rulesets.id', 'revisions.ruleset_id')
        .select('revisions.id')
        .where('rulesets.name', '=', name)
        .where('rulesets.tenant_id', 'is', null)
        .where('revisions.valid', '=', 1)
        .orderBy('revisions.number', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row?.id ?? null
    },

    async findRunnable(ids) {
      const rows = await database
        .selectFrom('revisions')
        .innerJoin('rulesets', 'rulesets.id', 'revisions.ruleset_id')
        .select(['revisions.id', 'rulesets.name', 'rulesets.tenant_id', 'revisions.content', 'revisions.plan'])
        .select('revisions.left_out')
        .where('revisions.id', 'in', listOf(ids))
        .where('revisions.valid', '=', 1)
        .execute()
      return rows.map(({ tenant_id, left_out, ...row }) => ({
        ...row,
        isTenants: tenant_id !== null,
        leftOut: leftOutOf(left_out),
      }))
    },

    async listPlannedOtherwise(header) {
      const rows = await database
        .selectFrom('revisions')
        .select('id')
        .where('valid', '=', 1)
        .where('plan', 'not like', `${header}%`)
        .where('id', 'in', (eb) =>
          eb
            .selectFrom('revisions')
            .select((eb) => eb.fn.max('id').as('newest'))
            .where('valid', '=', 1)
            .groupBy('ruleset_id'),
        )
        .execute()
      return rows.map(({ id }) => id)
    },

    async setPlan(id, plan, rules) {
      await database
        .updateTable('revisions')
        .set({ plan, ...(rules !== null && { rules: JSON.stringify(rules) }) })
        .where('id', '=', id)
        .execute()
    },

    async rulesOfLastValid(rulesetId) {
      const row = await database
        .selectFrom('revisions')
        .select('rules')
        .where('ruleset_id', '=', rulesetId)
        .where('valid', '=', 1)
        .orderBy('number', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row ? rulesIn(row.rules) : []
    },

    async rulesOf(ids) {
      const rows = await database
        .selectFrom('revisions')
        .select(['id', 'rules'])
        .where('id', 'in', listOf(ids))
        .execute()
      return new Map(rows.map(({ id, rules }) => [id, rulesIn(rules)]))
    },

    async rulesThenAndNow(ids) {
      const rows = await database
        .selectFrom('revisions as then')
        .innerJoin('revisions as now', 'now.ruleset_id', 'then.ruleset_id')
        .select(['then.id', 'then.rules', 'now.rules as currentRules'])
        .where('then.id', 'in', listOf(ids))
        .where('now.id', '=', (eb) =>
          eb
            .selectFrom('revisions as newest')
            .select(({ fn }) => fn.max('newest.id').as('id'))
            .whereRef('newest.ruleset_id', '=', 'then.ruleset_id')
            .where('newest.valid', '=', 1),
        )
        .execute()
      return rows.map(({ id, rules, currentRules }) => ({
        id,
        rules: rulesIn(rules),
        currentRules: rulesIn(currentRules),
      }))
    },

    async findEnabled(ids) {
      return database
        .selectFrom('revisions')
        .innerJoin('rulesets', 'rulesets.id', 'revisions.ruleset_id')
        .select(['revisions.id', 'rulesets.id as rulesetId', 'rulesets.revision_id as current'])
        .where('revisions.id', 'in', listOf(ids))
        .where('rulesets.enabled', '=', 1)
        .where('rulesets.tenant_id', 'is', null)
        .execute()
    },
  }
}

function rulesIn(json: string): RuleSummary[] {
  return JSON.parse(json) as RuleSummary[]
}

function originColumns(origin: NewOrigin | undefined): {
  readonly source_id: number | null
  readonly source_path: string | null
  readonly origin: string | null
} {
  if (origin === undefined) return { source_id: null, source_path: null, origin: null }
  const { sourceId, ...shown } = origin
  return { source_id: sourceId, source_path: origin.path, origin: JSON.stringify(shown) }
}

function readOrigin(stored: string | null): RevisionOrigin | null {
  return stored === null ? null : (JSON.parse(stored) as RevisionOrigin)
}
